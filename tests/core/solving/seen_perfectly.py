"""Figures whose truth is known, seen through a perfect detector and a perfect network."""

from __future__ import annotations

import numpy as np

from motionlift.core import camera
from motionlift.core.jobs import LiftSettings
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.motion import Motion
from motionlift.core.rotation import IDENTITY, Array, forward_kinematics, from_euler, multiply
from motionlift.core.skeleton import ANIMATION_21, BODY_26, body_points, interpolate_body, reference_rest
from motionlift.core.solving.figure import Person

FRAMES = 90
TIMES = np.arange(FRAMES) / 30
SIZE = (1280, 720)
K = camera.intrinsics(SIZE, 55.0)
CAMERA = camera.look_at(np.array([0.0, -5.0, 1.4]), np.array([0.0, 0.0, 1.0]))
"""world_from_camera."""
SETTINGS = LiftSettings()


def standing(x: float, speed: float = 0.0) -> tuple[Array, Array]:
    """Points (F, 26, 3) and joints (F, 21, 3) m in the world of someone at `x` m who raises an arm and drifts."""
    local = np.tile(IDENTITY, (FRAMES, len(ANIMATION_21), 1))
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * TIMES / 3)
    for joint, angle in (("left_shoulder", 70.0), ("right_shoulder", -70.0)):
        hanging = from_euler(np.radians([[0.0, angle, 0.0]]), "XYZ")
        local[:, ANIMATION_21.index(joint)] = hanging
    raised = np.zeros((FRAMES, 3))
    raised[:, 1] = -np.radians(100) * wave
    left = ANIMATION_21.index("left_shoulder")
    local[:, left] = multiply(local[:, left], from_euler(raised, "XYZ"))
    offsets = reference_rest()[0]
    root = np.zeros((FRAMES, 3)) + offsets[0]
    root[:, 0] += x + speed * TIMES
    joints, world = forward_kinematics(ANIMATION_21.parents, offsets, root, local)
    return body_points(joints, world, offsets), joints


def perceived(points: Array, first: int = 0, last: int = FRAMES) -> Person:
    """What a perfect detector and network make of points in the world, in frames from `first` to before `last`."""
    seen = camera.apply(camera.inverse(CAMERA), points)
    pixels = interpolate_body(camera.project(seen, K))
    detected = (np.arange(FRAMES) >= first) & (np.arange(FRAMES) < last)
    confidence = np.where(detected[:, None], 0.95, 0.0) * np.ones((1, len(BODY_26)))
    lifted = seen - seen[:, :1]
    pixels[~detected] = np.nan
    lifted[~detected] = np.nan
    return Person(Keypoints2D(TIMES, pixels, confidence, detected, SIZE), lifted)


def overlay_error(motion: Motion) -> Array:
    """Distance (F, 26) px of the figure from its keypoints."""
    points = body_points(motion.joint_positions, motion.world_rotations(), motion.rest_offsets)
    seen = camera.apply(camera.inverse(motion.world_from_camera[0]), points)
    error: Array = np.linalg.norm(camera.project(seen, motion.camera_K[0]) - motion.keypoints_2d, axis=-1)
    return error
