"""Legs solved to their feet: analytic two-bone inverse kinematics."""

from __future__ import annotations

import numpy as np

from ..jobs import MotionLiftError
from ..rotation import Array, conjugate, frame_from_axes, from_axis_angle, from_matrix, multiply, normalise, rotate
from ..skeleton import ANIMATION_21
from .footsteps import FootTrack

_LATERAL = np.array([1.0, 0.0, 0.0])
_FORWARD = np.array([0.0, -1.0, 0.0])


def solve_leg(local: Array, root: Array, rest_offsets: Array, side: str, foot: FootTrack) -> None:
    """Write the hip, knee, ankle and toe of `local` (F, 21, 4) so that the ankle stands where `foot` says.

    `root` (F, 3) m: the pelvis. The knee bends forward, in the plane midway between where pelvis and foot point.
    Raises `MotionLiftError` (`leg_out_of_reach`) where the foot is too far from the hip.
    """
    hip, knee, ankle, toe = ANIMATION_21.indices(*(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "toe")))
    pelvis = local[:, 0]
    to_ankle = foot.ankles - (root + rotate(pelvis, rest_offsets[hip]))
    thigh, shin = float(np.linalg.norm(rest_offsets[knee])), float(np.linalg.norm(rest_offsets[ankle]))
    distance = np.linalg.norm(to_ankle, axis=-1)
    if np.any(distance >= thigh + shin) or np.any(distance <= abs(thigh - shin)):
        raise MotionLiftError(
            "leg_out_of_reach",
            f"A footprint is {distance.max():.2f} m from the hip, and the leg is {thigh + shin:.2f} m long.",
            "Make the steps shorter or the squat shallower.",
        )
    direction = to_ankle / distance[:, None]
    forward = normalise(rotate(pelvis, _FORWARD)) + normalise(rotate(foot.rotations, _FORWARD))
    lateral = normalise(np.cross(forward, direction))
    # Law of cosines: the angle at the hip between the thigh and the line to the ankle.
    cosine = (thigh**2 + distance**2 - shin**2) / (2 * thigh * distance)
    thigh_direction = rotate(from_axis_angle(lateral, -np.arccos(np.clip(cosine, -1.0, 1.0))), direction)
    shin_direction = normalise(to_ankle - thigh * thigh_direction)
    thigh_world = _bone_rotation(rest_offsets[knee], thigh_direction, lateral)
    shin_world = _bone_rotation(rest_offsets[ankle], shin_direction, lateral)
    local[:, hip] = multiply(conjugate(pelvis), thigh_world)
    local[:, knee] = multiply(conjugate(thigh_world), shin_world)
    local[:, ankle] = multiply(conjugate(shin_world), foot.rotations)
    local[:, toe] = from_axis_angle(_LATERAL, foot.toe_bend)


def _bone_rotation(rest: Array, direction: Array, lateral: Array) -> Array:
    """Orientations (F, 4) that turn a bone's rest offset (3,) onto `direction` (F, 3), its X near `lateral` (F, 3)."""
    before = frame_from_axes(-rest, _LATERAL, 2, 0)
    after = frame_from_axes(-direction, lateral, 2, 0)
    return from_matrix(after @ before.T)
