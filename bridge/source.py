"""What retargeting needs of a motion: its turns and positions by role, and its directions at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.motion import Motion
from ..core.rotation import Array, from_axis_angle, multiply, normalise, rotate
from .humanoid import FINGER_ROLES, FINGERS, PHALANGES
from .tpose import FRONT, UP

HEADING_SECONDS = 0.5
"""A take begins facing where the figure faces on average over this time."""


@dataclass(frozen=True)
class Placement:
    """Where the stage lies in the motion's world: turn (4,) about the vertical, then shift (3,) m."""

    turn: Array
    shift: Array

    def points(self, points_world: Array) -> Array:
        """Points (..., 3) of the motion's world on the stage."""
        return rotate(self.turn, points_world) + self.shift


@dataclass(frozen=True)
class Source:
    """A motion on the stage. turns (F, J, 4) and joints (F, J, 3) m; contact points (F, C, 3) m."""

    motion: Motion
    turns: Array
    joints: Array
    contact_points: Array
    placement: Placement

    def turn(self, role: str) -> Array:
        """The turn (F, 4) of a joint. Raises `ValueError` for one that the motion does not have."""
        return np.asarray(self.turns[:, self.motion.joint(role)])

    def joint(self, role: str) -> Array:
        """The positions (F, 3) of a joint."""
        return np.asarray(self.joints[:, self.motion.joint(role)])

    def has(self, role: str) -> bool:
        return role in self.motion.joint_names


def placement_of(motion: Motion, as_filmed: bool) -> Placement:
    """Where a motion is put on the stage: as it is, or begun over the origin and facing the front."""
    if as_filmed:
        return Placement(np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(3))
    hips = 0.5 * (
        motion.joint_positions[0, motion.joint("left_hip")] + motion.joint_positions[0, motion.joint("right_hip")]
    )
    soon = motion.times - motion.times[0] <= HEADING_SECONDS
    facing = rotate(motion.world_rotations()[soon, 0], FRONT).mean(0)
    angle = float(np.arctan2(facing[0], -facing[1])) if np.linalg.norm(facing[:2]) > 1e-3 else 0.0
    turn = from_axis_angle(UP, -angle)
    start = rotate(turn, hips)
    return Placement(turn, np.array([-start[0], -start[1], 0.0]))


def place(motion: Motion, placement: Placement) -> Source:
    """The motion on the stage."""
    return Source(
        motion=motion,
        turns=multiply(placement.turn, motion.world_rotations()),
        joints=placement.points(motion.joint_positions),
        contact_points=placement.points(motion.contact_positions()),
        placement=placement,
    )


def rest_directions(motion: Motion) -> dict[str, Array]:
    """d* (3,) of limbs, hands, feet and fingers: from a joint to the next in the T-pose, in metres."""
    result: dict[str, Array] = {}
    for side in ("left", "right"):
        for role, following in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
                                ("ankle", "toe"), ("clavicle", "shoulder")):  # fmt: skip
            result[f"{side}_{role}"] = motion.rest_offsets[motion.joint(f"{side}_{following}")]
        result[f"{side}_toe"] = motion.rest_tails[motion.joint(f"{side}_toe")]
        knuckles = [f"{side}_{finger}_1" for finger in FINGERS[1:] if f"{side}_{finger}_1" in motion.joint_names]
        hand = motion.joint(f"{side}_wrist")
        result[f"{side}_wrist"] = (
            np.mean([motion.rest_offsets[motion.joint(name)] for name in knuckles], 0)
            if len(knuckles) > 1
            else motion.rest_tails[hand]
        )
        for role in (f"{side}_{name}" for name in FINGER_ROLES):
            if role in motion.joint_names:
                stem, _, number = role.rpartition("_")
                following = f"{stem}_{int(number) + 1}"
                ends = int(number) < PHALANGES and following in motion.joint_names
                result[role] = (
                    motion.rest_offsets[motion.joint(following)] if ends else motion.rest_tails[motion.joint(role)]
                )
    return {role: direction for role, direction in result.items() if np.any(normalise(direction))}


def rest_across(motion: Motion) -> dict[str, Array]:
    """From the little finger's knuckle to the index's (3,) in the T-pose, by hand, where the motion has fingers."""
    result = {}
    for side in ("left", "right"):
        names = (f"{side}_index_1", f"{side}_pinky_1")
        if all(name in motion.joint_names for name in names):
            index, pinky = (motion.rest_offsets[motion.joint(name)] for name in names)
            result[f"{side}_wrist"] = index - pinky
    return result
