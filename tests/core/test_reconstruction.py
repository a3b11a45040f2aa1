"""From keypoints to motion, with the real network: the sample's truth, seen perfectly."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motionlift.core import camera
from motionlift.core.hand_skeleton import HAND_21, RELAXED, SIDES
from motionlift.core.jobs import LiftSettings
from motionlift.core.keypoints import HandKeypoints, Keypoints2D
from motionlift.core.motion import Motion
from motionlift.core.reconstruction import reconstruct
from motionlift.core.rotation import Array, angle_between, minimal_rotation, rotate
from motionlift.core.skeleton import body_points
from motionlift.core.solving.fingers import append_fingers

SAMPLE = Path(__file__).parents[2] / "samples" / "walk_wave_squat.truth.motion.npz"
FRAMES = 90


@pytest.fixture(scope="module")
def truth() -> Motion:
    whole = Motion.load(SAMPLE)
    part = {field: getattr(whole, field)[:FRAMES] for field in ("times", "root_translation", "local_rotations")}
    joints, rotations = whole.joint_positions[:FRAMES], whole.world_rotations()[:FRAMES]
    points = camera.apply(
        camera.inverse(whole.world_from_camera[0]), body_points(joints, rotations, whole.rest_offsets)
    )
    return dataclasses.replace(
        whole,
        **part,
        joint_positions=joints,
        confidence=whole.confidence[:FRAMES],
        detected=np.ones(FRAMES, bool),
        contacts=whole.contacts[:FRAMES],
        keypoints_2d=camera.project(points, whole.camera_K[0]),
        keypoint_confidence=np.full(points.shape[:2], 0.95),
        lifted_camera=points - points[:, :1],
    )


def hands_of(motion: Motion) -> HandKeypoints:
    """What a perfect detector reports of a motion with fingers: its 3D as a camera sees it that looks at the hand."""
    joints, rotations = motion.joint_positions, motion.world_rotations()
    points = np.empty((len(motion), 2, len(HAND_21), 3))
    for number, side in enumerate(SIDES):
        names = [
            f"{side}_{finger}_{bone}" for finger in ("thumb", "index", "middle", "ring", "pinky") for bone in (1, 2, 3)
        ]
        chains = np.array([motion.joint(name) for name in names]).reshape(5, 3)
        tips = joints[:, chains[:, 2]] + rotate(rotations[:, chains[:, 2]], motion.rest_tails[chains[:, 2]])
        points[:, number, 0] = joints[:, motion.joint(f"{side}_wrist")]
        points[:, number, 1:] = np.concatenate([joints[:, chains], tips[:, :, None]], 2).reshape(len(motion), 20, 3)
    seen = camera.apply(camera.inverse(motion.world_from_camera[0]), points)
    middle = seen.mean(2, keepdims=True)
    world = rotate(minimal_rotation(middle, np.array([0.0, 0.0, 1.0])), seen - middle)
    left = np.tile([0.95, 0.05], (len(motion), 1))
    pixels = camera.project(seen, motion.camera_K[0])
    return HandKeypoints(pixels.astype(np.float32), world.astype(np.float32), np.ones((len(motion), 2)), left)


def wrists(motion: Motion) -> Array:
    """Orientations (F, 2, 4) of the hands against the forearms."""
    return motion.local_rotations[:, [motion.joint(f"{side}_wrist") for side in SIDES]]


def test_a_camera_that_pans_does_not_turn_the_hands(truth: Motion) -> None:
    """Somebody kept in the middle of the picture by a camera that pans by 60 degrees: what is seen is what a still
    camera sees of somebody who does not move on, so hands sit on forearms as they do there."""
    relaxed = np.tile(RELAXED, (FRAMES, 2, 1, 1))
    hands = hands_of(append_fingers(truth, relaxed, np.ones((FRAMES, 2))))
    size, camera_K = truth.image_size, truth.camera_K[0]
    seen = Keypoints2D(truth.times, truth.keypoints_2d, truth.keypoint_confidence, truth.detected, size, None, hands)
    yaw = np.radians(60.0) * np.linspace(-0.5, 0.5, FRAMES)
    drift = np.stack([-yaw * camera_K[0, 0] / max(size), np.zeros(FRAMES)], -1)
    settings = LiftSettings(hands=True)
    still, panned = (reconstruct([seen], [{}], camera_K, settings, way)[0] for way in (None, drift))
    assert len(panned.world_from_camera) == FRAMES
    view = panned.world_from_camera[:, :2, 2]
    assert np.degrees(np.ptp(np.arctan2(view[:, 0], view[:, 1]))) == pytest.approx(60.0, abs=1.0)
    off = np.degrees(angle_between(wrists(still), wrists(panned)))
    assert np.median(off) < 4
    assert off.max() < 10
