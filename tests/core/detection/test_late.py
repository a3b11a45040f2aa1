"""Who is found late is followed back, and nobody else: with made-up bodies, and in real footage."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.detection.hands import Hands
from motionlift.core.detection.landmarker import Pose
from motionlift.core.detection.late import (
    BACK_SECONDS,
    FOLLOWED_SECONDS,
    UNSEEN_SECONDS,
    Back,
    Found,
    LateFinds,
    followed_back,
)
from motionlift.core.detection.models import pose_model
from motionlift.core.detection.observe import observe
from motionlift.core.detection.record import Record
from motionlift.core.detection.settling import SETTLING_SECONDS
from motionlift.core.detection.tracks import find_tracks
from motionlift.core.jobs import LiftSettings
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.synthesis.film import write_clip
from motionlift.core.video import Frame, read_frames

FPS = 30
FOOTAGE = Path(__file__).parents[4] / "shared/data/video/sports2d_demo.mp4"
Places = Callable[[float], list[float]]
"""Where across the picture (0 to 1) people are at a time (s)."""


def frame(index: int) -> Frame:
    return Frame(index, index / FPS, 1, np.full((90, 160, 3), index, np.uint8))


def pose(place: float) -> Pose:
    """Somebody half as tall as the picture."""
    body = np.random.default_rng(0).uniform(-1, 1, (33, 2)) * (0.06, 0.25) + (place, 0.5)
    return Pose(
        np.column_stack([body, np.zeros(33), np.full((33, 2), 0.9)]).astype(np.float32), np.zeros((33, 3), np.float32)
    )


def followed(found: Places, there: Places, frames: int = 120, earliest: float = 0.0) -> tuple[list[Found], list[Back]]:
    """Who is followed back, and what is seen on the way, where people are `found` forwards while all are `there`."""
    late = LateFinds()
    late.begin(earliest)
    people: list[Found] = []
    seen: list[Back] = []
    for index in range(frames):
        due = late.see(frame(index), [pose(place) for place in found(index / FPS)])
        if not due:
            continue
        people += due
        first = round(late.from_where(due) * FPS)
        steps: list[float] = []

        def look(image: NDArray[np.uint8], time: float, steps: list[float] = steps) -> list[Pose]:
            assert not steps or time > steps[-1]
            steps.append(time)
            return [pose(place) for place in there(int(image[0, 0, 0]) / FPS)]

        seen += followed_back(due, map(frame, range(index, first - 1, -1)), look, late.there)
    return people, seen


def walk(time: float) -> float:
    """Half a body height a second."""
    return 0.2 + 0.07 * time


def test_who_is_found_late_is_followed_back_to_where_he_came_in() -> None:
    people, seen = followed(lambda t: [walk(t)] if t >= 1.6 else [], lambda t: [walk(t)] if t >= 1.0 else [])
    assert [round(person.since, 3) for person in people] == [1.6]
    times = np.array([back.frame.time for back in seen])
    assert (np.diff(times) < 0).all()
    # The end of the way back begins before the pose that was found forwards has settled.
    assert times[-1] == pytest.approx(1.0)
    assert 1.6 + SETTLING_SECONDS - 1.5 / FPS < times[0] < 1.6 + SETTLING_SECONDS
    for back in seen:
        assert len(back.poses) == 1
        np.testing.assert_array_equal(back.poses[0].landmarks, pose(walk(back.frame.time)).landmarks)
        assert len(back.instead_of) == (back.frame.time >= 1.6 - 1e-6)


@pytest.mark.parametrize("gap", [0.0, UNSEEN_SECONDS - 1.5 / FPS])
def test_who_was_there_all_the_time_is_not(gap: float) -> None:
    people, _ = followed(lambda t: [] if 1.0 < t < 1.0 + gap else [walk(t)], lambda t: [walk(t)])
    assert not people


@pytest.mark.parametrize("interval", [0.1, 0.25, 1.0])
def test_rare_pictures_make_nobody_late(interval: float) -> None:
    late = LateFinds()
    late.begin(0.0)
    for index in range(40):
        # One picture without anybody now and then.
        seen = [] if index % 10 == 5 else [pose(0.2 + 0.07 * index * min(interval, 0.1))]
        assert not late.see(replace(frame(index), time=index * interval), seen)


def test_who_is_lost_and_found_is_followed_to_where_he_was_lost() -> None:
    people, seen = followed(lambda t: [] if 1.0 < t < 1.5 else [walk(t)], lambda t: [walk(t)])
    assert len(people) == 1
    first = seen[-1].frame.time
    assert 1.0 - UNSEEN_SECONDS - 2 / FPS < first < 1.0 + 1.5 / FPS


def test_a_chance_finding_is_not_followed() -> None:
    people, _ = followed(lambda t: [0.3] if 1.0 < t < 0.9 + FOLLOWED_SECONDS else [], lambda t: [0.3])
    assert not people


def test_only_who_is_late_and_only_as_far_as_wanted() -> None:
    there = [0.2, 0.7]
    people, seen = followed(lambda t: there if t >= 3.0 else there[:1], lambda t: there)
    assert len(people) == 1
    assert all(len(back.poses) == 1 for back in seen)
    np.testing.assert_array_equal(seen[-1].poses[0].landmarks, pose(0.7).landmarks)
    assert seen[-1].frame.time == pytest.approx(3.0 - BACK_SECONDS)
    _, seen = followed(lambda t: there if t >= 3.0 else there[:1], lambda t: there, earliest=2.5)
    assert seen[-1].frame.time == pytest.approx(2.5)


def test_frames_that_are_looked_at_again_for_more_people_count() -> None:
    late = LateFinds()
    late.begin(0.0)
    for index in range(60):
        assert not late.see(frame(index), [pose(0.2)])
    due = [late.see(frame(index), [pose(0.2), pose(0.7)]) for index in range(30, 75)]
    found = [person for people in due for person in people]
    assert [person.since for person in found] == [1.0]
    assert late.there(found[0], 1.1)
    assert not late.there(found[0], 0.9)


def _beside_its_mirror_image(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    part = picture[:, 150:700]
    return np.hstack([part, part[:, ::-1]])


def _with_pillar(picture: NDArray[np.uint8], way: float) -> NDArray[np.uint8]:
    """A picture with a pillar that has gone so many times across."""
    result = picture.copy()
    middle = round(way % 1 * picture.shape[1])
    result[:, max(middle - 110, 0) : middle + 110] = 90
    return result


def _frames(keypoints: Keypoints2D) -> int:
    return int(np.count_nonzero(keypoints.detected))


def test_what_is_seen_on_the_way_back_takes_the_place_of_what_was_seen_before() -> None:
    class Watch:
        def look(self, image: NDArray[np.uint8], time: float, poses: list[Pose]) -> Future[list[Hands]]:
            done: Future[list[Hands]] = Future()
            left = np.full(2, float(poses[0].landmarks[0, 0]), np.float32)
            done.set_result([replace(Hands.none(), left=left + number) for number in range(len(poses))])
            return done

    first, better = [pose(0.2), pose(0.7)], pose(0.8)
    with ThreadPoolExecutor(1) as beside:
        record = Record(beside, Watch())  # type: ignore[arg-type]
        record.add_frame(frame(0), looked=True)
        record.add_poses(frame(0), first)
        record.add_back(Back(frame(0), [better], [first[0]]))
        seen = record.with_hands()
    np.testing.assert_array_equal(seen.landmarks, [first[1].landmarks, better.landmarks])
    np.testing.assert_array_equal(seen.backwards, [False, True])
    starts = [first[0].landmarks[0, 0] + 1, better.landmarks[0, 0]]
    np.testing.assert_allclose(seen.hand_left[:, 0], starts, rtol=1e-6)


def test_who_comes_out_from_behind_a_pillar_is_seen_at_once(
    sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pillar goes past the sample beside its mirror image."""
    pictures = [_beside_its_mirror_image(each.image) for each in read_frames(sample_video, 0.0, 2.4)]
    height, width = pictures[0].shape[:2]
    clear, hidden = tmp_path / "clear.mp4", tmp_path / "hidden.mp4"
    write_clip(clear, pictures, 30, (width, height))
    write_clip(hidden, (_with_pillar(p, i / 60) for i, p in enumerate(pictures)), 30, (width, height))

    def people(path: Path) -> list[Keypoints2D]:
        settings = LiftSettings()
        tracks = find_tracks(observe(path, settings, pose_model(settings)), 1, (width, height))
        return [track.keypoints for track in sorted(tracks, key=lambda track: track.middle_x)]

    true, found = people(clear), people(hidden)
    monkeypatch.setattr(LateFinds, "see", lambda *_: [])
    late = people(hidden)
    assert len(true) == len(found) == len(late) == 2
    frames, frames_late, frames_true = (sum(map(_frames, each)) for each in (found, late, true))
    # By MediaPipe's arithmetic on two processors: 120 of 137, and 96 or 101 if nobody looks back.
    assert frames > frames_late + 10
    assert frames > 0.8 * frames_true
    for seen, whole in zip(found, true, strict=True):
        at = [int(np.argmin(np.abs(whole.times - time))) for time in seen.times]
        away = np.linalg.norm(seen.pixels - whole.pixels[at], axis=-1).mean(-1)
        assert np.nanmedian(away) < 3.0
        assert np.nanpercentile(away, 90) < 0.1 * height


@pytest.mark.skipif(not FOOTAGE.is_file(), reason="no footage")
def test_a_somersaults_landing_is_seen_before_mediapipe_finds_it() -> None:
    settings = LiftSettings(start=6.0, end=7.6)
    seen = observe(FOOTAGE, settings, pose_model(settings))
    assert seen.backwards.any()
    jumper = max(find_tracks(seen, 1, (1768, 994)), key=lambda track: track.middle_x)
    # Forwards he is found after 6.5 s, on the ground.
    assert jumper.first_time < 6.1
    assert np.count_nonzero(jumper.keypoints.detected) > 40
