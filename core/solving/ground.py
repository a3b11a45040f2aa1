"""Which way is up, and where the floor is: from how people stand and where their feet rest."""

from __future__ import annotations

import numpy as np

from ..rotation import Array, normalise
from ..skeleton import BODY_26
from .balance import mass_shares, upright
from .contacts import runs
from .trajectory import Ground

LEVEL_UP: Array = np.array([0.0, -1.0, 0.0])
"""Up in the frame of a level camera."""
PITCH, PITCH_SIGMA, ROLL_SIGMA = np.radians(6.0), np.radians(8.0), np.radians(2.5)
"""How cameras are held: at a person's eyes, looking down at the middle of somebody, some tilted more on purpose, but
seldom rolled."""
STANDING_SIGMA = np.radians(8.0)
"""How far the mean direction from the feet to the centre of mass of a lifted person who stands is from up."""
ENOUGH = 20.0
"""Confident frames of standing after which they count fully."""
UP_ROUNDS = 3
CARRYING_HEIGHT = 0.05
"""Metres above the lowest point of the feet over which the share of the weight falls."""
CONTACT_SIGMA = 0.03
"""Metres by which a foot that stands lies off one plane, depth errors included."""


def standing_up(points: Array, feet: Array, weights: Array, leg_length: float) -> tuple[Array, float]:
    """The mean direction (3,) from the feet that carry a body to its centre of mass over the frames in which it stands,
    and how much it can be trusted, 0 to 1.

    `points` (F, 26, 3) and contact points `feet` (F, 4, 3) m, camera's axes; `weights` (F, 26). Who stands is straight
    on at least one leg; the lowest foot carries, in the mean also where people walk.
    """
    centre = np.einsum("n,fnd->fd", mass_shares(), points)
    seen = weights[:, BODY_26.indices("left_shoulder", "right_shoulder", "left_ankle", "right_ankle")].mean(1)
    up, total = LEVEL_UP, 0.0
    # Which foot is the lower one depends on what is up.
    for _ in range(UP_ROUNDS):
        low = feet @ up
        carries = np.exp(-(low - low.min(1, keepdims=True)) / CARRYING_HEIGHT)
        support = (feet * (carries / carries.sum(1, keepdims=True))[..., None]).sum(1)
        share = upright((points[:, 0] - support) @ up, leg_length) * seen
        total = float(share.sum())
        if total < 1.0:
            return LEVEL_UP, 0.0
        up = normalise((share[:, None] * normalise(centre - support)).sum(0))
    return up, min(1.0, total / ENOUGH)


def fit_ground(up: Array, certainty: float, contacts: Array, weights: Array, fit_plane: bool = True) -> Ground:
    """The floor that agrees best with level cameras, standing people and the points their feet rest on.

    `up` (3,) and `certainty` from `standing_up`; `contacts` (M, 3) m in the camera's frame with `weights` (M,), of
    which what is independent adds up to 1 (`plant_weights`).
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


def plant_weights(contacts: Array) -> Array:
    """Weights (F, 4) of contacts (F, 4) in [0, 1], heel and toe tip of each foot: as long as a foot stands all that is
    seen of it errs together, so that one plant counts once, however long it lasts."""
    weights = np.zeros_like(contacts)
    for foot in (slice(0, 2), slice(2, 4)):
        stands = contacts[:, foot].sum(1)
        for start, stop in runs(stands > 0.5):
            weights[start:stop, foot] = contacts[start:stop, foot] / stands[start:stop].sum()
    return weights


def _fit(up: Array, certainty: float, contacts: Array, weights: Array, fit_plane: bool) -> tuple[Array, float]:
    # Unknowns: normal (3) and offset. Rows are divided by their standard deviations.
    rows = [
        np.array([1 / ROLL_SIGMA, 0, 0, 0]),
        np.array([0, 1 / np.radians(1.0), 0, 0]),
        np.array([0, 0, 1 / PITCH_SIGMA, 0]),
    ]
    values = [0.0, -1 / np.radians(1.0), -np.sin(PITCH) / PITCH_SIGMA]
    if certainty > 0:
        side = normalise(np.cross(up, [0.0, 0.0, 1.0]))
        for axis in (side, np.cross(side, up)):
            rows.append(np.append(axis, 0.0) * np.sqrt(certainty) / STANDING_SIGMA)
            values.append(0.0)
    total = float(weights.sum())
    if fit_plane and total > 0.0:
        scale = np.sqrt(weights) / CONTACT_SIGMA
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
