"""Landmarks become `BODY_26` keypoints, and are believed as much as they deserve."""

from __future__ import annotations

import numpy as np

from motionlift.core.detection.keypoints import joint_confidence, keypoints, landmark_confidence
from motionlift.core.skeleton import BODY_26, MEDIAPIPE_33

SIZE = (1000, 500)


def test_frames_without_the_person_are_marked() -> None:
    random = np.random.default_rng(0)
    pixels, world = random.uniform(0, 500, (3, 33, 2)), random.normal(size=(3, 33, 3))
    found = keypoints(np.arange(6) / 30, np.array([1, 2, 5]), pixels, world, np.full((3, 33), 0.8), SIZE)
    np.testing.assert_array_equal(found.detected, [False, True, True, False, False, True])
    assert np.isnan(found.pixels[~found.detected]).all()
    assert not found.confidence[~found.detected].any()
    assert np.isfinite(found.pixels[found.detected]).all()
    assert found.world_landmarks is not None
    np.testing.assert_array_equal(found.world_landmarks[5], world[2])
    wrist = pixels[:, MEDIAPIPE_33.index("left_wrist")]
    np.testing.assert_allclose(found.pixels[[1, 2, 5], BODY_26.index("left_wrist")], wrist)


def test_an_interpolated_joint_is_as_sure_as_its_least_sure_source() -> None:
    sure = np.full((1, 33), 0.9)
    sure[0, MEDIAPIPE_33.index("left_hip")] = 0.2
    joints = joint_confidence(sure)
    assert joints[0, BODY_26.index("pelvis")] == joints[0, BODY_26.index("spine")] == 0.2
    assert joints[0, BODY_26.index("neck")] == 0.9


def test_a_landmark_outside_the_picture_is_hardly_believed() -> None:
    pixels = np.full((1, 33, 2), 250.0)
    pixels[0, :3, 0] = [-1.0, 1040.0, 1500.0]
    sure = landmark_confidence(pixels, np.ones((1, 33)), SIZE)
    assert sure[0, 3] == 1.0
    assert 0.29 < sure[0, 0] <= 0.3
    assert 0 < sure[0, 1] < sure[0, 0]
    assert sure[0, 2] == 0
