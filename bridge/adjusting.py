"""What an animator sets right about a whole take: how high its floor lies, how it leans, how large it is.

Height, size and, for a take whose floor is left as it was filmed, the lean move everything alike: contacts hold as
they did. A take on a level floor leans otherwise: the figure turns about the floor below it, frame by frame, so that
it goes its way as before, and feet and hands stay where they stand, their limbs bent to them.

The frame is the filmed one, the motion's world: right-handed, Z up, the camera looks along +Y.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.jobs import UsageError
from ..core.motion import Motion
from ..core.rotation import (
    IDENTITY,
    Array,
    Bools,
    conjugate,
    continuous,
    forward_kinematics,
    from_axis_angle,
    from_rotation_vector,
    local_from_world,
    multiply,
    rotate,
    to_matrix,
)
from .feet import EASE_SECONDS, HOLDS, TURN_EASE_SECONDS, eased, rotation_vectors
from .limbs import Limb, moved_end, reach
from .planting import ARM, LEG, SIDES, seconds_a_frame
from .reaching import Leg, hip_drop, within_reach
from .tpose import LEFT, UP

STEEPEST, HIGHEST, SMALLEST, LARGEST = 45.0, 100.0, 0.1, 10.0
"""What `Adjustment` takes: degrees, metres, and the bounds of the scale."""


@dataclass(frozen=True)
class Adjustment:
    """What is set right about a take.

    floor_height: metres of the scene that everything is raised by. tilt_forward, tilt_sideways: degrees by which the
    figure's head goes away from the camera and to the right of the picture. scale: of the way over the ground, and of
    the figure itself where its armature was made for the motion. feet_stay: a tilt leaves the floor, and what stands
    on it, as they are; else the floor tilts too. Raises `UsageError` (`bad_adjustment`).
    """

    floor_height: float = 0.0
    tilt_forward: float = 0.0
    tilt_sideways: float = 0.0
    scale: float = 1.0
    feet_stay: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (
            ("floor_height", -HIGHEST, HIGHEST),
            ("tilt_forward", -STEEPEST, STEEPEST),
            ("tilt_sideways", -STEEPEST, STEEPEST),
            ("scale", SMALLEST, LARGEST),
        ):
            if not low <= getattr(self, name) <= high:
                raise UsageError(
                    "bad_adjustment", f"{name} cannot be {getattr(self, name)}.", f"Use {low:g} to {high:g}."
                )

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Adjustment:
        """The inverse of `dataclasses.asdict`."""
        return Adjustment(**values)

    @property
    def turn(self) -> Array:
        """The tilt (4,): about the horizontal axis that leads the head straight where it shall go."""
        forward, sideways = math.radians(self.tilt_forward), math.radians(self.tilt_sideways)
        vector = np.array([-forward, sideways, 0.0])
        angle = float(np.linalg.norm(vector))
        return from_axis_angle(vector / angle, angle) if angle else IDENTITY

    @property
    def floor_turn(self) -> Array:
        """By how much the floor tilts too (4,)."""
        return IDENTITY if self.feet_stay else self.turn


Parts = tuple[str, str, str]
"""The joints of a limb: `LEG` or `ARM`."""


def adjusted(motion: Motion, adjustment: Adjustment) -> Motion:
    """The motion with everything set right, its figure's size too: for an armature of its own.

    The camera goes along, so that the figure stands on the actor as it did.
    """
    motion = leaned(motion, adjustment)
    turn, scale, rise = adjustment.floor_turn, adjustment.scale, adjustment.floor_height * UP
    if adjustment == dataclasses.replace(Adjustment(), feet_stay=adjustment.feet_stay):
        return motion
    local = np.array(motion.local_rotations)
    for joint in np.flatnonzero(motion.parents < 0):
        local[:, joint] = multiply(turn, local[:, joint])
    root, offsets = scale * rotate(turn, motion.root_translation) + rise, scale * motion.rest_offsets
    local = continuous(local)
    cameras = np.array(motion.world_from_camera)
    cameras[:, :3, :3] = to_matrix(turn) @ cameras[:, :3, :3]
    cameras[:, :3, 3] = scale * rotate(turn, cameras[:, :3, 3]) + rise
    return dataclasses.replace(
        motion,
        rest_offsets=offsets,
        rest_tails=scale * motion.rest_tails,
        contact_offsets=scale * motion.contact_offsets,
        root_translation=root,
        local_rotations=local,
        joint_positions=forward_kinematics(motion.parents, offsets, root, local)[0],
        world_from_camera=cameras,
    )


def leaned(motion: Motion, adjustment: Adjustment) -> Motion:
    """The motion with its figure tilted over a floor that stays: what stands on it, feet and hands, stays as well."""
    if not adjustment.feet_stay or np.array_equal(adjustment.turn, IDENTITY):
        return motion
    turn, parents = adjustment.turn, motion.parents
    below = motion.root_translation * [1.0, 1.0, 0.0]
    before = motion.world_rotations()
    world = multiply(turn, before)
    joints = below[:, None] + rotate(turn, motion.joint_positions - below[:, None])
    ends = {
        (side, limb): end
        for limb in (LEG, ARM)
        for side in SIDES
        if (end := _standing(motion, joints, world, side, limb)) is not None
    }
    drop = _drop(motion, joints, ends)
    joints = joints - drop[:, None, None] * UP
    for (side, limb), end in ends.items():
        _bend(motion, joints, world, side, limb, end)
    root = joints[:, 0]
    local = continuous(local_from_world(parents, world))
    pivot = below.mean(0)
    cameras = np.array(motion.world_from_camera)
    cameras[:, :3, :3] = to_matrix(turn) @ cameras[:, :3, :3]
    cameras[:, :3, 3] = pivot + rotate(turn, cameras[:, :3, 3] - pivot)
    return dataclasses.replace(
        motion,
        root_translation=root,
        local_rotations=local,
        joint_positions=forward_kinematics(parents, motion.rest_offsets, root, local)[0],
        world_from_camera=cameras,
    )


@dataclass(frozen=True)
class _End:
    """Where a hand or foot goes: its path (F, 3), its turns (F, 4), and when it stands (F,)."""

    path: Array
    turns: Array
    holds: Bools


def _standing(motion: Motion, joints: Array, world: Array, side: str, limb: Parts) -> _End | None:
    """A foot or hand as it was where it stands, leant with the body elsewhere; None where it never stands."""
    names = [f"{side}_{part}" for part in (limb[-1], *(("toe",) if limb == LEG else ()))]
    carriers = [motion.joint(name) for name in names if name in motion.joint_names]
    points = np.flatnonzero(np.isin(motion.contact_parents, carriers))
    holds = (motion.contacts[:, points] > HOLDS).any(1)
    if not holds.any():
        return None
    step, at = seconds_a_frame(motion), carriers[0]
    back = multiply(motion.world_rotations()[:, at], conjugate(world[:, at]))
    turns = multiply(from_rotation_vector(eased(rotation_vectors(back), holds, TURN_EASE_SECONDS / step)), world[:, at])
    path = joints[:, at] + eased(motion.joint_positions[:, at] - joints[:, at], holds, EASE_SECONDS / step)
    # Nothing goes deeper than it was, or than the floor.
    follow = multiply(turns, conjugate(world[:, at]))
    lowest = np.full(len(motion), np.inf)
    for point in points:
        carrier = int(motion.contact_parents[point])
        offset = joints[:, carrier] + rotate(world[:, carrier], motion.contact_offsets[point]) - joints[:, at]
        lowest = np.minimum(lowest, (path + rotate(follow, offset))[:, 2])
    was = motion.contact_positions()[:, points, 2].min(1)
    path = path + np.maximum(np.minimum(was, 0.0) - lowest, 0.0)[:, None] * UP
    return _End(path, turns, holds)


def _limb(motion: Motion, joints: Array, world: Array, side: str, limb: Parts) -> Limb:
    upper, middle, end = (motion.joint(f"{side}_{part}") for part in limb)
    return Limb(joints[:, upper], joints[:, middle], joints[:, end], world[:, upper], world[:, middle])


def _drop(motion: Motion, joints: Array, ends: Mapping[tuple[str, Parts], _End]) -> Array:
    """By how much (F,) m the hips come down, for legs that would not reach."""
    legs = []
    for (side, parts), end in ends.items():
        if parts == LEG:
            hip, knee, ankle = (joints[:, motion.joint(f"{side}_{part}")] for part in LEG)
            length = float(np.median(np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)))
            legs.append(Leg(hip, end.path, length, np.linalg.norm(ankle - hip, axis=-1), end.holds))
    return hip_drop(legs, seconds_a_frame(motion)) if legs else np.zeros(len(motion))


def _bend(motion: Motion, joints: Array, world: Array, side: str, parts: Parts, end: _End) -> None:
    """Turn the bones of a limb in `world` (F, J, 4) so that it ends at `end`; what hangs on its end goes along."""
    limb = _limb(motion, joints, world, side, parts)
    upper, middle, last = (motion.joint(f"{side}_{part}") for part in parts)
    hinge = rotate(limb.upper, LEFT if parts == LEG else UP * (-1.0 if side == "left" else 1.0))
    distance = np.linalg.norm(limb.end - limb.start, axis=-1)
    bent = moved_end(limb, within_reach(limb.start, end.path, reach(limb), distance), hinge)
    follow = multiply(end.turns, conjugate(world[:, last]))
    world[:, upper], world[:, middle], world[:, last] = bent.upper, bent.lower, end.turns
    for joint in range(last + 1, len(motion.parents)):
        if _is_below(motion.parents, joint, last):
            world[:, joint] = multiply(follow, world[:, joint])


def _is_below(parents: Any, joint: int, above: int) -> bool:
    while joint > above:
        joint = int(parents[joint])
    return joint == above
