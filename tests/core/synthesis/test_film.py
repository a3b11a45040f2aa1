"""Cameras, encoding and the command line."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from motionlift.core.camera import apply, intrinsics, inverse
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26
from motionlift.core.synthesis.film import film, frame_figure, write_clip
from motionlift.core.synthesis.footsteps import FootstepPlan
from motionlift.core.synthesis.make_sample import main
from motionlift.core.synthesis.performance import Performance, perform
from motionlift.core.synthesis.renderer import clip_from_camera

SIZE = (320, 240)


@pytest.fixture(scope="module")
def performance() -> Performance:
    plan = FootstepPlan.stand(1.0, 2.0, 0.9)
    plan.walk(3, 0.45)
    return perform(plan.prints, (), np.arange(45) / 30)


@pytest.mark.parametrize("azimuth", [0.0, 1.0, np.pi])
def test_the_framed_figure_fills_the_picture_and_stays_in_it(performance: Performance, azimuth: float) -> None:
    camera_K = intrinsics(SIZE)
    motion = film(performance, *frame_figure(performance, camera_K, SIZE, azimuth), camera_K, SIZE)
    pixels = motion.keypoints_2d.reshape(-1, 2)
    assert np.all(pixels > 0)
    assert np.all(pixels < SIZE)
    assert np.max(np.ptp(pixels, axis=0) / SIZE) > 0.5


def test_seen_from_the_front_the_left_is_on_the_right_and_from_behind_on_the_left(performance: Performance) -> None:
    camera_K = intrinsics(SIZE)
    left, right = BODY_26.indices("left_shoulder", "right_shoulder")
    for azimuth, side in ((0.0, 1.0), (np.pi, -1.0)):
        motion = film(performance, *frame_figure(performance, camera_K, SIZE, azimuth), camera_K, SIZE)
        apart = motion.keypoints_2d[0, left, 0] - motion.keypoints_2d[0, right, 0]
        assert side * apart > 5


def test_the_filmed_world_only_turns_and_moves_the_performance(performance: Performance) -> None:
    motion = film(performance, np.array([4.0, -3.0, 1.5]), np.array([1.0, 2.0, 0.9]), intrinsics(SIZE), SIZE)
    np.testing.assert_allclose(motion.root_translation[0, :2], 0.0, atol=1e-12)
    np.testing.assert_allclose(motion.root_translation[:, 2], performance.root_translation[:, 2])
    steps = [np.linalg.norm(np.diff(p.root_translation, axis=0), axis=1) for p in (motion, performance)]
    np.testing.assert_allclose(steps[0], steps[1], atol=1e-12)
    np.testing.assert_allclose(motion.world_from_camera[0, 0, 2], 0.0, atol=1e-12)
    assert motion.lifted_camera[..., 2].std() > 0


def test_opengl_puts_points_where_the_camera_model_does() -> None:
    camera_K = intrinsics(SIZE)
    camera_K[:2, 2] += [7.0, -5.0]
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 6], (50, 3))
    clip = apply_clip(clip_from_camera(camera_K, SIZE), points)
    pixels = (clip[:, :2] * [0.5, -0.5] + 0.5) * SIZE
    expected = points[:, :2] / points[:, 2:] * [camera_K[0, 0], camera_K[1, 1]] + camera_K[:2, 2]
    np.testing.assert_allclose(pixels, expected, atol=1e-9)
    assert np.all(np.diff(clip[np.argsort(points[:, 2]), 2]) > 0)
    assert np.abs(clip).max() <= 1.5


def apply_clip(projection: Array, points: Array) -> Array:
    """Normalised device coordinates (N, 3)."""
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], 1) @ projection.T
    device: Array = homogeneous[:, :3] / homogeneous[:, 3:]
    return device


def test_a_clip_keeps_its_frames_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    pictures = [np.full((48, 64, 3), 20 * i, np.uint8) for i in range(10)]
    path = tmp_path / "clip.mp4"
    assert write_clip(path, iter(pictures), 25, (64, 48)) == 10
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    np.testing.assert_allclose([f.mean() for f in decoded], [20 * i for i in range(10)], atol=4)
    with pytest.raises(MotionLiftError) as error:
        write_clip(tmp_path / "odd.mp4", iter([np.zeros((47, 63, 3), np.uint8)]), 25, (63, 47))
    assert error.value.code == "no_h264"
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_the_command_refuses_before_it_renders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    existing = tmp_path / "clip.mp4"
    existing.write_bytes(b"mine")
    assert main(["-o", str(existing)]) == 2
    assert existing.read_bytes() == b"mine"
    assert main(["-o", str(tmp_path / "clip.gif")]) == 2
    assert main(["-o", str(tmp_path / "clip2.mp4"), "--bvh", str(tmp_path / "no.bvh")]) == 1
    assert "no.bvh" in caplog.text


def test_the_camera_is_where_it_was_asked_to_be(performance: Performance) -> None:
    eye, target = np.array([4.0, -3.0, 1.5]), np.array([1.0, 2.0, 0.9])
    motion = film(performance, eye, target, intrinsics(SIZE), SIZE)
    seen = apply(inverse(motion.world_from_camera[0]), motion.root_translation)
    np.testing.assert_allclose(
        np.linalg.norm(seen, axis=1), np.linalg.norm(performance.root_translation - eye, axis=1), atol=1e-9
    )
