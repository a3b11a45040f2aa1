"""IK controls of a rig, put where the limbs are that FK has posed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..core.rotation import Array, normalise, rotate
from .humanoid import IkLimb, side_of
from .posing import Pose
from .rig import Rig
from .tpose import Bones, way_along

POLE_DISTANCE = 0.6
"""Of a limb's length: how far in front of a knee its pole goes, where the rig does not show it."""
STRAIGHT_DEGREES, BENT_DEGREES = 3.0, 10.0
"""A limb that is bent by less than the first shows no plane; one that is bent by more than the second does."""


def ik_controls(rig: Rig, used: Mapping[str, IkLimb]) -> list[int]:
    """The bones that are controls of the limbs `used`."""
    names = [name for limb in used.values() for name in (limb.target, limb.pole, limb.toe)]
    return [rig.index(name) for name in names if name and name in rig]


def pose_controls(pose: Pose, bones: Bones, used: Mapping[str, IkLimb]) -> None:
    """Put the IK controls where the finished limbs are: the target moves rigidly with the foot or hand."""
    for role, limb in used.items():
        side, part = side_of(role), role.rpartition("_")[2]
        names = [f"{side}_{r}" for r in (("hip", "knee", "ankle") if part == "hip" else ("shoulder", "elbow", "wrist"))]
        if limb.target not in pose.rig or any(name not in bones for name in names):
            continue
        upper, middle, end = (bones[name][0] for name in names)
        turns, heads = pose.evaluate()
        target = pose.rig.index(limb.target)
        pose.turns[target] = turns[end]
        pose.heads[target] = heads[end] + rotate(turns[end], pose.stage.heads[target] - pose.stage.heads[end])
        toe = bones.get(f"{side}_toe")
        if limb.toe in pose.rig and toe:
            pose.turns[pose.rig.index(limb.toe)] = turns[toe[0]]
        if limb.pole in pose.rig:
            pole = pose.rig.index(limb.pole)
            rest_line = normalise(pose.stage.heads[end] - pose.stage.heads[upper])
            rest_out = pose.stage.heads[pole] - pose.stage.heads[middle]
            rest_out = rest_out - rest_line * (rest_out @ rest_line)
            hint = rotate(turns[upper], normalise(rest_out))
            direction = pole_direction(heads[upper], heads[middle], heads[end], hint)
            length = way_along(pose.stage.heads[[upper, middle, end]])
            distance = max(float(np.linalg.norm(rest_out)), POLE_DISTANCE * length)
            pose.heads[pole] = heads[middle] + distance * direction


def pole_direction(start: Array, middle: Array, end: Array, hint: Array) -> Array:
    """Where (F, 3) a limb's pole lies seen from its middle joint, square to the line from `start` to `end` (F, 3).

    A solver with a pole puts the middle joint into the plane of line and pole, on the pole's side: so the pole goes to
    where the joint is. A straight limb shows no plane and `hint` (F, 3) counts, the side of the upper bone that looks
    at the pole at rest; in between, the way from one to the other is shared. A joint that is bent backwards cannot be
    had from a solver that bends it forward only: beyond a right angle from the hint the pole comes back to it, without
    a leap, so that the upper bone does not turn over.
    """
    line = normalise(end - start)
    front = normalise(hint - line * np.sum(hint * line, -1, keepdims=True))
    side = np.cross(line, front)
    above, below = middle - start, end - middle
    away = np.arctan2(np.sum(above * side, -1), np.sum(above * front, -1))
    away = np.where(np.abs(away) > np.pi / 2, np.sign(away) * (np.pi - np.abs(away)), away)
    bend = np.degrees(np.arccos(np.clip(np.sum(normalise(above) * normalise(below), -1), -1.0, 1.0)))
    share = np.clip((bend - STRAIGHT_DEGREES) / (BENT_DEGREES - STRAIGHT_DEGREES), 0.0, 1.0)
    angle = (share * share * (3 - 2 * share) * away)[:, None]
    direction: Array = np.cos(angle) * front + np.sin(angle) * side
    return direction
