"""Feet that stand exactly: where a heel or a toe tip is planted it does not move, and the leg follows.

The sequence solve holds planted feet softly, since where they stand is one guess among others. What is left of their
slip is taken out here: each planted point gets one place for as long as it stands, the foot is moved there, and
two-bone inverse kinematics bend the leg to it. While both stand the toes are straight and the sole is level. What moves
a foot while it stands fades in and out while it swings, so that nothing jumps; the pelvis comes down where a leg would
not reach.

World axes, Z up, metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from ..rotation import (
    IDENTITY,
    Array,
    Bools,
    conjugate,
    cross,
    forward_kinematics,
    from_axis_angle,
    local_from_world,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
)
from ..skeleton import ANIMATION_21, CONTACT_NAMES, contact_points
from .contacts import runs
from .smoothing import smooth
from .stretches import by_stretches

STANDS = 0.5
"""The contact from which on a point is held."""
STOREY = 0.10
"""Metres off the floor up to which a planted point belongs on it; beyond, it stands on something else."""
FADE_HZ = 1.5
"""How quickly a foot's correction fades while it swings: half of its amplitude is left of a change at this rate."""
REACH = 0.9995
"""How far a leg is stretched at most, as a share of its length."""
STRAIGHTEST = 1e-6
"""Metres by which every leg is shorter than its bones, so that it bends one way."""
PELVIS_S = 0.12
"""Seconds over which the pelvis comes down for a leg that does not reach."""
HINGE_SHARE = 0.15
"""Weight of the knee's own axis against the plane of the leg times the sine of its bend."""
_X = np.array([1.0, 0.0, 0.0])
SIDES = ("left", "right")


@dataclass(frozen=True)
class Skeleton:
    """A body that is to stand: rest offsets and tails (21, 3) m."""

    rest_offsets: Array
    rest_tails: Array


@dataclass(frozen=True)
class _Foot:
    """One foot over the clip: its ankles (F, 3), orientations (F, 4), toes' local rotations (F, 4), and heel and toe
    tip (F, 2, 3) seen from the ankle."""

    ankles: Array
    rotations: Array
    toes: Array
    ends: Array

    @property
    def points(self) -> Array:
        """Heel and toe tip (F, 2, 3) in the world."""
        return self.ankles[:, None] + self.ends

    def at(self, part: slice) -> _Foot:
        """The foot in some frames."""
        return _Foot(self.ankles[part], self.rotations[part], self.toes[part], self.ends[part])

    def turned(self, turns: Array) -> _Foot:
        """The foot turned about its ankle by world rotations (F, 4)."""
        ends = rotate(turns[:, None], self.ends)
        return _Foot(self.ankles, multiply(turns, self.rotations), self.toes, ends)


@dataclass(frozen=True)
class _Leg:
    """Where its hips and ankles (F, 3) are before the foot stands, and the foot that stands."""

    hips: Array
    ankles: Array
    foot: _Foot


def plant_feet(
    root: Array, local: Array, body: Skeleton, contacts: Array, times: Array, on_floor: bool = True
) -> tuple[Array, Array]:
    """The pelvis (F, 3) and local rotations (F, 21, 4) of a figure whose planted feet stand still.

    `contacts` (F, 4) in [0, 1] of `CONTACT_NAMES`: how planted each point is; values between ease in and out.
    `on_floor`: points that stand within `STOREY` of Z = 0 come down on it, and none is below.
    """
    ends = ANIMATION_21.indices(*(f"{side}_{joint}" for side in SIDES for joint in ("hip", "ankle")))

    def posed(part: slice) -> tuple[Array, Array]:
        return forward_kinematics(ANIMATION_21.parents, body.rest_offsets, root[part], local[part])

    def of_legs(part: slice) -> list[Array]:
        joints, rotations = posed(part)
        return [joints[:, ends], rotations[:, ends[1::2]]]

    joints, rotations = by_stretches(of_legs, len(root))
    legs = {}
    for number, side in enumerate(SIDES):
        planted = contacts[:, [CONTACT_NAMES.index(f"{side}_{end}") for end in ("heel", "toe_tip")]]
        toe = ANIMATION_21.index(f"{side}_toe")
        straight = multiply(local[:, toe], _faded_turns(conjugate(local[:, toe]), (planted > STANDS).all(1), times))
        hips, ankles = joints[:, 2 * number], joints[:, 2 * number + 1]
        foot = _foot(ankles, rotations[:, number], straight, body, side)
        legs[side] = _Leg(hips, ankles, _standing(foot, planted, times, on_floor))
    pelvis = _within_reach(root, legs, body, times)

    def stood(part: slice) -> list[Array]:
        joints, world = posed(part)
        joints = joints + (pelvis[part] - joints[:, 0])[:, None]
        for side, leg in legs.items():
            _bend_leg(world, joints, leg.foot.at(part), body.rest_offsets, side)
        return [local_from_world(ANIMATION_21.parents, world)]

    return pelvis, by_stretches(stood, len(root))[0]


def _foot(ankles: Array, rotations: Array, toes: Array, body: Skeleton, side: str) -> _Foot:
    """A foot under its orientations (F, 4), its toes turned by local rotations (F, 4)."""
    offsets = contact_points(body.rest_tails, body.rest_offsets)[1]
    heel, tip = (offsets[CONTACT_NAMES.index(f"{side}_{end}")] for end in ("heel", "toe_tip"))
    ball = body.rest_offsets[ANIMATION_21.index(f"{side}_toe")]
    ends = np.stack([np.broadcast_to(heel, ankles.shape), ball + rotate(toes, tip)], 1)
    return _Foot(ankles, rotations, toes, rotate(rotations[:, None], ends))


def _standing(foot: _Foot, contacts: Array, times: Array, on_floor: bool) -> _Foot:
    """The foot with its heel and toe tip (contacts (F, 2)) where they stand."""
    held = contacts > STANDS
    places = np.stack([_places(foot.points[:, end], held[:, end], on_floor) for end in range(2)], 1)
    both = held.all(1)
    turns = np.tile(IDENTITY, (len(held), 1))
    settled = np.zeros(held.shape, bool)
    for start, stop in runs(both):
        part = slice(start, stop)
        ends = _flat(foot, places[start], settled[start], part, on_floor)
        for end in range(2):
            # A point keeps one place for as long as it stands, whatever the other does.
            whole = next(slice(a, b) for a, b in runs(held[:, end]) if a <= start < b)
            places[whole, end], settled[whole, end] = ends[end], True
        turns[part] = _laid(foot, ends[1] - ends[0], part)
    foot = foot.turned(_faded_turns(turns, both, times))
    share = contacts * held
    total = share.sum(1, keepdims=True)
    wanted = (share[..., None] * (places - foot.points)).sum(1) / np.maximum(total, 1e-9)
    moved = _faded(wanted, total[:, 0] > 0, times)
    foot = _Foot(foot.ankles + moved, foot.rotations, foot.toes, foot.ends)
    return _above_floor(foot) if on_floor else foot


def _above_floor(foot: _Foot) -> _Foot:
    """The foot lifted until its higher end is not below Z = 0, then turned about that end until the other is not: an
    end that stands on the floor stays where it is.

    What is deeper than a storey is no foot on this floor; down to twice that the floor holds less and less.
    """
    near = np.clip(2 + foot.ankles[:, 2] / STOREY, 0.0, 1.0)
    ends, frames = foot.points, np.arange(len(near))
    high = ends[..., 2].argmax(1)
    pivot = ends[frames, high]
    lift = np.maximum(0.0, -pivot[:, 2]) * near
    sole = ends[frames, 1 - high] - pivot
    least = -np.maximum(pivot[:, 2], 0.0)
    least = sole[:, 2] + near * np.maximum(least - sole[:, 2], 0.0)
    length, level = np.linalg.norm(sole, axis=-1), normalise(sole * [1.0, 1.0, 0.0])
    raised = level * np.sqrt(np.maximum(length**2 - least**2, 0.0))[:, None]
    raised[:, 2] = least
    turns = minimal_rotation(sole, np.where((sole[:, 2] < least)[:, None], raised, sole))
    ankles = pivot + rotate(turns, foot.ankles - pivot) + lift[:, None] * [0.0, 0.0, 1.0]
    turned = foot.turned(turns)
    return _Foot(ankles, turned.rotations, turned.toes, turned.ends)


def _places(points: Array, held: Bools, on_floor: bool) -> Array:
    """Where a point (F, 3) is to stand (F, 3): one place a run, itself elsewhere."""
    places = points.copy()
    for start, stop in runs(held):
        place = np.median(points[start:stop], 0)
        if on_floor and abs(place[2]) < STOREY:
            place[2] = 0.0
        places[start:stop] = place
    return places


def _flat(foot: _Foot, places: Array, settled: Bools, part: slice, on_floor: bool) -> Array:
    """Places (2, 3) of heel and toe tip as far apart as the foot is long, as near as can be to `places` (2, 3): about
    their middle, or from the one that is `settled` (2,) already."""
    length = float(np.linalg.norm(foot.ends[part, 1] - foot.ends[part, 0], axis=-1).mean())
    along = places[1] - places[0]
    if on_floor and np.abs(places[:, 2]).max() < STOREY:
        along = along * [1.0, 1.0, 0.0]
    along = length * normalise(along)
    if settled[0]:
        heel = places[0]
    elif settled[1]:
        heel = places[1] - along
    else:
        heel = places.mean(0) - 0.5 * along
    return np.stack([heel, heel + along])


def _laid(foot: _Foot, along: Array, part: slice) -> Array:
    """World rotations (N, 4) that lay a foot's sole along `along` (3,), its X level."""
    sole = foot.ends[part, 1] - foot.ends[part, 0]
    aimed = minimal_rotation(sole, np.broadcast_to(along, sole.shape))
    lateral = rotate(multiply(aimed, foot.rotations[part]), _X)
    axis = normalise(np.broadcast_to(along, sole.shape))
    level = normalise(np.cross(axis, [0.0, 0.0, 1.0]))
    level = level * np.where(np.sum(level * lateral, -1, keepdims=True) < 0, -1.0, 1.0)
    lateral = normalise(lateral - axis * np.sum(axis * lateral, -1, keepdims=True))
    return multiply(minimal_rotation(lateral, level), aimed)


def _faded(values: Array, held: Bools, times: Array) -> Array:
    """Corrections (F, D), kept where `held`, in between faded from one to the next and away from both."""
    if not held.any():
        return np.zeros_like(values)
    # Zero at a low weight: what lies far from any plant stays as it was.
    weights = np.where(held, HELD_WEIGHT, FREE_WEIGHT)
    curve = smooth(np.where(held[:, None], values, 0.0), weights, times, FADE_HZ)
    return np.where(held[:, None], values, curve)


HELD_WEIGHT, FREE_WEIGHT = 30.0, 0.02
"""How strongly the fade begins where a plant ends, and how strongly a foot in the air wants to be where it was."""


def _faded_turns(turns: Array, held: Bools, times: Array) -> Array:
    """World rotations (F, 4) faded like `_faded`, as rotation vectors: they are small."""
    signed = turns * np.where(turns[:, :1] < 0, -1.0, 1.0)
    vectors = 2 * signed[:, 1:] / np.maximum(signed[:, :1], 0.2)
    return normalise(np.concatenate([np.full((len(turns), 1), 2.0), _faded(vectors, held, times)], 1))


def _within_reach(root: Array, legs: dict[str, _Leg], body: Skeleton, times: Array) -> Array:
    """The pelvis (F, 3) lowered where a leg would be too short, gently."""
    lower = np.zeros(len(root))
    for side, leg in legs.items():
        knee, ankle = ANIMATION_21.indices(f"{side}_knee", f"{side}_ankle")
        away = leg.hips - leg.foot.ankles
        # A leg that was straighter already may stay so.
        before = np.linalg.norm(leg.hips - leg.ankles, axis=-1)
        length = float(np.linalg.norm(body.rest_offsets[[knee, ankle]], axis=-1).sum())
        reach = np.clip(before, REACH * length, length - STRAIGHTEST)
        level = np.linalg.norm(away[:, :2], axis=-1)
        rise = np.sqrt(np.maximum(reach**2 - level**2, 0.0))
        lower = np.minimum(lower, np.where(np.linalg.norm(away, axis=-1) > reach, rise - away[:, 2], 0.0))
    if len(root) > 2 and lower.any():
        reach_frames = max(1, round(PELVIS_S / float(np.median(np.diff(times)))))
        least = minimum_filter1d(lower, 2 * reach_frames + 1, mode="nearest")
        lower = gaussian_filter1d(least, reach_frames / 2, mode="nearest", radius=reach_frames)
    return root + lower[:, None] * [0.0, 0.0, 1.0]


def _bend_leg(world: Array, joints: Array, foot: _Foot, rest_offsets: Array, side: str) -> None:
    """Turn thigh, shin, foot and toes of `world` (F, 21, 4) so that the ankle is the foot's; the knee keeps its
    plane."""
    hip, knee, ankle, toe = ANIMATION_21.indices(*(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "toe")))
    thigh, shin = (float(np.linalg.norm(rest_offsets[joint])) for joint in (knee, ankle))
    at = joints[:, hip]
    before, after = joints[:, ankle] - at, foot.ankles - at
    distance = np.clip(np.linalg.norm(after, axis=-1), abs(thigh - shin) + 1e-4, thigh + shin - STRAIGHTEST)
    swing = minimal_rotation(before, after)
    thigh_turned = multiply(swing, world[:, hip])
    line = normalise(after)
    now = rotate(thigh_turned, normalise(rest_offsets[knee]))
    shin_turned = multiply(swing, world[:, knee])
    beyond = rotate(shin_turned, normalise(rest_offsets[ankle]))
    # The axis the knee bends about: square to the leg's plane; a straight leg's is the hinge's.
    axis = cross(now, beyond) + HINGE_SHARE * rotate(thigh_turned, _X)
    axis = normalise(axis - line * np.sum(axis * line, -1, keepdims=True))
    cosine = (thigh**2 + distance**2 - shin**2) / (2 * thigh * distance)
    bent = -np.arccos(np.clip(cosine, -1.0, 1.0))
    wanted = rotate(from_axis_angle(axis, bent), line)
    new_thigh = multiply(minimal_rotation(now, wanted), thigh_turned)
    shin_direction = line * distance[:, None] - thigh * wanted
    new_shin = multiply(minimal_rotation(beyond, shin_direction), shin_turned)
    world[:, hip], world[:, knee], world[:, ankle] = new_thigh, new_shin, foot.rotations
    world[:, toe] = multiply(foot.rotations, foot.toes)
