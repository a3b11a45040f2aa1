"""A clip in chunks: planned at fixed frames, put together as it was, the same in any number of processes."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core import processors
from motionlift.core.detection import chunks, whole
from motionlift.core.detection.cache import DetectionCache, cache_key
from motionlift.core.detection.chunks import Chunk, joined, plan
from motionlift.core.detection.detector import DetectorProcess
from motionlift.core.detection.division import divided
from motionlift.core.detection.models import pose_model
from motionlift.core.detection.observations import Observations
from motionlift.core.detection.observe import SoFar
from motionlift.core.detection.tracks import find_tracks
from motionlift.core.detection.watch import Part
from motionlift.core.detection.whole import Looking, forget_chunks, observe_whole
from motionlift.core.jobs import Cancelled, LiftSettings, MotionLiftError, ProgressCallback
from motionlift.core.video import probe, read_frames


def seen_in_one_go(frames: int, shots: NDArray[np.int64], seed: int = 0) -> Observations:
    """What might be seen: none to three poses a frame, a background that drifts, uneven times."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 4, frames)
    poses = int(counts.sum())
    drift = np.cumsum(random.normal(scale=0.01, size=(frames, 2)), 0)
    for shot in np.unique(shots):
        drift[shots == shot] -= drift[shots == shot][0]
    return Observations(
        times=np.cumsum(random.uniform(0.01, 0.08, frames)) - 0.01,
        shots=shots,
        looked=random.uniform(size=frames) < 0.9,
        frames=np.repeat(np.arange(frames), counts),
        landmarks=random.normal(size=(poses, 33, 5)).astype(np.float32),
        world=random.normal(size=(poses, 33, 3)).astype(np.float32),
        colours=random.normal(size=(poses, 128)).astype(np.float32),
        drift=drift,
        warnings=("damaged",),
        hand_points=random.normal(size=(poses, 2, 21, 5)).astype(np.float32),
        hand_left=random.uniform(size=(poses, 2)).astype(np.float32),
    )


def in_chunk(seen: Observations, chunk: Chunk) -> Observations:
    """What a process sees that knows nothing of the frames before: shots and drift begin anew."""
    here = slice(chunk.looked_from, chunk.stop)
    poses = (seen.frames >= chunk.looked_from) & (seen.frames < chunk.stop)
    drift = seen.drift[here].copy()
    drift[seen.shots[here] == seen.shots[chunk.looked_from]] -= drift[0]
    return dataclasses.replace(
        seen,
        times=seen.times[here],
        shots=seen.shots[here] - seen.shots[chunk.looked_from] + 1,
        looked=seen.looked[here],
        frames=seen.frames[poses] - chunk.looked_from,
        drift=drift,
        **{name: getattr(seen, name)[poses] for name in
           ("landmarks", "world", "colours", "hand_points", "hand_left")},
    )  # fmt: skip


@pytest.mark.parametrize("frames", [0, 1, 899, 1349, 1350, 1800, 2249, 2250, 5003])
@pytest.mark.parametrize("start", [None, 7.5])
def test_chunks_cover_every_frame_once(frames: int, start: float | None) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.08, frames)) + (start or 0.0) - 0.01
    planned = plan(list(times), start)
    owned = np.array([chunk.owned(times) for chunk in planned]).reshape(len(planned), frames)
    assert np.all(owned.sum(0) == 1)
    assert [chunk.first for chunk in planned] == [chunks.FRAMES * n for n in range(len(planned))]
    for chunk, mine in zip(planned, owned, strict=True):
        assert np.array_equal(np.flatnonzero(mine), np.arange(chunk.first, chunk.stop))
        assert chunk.part.start == (times[chunk.looked_from] if chunk.first else start)
        assert chunk.part.own == (times[chunk.first] if chunk.first else None)
        assert chunk.first - chunk.looked_from == (chunks.WARM_UP if chunk.first else 0)
    if len(planned) > 1:
        assert planned[-1].stop - planned[-1].first >= chunks.FRAMES / 2
        assert planned[-1].part.stop is None


@pytest.mark.parametrize("frames", [1, 359, 360, 900, 1440, 1799, 2000, 5400, 20_000])
def test_who_is_waited_for_is_divided_finer(frames: int) -> None:
    """Into six where that makes no chunks of under eight seconds; of long ones more, as long as usual."""
    times = [number / 30 for number in range(frames)]
    planned = plan(times, None, awaited=True)
    lengths = [chunk.stop - chunk.first for chunk in planned]
    assert sum(lengths) == frames
    assert (len(planned) > 1) == chunks.divisible(frames, True) == (frames >= 1.5 * chunks.FINEST)
    assert len(set(lengths[:-1])) <= 1
    assert all(length >= chunks.FINEST for length in lengths[:-1])
    if chunks.AT_ONCE * chunks.FINEST <= frames <= chunks.AT_ONCE * chunks.FRAMES:
        assert len(planned) in (chunks.AT_ONCE - 1, chunks.AT_ONCE)
    if frames >= chunks.AT_ONCE * chunks.FRAMES:
        assert [c.first for c in planned] == [c.first for c in plan(times, None)]
    assert all(chunk.first % stride == 0 for chunk in planned for stride in range(1, 5))


def test_every_stride_hits_the_same_frames_in_each_chunk() -> None:
    for stride in range(1, 5):
        assert chunks.FRAMES % stride == chunks.WARM_UP % stride == 0


@pytest.mark.parametrize("cuts", [[], [300], [864, 900, 901], [880, 1790, 1800], [899]])
def test_joined_it_is_what_was_seen_in_one_go(cuts: list[int]) -> None:
    shots = np.ones(2700, np.int64)
    for cut in cuts:
        shots[cut:] += 1
    whole_clip = seen_in_one_go(2700, shots)
    planned = plan(list(whole_clip.times), None)
    result = joined(planned, [in_chunk(whole_clip, chunk) for chunk in planned])
    for field in dataclasses.fields(Observations):
        if field.name == "drift":
            np.testing.assert_allclose(result.drift, whole_clip.drift, atol=1e-12)
        else:
            np.testing.assert_array_equal(getattr(result, field.name), getattr(whole_clip, field.name))


def test_a_chunk_that_cannot_be_decoded_leaves_its_frames_out() -> None:
    whole_clip = seen_in_one_go(2700, np.ones(2700, np.int64))
    planned = plan(list(whole_clip.times), None)
    parts = [in_chunk(whole_clip, chunk) for chunk in planned[:2]]
    result = joined(planned, [*parts, Observations.nothing()])
    np.testing.assert_array_equal(result.times, whole_clip.times[:1800])
    np.testing.assert_array_equal(result.frames, whole_clip.frames[whole_clip.frames < 1800])


def crowd(frames: NDArray[np.int64], people: int, twice: bool = False) -> Observations:
    """So many standing people side by side in each of some frames of a clip of 2700; each of them found twice."""
    random = np.random.default_rng(0)
    figure = random.uniform(0.4, 0.6, (33, 2)) * (0.1, 1)
    landmarks = np.full((len(frames), people, 33, 5), 0.9, np.float32)
    for person in range(people):
        landmarks[:, person, :, :2] = figure + np.array([0.3 * person, 0])
    if twice:
        landmarks = np.concatenate([landmarks, landmarks + 0.001], 1)
    poses = landmarks.shape[1]
    total = len(frames) * poses
    return Observations(
        times=frames / 30,
        shots=np.ones(len(frames), np.int64),
        looked=np.ones(len(frames), bool),
        frames=np.repeat(np.arange(len(frames)), poses),
        landmarks=landmarks.reshape(-1, 33, 5),
        world=np.zeros((total, 33, 3), np.float32),
        colours=np.zeros((total, 128), np.float32),
        drift=np.zeros((len(frames), 2)),
    )


def test_whom_a_chunk_lost_is_noticed() -> None:
    first, second, _ = plan(list(np.arange(2700) / 30), None)
    before = np.arange(first.looked_from, first.stop)
    after = np.arange(second.looked_from, second.stop)
    for had, has, lost in ((1, 1, 0), (2, 1, 2), (1, 2, 0), (3, 0, 3), (0, 1, 0)):
        assert chunks.lost_people(crowd(before, had), second, crowd(after, has)) == lost
    assert chunks.lost_people(crowd(before, 1, twice=True), second, crowd(after, 1)) == 0
    assert chunks.lost_people(Observations.nothing(), second, crowd(after, 1)) == 0
    assert chunks.lost_people(crowd(before, 1), second, Observations.nothing()) == 0


def test_a_chunk_that_lost_somebody_is_looked_at_again(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[float | None, int]] = []

    def observe(self: Looking, part: Part | None, *_: object) -> Observations:
        assert part is not None
        looked.append((part.start, part.people))
        frames = np.array([n for n in range(30, 150) if (part.start or 0) <= n / 30 + 1e-9 < (part.stop or 9)])
        # The first has two people from the start, the others find the second one only when they try.
        return crowd(frames, 2 if part.own is None else part.people)

    monkeypatch.setattr(Looking, "observe", observe)
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "1")
    result = observe_whole(looking, probe(looking.path), lambda *_: None, lambda: False)
    starts = [start for start, _ in looked]
    assert [people for _, people in looked] == [1, 1, 1, 2, 2]
    # From where the chunk before was begun.
    assert starts[3:] == starts[:2]
    assert np.all(np.bincount(result.frames) == 2)
    looked.clear()
    fixed = dataclasses.replace(looking, settings=dataclasses.replace(looking.settings, max_people=1))
    observe_whole(fixed, probe(looking.path), lambda *_: None, lambda: False)
    assert len(looked) == 3


@pytest.fixture
def looking(sample_video: Path, detections: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looking:
    """Four seconds of the sample as three chunks."""
    monkeypatch.setattr(chunks, "FRAMES", 48)
    monkeypatch.setattr(chunks, "WARM_UP", 12)
    monkeypatch.setattr(processors, "free_memory", lambda: None)
    settings = LiftSettings(start=1.0, end=5.0, cache_dir=str(detections))
    return Looking(sample_video, settings, pose_model(settings), None)


def look(
    looking: Looking,
    processes: int,
    monkeypatch: pytest.MonkeyPatch,
    cache: DetectionCache | None = None,
    key: str = "",
) -> Observations:
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, str(processes))
    told: list[tuple[int, int | None]] = []
    info = probe(looking.path)
    result = observe_whole(
        looking, info, lambda stage, done, total: told.append((done, total)), lambda: False, cache, key
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (120, 120)
    return result


def same(a: Observations, b: Observations) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(Observations))


def test_real_chunks(looking: Looking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in one process and in two, close to what is seen in one go, and gone on with after a kill."""
    alone = look(looking, 1, monkeypatch)
    times = [frame.time for frame in read_frames(looking.path, 1.0, 5.0)]
    np.testing.assert_array_equal(alone.times, times)
    assert np.all(alone.shots == 1)

    # Beside each other, one of them killed: its chunk is looked at again.
    cache = DetectionCache(tmp_path)
    begun: list[DetectorProcess] = []

    class Watched(DetectorProcess):
        def __init__(self) -> None:
            super().__init__()
            begun.append(self)
            if len(begun) == 1:
                threading.Timer(1.0, os.kill, (self.pid, signal.SIGKILL)).start()

    monkeypatch.setattr(whole, "DetectorProcess", Watched)
    beside = look(looking, 2, monkeypatch, cache=cache, key="k")
    # This process looks at chunks itself; the one beside it, and another in its place.
    assert len(begun) == 2
    assert same(beside, alone)

    # What is kept is not looked at again.
    assert len(list(tmp_path.glob("k-*"))) == 3
    cache.path("k-000048-000096-1").unlink()
    looked: list[Part | None] = []
    observe = Looking.observe

    def noted(
        self: Looking, part: Part | None, progress: ProgressCallback, cancelled: Callable[[], bool], *others: SoFar
    ) -> Observations:
        looked.append(part)
        return observe(self, part, progress, cancelled, *others)

    monkeypatch.setattr(Looking, "observe", noted)
    assert same(look(looking, 2, monkeypatch, cache=cache, key="k"), alone)
    assert len(looked) == 1
    forget_chunks(cache, "k")
    assert not list(tmp_path.iterdir())

    # In one go: the same but for the state of MediaPipe's own tracker.
    once = looking.observe(None, lambda *_: None, lambda: False)
    (a,), (b,) = (find_tracks(seen, 1, (854, 480)) for seen in (alone, once))
    assert a.keypoints.detected.mean() == b.keypoints.detected.mean() == 1
    away = np.linalg.norm(a.keypoints.pixels - b.keypoints.pixels, axis=-1) / a.mean_height_px
    assert away.mean() < 0.003


def test_it_is_stopped_at_once(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "2")
    pids: list[int] = []

    class Watched(DetectorProcess):
        def __init__(self) -> None:
            super().__init__()
            pids.append(self.pid)

    monkeypatch.setattr(whole, "DetectorProcess", Watched)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        observe_whole(looking, probe(looking.path), lambda *_: None, lambda: time.monotonic() > began + 0.5)
    assert time.monotonic() - began < 5
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_a_process_finds_wrong_is_told(looking: Looking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "2")
    model = tmp_path / "broken.task"
    model.write_bytes(b"no model")
    wrong = dataclasses.replace(looking, model=type(looking.model)(model, "0"))
    with pytest.raises(MotionLiftError) as caught:
        observe_whole(wrong, probe(looking.path), lambda *_: None, lambda: False)
    assert caught.value.code == "bad_pose_model"


def test_short_clips_are_not_divided(sample_video: Path) -> None:
    info = probe(sample_video)
    assert divided(sample_video, LiftSettings(), info).pieces == []
    long = dataclasses.replace(info, frame_count=None)
    assert len(divided(sample_video, LiftSettings(), long).pieces) == 1
    assert divided(sample_video, LiftSettings(shot=1), long).pieces == []


def test_the_key_knows_the_stride() -> None:
    model = pose_model(LiftSettings())
    assert cache_key("a", LiftSettings(), model) != cache_key("a", LiftSettings(stride=2), model)
    assert cache_key("a", LiftSettings(), model) == cache_key("a", LiftSettings(hwaccel="auto"), model)
