"""Motions solved again with other settings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from motionlift import __version__
from motionlift.core import camera
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
from motionlift.core.rotation import from_euler, to_matrix
from motionlift.core.solving import again
from motionlift.core.solving.again import resolve
from motionlift.core.solving.figure import Person, lifted_again, pose
from motionlift.core.solving.moving import as_filmed, camera_turns, in_place, still_frame, stilled
from motionlift.core.solving.solve import solve_people

from .seen_perfectly import FRAMES, SETTINGS, SIZE, TIMES, K, overlay_error, perceived, standing

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


@pytest.mark.parametrize("gap", [slice(0), slice(10, 25)], ids=["seen", "gap"])
def test_what_was_seen_is_read_again_to_the_bit(gap: slice) -> None:
    """Without posing it, where nobody was out of sight for long: there the curves follow the pose."""
    person = perceived(standing(0.3)[0])
    detected = person.keypoints.detected.copy()
    detected[gap] = False
    person = dataclasses.replace(person, keypoints=dataclasses.replace(person.keypoints, detected=detected))
    posed = pose(person, K, SETTINGS)
    seen, curves = lifted_again(person, K, SETTINGS, (posed.rest_offsets, posed.rest_tails))
    np.testing.assert_array_equal(curves, posed.curves)
    for field in dataclasses.fields(seen):
        np.testing.assert_array_equal(getattr(seen, field.name), getattr(posed, field.name), err_msg=field.name)


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
    # The still camera is that of the frame nearest to the middle of all turns.
    turns = to_matrix(from_euler(angles, "YXZ"))
    panned = as_filmed(solved, perceived(standing(0.0)[0]).keypoints, turns)
    turns = turns[still_frame(panned)].T @ turns
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


def two_people() -> tuple[Motion, Motion]:
    """Solved together: one, and another 1.2 m to the side."""
    people = [perceived(standing(x)[0]) for x in (-0.6, 0.6)]
    one, other = solve_people(people, K, SETTINGS, [SOURCE, SOURCE])
    return one, other


@pytest.mark.parametrize(
    ("change", "farther"), [({"floor": False}, 1.0), ({"height_m": 1.87}, 1.1), ({"fov_degrees": 65.0}, 1.0), ({}, 1.0)]
)
def test_people_solved_again_one_by_one_keep_their_places(change: dict[str, Any], farther: float) -> None:
    """Height makes all of the clip larger; a take of another version is solved from the beginning as well."""
    takes = [of_another_version(motion) for motion in two_people()]
    settings = dataclasses.replace(SETTINGS, **change)
    one, other = (resolve(motion, settings) for motion in takes)
    apart_now = (other.root_translation - one.root_translation)[:, :2]
    assert np.median(apart_now[:, 0]) == pytest.approx(1.2 * farther, abs=0.03)
    assert np.abs(np.median(apart_now[:, 1])) < 0.05
    # The origin stays under the first one's pelvis, and both were filmed by one camera.
    assert np.linalg.norm(one.root_translation[0, :2]) < 0.01
    np.testing.assert_allclose(one.world_from_camera[0], other.world_from_camera[0], atol=0.05)
    assert max(np.median(overlay_error(motion)) for motion in (one, other)) < 6


def panned_take(fov: float, travel: bool = True) -> tuple[Motion, LiftSettings]:
    """Somebody who stands still, filmed by a camera that sways by 16 degrees, lifted with a field of view of `fov`
    where 55 is right."""
    person = perceived(standing(0.0)[0])
    yaw = np.radians(8.0) * np.sin(2 * np.pi * TIMES / TIMES[-1])
    drift = np.stack([-yaw * K[0, 0] / max(SIZE), np.zeros(FRAMES)], -1)
    true = camera_turns(drift, K, SIZE)
    assert true is not None
    # What the turned camera saw of it.
    rays = camera.rays(person.keypoints.pixels, K) @ true
    filmed = dataclasses.replace(person.keypoints, pixels=camera.project(rays, K))
    assumed = camera.intrinsics(SIZE, fov)
    turns = camera_turns(drift, assumed, SIZE)
    assert turns is not None
    settings = dataclasses.replace(SETTINGS, fov_degrees=fov, travel=travel)
    source = {**SOURCE, "settings": settings.of_result(), "camera_moves": True, "fov_degrees": fov, "fov_is": "given"}
    seen = stilled(filmed, assumed, turns)
    (motion,) = solve_people([Person(seen, person.lifted_camera)], assumed, settings, [source])
    motion = as_filmed(motion, filmed, turns)
    return motion if travel else in_place(motion), settings


def pan(motion: Motion) -> float:
    """The range of the camera's heading, degrees."""
    view = motion.world_from_camera[:, :2, 2]
    return float(np.degrees(np.ptp(np.arctan2(view[:, 0], view[:, 1]))))


def test_another_lens_reads_another_turn_of_the_camera_from_the_background() -> None:
    wrong, settings = panned_take(90.0)
    right = resolve(wrong, dataclasses.replace(settings, fov_degrees=55.0))
    assert pan(wrong) > 25.0
    assert pan(right) == pytest.approx(16.0, abs=0.5)
    assert np.ptp(right.root_translation[:, 0]) < 0.06, "who stands still stays"


def test_what_was_left_in_place_travels_again_from_where_it_stood() -> None:
    travelling, settings = panned_take(55.0)
    staying = in_place(travelling)
    staying = dataclasses.replace(
        staying,
        source={**travelling.source, "settings": dataclasses.replace(settings, travel=False).of_result()},
    )
    back = resolve(staying, settings)
    assert np.linalg.norm(back.root_translation - travelling.root_translation, axis=-1).mean() < 0.02


def test_what_is_no_longer_given_is_as_it_was_found() -> None:
    found = {"fov_degrees": 55.0, "fov_is": "estimated", "fov_range": [50.0, 61.0]}
    source = {**SOURCE, **found, "height_m": 1.7, "height_is": "assumed"}
    (motion,) = solve_people([perceived(standing(0.0)[0])], K, SETTINGS, [source])
    given = resolve(motion, dataclasses.replace(SETTINGS, fov_degrees=35.0, height_m=1.9))
    assert (given.source["fov_degrees"], given.source["fov_is"]) == (35.0, "given")
    assert (given.source["height_m"], given.source["height_is"]) == (1.9, "given")
    assert "fov_range" not in given.source
    # Once more given: what was found is not forgotten.
    back = resolve(resolve(given, dataclasses.replace(SETTINGS, fov_degrees=45.0, height_m=1.8)), SETTINGS)
    assert back.source == {**source, "settings": {}}
    assert apart(back, motion) < 0.002


def test_a_height_that_was_given_for_the_lift_is_assumed_once_it_is_not() -> None:
    tall = dataclasses.replace(SETTINGS, height_m=1.9)
    source = {**SOURCE, "settings": tall.of_result(), "height_m": 1.9, "height_is": "given"}
    (motion,) = solve_people([perceived(standing(0.0)[0])], K, tall, [source])
    again_ = resolve(motion, SETTINGS)
    assert (again_.source["height_m"], again_.source["height_is"]) == (1.7, "assumed")
    assert again_.rest_offsets[0, 2] / motion.rest_offsets[0, 2] == pytest.approx(1.7 / 1.9, abs=0.005)


def test_fingers_are_added_to_the_body_as_it_stands(solved: Motion) -> None:
    asked = dataclasses.replace(SETTINGS, hands=True)
    with_hands = resolve(solved, asked)
    np.testing.assert_array_equal(with_hands.local_rotations, solved.local_rotations)
    assert with_hands.source["settings"] == {"hands": True}
    assert resolve(with_hands, asked) is with_hands
