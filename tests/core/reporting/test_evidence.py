"""What reports compare: the same landmarks as the solve's, pixels, heights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core import camera
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion
from motionlift.core.reporting.drawn import drawn
from motionlift.core.reporting.evidence import (
    checked,
    figure_height_px,
    frame_in_picture,
    height_m,
    in_picture,
    landmarks_world,
    lifted_world,
    points_world,
    seen_span,
    standing_height_m,
)
from motionlift.core.reporting.take_figures import take_figures
from motionlift.core.skeleton import BODY_26
from motionlift.core.solving.body import Body, matrices

Stander = Callable[..., Motion]


def test_landmarks_lie_where_the_solve_puts_them(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion(frames=12)
    placed = Body.of(motion.rest_offsets, motion.rest_tails).placed(matrices(motion.world_rotations()))
    for ours, theirs in ((landmarks_world(motion), placed.landmarks), (points_world(motion), placed.points)):
        expected = theirs.numpy().transpose(1, 2, 0) + motion.root_translation[:, None]
        np.testing.assert_allclose(ours, expected, atol=2e-5)


def test_pixels_agree_with_the_plain_camera_also_for_one_that_moves(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion(frames=5)
    placed = np.repeat(motion.world_from_camera, 5, 0)
    placed[:, :3, 3] += np.arange(5)[:, None] * 0.1
    K = np.repeat(motion.camera_K, 5, 0)
    K[:, 0, 0] *= np.arange(1, 6)
    moving = dataclasses.replace(motion, world_from_camera=placed, camera_K=K)
    points = points_world(moving)
    found = in_picture(moving, points)
    for frame in range(5):
        points_camera = camera.apply(camera.inverse(placed[frame]), points[frame])
        np.testing.assert_allclose(found[frame], camera.project(points_camera, K[frame]), atol=1e-9)
        pixels, depths = frame_in_picture(moving, frame, points[frame])
        np.testing.assert_allclose(pixels, found[frame], atol=1e-9)
        np.testing.assert_allclose(depths, points_camera[:, 2], atol=1e-12)


def test_what_is_behind_the_camera_has_no_pixels(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion(frames=4)
    behind = motion.world_from_camera[0, :3, 3] - [0.0, 1.0, 0.0]
    assert np.isnan(in_picture(motion, np.broadcast_to(behind, (4, 1, 3)))).all()


def test_lifted_joints_are_set_down_on_the_path(stander: Stander) -> None:
    motion = stander(root=np.linspace([0, 0, 0], [1, 2, 0], 60))
    np.testing.assert_allclose(lifted_world(motion), points_world(motion), atol=1e-9)


def test_lifted_joints_get_the_bodys_size(stander: Stander) -> None:
    motion = stander()
    taller = dataclasses.replace(motion, source={**motion.source, "height_m": 2 * 1.7})
    points = lifted_world(taller)
    own = points_world(motion)
    np.testing.assert_allclose(points - points[:, :1], 2 * (own - own[:, :1]), atol=1e-9)


def test_heights(stander: Stander) -> None:
    motion = stander()
    assert standing_height_m(motion) == pytest.approx(1.7, abs=0.01)
    assert height_m(dataclasses.replace(motion, source={})) == standing_height_m(motion)
    # Measured in the picture from the soles to the top of the head, at the pelvis's distance.
    ends = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.7]])
    in_px = np.diff(in_picture(motion, np.broadcast_to(ends, (60, 2, 3)))[..., 1], axis=1)
    np.testing.assert_allclose(figure_height_px(motion), -in_px[:, 0], rtol=0.01)


def test_the_span_in_which_somebody_is_seen(stander: Stander) -> None:
    detected = np.zeros(60, bool)
    assert seen_span(stander(detected=detected)) == (0, 0)
    detected[[5, 20]] = True
    assert seen_span(stander(detected=detected)) == (5, 21)


def test_another_skeleton_is_refused(stander: Stander) -> None:
    motion = stander()
    names = ("hips", *motion.joint_names[1:])
    with pytest.raises(MotionLiftError, match="skeleton"):
        checked(dataclasses.replace(motion, joint_names=names))
    assert len(BODY_26) == len(checked(motion).keypoint_names)


def test_appended_fingers_change_no_figure(stander: Stander) -> None:
    motion = stander()
    wrist = motion.joint("left_wrist")
    offset = np.array([0.09, 0.0, 0.0])
    hand = dataclasses.replace(
        motion,
        joint_names=(*motion.joint_names, "left_index_1"),
        parents=np.append(motion.parents, wrist),
        rest_offsets=np.concatenate([motion.rest_offsets, offset[None]]),
        rest_tails=np.concatenate([motion.rest_tails, [[0.03, 0.0, 0.0]]]),
        local_rotations=np.concatenate([motion.local_rotations, motion.local_rotations[:, :1]], 1),
        joint_positions=np.concatenate([motion.joint_positions, motion.joint_positions[:, wrist, None] + offset], 1),
        confidence=np.concatenate([motion.confidence, motion.confidence[:, :1]], 1),
    ).check()
    np.testing.assert_allclose(landmarks_world(hand), landmarks_world(motion), atol=1e-12)
    assert take_figures(hand) == take_figures(motion)
    lines, points = drawn(hand).lines, drawn(hand).points_world.shape[1]
    assert [wrist, motion.joint_positions.shape[1]] in lines.tolist()
    assert set(lines.ravel().tolist()) == set(range(points))
