"""The committed sample and its truth."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from motionlift.core.camera import apply, inverse, project
from motionlift.core.motion import Motion
from motionlift.core.rotation import forward_kinematics, rotate
from motionlift.core.skeleton import BODY_26, body_points
from motionlift.core.synthesis.make_sample import FPS, SECONDS, SIZE, sample_truth, truth_path


@pytest.fixture(scope="module")
def truth(sample_video: Path) -> Motion:
    return Motion.load(truth_path(sample_video))


def test_the_clip_has_the_stated_size_rate_and_length(sample_video: Path, truth: Motion) -> None:
    assert sample_video.stat().st_size < 1_000_000
    assert truth_path(sample_video).stat().st_size < 600_000
    with av.open(str(sample_video)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        assert stream.average_rate == FPS
        assert stream.codec_context.name == "h264"
    assert len(frames) == len(truth) == round(FPS * SECONDS)
    assert frames[0].shape == (SIZE[1], SIZE[0]) == truth.image_size[::-1]
    assert truth.fps == pytest.approx(FPS)


def test_the_picture_shows_the_figure_where_the_truth_says(sample_video: Path, truth: Motion) -> None:
    """The background stands still, so what differs between two frames lies about the figure and its shadow."""
    with av.open(str(sample_video)) as container:
        frames = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
    for first, second in ((0, 120), (60, 290)):
        changed = np.abs(frames[first] - frames[second]) > 40
        for frame in (first, second):
            x, y = truth.keypoints_2d[frame, BODY_26.index("left_knee")].astype(int)
            assert changed[y - 6 : y + 7, x - 6 : x + 7].mean() > 0.5


def test_the_committed_truth_is_what_the_code_makes(truth: Motion) -> None:
    made = sample_truth()
    np.testing.assert_allclose(made.joint_positions, truth.joint_positions, atol=1e-6)
    np.testing.assert_array_equal(made.contacts, truth.contacts)


def test_forward_kinematics_gives_the_positions_and_the_camera_the_pixels(truth: Motion) -> None:
    joints, rotations = forward_kinematics(
        truth.parents, truth.rest_offsets, truth.root_translation, truth.local_rotations
    )
    np.testing.assert_allclose(joints, truth.joint_positions, atol=1e-5)
    body = apply(inverse(truth.world_from_camera[0]), body_points(joints, rotations, truth.rest_offsets))
    np.testing.assert_allclose(project(body, truth.camera_K[0]), truth.keypoints_2d, atol=1e-3)
    np.testing.assert_allclose(body - body[:, :1], truth.lifted_camera, atol=1e-5)


def test_the_world_is_the_designs(truth: Motion) -> None:
    """The camera looks along +Y in plan, level at its sides; the first pelvis is above the origin."""
    forward, right = truth.world_from_camera[0, :3, 2], truth.world_from_camera[0, :3, 0]
    np.testing.assert_allclose(forward[0], 0.0, atol=1e-12)
    assert forward[1] > 0.9
    np.testing.assert_allclose(right, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(truth.root_translation[0, :2], 0.0, atol=1e-12)


def test_the_figure_is_tall_enough_and_wholly_in_the_picture(truth: Motion) -> None:
    pixels = truth.keypoints_2d
    body = np.ptp(pixels[..., 1], axis=1)
    squatting = truth.root_translation[:, 2] < 0.8
    assert body[~squatting].min() > 180
    assert pixels.min() > 10
    assert np.all(pixels.max((0, 1)) < np.array(truth.image_size) - 10)


def test_planted_feet_do_not_slide_nor_sink(truth: Motion) -> None:
    joints, rotations = forward_kinematics(
        truth.parents, truth.rest_offsets, truth.root_translation, truth.local_rotations
    )
    points = joints[:, truth.contact_parents] + rotate(rotations[:, truth.contact_parents], truth.contact_offsets)
    planted = truth.contacts > 0.5
    still = planted[1:] & planted[:-1]
    assert still.mean() > 0.4
    assert np.linalg.norm(np.diff(points, axis=0), axis=-1)[still].max() < 1e-4
    assert np.abs(points[planted][:, 2]).max() < 1e-4
    assert points[..., 2].min() > -1e-4


def test_the_performance_has_its_acts(truth: Motion) -> None:
    """Walks a good way, raises the right hand over the head, squats."""
    way = np.linalg.norm(np.diff(truth.root_translation[:, :2], axis=0), axis=-1).sum()
    assert way > 3.0
    joint = truth.joint_names.index
    wrist, head = truth.joint_positions[:, joint("right_wrist")], truth.joint_positions[:, joint("head")]
    assert np.max(wrist[:, 2] - head[:, 2]) > 0.0
    assert np.max(truth.joint_positions[:, joint("left_wrist"), 2] - head[:, 2]) < 0.0
    assert truth.root_translation[:, 2].min() < 0.6
