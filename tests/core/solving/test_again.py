"""Motions solved again with other settings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from motionlift import __version__
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
from motionlift.core.rotation import from_euler, to_matrix
from motionlift.core.solving import again
from motionlift.core.solving.again import resolve
from motionlift.core.solving.moving import as_filmed, in_place
from motionlift.core.solving.solve import solve_people

from .seen_perfectly import FRAMES, SETTINGS, TIMES, K, overlay_error, perceived, standing

SOURCE: dict[str, Any] = {"file": "a.mp4", "versions": {"motionlift": __version__}}
STAYS = ("rest_offsets", "rest_tails", "contacts", "world_from_camera", "camera_K", "times", "detected")


@pytest.fixture(scope="module")
def solved() -> Motion:
    """Somebody who raises an arm, trembling, seen from the fourth frame on."""
    points = standing(0.3)[0]
    points = points + np.random.default_rng(0).normal(0, 0.004, points.shape)
    (motion,) = solve_people([perceived(points, first=3)], K, SETTINGS, [SOURCE])
    return motion


def acceleration(motion: Motion) -> float:
    return float(np.linalg.norm(np.diff(motion.joint_positions[3:], 2, axis=0), axis=-1).mean())


def apart(one: Motion, other: Motion) -> float:
    """Mean distance of the joints, m."""
    return float(np.linalg.norm(one.joint_positions - other.joint_positions, axis=-1).mean())


def other_settings(smoothing: float) -> LiftSettings:
    return dataclasses.replace(SETTINGS, smoothing=smoothing)


def of_another_version(motion: Motion) -> Motion:
    return dataclasses.replace(motion, source={**motion.source, "versions": {"motionlift": "0.0.0"}})


def test_solving_again_with_the_same_settings_changes_nothing(solved: Motion) -> None:
    assert resolve(solved, SETTINGS) is solved
    anew = resolve(of_another_version(solved), SETTINGS)
    np.testing.assert_allclose(anew.joint_positions, solved.joint_positions, atol=1e-6)
    assert anew.source["file"] == "a.mp4"


@pytest.mark.parametrize("smoothing", [0.0, 0.2, 0.8, 1.0])
def test_smoothing_leaves_figure_floor_and_contacts_as_they_are(solved: Motion, smoothing: float) -> None:
    other = resolve(solved, other_settings(smoothing))
    for name in STAYS:
        np.testing.assert_allclose(getattr(other, name), getattr(solved, name), atol=1e-12, err_msg=name)
    assert other.source["settings"] == {"smoothing": smoothing}
    assert (acceleration(other) < acceleration(solved)) is (smoothing > SETTINGS.smoothing)
    assert np.nanmedian(overlay_error(other)) < 3
    # As it would come out solved from the beginning, where the floor may be found a little elsewhere.
    assert apart(other, resolve(of_another_version(solved), other_settings(smoothing))) < 0.02


def test_feet_that_are_let_go_and_planted_again(solved: Motion) -> None:
    def slip(motion: Motion) -> float:
        feet = motion.contact_positions()[:, :4]
        stands = np.minimum(motion.contacts[1:, :4], motion.contacts[:-1, :4]) > 0.5
        return float(np.linalg.norm(np.diff(feet, axis=0), axis=-1)[stands].mean())

    free = resolve(solved, dataclasses.replace(SETTINGS, foot_lock=False))
    np.testing.assert_array_equal(free.contacts, solved.contacts)
    assert slip(free) > 10 * slip(solved)
    assert slip(resolve(free, SETTINGS)) < 1.5 * slip(solved) + 1e-6


def test_before_and_after_the_person_is_seen_the_nearest_pose_is_held(solved: Motion) -> None:
    other = resolve(solved, other_settings(0.8))
    np.testing.assert_array_equal(other.joint_positions[:3], np.repeat(other.joint_positions[3:4], 3, 0))


def test_the_figure_is_found_in_the_still_camera_however_it_was_filmed(solved: Motion) -> None:
    """Panned, and kept in place with the camera going along: it stands before the camera as it did."""
    rotations, path, pose = again._in_still_camera(solved)
    np.testing.assert_array_equal(pose, solved.world_from_camera[0])
    angles = np.stack([0.2 * TIMES, 0.05 * TIMES, np.zeros(FRAMES)], -1)
    turns = to_matrix(from_euler(angles - angles[FRAMES // 2], "YXZ"))
    for motion in (as_filmed(solved, perceived(standing(0.0)[0]).keypoints, turns), in_place(solved)):
        turned, moved, _ = again._in_still_camera(motion)
        np.testing.assert_allclose(turned, rotations, atol=1e-6)
        np.testing.assert_allclose(moved, path, atol=1e-6)


def test_a_known_height_scales_the_whole() -> None:
    (motion,) = solve_people([perceived(standing(0.0)[0])], K, SETTINGS, [{}])
    tall = resolve(motion, dataclasses.replace(SETTINGS, height_m=1.70 * 1.1))
    ratio = np.ptp(tall.joint_positions[..., 2], axis=1) / np.ptp(motion.joint_positions[..., 2], axis=1)
    assert np.median(ratio) == pytest.approx(1.1, abs=0.02)
    assert np.median(overlay_error(tall)) < 2


def test_solving_again_with_another_lens_still_falls_on_the_picture() -> None:
    (motion,) = solve_people([perceived(standing(0.0)[0])], K, SETTINGS, [{}])
    wide = resolve(motion, dataclasses.replace(SETTINGS, fov_degrees=75.0))
    assert wide.camera_K[0, 0, 0] < motion.camera_K[0, 0, 0]
    assert np.median(overlay_error(wide)) < 6
