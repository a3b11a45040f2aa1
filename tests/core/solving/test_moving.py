"""Cameras that turn: made-up clips panned and tilted by known angles, and motions that walk on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from motionlift.core import camera
from motionlift.core.camera import MOVES, apply, intrinsics, inverse, project
from motionlift.core.jobs import LiftSettings
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, forward_kinematics, from_euler, to_matrix
from motionlift.core.solving.moving import (
    WIDEST,
    as_filmed,
    camera_turns,
    in_place,
    still_frame,
    stilled,
    through_another_lens,
    travels,
    turns_of,
    with_travel,
)

SIZE = (1280, 720)
K = intrinsics(SIZE)
FRAMES = 60
MakeMotion = Callable[..., Motion]


def keypoints(pixels: Array) -> Keypoints2D:
    frames = len(pixels)
    return Keypoints2D(np.arange(frames) / 30, pixels, np.ones((frames, 26)), np.ones(frames, bool), SIZE)


def panned(yaw: Array, pitch: Array) -> tuple[Keypoints2D, Array]:
    """Points that stand still, seen by a camera that turned right by `yaw` and up by `pitch` (F,) rad, and the drift
    (F, 2) of what is straight ahead of the middle of the shot."""
    still = np.random.default_rng(0).uniform([-0.8, -0.5, 3.0], [0.8, 0.5, 6.0], (26, 3))
    # OpenCV's axes: x right, y down; a camera that turns right turns about +y, one that turns up about +x.
    turns = to_matrix(from_euler(np.stack([yaw, pitch, np.zeros_like(yaw)], -1), "YXZ"))
    seen = still @ turns
    ahead = project(np.array([[0.0, 0.0, 1.0]]) @ turns, K)[:, 0]
    drift = np.stack([-yaw * K[0, 0], pitch * K[1, 1]], -1) / max(SIZE)
    # What is near the middle shifts by the angle, but for the tangent.
    small = np.hypot(yaw, pitch) < 0.1
    assert ((ahead - [640, 360]) / max(SIZE))[small] == pytest.approx(drift[small], abs=2e-3)
    return keypoints(project(seen, K)), drift


TIMES = np.linspace(0, 1, FRAMES)


@pytest.mark.parametrize(
    ("yaw", "pitch"),
    [(0.3, 0.0), (-0.3, 0.0), (0.0, 0.15), (0.0, -0.15), (0.25, 0.1), (-0.2, 0.12)],
)
def test_what_stands_still_stays_still_under_the_still_camera(yaw: float, pitch: float) -> None:
    filmed, drift = panned(yaw * (TIMES - 0.5), pitch * (TIMES - 0.5))
    turns = camera_turns(drift, K, SIZE)
    assert turns is not None
    np.testing.assert_allclose(np.swapaxes(turns, 1, 2) @ turns, np.broadcast_to(np.eye(3), turns.shape), atol=1e-12)
    before = np.ptp(filmed.pixels, axis=0).max()
    after = stilled(filmed, K, turns)
    assert before > 100
    assert np.ptp(after.pixels, axis=0).max() < 1e-6
    # The still camera stands in the middle of the turn.
    middle = (filmed.pixels[FRAMES // 2 - 1] + filmed.pixels[FRAMES // 2]) / 2
    assert after.pixels[0] == pytest.approx(middle, abs=1.0)
    np.testing.assert_array_equal(after.confidence, filmed.confidence)


def test_the_still_picture_does_not_depend_on_where_the_shot_began() -> None:
    _, drift = panned(0.3 * TIMES, 0.1 * np.sin(6 * TIMES))
    turns, moved = camera_turns(drift, K, SIZE), camera_turns(drift + np.array([0.4, -0.2]), K, SIZE)
    assert turns is not None
    assert moved is not None
    np.testing.assert_allclose(turns, moved, atol=1e-12)


def test_still_cameras_and_half_turns_are_left_alone() -> None:
    assert camera_turns(np.zeros((FRAMES, 2)), K, SIZE) is None
    assert camera_turns(np.full((FRAMES, 2), 0.5), K, SIZE) is None, "it shifted once for all"
    assert camera_turns(np.zeros((0, 2)), K, SIZE) is None
    shaken = np.random.default_rng(0).uniform(-0.49 * MOVES, 0.49 * MOVES, (FRAMES, 2))
    assert camera_turns(shaken, K, SIZE) is None
    for widest, found in ((1.01 * WIDEST, False), (0.99 * WIDEST, True)):
        drift = np.stack([widest * TIMES * K[0, 0] / max(SIZE), np.zeros(FRAMES)], -1)
        assert (camera_turns(drift, K, SIZE) is not None) is found


def test_rays_that_the_still_camera_cannot_see_stay_finite() -> None:
    """Somebody at the edge of a wide pan."""
    yaw = np.radians(98.0) * (TIMES - 0.5)
    drift = np.stack([-yaw * K[0, 0] / max(SIZE), np.zeros(FRAMES)], -1)
    turns = camera_turns(drift, K, SIZE)
    assert turns is not None
    corners = np.tile(np.array([[0.0, 0.0], [1280.0, 720.0]]), (FRAMES, 13, 1))
    corners[3] = np.nan
    found = stilled(keypoints(corners), K, turns).pixels
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, 0)).all()


def test_missing_keypoints_stay_missing() -> None:
    filmed, drift = panned(0.3 * TIMES, 0 * TIMES)
    pixels = filmed.pixels.copy()
    pixels[7] = np.nan
    turns = camera_turns(drift, K, SIZE)
    assert turns is not None
    found = stilled(replace(filmed, pixels=pixels), K, turns).pixels
    np.testing.assert_array_equal(np.isnan(found).all((1, 2)), np.arange(FRAMES) == 7)


def projected(motion: Motion) -> Array:
    """Every joint in every frame's own picture (F, J, 2)."""
    cameras = np.broadcast_to(motion.world_from_camera, (len(motion), 4, 4))
    pairs = zip(cameras, motion.joint_positions, strict=True)
    return np.stack([project(apply(inverse(pose), joints), motion.camera_K[0]) for pose, joints in pairs])


def some_turns(frames: int) -> Array:
    drift = np.stack([np.linspace(0, 0.3, frames), 0.1 * np.sin(np.linspace(0, 5, frames))], -1)
    turns = camera_turns(drift, K, SIZE)
    assert turns is not None
    return turns


def test_the_turns_that_were_written_are_read_again(make_motion: MakeMotion) -> None:
    motion = make_motion()
    turns = some_turns(len(motion))
    filmed = as_filmed(motion, keypoints(motion.keypoints_2d), turns).check()
    found = turns_of(filmed)
    assert found is not None
    # From the frame nearest to the middle of all turns: one turn for all, and a small one.
    np.testing.assert_allclose(found, turns[still_frame(filmed)].T @ turns, atol=1e-12)
    assert turns_of(motion) is None


def test_the_still_camera_is_found_where_most_of_the_clip_was_filmed_from_one_end(make_motion: MakeMotion) -> None:
    """It rests for most of the clip, then pans by 90 degrees: half of them to either side of the still one."""
    motion = make_motion()
    yaw = np.radians(90.0) * np.clip((np.linspace(0, 1, len(motion)) - 0.6) / 0.4, 0, 1)
    drift = np.stack([-yaw * K[0, 0] / max(SIZE), 0.05 * np.linspace(0, 1, len(motion))], -1)
    turns = camera_turns(drift, K, SIZE)
    assert turns is not None
    found = turns_of(as_filmed(motion, keypoints(motion.keypoints_2d), turns))
    assert found is not None
    assert angles_of(found).max() == pytest.approx(angles_of(turns).max(), abs=np.radians(3.0))


def angles_of(turns: Array) -> Array:
    angles: Array = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))
    return angles


def test_turns_under_another_lens_are_those_that_it_reads_from_the_background() -> None:
    drift = np.stack([np.linspace(0, 0.4, FRAMES), 0.05 * np.sin(np.linspace(0, 5, FRAMES))], -1)
    longer = intrinsics(SIZE, 30.0)
    before, after = camera_turns(drift, K, SIZE), camera_turns(drift, longer, SIZE)
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(through_another_lens(before, K, longer), after, atol=1e-12)
    np.testing.assert_allclose(through_another_lens(before, K, K), before, atol=1e-12)


def test_as_filmed_changes_what_the_camera_saw_and_not_the_motion(make_motion: MakeMotion) -> None:
    motion = make_motion()
    turns = some_turns(len(motion))
    own = keypoints(motion.keypoints_2d + 5.0)
    filmed = as_filmed(motion, own, turns)
    np.testing.assert_array_equal(filmed.root_translation, motion.root_translation)
    np.testing.assert_array_equal(filmed.joint_positions, motion.joint_positions)
    np.testing.assert_array_equal(filmed.keypoints_2d, own.pixels)
    np.testing.assert_allclose(
        filmed.world_from_camera[:, :3, 3], np.tile(motion.world_from_camera[0, :3, 3], (len(motion), 1))
    )
    # Under the still camera the picture of the turned one is what the still one saw, lifted joints in the same way.
    back = stilled(keypoints(projected(filmed)[:, np.arange(26) % 21]), motion.camera_K[0], turns)
    assert back.pixels[:, :21] == pytest.approx(projected(motion), abs=1e-6)
    lifted = filmed.lifted_camera @ np.swapaxes(turns, 1, 2)
    np.testing.assert_allclose(lifted, motion.lifted_camera, atol=1e-12)


def test_without_travel_height_and_sway_remain(make_motion: MakeMotion) -> None:
    """Eight seconds of a metre a second with a sway twice a second."""
    times = np.arange(240) / 30
    motion = make_motion(frames=240)
    sway = 0.05 * np.sin(2 * np.pi * 2.0 * times)
    root = np.stack([times, 0.3 * times + sway, 0.9 + 0.2 * np.sin(times)], -1)
    joints = motion.joint_positions + (root - motion.root_translation)[:, None]
    motion = replace(motion, root_translation=root, joint_positions=joints)
    found = in_place(motion).check()
    np.testing.assert_array_equal(found.root_translation[:, 2], root[:, 2])
    np.testing.assert_array_equal(found.local_rotations, motion.local_rotations)
    assert np.abs(found.root_translation[:, 0]).max() < 1e-3, "a straight way is left out wholly"
    inside = slice(60, -60)
    assert np.ptp(found.root_translation[inside, 1] - sway[inside]) < 0.01
    expected, _ = forward_kinematics(
        motion.parents, motion.rest_offsets, found.root_translation, motion.local_rotations
    )
    np.testing.assert_allclose(found.joint_positions, expected, atol=1e-12)


@pytest.mark.parametrize("turned", [False, True])
def test_without_travel_the_figure_still_covers_the_actor(make_motion: MakeMotion, turned: bool) -> None:
    motion = make_motion()
    if turned:
        motion = as_filmed(motion, keypoints(motion.keypoints_2d), some_turns(len(motion)))
    found = in_place(motion)
    assert len(found.world_from_camera) == len(motion)
    np.testing.assert_allclose(projected(found), projected(motion), atol=1e-6)
    np.testing.assert_array_equal(found.keypoints_2d, motion.keypoints_2d)
    # A camera that goes along does not turn.
    axes = np.broadcast_to(motion.world_from_camera, (len(motion), 4, 4))[:, :3, :3]
    np.testing.assert_array_equal(found.world_from_camera[:, :3, :3], axes)


def test_without_travel_everybody_stays_where_they_were_first_seen(make_motion: MakeMotion) -> None:
    """Two people side by side, the second seen from the fifth frame on, do not end up inside each other."""
    one = make_motion()
    aside = np.array([1.2, 0.4, 0.0])
    late = np.arange(len(one)) >= 5
    other = replace(
        one,
        detected=late,
        root_translation=one.root_translation + aside,
        joint_positions=one.joint_positions + aside,
    )
    for motion, first in ((one, 0), (other, 5)):
        stays = in_place(motion)
        np.testing.assert_allclose(stays.root_translation[first], motion.root_translation[first], atol=1e-12)
        np.testing.assert_allclose(stays.world_from_camera[first], motion.world_from_camera[0], atol=1e-12)


def test_travel_is_left_out_where_it_is_not_known_or_not_wanted() -> None:
    assert travels(LiftSettings(), moving_camera=False)
    assert not travels(LiftSettings(), moving_camera=True)
    assert travels(LiftSettings(travel=True), moving_camera=True)
    assert not travels(LiftSettings(travel=False), moving_camera=False)


def test_a_camera_moves_when_the_background_went_far_enough() -> None:
    assert not camera.moves(np.zeros((0, 2)))
    for axis in range(2):
        drift = np.zeros((10, 2))
        drift[4:, axis] = -1.01 * MOVES
        assert camera.moves(drift)
        assert not camera.moves(0.9 * drift)


@pytest.mark.parametrize("camera_moves", [False, True])
@pytest.mark.parametrize("before", [None, True, False])
@pytest.mark.parametrize("after", [None, True, False])
def test_travel_alone_needs_no_other_solve(
    make_motion: MakeMotion, before: bool | None, after: bool | None, camera_moves: bool
) -> None:
    own = LiftSettings(travel=before, smoothing=0.3, person="left")
    source = {"settings": own.of_result(), "camera_moves": camera_moves, "warnings": ["mind"]}
    motion = replace(make_motion(frames=40), source=source)
    asked = replace(own, travel=after, cache_dir="elsewhere")
    found = with_travel(motion, asked)
    if not travels(own, camera_moves):
        # The way is gone.
        assert found is None
        return
    assert found is not None
    expected = motion if travels(asked, camera_moves) else in_place(motion)
    np.testing.assert_array_equal(found.joint_positions, expected.joint_positions)
    np.testing.assert_array_equal(found.world_from_camera, expected.world_from_camera)
    assert found.source == {**source, "settings": asked.of_result()}
    assert with_travel(motion, replace(asked, smoothing=0.4)) is None
    assert with_travel(motion, replace(asked, floor=False)) is None
