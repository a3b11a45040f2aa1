"""Who is chosen, how people are numbered, and the real thing on real videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from motionlift.core.detection import people
from motionlift.core.detection.cache import DetectionCache
from motionlift.core.detection.observations import Observations
from motionlift.core.detection.people import Detection, choose_people, detect
from motionlift.core.detection.strip import write_people_pictures, write_people_strip
from motionlift.core.detection.tracks import Track, find_tracks
from motionlift.core.detection.whole import observe_whole
from motionlift.core.jobs import Cancelled, LiftSettings, MotionLiftError, UsageError
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26
from motionlift.core.video import Shot, VideoInfo

Landmarks = Callable[..., tuple[Array, Array]]
Walker = Callable[..., Array]
INFO = VideoInfo(Path("clip.mp4"), (1280, 720), 30.0, 4.0, 120, 0, None, None, False)
REAL = Path(__file__).resolve().parents[4] / "shared/data/video/sports2d_demo.mp4"


def somebody(number: int, x: float, height: float, first: int, last: int, frames: int = 120) -> Track:
    detected = np.zeros(frames, bool)
    detected[first:last] = True
    pixels = np.full((frames, 26, 2), np.nan)
    pixels[detected] = (x, 300.0)
    times = np.arange(frames) / 30
    keypoints = Keypoints2D(times, pixels, np.repeat(detected[:, None] * 0.9, 26, 1), detected, INFO.size)
    return Track(number, keypoints, height, float(times[first]), float(times[last - 1]), 0)


def detection(*tracks: Track) -> Detection:
    return Detection(INFO, (Shot(1, 0.0, 4.0, 120),), 1, tracks, np.zeros((120, 2)), (), "0")


CROWD = detection(
    somebody(1, 600, 300, 0, 120), somebody(2, 200, 500, 40, 100), somebody(3, 1000, 200, 50, 110),
    somebody(4, 640, 700, 60, 72), somebody(5, 1200, 250, 80, 84),
)  # fmt: skip


@pytest.mark.parametrize(
    ("person", "numbers"),
    [("largest", [2]), ("longest", [1]), ("left", [2]), ("right", [3]), ("3", [3]), ("all", [1, 2, 3, 4])],
)
def test_people_are_chosen(person: str, numbers: list[int]) -> None:
    assert [t.number for t in choose_people(CROWD, person)] == numbers


@pytest.mark.parametrize("person", ["6", "0", "tallest"])
def test_a_wrong_person_is_told_who_is_there(person: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_people(CROWD, person)
    assert caught.value.code == "wrong_person"
    assert all(f"person {number}" in caught.value.hint for number in range(1, 6))


@pytest.mark.parametrize("person", ["largest", "all", "1"])
def test_a_person_for_three_frames_is_too_short(person: str) -> None:
    with pytest.raises(MotionLiftError) as caught:
        choose_people(detection(somebody(1, 600, 300, 10, 13)), person)
    assert caught.value.code == "person_too_short"
    assert "0.3" in caught.value.hint


def test_a_video_of_one_frame_is_too_short() -> None:
    with pytest.raises(MotionLiftError) as caught:
        choose_people(detection(somebody(1, 600, 300, 0, 1, frames=1)), "largest")
    assert caught.value.code == "person_too_short"


def seen(walkers: list[tuple[Array, int, int]], frames: int, shots: NDArray[np.int64]) -> Observations:
    """Observations of figures: pixels (F, 33, 2) of each, found from a frame to before another."""
    found = [(n, pixels[n]) for n in range(frames) for pixels, first, last in walkers if first <= n < last]
    landmarks = np.full((len(found), 33, 5), 0.9, np.float32)
    landmarks[..., :2] = np.array([p for _, p in found]).reshape(-1, 33, 2) / INFO.size
    return Observations(
        np.arange(frames) / 30, shots, np.ones(frames, bool), np.array([n for n, _ in found], np.int64), landmarks,
        np.zeros((len(found), 33, 3), np.float32), np.full((len(found), 128), 0.125, np.float32), np.zeros((frames, 2)),
    )  # fmt: skip


def test_people_are_numbered_by_appearance_then_left_to_right(landmarks_of: Landmarks, walker: Walker) -> None:
    pixels, _ = landmarks_of(walker(np.arange(60) / 30), 0.0)
    right, left, late = (pixels + np.array([x, 0.0]) for x in (500, -250, 150))
    tracks = find_tracks(seen([(right, 0, 60), (left, 6, 60), (late, 30, 60)], 60, np.ones(60, np.int64)), 1, INFO.size)
    assert [t.number for t in tracks] == [1, 2, 3]
    assert tracks[0].middle_x < tracks[2].middle_x < tracks[1].middle_x
    assert [round(t.first_time * 30) for t in tracks] == [6, 0, 30]


def test_tracks_have_a_sample_for_every_frame_of_their_shot(landmarks_of: Landmarks, walker: Walker) -> None:
    pixels, _ = landmarks_of(walker(np.arange(60) / 30), 0.0)
    shots = np.repeat([1, 2], 30)
    tracks = find_tracks(seen([(pixels, 5, 52)], 60, shots), 2, INFO.size)
    assert len(tracks) == 1
    np.testing.assert_array_equal(tracks[0].keypoints.times, np.arange(30, 60) / 30)
    np.testing.assert_array_equal(tracks[0].keypoints.detected, np.arange(30, 60) < 52)
    np.testing.assert_allclose(tracks[0].keypoints.pixels[0, BODY_26.index("nose")], pixels[30, 0], atol=1e-3)
    assert tracks[0].swapped_frames == 0


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> LiftSettings:
    folder = tmp_path_factory.getbasetemp() / "detection-cache"
    return LiftSettings(cache_dir=str(folder))


def film(path: Path, pictures: list[Array]) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_without_a_person(tmp_path: Path, settings: LiftSettings) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (15, 12, 16, 3)).repeat(16, 1).repeat(16, 2)
    with pytest.raises(MotionLiftError) as caught:
        detect(film(tmp_path / "empty.mp4", list(noise)), settings)
    assert caught.value.code == "no_person"
    assert caught.value.hint


def test_real_detection_of_the_sample(
    sample_video: Path, settings: LiftSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    settings = replace(settings, start=0.5, end=1.5)
    stages: list[tuple[str, int, int | None]] = []
    found = detect(sample_video, settings, lambda stage, done, total: stages.append((stage, done, total)))
    assert len(found.tracks) == 1
    keypoints = found.tracks[0].keypoints
    assert keypoints.detected.mean() > 0.95
    assert np.all((keypoints.times >= 0.5) & (keypoints.times < 1.5))
    inside = (keypoints.pixels[keypoints.detected] > 0) & (keypoints.pixels[keypoints.detected] < found.info.size)
    assert inside.all(-1).mean() > 0.9
    done = [d for stage, d, _ in stages if stage == "detect"]
    assert done == list(range(1, len(keypoints.times) + 1))

    def forbidden(*_: object) -> Observations:
        raise AssertionError("detected again")

    monkeypatch.setattr(people, "observe_whole", forbidden)
    again = detect(sample_video, settings).tracks[0].keypoints
    np.testing.assert_array_equal(again.pixels, keypoints.pixels)
    with pytest.raises(UsageError) as caught:
        choose_people(found, "2")
    assert caught.value.code == "wrong_person"
    monkeypatch.setattr(people, "observe_whole", observe_whole)
    with pytest.raises(Cancelled):
        detect(sample_video, replace(settings, use_cache=False), cancelled=lambda: True)
    stored = list(DetectionCache.of(settings).folder.glob("*.npz"))
    with pytest.raises(UsageError) as caught:
        detect(sample_video, replace(settings, end=0.7, shot=7))
    assert caught.value.code == "wrong_shot"
    assert len(list(DetectionCache.of(settings).folder.glob("*.npz"))) >= len(stored)


@pytest.mark.skipif(not REAL.is_file(), reason="no footage beside the repository")
def test_real_footage_of_two_people(settings: LiftSettings, tmp_path: Path) -> None:
    """A man on a roof, far left of a woman who walks to the left below: neither becomes the other."""
    from dataclasses import replace

    found = detect(REAL, replace(settings, start=1.5, end=3.0))
    assert len(found.tracks) == 2
    man, woman = sorted(found.tracks, key=lambda t: t.middle_x)
    pelvis = [t.keypoints.pixels[t.keypoints.detected, BODY_26.index("pelvis")] for t in (man, woman)]
    assert np.all(pelvis[0][:, 1] < 400)
    assert np.all(pelvis[1][:, 1] > 600)
    assert np.polyfit(np.arange(len(pelvis[1])), pelvis[1][:, 0], 1)[0] < -5
    assert man.keypoints.detected.mean() > 0.9
    # She steps from behind a tree after 0.4 s, and is seen from then on.
    assert woman.first_time < 2.2
    assert woman.keypoints.detected[woman.keypoints.times > woman.first_time].mean() > 0.9
    for track in (man, woman):
        steps = np.linalg.norm(np.diff(track.keypoints.pixels[:, BODY_26.index("pelvis")], axis=0), axis=-1)
        assert np.nanmax(steps) < 0.2 * track.mean_height_px
    assert woman.swapped_frames <= 3
    write_people_strip(REAL, found, tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        strip.load()
        assert strip.height > 2 * 150
    write_people_pictures(REAL, found, tmp_path)
    shown = []
    for person in found.tracks:
        with Image.open(tmp_path / f"person_{person.number}.png") as picture:
            shown.append(np.asarray(picture, float))
    assert np.abs(shown[0] - shown[1]).mean() > 10
