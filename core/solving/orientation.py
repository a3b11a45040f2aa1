"""Joint rotations from joint positions: two directions fix a frame; what no direction fixes comes from hinges.

Works in whatever frame the points are in (the camera's, here). A joint's orientation is the rotation from the
T-pose to the pose, so at rest all are the identity. Head, hands and feet carry rigid points of their own; the
twist of arms and legs comes from the planes in which elbows and knees bend, and where a limb is straight, from
the moments around it and from the least-twisted pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..rotation import (
    IDENTITY,
    Array,
    conjugate,
    cross,
    frame_from_axes,
    from_axis_angle,
    from_matrix,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
    slerp,
    twist_angle,
)
from ..skeleton import ANIMATION_21, BODY_26, attachment, attachment_scale
from .smoothing import smooth, smooth_rotations

TORSO_CUTOFF_HZ = 5.0
EXTREMITY_CUTOFF_HZ = 4.0
HINGE_CUTOFF_HZ = 2.0
"""Frames built from points a few centimetres apart are noisier than the points: they are smoothed once more."""

ELBOW_REST_WEIGHT = 0.02
KNEE_REST_WEIGHT = 0.04
KNEE_FOOT_WEIGHT = 0.06
"""Weight of the least-twisted pose, and of the foot's heading, against the square of the sine of the bend."""

FOREARM_SHARE = 0.5
"""How much of the hand's twist the forearm takes."""
WRIST_SWING, WRIST_TWIST = np.radians(75.0), np.radians(100.0)
CLAVICLE_SWING = np.radians(30.0)

_X, _Z = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class _Figure:
    """What every step reads: points (F, 26, 3), their weights (F, 26), the rest skeleton, the times."""

    points: Array
    weights: Array
    rest_offsets: Array
    times: Array

    def at(self, name: str) -> Array:
        return self.points[:, BODY_26.index(name)]

    def between(self, start: str, end: str) -> Array:
        return self.at(end) - self.at(start)

    def sure(self, *names: str) -> Array:
        """The weight (F,) of the least sure of some points."""
        result: Array = self.weights[:, BODY_26.indices(*names)].min(1)
        return result

    def rest(self, joint: str) -> Array:
        offset: Array = self.rest_offsets[ANIMATION_21.index(joint)]
        return offset

    def attached(self, name: str) -> Array:
        """A rigid point's offset (3,) m from its joint, in T-pose."""
        return attachment(name)[1] * attachment_scale(name, self.rest_offsets)


@dataclass(frozen=True)
class _Orientations:
    """Those found so far, by their joint's name, of `every` joint (F, 21, 4)."""

    every: Array

    def __getitem__(self, joint: str) -> Array:
        return self.every[:, ANIMATION_21.index(joint)]

    def __setitem__(self, joint: str, rotations: Array) -> None:
        self.every[:, ANIMATION_21.index(joint)] = rotations


def solve_rotations(points: Array, weights: Array, rest_offsets: Array, times: Array) -> Array:
    """Orientations (F, 21, 4) of `ANIMATION_21` that lay the rest skeleton along the points.

    `points` (F, 26, 3), without NaN; `weights` (F, 26) in [0, 1]; `rest_offsets` (21, 3) m; `times` (F,) s.
    """
    figure = _Figure(points, weights, rest_offsets, times)
    world = _Orientations(np.empty((len(points), len(ANIMATION_21), 4)))
    _torso(figure, world)
    _head(figure, world)
    for side in ("left", "right"):
        _arm(figure, world, side)
        _leg(figure, world, side)
    return world.every


def align(primary: Array, secondary: Array, rest_primary: Array, rest_secondary: Array) -> Array:
    """Rotations (..., 4) that turn `rest_primary` onto `primary` and `rest_secondary` as near `secondary` as can be."""
    posed = frame_from_axes(primary, secondary, 0, 1)
    rest = frame_from_axes(rest_primary, rest_secondary, 0, 1)
    return from_matrix(posed @ np.swapaxes(rest, -1, -2))


def limit(rotation: Array, axis: Array, swing: float, twist: float) -> Array:
    """Rotations (..., 4) with the turn about `axis` (3,) and the swing away from it held within limits (radians)."""
    angle = twist_angle(rotation, axis)
    turned = from_axis_angle(axis, angle)
    away = multiply(rotation, conjugate(turned))
    size = 2 * np.arccos(np.clip(np.abs(away[..., 0]), 0, 1))
    share = np.minimum(1.0, swing / np.maximum(size, 1e-9))
    away = slerp(np.broadcast_to(IDENTITY, away.shape), away, share)
    return multiply(away, from_axis_angle(axis, np.clip(angle, -twist, twist)))


def _torso(figure: _Figure, world: _Orientations) -> None:
    pelvis = align(
        figure.between("right_hip", "left_hip"),
        figure.between("pelvis", "spine"),
        _X,
        figure.rest("spine") + figure.rest("chest"),
    )
    chest = align(
        figure.between("spine", "neck"),
        figure.between("right_shoulder", "left_shoulder"),
        figure.rest("neck"),
        _X,
    )
    sure = figure.sure("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    world["pelvis"] = smooth_rotations(pelvis, sure, figure.times, TORSO_CUTOFF_HZ)
    world["chest"] = smooth_rotations(chest, sure, figure.times, TORSO_CUTOFF_HZ)
    world["spine"] = slerp(world["pelvis"], world["chest"], np.full(len(pelvis), 0.5))


def _head(figure: _Figure, world: _Orientations) -> None:
    ears = (figure.at("left_ear") + figure.at("right_ear")) / 2
    rest_ears = (figure.attached("left_ear") + figure.attached("right_ear")) / 2
    head = align(
        figure.between("right_ear", "left_ear"), figure.at("nose") - ears, _X, figure.attached("nose") - rest_ears
    )
    sure = figure.sure("left_ear", "right_ear", "nose")
    world["head"] = smooth_rotations(head, sure, figure.times, EXTREMITY_CUTOFF_HZ)
    start = ears - rotate(world["head"], rest_ears)
    middle = slerp(world["chest"], world["head"], np.full(len(head), 0.5))
    world["neck"] = _aimed(middle, figure.rest("head"), start - figure.at("neck"))


def _arm(figure: _Figure, world: _Orientations, side: str) -> None:
    sign = 1.0 if side == "left" else -1.0
    shoulder, elbow, wrist, index, pinky = (f"{side}_{n}" for n in ("shoulder", "elbow", "wrist", "index", "pinky"))
    start = figure.at("spine") + rotate(world["chest"], figure.rest(f"{side}_clavicle"))
    clavicle = _aimed(world["chest"], figure.rest(shoulder), figure.at(shoulder) - start)
    local = limit(multiply(conjugate(world["chest"]), clavicle), normalise(figure.rest(shoulder)), CLAVICLE_SWING, 0.0)
    world[f"{side}_clavicle"] = multiply(world["chest"], local)

    upper, fore = normalise(figure.between(shoulder, elbow)), normalise(figure.between(elbow, wrist))
    # In T-pose the forearm closes forwards, to -Y: the hinge is -Z on the left, +Z on the right.
    hinge_rest = -sign * _Z
    swing = _aimed(world[f"{side}_clavicle"], figure.rest(elbow), upper)
    bend = cross(upper, fore)
    weight = np.sum(bend**2, -1) * figure.sure(shoulder, elbow, wrist)
    hinge = _steady_axis(swing, bend, weight, hinge_rest, ELBOW_REST_WEIGHT, figure.times)
    world[shoulder] = align(upper, hinge, figure.rest(elbow), hinge_rest)
    forearm = align(fore, hinge, figure.rest(wrist), hinge_rest)

    knuckles = (figure.at(index) + figure.at(pinky)) / 2 - figure.at(wrist)
    rest_knuckles = (figure.attached(index) + figure.attached(pinky)) / 2
    hand = align(knuckles, figure.between(pinky, index), rest_knuckles, figure.attached(index) - figure.attached(pinky))
    axis = normalise(figure.rest(wrist))
    local = limit(multiply(conjugate(forearm), hand), axis, WRIST_SWING, WRIST_TWIST)
    local = smooth_rotations(local, figure.sure(wrist, index, pinky), figure.times, EXTREMITY_CUTOFF_HZ)
    world[elbow] = multiply(forearm, from_axis_angle(axis, FOREARM_SHARE * twist_angle(local, axis)))
    world[wrist] = multiply(forearm, local)


def _leg(figure: _Figure, world: _Orientations, side: str) -> None:
    hip, knee, ankle, heel, toe = (f"{side}_{n}" for n in ("hip", "knee", "ankle", "heel", "toe_tip"))
    thigh, shin = normalise(figure.between(hip, knee)), normalise(figure.between(knee, ankle))
    sole = normalise(figure.between(heel, toe))
    # Knees close backwards, to +Y: the hinge is +X. It can only open as far as straight, so a bend the
    # wrong way round is noise.
    swing = _aimed(world["pelvis"], figure.rest(knee), thigh)
    bend = cross(thigh, shin)
    right_way = np.clip(np.sum(normalise(bend) * rotate(swing, _X), -1) + 0.3, 0.0, 1.0)
    weight = np.sum(bend**2, -1) * right_way * figure.sure(hip, knee, ankle)
    sideways = cross(sole, shin)
    foot_weight = KNEE_FOOT_WEIGHT * np.sum(sideways**2, -1) * figure.sure(ankle, heel, toe)
    evidence = normalise(bend) * weight[:, None] + normalise(sideways) * foot_weight[:, None]
    hinge = _steady_axis(swing, evidence, weight + foot_weight, _X, KNEE_REST_WEIGHT, figure.times)
    world[hip] = align(thigh, hinge, figure.rest(knee), _X)
    world[knee] = align(shin, hinge, figure.rest(ankle), _X)
    foot = align(sole, hinge, figure.attached(toe) - figure.attached(heel), _X)
    sure = figure.sure(ankle, heel, toe)
    local = smooth_rotations(multiply(conjugate(world[knee]), foot), sure, figure.times, EXTREMITY_CUTOFF_HZ)
    world[ankle] = multiply(world[knee], local)
    world[f"{side}_toe"] = world[ankle]


def _aimed(frame: Array, rest_direction: Array, direction: Array) -> Array:
    """`frame` (F, 4) turned as little as possible so that `rest_direction` (3,) points along `direction` (F, 3)."""
    return multiply(minimal_rotation(rotate(frame, rest_direction), direction), frame)


def _steady_axis(frame: Array, axis: Array, weight: Array, rest: Array, rest_weight: float, times: Array) -> Array:
    """A hinge axis (F, 3) that never jumps: `axis` (F, 3) seen in `frame` (F, 4), smoothed with `weight` (F,),
    drawn to `rest` (3,) by `rest_weight`."""
    local = normalise(rotate(conjugate(frame), axis))
    total = weight + rest_weight
    mean = (weight[:, None] * local + rest_weight * rest) / total[:, None]
    return rotate(frame, smooth(mean, total, times, HINGE_CUTOFF_HZ))
