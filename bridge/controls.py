"""IK controls of a rig, put where the limbs are that FK has posed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..core.rotation import normalise, rotate
from .humanoid import IkLimb, side_of
from .posing import Pose
from .rig import Rig
from .tpose import Bones, way_along

POLE_DISTANCE = 0.6
"""Of a limb's length: how far in front of a knee its pole goes, where the rig does not show it."""


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
            line = normalise(heads[end] - heads[upper])
            rest_line = normalise(pose.stage.heads[end] - pose.stage.heads[upper])
            rest_out = pose.stage.heads[pole] - pose.stage.heads[middle]
            rest_out = rest_out - rest_line * (rest_out @ rest_line)
            # Where the upper bone carries it: a solver turns that bone until its own side looks at the pole, and a
            # straight limb shows no plane.
            hinted = rotate(turns[upper], normalise(rest_out))
            direction = normalise(hinted - line * np.sum(hinted * line, -1, keepdims=True))
            length = way_along(pose.stage.heads[[upper, middle, end]])
            distance = max(float(np.linalg.norm(rest_out)), POLE_DISTANCE * length)
            pose.heads[pole] = heads[middle] + distance * direction
