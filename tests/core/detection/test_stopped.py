"""A real clip whose detection is stopped on the way goes on there, and comes out as in one go."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.core import processors
from motionlift.core.detection import chunks, stopped
from motionlift.core.detection.cache import DetectionCache
from motionlift.core.detection.people import Detection, detect
from motionlift.core.jobs import Cancelled, LiftSettings, Stage

SAME = 0.003
"""How far apart, in body heights, joints may be on average: MediaPipe's own tracker began elsewhere."""
FRAMES = 102
WARM_UP, REDONE = 12, 12
"""Frames. Shorter than in earnest, so that the clip may be; one test takes the real ones, and a longer clip."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LiftSettings:
    return LiftSettings(end=FRAMES / 30, cache_dir=str(tmp_path_factory.mktemp("cache")), awaited=True)


@pytest.fixture(scope="module")
def once(sample_video: Path, settings: LiftSettings) -> Detection:
    return detect(sample_video, replace(settings, use_cache=False))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "WARM_UP", WARM_UP)
    monkeypatch.setattr(stopped, "WARM_UP", WARM_UP)
    monkeypatch.setattr(stopped, "FEWEST", 2 * WARM_UP)
    monkeypatch.setattr(stopped, "REDONE_SECONDS", REDONE / 30)


@pytest.fixture(autouse=True)
def _often(settings: LiftSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept after every frame; nothing from another test."""
    monkeypatch.setattr(stopped, "KEEP_SECONDS", 0.0)
    for path in DetectionCache.of(settings).folder.glob("*"):
        path.unlink()


def stop_after(frames: int) -> Callable[[], bool]:
    """Says no so many times."""
    asked = itertools.count()
    return lambda: next(asked) >= frames


def told(path: Path, settings: LiftSettings, of: int = FRAMES) -> tuple[Detection, list[int]]:
    """What is found, and the frames that were told on the way."""
    frames: list[int] = []

    def progress(stage: Stage, done: int, total: int | None) -> None:
        if stage == "detect":
            assert total == of
            frames.append(done)

    return detect(path, settings, progress), frames


def assert_same(found: Detection, once: Detection, frames: int | None = None) -> None:
    """`frames`: of `once`, the first so many."""
    (one,), (other,) = found.tracks, once.tracks
    np.testing.assert_array_equal(one.keypoints.times, other.keypoints.times[:frames])
    np.testing.assert_array_equal(one.keypoints.detected, other.keypoints.detected[:frames])
    away = np.linalg.norm(one.keypoints.pixels - other.keypoints.pixels[:frames], axis=-1) / one.mean_height_px
    assert np.nanmean(away) < SAME
    np.testing.assert_allclose(found.drift, once.drift[:frames], atol=3e-3)


@pytest.mark.slow
def test_it_goes_on_where_it_was_stopped(sample_video: Path, settings: LiftSettings, detections: Path) -> None:
    """As in earnest, hands and all."""
    frames = 180
    long = replace(settings, end=frames / 30, hands=True)
    with pytest.raises(Cancelled):
        detect(sample_video, long, cancelled=stop_after(175))
    found, done = told(sample_video, long, frames)
    # About half is looked at once more.
    assert done[0] >= frames / 2 - 10
    assert done[-1] == frames
    assert done == sorted(done)
    whole = detect(sample_video, LiftSettings(hands=True, cache_dir=str(detections)))
    assert_same(found, whole, frames)
    assert found.tracks[0].keypoints.hands is not None
    assert np.isfinite(found.tracks[0].keypoints.hands.pixels).any((1, 2, 3))[:80].mean() > 0.5
    # Nothing is left of the parts once the whole is kept.
    assert len(list(DetectionCache.of(settings).folder.glob("*"))) == 1


@pytest.mark.usefixtures("short")
def test_every_other_frame_stays_the_same_ones(sample_video: Path, settings: LiftSettings) -> None:
    settings = replace(settings, stride=2)
    key_frames = detect(sample_video, replace(settings, use_cache=False))
    with pytest.raises(Cancelled):
        detect(sample_video, settings, cancelled=stop_after(91))
    found, done = told(sample_video, settings)
    assert done[0] > 70
    assert_same(found, key_frames)


@pytest.mark.usefixtures("short")
def test_it_may_be_stopped_again_and_again(sample_video: Path, settings: LiftSettings, once: Detection) -> None:
    for frames in (60, 24, 45):
        with pytest.raises(Cancelled):
            detect(sample_video, settings, cancelled=stop_after(frames))
    found, done = told(sample_video, settings)
    assert done[0] >= 45
    assert_same(found, once)
    assert len(list(DetectionCache.of(settings).folder.glob("*"))) == 1


@pytest.fixture
def fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 48 and 54 frames."""
    monkeypatch.setattr(chunks, "FINEST", 48)
    monkeypatch.setattr(processors, "free_memory", lambda: None)


@pytest.mark.usefixtures("short", "fine")
def test_a_chunk_goes_on_where_it_was_stopped(
    sample_video: Path, settings: LiftSettings, once: Detection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "1")
    with pytest.raises(Cancelled):
        # Behind the first chunk, and the frames of it that the second looks at again.
        detect(sample_video, settings, cancelled=stop_after(48 + WARM_UP + 50))
    found, done = told(sample_video, settings)
    assert done[0] >= 48 + stopped.FEWEST - 1
    assert done == sorted(done)
    assert done[-1] == FRAMES
    assert_same(found, once)
    assert len(list(DetectionCache.of(settings).folder.glob("*"))) == 1


@pytest.mark.usefixtures("short", "fine")
def test_chunks_side_by_side_are_kept_too(
    sample_video: Path, settings: LiftSettings, once: Detection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "2")
    folder = DetectionCache.of(settings).folder
    with pytest.raises(Cancelled):
        detect(sample_video, settings, cancelled=lambda: any(folder.glob("*-stopped*")))
    assert any(folder.glob("*-stopped*"))
    found, done = told(sample_video, settings)
    assert done == sorted(done)
    assert done[-1] == FRAMES
    assert_same(found, once)
    assert len(list(folder.glob("*"))) == 1


def test_what_was_hardly_begun_begins_again(sample_video: Path, settings: LiftSettings, once: Detection) -> None:
    with pytest.raises(Cancelled):
        detect(sample_video, settings, cancelled=stop_after(70))
    found, done = told(sample_video, settings)
    assert done[0] == 1
    np.testing.assert_array_equal(found.tracks[0].keypoints.pixels, once.tracks[0].keypoints.pixels)


@pytest.mark.usefixtures("short")
def test_who_does_not_ask_gets_what_one_go_gives(sample_video: Path, settings: LiftSettings, once: Detection) -> None:
    """To the last bit, whatever others have left in the cache."""
    with pytest.raises(Cancelled):
        detect(sample_video, settings, cancelled=stop_after(90))
    plain = replace(settings, awaited=False)
    found = detect(sample_video, plain)
    np.testing.assert_array_equal(found.tracks[0].keypoints.pixels, once.tracks[0].keypoints.pixels)


@pytest.mark.usefixtures("short")
def test_nothing_is_kept_for_who_does_not_ask(sample_video: Path, settings: LiftSettings) -> None:
    with pytest.raises(Cancelled):
        detect(sample_video, replace(settings, awaited=False), cancelled=stop_after(60))
    assert not list(DetectionCache.of(settings).folder.glob("*"))


@pytest.mark.usefixtures("short")
def test_somebody_whom_the_rest_lost_is_looked_for_from_the_start(
    sample_video: Path, settings: LiftSettings, once: Detection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Cancelled):
        detect(sample_video, settings, cancelled=stop_after(90))
    monkeypatch.setattr(chunks, "lost_people", lambda *_: 2)
    found, done = told(sample_video, settings)
    assert done.count(FRAMES) >= 1
    assert_same(found, once)
