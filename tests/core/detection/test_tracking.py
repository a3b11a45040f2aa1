"""A track is one person: through crossings, occlusions, doubles and absences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core.detection.bodies import Bodies, distances, distinct
from motionlift.core.detection.tracking import Scene, track
from motionlift.core.rotation import Array

SceneOf = Callable[..., tuple[Scene, Array]]
TIMES = np.arange(120) / 30
RED, BLUE = 3, 40


def owners_of(scene: Scene, owners: Array) -> list[list[int]]:
    return [sorted(set(owners[members].tolist())) for members in track(scene)]


def test_two_people_who_cross_keep_their_tracks(scene_of: SceneOf) -> None:
    scene, owners = scene_of(TIMES, [(200 + 200 * TIMES, RED), (1000 - 200 * TIMES, BLUE)])
    assert owners_of(scene, owners) == [[0], [1]]


def test_people_dressed_alike_cross_by_their_movement(scene_of: SceneOf) -> None:
    scene, owners = scene_of(TIMES, [(200 + 200 * TIMES, RED), (1000 - 200 * TIMES, RED)])
    tracks = track(scene)
    assert len(tracks) == 2
    for person, members in enumerate(tracks):
        # Where the two coincide nobody can tell, and it does not matter.
        assert np.count_nonzero(owners[members] != person) <= 2


def test_the_hidden_one_of_a_crossing_is_found_again(scene_of: SceneOf) -> None:
    behind = lambda person, frame: person == 1 and 50 <= frame < 70  # noqa: E731
    scene, owners = scene_of(TIMES, [(200 + 200 * TIMES, RED), (1000 - 200 * TIMES, BLUE)], behind)
    assert owners_of(scene, owners) == [[0], [1]]


def test_people_who_meet_and_turn_back_are_told_by_their_clothes(scene_of: SceneOf) -> None:
    """Movement alone says that they passed each other; while they meet neither is seen."""
    towards = 200 + np.minimum(TIMES, 4 - TIMES) * 170
    away = 900 - np.minimum(TIMES, 4 - TIMES) * 170
    meeting = lambda person, frame: 52 <= frame < 68  # noqa: E731
    scene, owners = scene_of(TIMES, [(towards, RED), (away, BLUE)], meeting)
    assert owners_of(scene, owners) == [[0], [1]]


def test_a_body_found_twice_is_one_person(scene_of: SceneOf) -> None:
    x = 300 + 100 * TIMES
    ghost = np.where((np.arange(120) > 30) & (np.arange(120) < 90), x + 12, np.nan)
    scene, _ = scene_of(TIMES, [(x, RED), (ghost, RED)])
    tracks = track(scene)
    assert len(tracks) == 1
    assert len(tracks[0]) == 120


def test_somebody_who_leaves_and_comes_back(scene_of: SceneOf) -> None:
    x = np.where((TIMES > 1) & (TIMES < 2.5), np.nan, 100 + 0 * TIMES)
    other = 800 + 30 * TIMES
    scene, owners = scene_of(TIMES, [(x, RED), (other, BLUE)])
    assert owners_of(scene, owners) == [[0], [1]]


def test_another_person_at_the_same_place_is_somebody_else(scene_of: SceneOf) -> None:
    first = np.where(TIMES < 1.5, 500.0, np.nan)
    second = np.where(TIMES > 2.5, 500.0, np.nan)
    scene, owners = scene_of(TIMES, [(first, RED), (second, BLUE)])
    assert owners_of(scene, owners) == [[0], [1]]


def test_chance_findings_are_dropped(scene_of: SceneOf) -> None:
    blink = np.where((TIMES > 2) & (TIMES < 2.12), 1100.0, np.nan)
    scene, owners = scene_of(TIMES, [(400 + 50 * TIMES, RED), (blink, BLUE)])
    assert owners_of(scene, owners) == [[0]]


def test_three_frames_of_somebody_are_kept_where_there_is_nobody_else(scene_of: SceneOf) -> None:
    blink = np.where((TIMES > 2) & (TIMES < 2.12), 1100.0, np.nan)
    scene, owners = scene_of(TIMES, [(blink, BLUE)])
    assert owners_of(scene, owners) == [[0]]


def test_an_empty_scene_has_no_tracks(scene_of: SceneOf) -> None:
    scene, _ = scene_of(TIMES, [])
    empty = Scene(scene.frames, scene.times, Bodies(np.zeros((0, 5, 2)), np.zeros(0), np.zeros(0)), scene.colours)
    assert track(empty) == []


@pytest.mark.parametrize("people", [1, 3])
def test_each_frame_is_in_a_track_once_and_in_order(scene_of: SceneOf, people: int) -> None:
    scene, _ = scene_of(TIMES, [(150 + 300 * p + 40 * TIMES, 5 * p) for p in range(people)])
    tracks = track(scene)
    assert len(tracks) == people
    for members in tracks:
        assert np.all(np.diff(scene.frames[members]) > 0)


def test_distances_do_not_depend_on_the_pictures_scale() -> None:
    random = np.random.default_rng(0)
    landmarks = random.uniform(0.2, 0.8, (4, 33, 5)).astype(np.float32)
    small, large = Bodies.of(landmarks, (640, 360)), Bodies.of(landmarks, (1920, 1080))
    apart = [distances(b.points, b.points, b.sizes, b.sizes) for b in (small, large)]
    np.testing.assert_allclose(apart[0], apart[1], rtol=1e-6)
    assert distinct(small).sum() == distinct(large).sum() >= 1
