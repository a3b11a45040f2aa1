"""Which way is up, and where the floor is: from how people stand and where their feet rest."""

from __future__ import annotations

import numpy as np

from ..rotation import Array, normalise
from ..skeleton import BODY_26
from .trajectory import Ground

LEVEL_UP: Array = np.array([0.0, -1.0, 0.0])
"""Up in the frame of a level camera."""
PITCH_SIGMA, ROLL_SIGMA = np.radians(12.0), np.radians(2.5)
"""How far cameras are from level: they are tilted on purpose, but seldom rolled."""
STANDING_SIGMA = np.radians(3.0)
"""How far the mean direction from feet to neck of a standing person is from up."""
CONTACT_SIGMA = 0.03
"""Metres by which contact points lie off one plane, depth errors included."""
INDEPENDENT_CONTACTS = 30.0
"""Contacts of neighbouring frames say the same: all of a clip count as this many."""


def standing_up(points: Array, weights: Array) -> tuple[Array, float]:
    """The mean direction (3,) from the ankles to the neck over frames in which a person stands, and how much
    it can be trusted, 0 to 1.

    `points` (F, 26, 3), camera's axes; `weights` (F, 26). Standing: both legs straight, trunk in line with them.
    """

    def direction(start: str, end: str) -> Array:
        return normalise(points[:, BODY_26.index(end)] - points[:, BODY_26.index(start)])

    trunk = direction("pelvis", "neck")
    straight = np.ones(len(points))
    for side in ("left", "right"):
        thigh, shin = direction(f"{side}_knee", f"{side}_hip"), direction(f"{side}_ankle", f"{side}_knee")
        straight *= _near(thigh, shin, 35.0) * _near(trunk, thigh, 40.0)
    seen = weights[:, BODY_26.indices("left_shoulder", "right_shoulder", "left_ankle", "right_ankle")].min(1)
    share = straight * seen
    ankles = points[:, BODY_26.indices("left_ankle", "right_ankle")].mean(1)
    up = normalise(points[:, BODY_26.index("neck")] - ankles)
    total = float(share.sum())
    if total < 1.0:
        return LEVEL_UP, 0.0
    return normalise((share[:, None] * up).sum(0)), min(1.0, total / 20.0)


def fit_ground(up: Array, certainty: float, contacts: Array, weights: Array, fit_plane: bool = True) -> Ground:
    """The floor that agrees best with level cameras, standing people and the points their feet rest on.

    `up` (3,) and `certainty` from `standing_up`; `contacts` (M, 3) m in the camera's frame with `weights` (M,).
    Linear least squares in the normal (not yet of unit length) and the offset, twice, the second time with
    contacts far off the plane (another storey, a mistake) weighted down.
    """
    normal, offset = LEVEL_UP, 0.0
    robust = np.ones(len(contacts))
    for _ in range(3):
        normal, offset = _fit(up, certainty, contacts, weights * robust, fit_plane)
        if len(contacts):
            off_plane = contacts @ normal - offset
            robust = 1 / (1 + (off_plane / (2 * CONTACT_SIGMA)) ** 2)
    return Ground(normal, offset)


def _fit(up: Array, certainty: float, contacts: Array, weights: Array, fit_plane: bool) -> tuple[Array, float]:
    # Unknowns: normal (3) and offset. Rows are divided by their standard deviations.
    rows = [
        np.array([1 / ROLL_SIGMA, 0, 0, 0]),
        np.array([0, 1 / np.radians(1.0), 0, 0]),
        np.array([0, 0, 1 / PITCH_SIGMA, 0]),
    ]
    values = [0.0, -1 / np.radians(1.0), 0.0]
    if certainty > 0:
        side = normalise(np.cross(up, [0.0, 0.0, 1.0]))
        for axis in (side, np.cross(side, up)):
            rows.append(np.append(axis, 0.0) * np.sqrt(certainty) / STANDING_SIGMA)
            values.append(0.0)
    total = float(weights.sum())
    if fit_plane and total > 1.0:
        scale = np.sqrt(weights * min(1.0, INDEPENDENT_CONTACTS / total)) / CONTACT_SIGMA
        plane = np.concatenate([contacts, -np.ones((len(contacts), 1))], 1) * scale[:, None]
        rows.extend(plane)
        values.extend([0.0] * len(plane))
        solution = np.linalg.lstsq(np.stack(rows), np.array(values), rcond=None)[0]
        normal = normalise(solution[:3])
    else:
        solution = np.linalg.lstsq(np.stack(rows)[:, :3], np.array(values), rcond=None)[0]
        normal = normalise(solution)
    heights = contacts @ normal
    offset = float(np.average(heights, weights=weights)) if total > 0 else 0.0
    return normal, offset


def _near(a: Array, b: Array, degrees: float) -> Array:
    """1 where directions agree, falling to 0 at `degrees`."""
    cosine = np.clip(np.sum(a * b, -1), -1, 1)
    return np.asarray(np.clip(1 - np.degrees(np.arccos(cosine)) / degrees, 0, 1))
