"""The bind pose: where on a rest skeleton the figure is modelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..hand_skeleton import ANIMATION_51
from ..rotation import Array, forward_kinematics, from_axis_angle, multiply, normalise, rotate, to_matrix
from ..skeleton import ANIMATION_21, JointSet, attachment_scale, reference_rest

SIDES = (("left", 1.0), ("right", -1.0))
"""Each side's name and the sign of its X."""

_BIND_TURNS = {
    "left_shoulder": ("y", 50.0),
    "left_elbow": ("z", -12.0),
    "left_hip": ("y", -7.0),
    "left_knee": ("x", 3.0),
    "left_ankle": ("y", 7.0),
}
"""Bind pose: degrees about an axis of the joint's own frame, left side; mirrored for the right."""


def bind_pose(rest_offsets: Array) -> tuple[Array, Array]:
    """Positions (J, 3) and orientations (J, 4) in the world of the pose that figures are modelled in: of
    `ANIMATION_21`, or of `ANIMATION_51` where the rest skeleton has fingers."""
    local = np.tile([1.0, 0.0, 0.0, 0.0], (len(rest_offsets), 1))
    for joint, (axis, degrees) in _BIND_TURNS.items():
        for side, sign in SIDES:
            index = ANIMATION_21.index(joint.replace("left", side))
            # Mirroring in x = 0 keeps turns about X and reverses those about Y and Z.
            turn = np.radians(degrees) * (1.0 if axis == "x" else sign)
            local[index] = multiply(local[index], from_axis_angle(np.eye(3)["xyz".index(axis)], turn))
    return forward_kinematics(joints_of(rest_offsets).parents, rest_offsets, rest_offsets[0], local)


def joints_of(rest_offsets: Array) -> JointSet:
    """The joint set of a rest skeleton (J, 3), with fingers or without."""
    return ANIMATION_21 if len(rest_offsets) == len(ANIMATION_21) else ANIMATION_51


@dataclass(frozen=True)
class BindFrame:
    """Where anatomy goes: the bind pose of one skeleton.

    Offsets are given in metres of the reference body, in the carrying joint's T-pose frame, and scaled. Girth and
    clothes are as in `figure.Look`.
    """

    rest_offsets: Array
    joints: Array
    rotations: Array
    girth: float
    sleeves: float = 0.485
    trouser_legs: float = 2.0
    loose: float = 1.0
    hair_length: float = 0.0

    @property
    def scale(self) -> float:
        """This body's leg and trunk length against the reference's."""
        return float(self._height(self.rest_offsets) / self._height(reference_rest()[0]))

    @staticmethod
    def _height(offsets: Array) -> Array:
        spine = offsets[ANIMATION_21.indices("spine", "chest", "neck", "head"), 2].sum()
        return np.asarray(offsets[0, 2] + spine)

    def joint(self, name: str) -> Array:
        """The joint's position (3,) in the bind pose."""
        position: Array = self.joints[joints_of(self.rest_offsets).index(name)]
        return position

    def direction(self, joint: str, vector: tuple[float, float, float]) -> Array:
        """A direction (3,) of the joint's T-pose frame, in the bind pose."""
        return rotate(self.rotations[ANIMATION_21.index(joint)], normalise(np.array(vector)))

    def axes(self, joint: str) -> Array:
        """The joint's frame (3, 3) in the bind pose, axes in columns."""
        return to_matrix(self.rotations[ANIMATION_21.index(joint)])

    def at(self, joint: str, offset: tuple[float, float, float], scale: float | None = None) -> Array:
        """The point (3,) at an offset from a joint; `scale` defaults to the body's."""
        factor = self.scale if scale is None else scale
        moved = rotate(self.rotations[ANIMATION_21.index(joint)], np.array(offset) * factor)
        return self.joint(joint) + moved

    def attachment_scale(self, point: str) -> float:
        """The scale of the hand, foot or head, as `skeleton.attachment` sees it, named by one of its points."""
        return attachment_scale(point, self.rest_offsets[: len(ANIMATION_21)])

    @property
    def has_fingers(self) -> bool:
        """Whether the skeleton has finger joints."""
        return len(self.rest_offsets) > len(ANIMATION_21)

    def width(self, joint: str) -> float:
        """How far apart the joint and its counterpart are, against the reference's."""
        other = self.rest_offsets_world(self.rest_offsets)[ANIMATION_21.index(joint), 0]
        return float(other / self.rest_offsets_world(reference_rest()[0])[ANIMATION_21.index(joint), 0])

    @staticmethod
    def rest_offsets_world(offsets: Array) -> Array:
        """Joint positions (21, 3) in the T-pose."""
        identity = np.tile([1.0, 0.0, 0.0, 0.0], (len(offsets), 1))
        return forward_kinematics(joints_of(offsets).parents, offsets, offsets[0], identity)[0]
