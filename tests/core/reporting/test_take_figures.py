"""The figures of takes whose truth is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core.motion import Motion, resample
from motionlift.core.reporting.take_figures import bone_figures, knee_flexion, take_figures
from motionlift.core.rotation import IDENTITY, from_axis_angle, multiply
from motionlift.core.skeleton import ANIMATION_21, BODY_26

Stander = Callable[..., Motion]
FRAMES = 60


def sliding(speed: float, axis: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    root = np.zeros((FRAMES, 3))
    root[:, axis] = speed * np.arange(FRAMES) / 30
    return root


def test_who_stands_still_and_is_seen_exactly_is_without_fault(stander: Stander) -> None:
    figures = take_figures(stander())
    for feet in (figures.feet_before, figures.feet_after):
        assert feet.skate_mm == pytest.approx(0, abs=1e-9)
        assert feet.sunk_share == 0
        assert feet.hover_mm == pytest.approx(0, abs=2)
    for bones in (figures.bones_before, figures.bones_after):
        assert (bones.change_mm, bones.asymmetry_percent) == pytest.approx((0, 0), abs=1e-9)
    assert figures.picture.error_px == pytest.approx(0, abs=1e-9)
    assert figures.seen_s == pytest.approx((0.0, 59 / 30))
    assert figures.lost_share == 0
    assert figures.confidence == dict.fromkeys(figures.confidence, 1.0)
    assert figures.stretches == ()


def test_a_known_slide_is_measured(stander: Stander) -> None:
    feet = take_figures(stander(root=sliding(0.3))).feet_after
    assert feet.skate_mm == pytest.approx(10.0)
    assert feet.skate_worst_mm == pytest.approx(10.0)
    assert feet.skate_cm_s == pytest.approx(30.0)


def test_the_slides_speed_does_not_depend_on_the_rate(stander: Stander) -> None:
    slow = stander(root=sliding(0.3))
    fast = resample(slow, 60.0)
    assert take_figures(fast).feet_after.skate_cm_s == pytest.approx(take_figures(slow).feet_after.skate_cm_s)


def test_going_up_is_no_slide_and_off_the_floor_no_contact(stander: Stander) -> None:
    assert take_figures(stander(root=sliding(0.3, axis=2))).feet_after.skate_mm == pytest.approx(0, abs=1e-9)
    flying = take_figures(stander(contacts=np.zeros((FRAMES, 4)))).feet_after
    assert (flying.skate_mm, flying.hover_mm) == (None, None)


def test_before_is_told_from_after(stander: Stander) -> None:
    """The lifted joints alone swing to and fro: the solved figure keeps still."""
    motion = stander()
    lifted = motion.lifted_camera + np.where(np.arange(FRAMES) % 2, 0.02, 0.0)[:, None, None] * [1, 0, 0]
    figures = take_figures(dataclasses.replace(motion, lifted_camera=lifted))
    assert figures.feet_before.skate_mm == pytest.approx(20.0)
    assert figures.feet_after.skate_mm == pytest.approx(0, abs=1e-9)


def test_feet_through_the_floor(stander: Stander) -> None:
    feet = take_figures(stander(root=np.tile([0, 0, -0.03], (FRAMES, 1)))).feet_after
    assert feet.deepest_mm == pytest.approx(30, abs=2)
    assert feet.sunk_share == 1
    half = np.where(np.arange(FRAMES)[:, None] < 15, [0, 0, -0.03], [0, 0, 0.2])
    assert take_figures(stander(root=half)).feet_after.sunk_share == 0.25


def test_held_poses_outside_the_seen_span_do_not_count(stander: Stander) -> None:
    detected = np.arange(FRAMES) >= 30
    root = np.where(np.arange(FRAMES)[:, None] < 30, [0.0, 0.0, -0.5], [0.0, 0.0, 0.0])
    feet = take_figures(stander(root=root, detected=detected)).feet_after
    assert feet.sunk_share == 0
    assert feet.skate_mm == pytest.approx(0, abs=1e-9)


def test_bones_that_breathe(stander: Stander) -> None:
    motion = stander()
    breathing = motion.lifted_camera * np.where(np.arange(FRAMES) % 2, 1.02, 0.98)[:, None, None]
    bones = take_figures(dataclasses.replace(motion, lifted_camera=breathing)).bones_before
    assert bones.change_percent == pytest.approx(2.0)
    assert bones.asymmetry_percent == pytest.approx(0, abs=1e-9)


def test_a_limb_longer_than_the_other() -> None:
    points = np.zeros((3, len(BODY_26), 3))
    points[:] = np.random.default_rng(0).normal(size=(len(BODY_26), 3))
    points[:, BODY_26.mirror] = points * [-1, 1, 1]
    points[:, BODY_26.indices("pelvis", "spine", "neck", "nose"), 0] = 0
    for name in BODY_26.joints:
        if name.startswith("left_"):
            points[:, BODY_26.index(name)] = points[:, BODY_26.mirror[BODY_26.index(name)]] * [-1, 1, 1]
    assert bone_figures(points).asymmetry_percent == pytest.approx(0, abs=1e-9)
    knee, ankle = BODY_26.indices("left_knee", "left_ankle")
    points[:, ankle] = points[:, knee] + 1.1 * (points[:, ankle] - points[:, knee])
    # One of four pairs, by 0.1 of 1.05.
    assert bone_figures(points).asymmetry_percent == pytest.approx(100 * 0.1 / 1.05 / 4)


def test_nothing_detected(stander: Stander) -> None:
    motion = stander(detected=np.zeros(FRAMES, bool), lifted_camera=np.full((FRAMES, 26, 3), np.nan))
    figures = take_figures(motion)
    assert figures.seen_s is None
    assert figures.lost_share == 1
    assert figures.feet_after.skate_mm is None
    assert figures.bones_before.change_mm is None
    assert figures.picture.error_px is None


def test_the_distance_from_the_keypoints(stander: Stander) -> None:
    motion = stander()
    figures = take_figures(dataclasses.replace(motion, keypoints_2d=motion.keypoints_2d + np.array([3.0, 4.0])))
    assert figures.picture.error_px == pytest.approx(5.0)
    assert figures.picture.error_percent == pytest.approx(500 / figures.picture.figure_px)
    # Keypoints that the detector doubts do not count.
    doubted = dataclasses.replace(
        motion,
        keypoints_2d=motion.keypoints_2d + np.array([300.0, 0.0]),
        keypoint_confidence=np.full((FRAMES, 26), 0.2),
    )
    assert take_figures(doubted).picture.error_px is None


def test_figures_do_not_depend_on_where_the_world_is_turned(
    stander: Stander, seen_as_is: Callable[..., Motion]
) -> None:
    """The whole scene, camera included, turned about the vertical and moved over the floor."""
    motion = stander(root=sliding(0.3) * [1, 1, 0])
    turn = from_axis_angle(np.array([0.0, 0.0, 1.0]), 1.1)
    c, s = np.cos(1.1), np.sin(1.1)
    place = np.array([[c, -s, 0, 3.0], [s, c, 0, -2.0], [0, 0, 1, 0], [0, 0, 0, 1]])
    local = motion.local_rotations.copy()
    local[:, 0] = multiply(np.broadcast_to(turn, local[:, 0].shape), local[:, 0])
    moved = dataclasses.replace(
        motion,
        root_translation=motion.root_translation @ place[:3, :3].T + place[:3, 3],
        joint_positions=motion.joint_positions @ place[:3, :3].T + place[:3, 3],
        local_rotations=local,
        world_from_camera=place @ motion.world_from_camera,
    )
    a, b = take_figures(motion), take_figures(moved)
    assert dataclasses.astuple(a.feet_after) == pytest.approx(dataclasses.astuple(b.feet_after))
    assert dataclasses.astuple(a.feet_before) == pytest.approx(dataclasses.astuple(b.feet_before))
    assert a.picture.error_px == pytest.approx(b.picture.error_px, abs=1e-9)
    assert a.camera.elevation_degrees == pytest.approx(b.camera.elevation_degrees)


@pytest.mark.parametrize("degrees", [-40.0, -10.0, 0.0, 25.0, 90.0, 140.0])
@pytest.mark.parametrize("side", ["left", "right"])
def test_knees(stander: Stander, side: str, degrees: float) -> None:
    local = np.broadcast_to(IDENTITY, (FRAMES, 21, 4)).copy()
    local[:, ANIMATION_21.index(f"{side}_knee")] = from_axis_angle(np.array([1.0, 0.0, 0.0]), np.radians(degrees))
    motion = stander(local=local)
    np.testing.assert_allclose(knee_flexion(motion, side), degrees, atol=1e-6)
    knee = take_figures(motion).knees[side]
    assert knee.least == knee.most == pytest.approx(degrees, abs=1e-6)
    assert knee.broken_frames == (FRAMES if degrees < -5 else 0)
    assert take_figures(motion).knees["right" if side == "left" else "left"].most == pytest.approx(0, abs=1e-6)


def test_steps_and_flights(stander: Stander) -> None:
    contacts = np.zeros((FRAMES, 4))
    contacts[0:15, 0:2] = 1  # stands on the left foot at the beginning: no step
    contacts[10:25, 2] = 1  # right heel down, then its toes: one step
    contacts[20:30, 3] = 1
    contacts[40:60, 0] = 1  # after ten frames in the air the left one
    found = take_figures(stander(contacts=contacts)).contacts
    assert found.steps == (1, 1)
    assert found.flights == 1
    assert found.longest_flight_s == pytest.approx(10 / 30)
    assert found.planted_share == pytest.approx(50 / 60)


def test_what_the_camera_is(stander: Stander) -> None:
    camera = take_figures(stander()).camera
    assert camera.fov_degrees == pytest.approx(55.0)
    assert camera.height_m == pytest.approx(1.0)
    assert camera.distance_m == pytest.approx(4.0, abs=0.01)
    assert camera.elevation_degrees == pytest.approx(np.degrees(np.arcsin((1.0 - 0.895) / camera.distance_m)))
