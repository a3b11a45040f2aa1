"""Which way is up, and where the floor is: from how people stand and where their feet rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, normalise
from ..skeleton import BODY_26
from .balance import mass_shares, upright
from .contacts import runs
from .quantile import weighted_quantile
from .trajectory import Ground

LEVEL_UP: Array = np.array([0.0, -1.0, 0.0])
"""Up in the frame of a level camera."""
AHEAD: Array = np.array([0.0, 0.0, 1.0])
"""Along the optical axis."""
PITCH, PITCH_SIGMA, ROLL_SIGMA = np.radians(-6.0), np.radians(12.0), np.radians(2.5)
"""How cameras are held: at a person's eyes, looking down at the middle of somebody, some tilted more on purpose, but
seldom rolled: where they are, it is by much."""
LIFTED_PITCH, LIFTED_SHARE = np.radians(0.86), 0.82
"""Before a camera that looks up by p, lifted people stand as if it looked up by LIFTED_PITCH + LIFTED_SHARE p: lifting
takes cameras for more level than they are. Least squares over 30 films with pitches of -58 to 8 degrees."""
STEEPEST = np.radians(80.0)
"""Where a share of what is near the zenith would turn over."""
STANDING_PITCH_SIGMA, STANDING_ROLL_SIGMA = np.radians(5.0), np.radians(4.0)
"""How far that direction, from the feet to the centre of mass, is from up on those films, along the view and across
it."""
ENOUGH = 20.0
"""Confident frames of standing after which they count fully."""
RUNNING = 2.0
"""Metres a second from which on people lean into where they go."""
UP_ROUNDS = 3
CARRYING_HEIGHT = 0.05
"""Metres above the lowest point of the feet over which the share of the weight falls."""
PLANT_SIGMA, DEPTH_SIGMA = 0.03, 0.15
"""Metres by which a foot that stands is seen off the floor, and by which its depth errs."""
EYES, EYES_SIGMA = 1.4, 0.5
"""Metres above the floor at which cameras are held or put up."""
SIZE_SIGMA = 0.06
"""How much taller or smaller people are than they are taken for."""
PRIOR_ROUNDS = PLANE_ROUNDS = 8
SHALLOWEST = -0.02
"""The product of a ray and the floor's normal, at most: level rays hardly meet the floor, those that go up never do."""
DOUBTED = 2.0
"""Standard deviations beyond which something counts less and less: a foot off the floor stands on another storey, a
camera far from the usual is where somebody put it."""


@dataclass(frozen=True)
class Stance:
    """Up (3,) in the camera's frame, as people stand, and how much that can be trusted, 0 to 1."""

    up: Array
    certainty: float


UNKNOWN = Stance(LEVEL_UP, 0.0)


def standing_up(points: Array, feet: Array, weights: Array, leg_length: float, speeds: Array) -> Stance:
    """The mean direction from the feet that carry a body to its centre of mass over the frames in which it stands.

    `points` (F, 26, 3) and contact points `feet` (F, 4, 3) m, camera's axes; `weights` (F, 26); `speeds` (F,) m/s. Who
    stands is straight on at least one leg; the lowest foot carries, in the mean also where people walk. Who runs leans.
    """
    centre = np.einsum("n,fnd->fd", mass_shares(), points)
    seen = weights[:, BODY_26.indices("left_shoulder", "right_shoulder", "left_ankle", "right_ankle")].mean(1)
    calm = seen / (1 + (speeds / RUNNING) ** 4)
    up, total = LEVEL_UP, 0.0
    # Which foot is the lower one depends on what is up.
    for _ in range(UP_ROUNDS):
        low = feet @ up
        carries = np.exp(-(low - low.min(1, keepdims=True)) / CARRYING_HEIGHT)
        support = (feet * (carries / carries.sum(1, keepdims=True))[..., None]).sum(1)
        share = upright((points[:, 0] - support) @ up, leg_length) * calm
        total = float(share.sum())
        if total < 1.0:
            return UNKNOWN
        up = normalise((share[:, None] * normalise(centre - support)).sum(0))
    return Stance(up, min(1.0, total / ENOUGH))


def as_stood(lifted: Stance) -> Stance:
    """A stance of lifted people, as steep as the camera that filmed them saw it."""
    seen, level = _pitch(lifted.up)
    pitch = np.clip((seen - LIFTED_PITCH) / LIFTED_SHARE, -STEEPEST, STEEPEST)
    return replace(lifted, up=np.cos(pitch) * level + np.sin(pitch) * AHEAD)


def fit_ground(stance: Stance, plants: Array, weights: Array, whose: NDArray[np.int64] | None = None) -> Ground:
    """The floor that agrees best with usual cameras, standing people and the places where their feet rest.

    `plants` (M, 3) m in the camera's frame with `weights` (M,); `whose` (M,): the number of the person, where there are
    several. Somebody who is taller than taken for is seen too near all the time, and must not tilt the floor towards
    the others: the depths of each share a factor.

    A foot is seen along its ray, and errs in depth. Rays go down: a plane laid through feet that stand in a row but are
    taken for nearer and further ones would tilt towards their rays. So depths are compared, those seen with those at
    which rays meet the floor, offset / (n . ray), by Gauss-Newton, spreads as the round before has them.
    """
    normal = stance.up
    for _ in range(PRIOR_ROUNDS):
        rows, values = _priors(stance, normal)
        normal = normalise(np.linalg.lstsq(rows, values, rcond=None)[0])
    if not weights.sum() > 0:
        return Ground(normal, 0.0)
    rays, depths = normalise(plants), np.linalg.norm(plants, axis=1)
    offset = weighted_quantile(plants @ normal, weights, 0.5)
    of_person = np.eye(whose.max() + 1)[whose] if whose is not None and np.ptp(whose) else np.zeros((len(plants), 0))
    factors = np.zeros(of_person.shape[1])
    for _ in range(PLANE_ROUNDS):
        rows, values = _priors(stance, normal)
        rows = np.pad(rows, ((0, len(factors)), (0, 1 + len(factors))))
        rows[len(values) :, 4:] = np.eye(len(factors)) / SIZE_SIGMA
        slope = np.minimum(rays @ normal, SHALLOWEST)
        spread = np.hypot(DEPTH_SIGMA, PLANT_SIGMA / slope)
        meets = offset / slope
        off = (depths * (1 + of_person @ factors) - meets) / spread
        scale = np.sqrt(weights * (slope < SHALLOWEST) / (1 + (off / DOUBTED) ** 2))
        plane = np.concatenate([meets[:, None] * rays, -np.ones((len(plants), 1))], 1)
        taller = of_person * (depths * slope)[:, None]
        known = np.append(values, np.zeros(len(factors))) - rows @ np.concatenate([normal, [0.0], factors])
        # Metres of the camera above the floor.
        higher = (-offset - EYES) / EYES_SIGMA
        usual = _usual(higher)
        height = np.zeros((1, rows.shape[1]))
        height[0, 3] = -usual / EYES_SIGMA
        step = np.linalg.lstsq(
            np.concatenate([rows, height, np.concatenate([plane, taller], 1) * (scale / (slope * spread))[:, None]]),
            np.concatenate([known, [-higher * usual], -off * scale]),
            rcond=None,
        )[0]
        normal, offset, factors = normalise(normal + step[:3]), offset + float(step[3]), factors + step[4:]
    return Ground(normal, _height(plants @ normal, offset, weights))


def resting_places(feet: Array, contacts: Array) -> Array:
    """The middle (M, 3) of each plant of a foot, of `feet` (F, 4, 3) by contacts (F, 4) in [0, 1], heel and toe tip of
    each foot: as long as it stands all that is seen of it errs together, and so do its ends."""
    places = []
    for foot in (slice(0, 2), slice(2, 4)):
        for start, stop in runs(contacts[:, foot].sum(1) > 0.5):
            places.append(np.average(feet[start:stop, foot].reshape(-1, 3), 0, contacts[start:stop, foot].ravel()))
    return np.reshape(places, (-1, 3))


def _priors(stance: Stance, normal: Array) -> tuple[Array, Array]:
    """Rows (R, 3) and values (R,) of what is known of the normal, divided by their standard deviations, near to what it
    is so far."""
    pitch, level = _pitch(normal)
    usual = _usual((pitch - PITCH) / PITCH_SIGMA)
    seldom = _usual(np.arcsin(np.clip(normal[0], -1.0, 1.0)) / ROLL_SIGMA)
    steeper = np.cos(pitch) * AHEAD - np.sin(pitch) * level
    side = normalise(np.cross(stance.up, AHEAD))
    sure = np.sqrt(stance.certainty)
    rows = [
        np.array([seldom / ROLL_SIGMA, 0, 0]),
        normal / np.radians(1.0),
        usual * steeper / PITCH_SIGMA,
        sure * side / STANDING_ROLL_SIGMA,
        sure * np.cross(side, stance.up) / STANDING_PITCH_SIGMA,
    ]
    return np.stack(rows), np.array([0.0, 1 / np.radians(1.0), usual * (PITCH - pitch) / PITCH_SIGMA, 0.0, 0.0])


def _pitch(up: Array) -> tuple[float, Array]:
    """By how many radians a camera with this up (3,) looks up, and up without that: of a camera that looks ahead."""
    return float(np.arcsin(np.clip(up[2], -1.0, 1.0))), normalise(up * [1.0, 1.0, 0.0])


def _usual(off: float) -> float:
    """The square root of the weight of what a camera usually is, so many standard deviations off."""
    return float(1 / np.sqrt(1 + (off / DOUBTED) ** 2))


def _height(heights: Array, offset: float, weights: Array) -> float:
    """The mean of the heights (M,), what is far from `offset` weighted down."""
    near = weights / (1 + ((heights - offset) / (DOUBTED * PLANT_SIGMA)) ** 2)
    return float(np.average(heights, weights=near))
