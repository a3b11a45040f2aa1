"""Where everybody stands: up and floor by all people of a clip, and what of each touches it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import camera
from ..rotation import Array, Bools, normalise
from .contacts import find_contacts, find_supports, speeds
from .figure import Figure, leg_length
from .ground import UNKNOWN, Stance, as_stood, fit_ground, resting_places, standing_up
from .heights import height_factors
from .trajectory import Ground

STOREYS = (0.5, 0.25, 0.12)
"""Metres off the floor beyond which a resting foot stands on something else: less and less, as the floor is found."""
RAISED_SHARE = 0.25
"""Of the leg's length: feet this much higher than the pelvis are in the air."""


def stance_of(figures: Sequence[Figure], paths: Sequence[Array]) -> Stance:
    """How all people stand, of figures as they were lifted: solved ones lean towards the floor they were solved on, and
    would agree with it whatever it is."""
    found = [
        standing_up(f.points, f.feet, f.weights, leg_length(f), speeds(path, f.times))
        for f, path in zip(figures, paths, strict=True)
    ]
    certainty = max(stance.certainty for stance in found)
    if not certainty > 0:
        return UNKNOWN
    return as_stood(Stance(normalise(sum((s.certainty * s.up for s in found), np.zeros(3))), certainty))


def standing_on(figures: Sequence[Figure], paths: Sequence[Array], stance: Stance) -> tuple[Ground, list[Array]]:
    """The floor of all, and everyone's contacts with it."""
    ground = first_ground(figures, paths, stance)
    for storey in STOREYS:
        contacts = [_contacts(f, path, ground) for f, path in zip(figures, paths, strict=True)]
        ground = _ground(figures, paths, contacts, stance, ground, storey)
    return ground, contacts


def first_ground(figures: Sequence[Figure], paths: Sequence[Array], stance: Stance) -> Ground:
    """A first floor: up as people stand, at the height that feet seldom go below."""
    up = fit_ground(stance, np.zeros((0, 3)), np.zeros(0)).normal
    return Ground(up, _lowest(figures, paths, up))


def _lowest(figures: Sequence[Figure], paths: Sequence[Array], up: Array) -> float:
    """The height that feet seldom go below, nor hands, knees and seat of who is upside down."""
    heights = []
    for figure, path in zip(figures, paths, strict=True):
        feet, others = (figure.feet @ up).min(1), (figure.supports @ up).min(1)
        heights.append(path @ up + np.where(_upside_down(figure, up).all(1), np.minimum(feet, others), feet))
    return float(np.percentile(np.concatenate(heights), 10))


def _upside_down(figure: Figure, up: Array) -> Bools:
    """Whether contact points (F, C) are so far above the pelvis that the foot cannot stand."""
    return np.asarray(figure.feet @ up > RAISED_SHARE * leg_length(figure))


def heights_by_floor(figures: Sequence[Figure], paths: Sequence[Array], ground: Ground) -> list[float]:
    """How tall people are, as multiples of the height assumed, where they stand on one floor: `height_factors` of
    where the feet of each rest, whatever floor that is."""
    places = []
    for figure, path in zip(figures, paths, strict=True):
        own = Ground(ground.normal, _lowest([figure], [path], ground.normal))
        places.append(resting_places(figure.feet + path[:, None], _contacts(figure, path, own)))
    return [float(factor) for factor in height_factors(places, ground)]


def _contacts(figure: Figure, path: Array, ground: Ground) -> Array:
    level = _level_rotation(ground.normal)
    confidence = np.where(_upside_down(figure, ground.normal), 0.0, figure.foot_confidence)
    return find_contacts((figure.feet + path[:, None]) @ level.T, confidence, figure.times)


def supports_of(figure: Figure, path: Array, ground: Ground) -> Array:
    """How hands, knees and seat carry (F, 5)."""
    level = _level_rotation(ground.normal)
    points = (figure.supports + path[:, None]) @ level.T - [0.0, 0.0, ground.offset]
    hips = path @ ground.normal - np.minimum(ground.offset, (figure.feet + path[:, None]) @ ground.normal).min(1)
    return find_supports(points, hips, figure.support_confidence, figure.times, leg_length(figure))


def _ground(
    figures: Sequence[Figure],
    paths: Sequence[Array],
    contacts: Sequence[Array],
    stance: Stance,
    before: Ground,
    storey: float,
) -> Ground:
    """The floor by standing people and the feet that rest within `storey` m of the floor `before`."""
    own = [resting_places(f.feet + p[:, None], c) for f, p, c in zip(figures, paths, contacts, strict=True)]
    places, whose = np.concatenate(own), np.repeat(np.arange(len(own)), [len(each) for each in own])
    weights = 1 / (1 + ((places @ before.normal - before.offset) / storey) ** 4)
    if weights.sum() < 0.5:
        return before
    return fit_ground(stance, places, weights, whose)


def _level_rotation(up: Array) -> Array:
    """Rotation (3, 3) from the camera's axes to the world's: Z up, the optical axis along +Y in plan."""
    forward = np.array([0.0, 0.0, 1.0])
    forward = normalise(forward - up * (forward @ up))
    return np.stack([np.cross(forward, up), forward, up])


def world_of(figures: Sequence[Figure], paths: Sequence[Array], ground: Ground) -> Array:
    """world_from_camera (4, 4): the origin on the floor under the first confident pelvis of whoever comes first."""
    first = min(range(len(figures)), key=lambda i: float(figures[i].times[0]))
    confident = np.flatnonzero(figures[first].weights.mean(1) > 0.25)
    pelvis = paths[first][confident[0] if len(confident) else 0]
    origin = pelvis - (pelvis @ ground.normal - ground.offset) * ground.normal
    rotation = _level_rotation(ground.normal)
    return camera.rigid(rotation, -rotation @ origin)
