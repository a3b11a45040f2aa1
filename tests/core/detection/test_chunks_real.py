"""A real clip in chunks is what it is in one go: its hands across a join, and one shot of several."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from motionlift.core import processors
from motionlift.core.detection import chunks
from motionlift.core.detection.division import divided
from motionlift.core.detection.hands import LOOK_SECONDS
from motionlift.core.detection.models import hand_model, pose_model
from motionlift.core.detection.observations import Observations
from motionlift.core.detection.tracks import Track, find_tracks
from motionlift.core.detection.whole import Looking, observe_whole
from motionlift.core.jobs import Cancelled, LiftSettings
from motionlift.core.video import find_shots, probe, read_frames

SAME = 0.003
"""How far apart, in body heights, landmarks may be on average: MediaPipe's own tracker began elsewhere."""
JOIN = 48
"""The frame between two chunks, in the middle of the waving."""

Divide = Callable[[int], None]


@pytest.fixture
def divide(monkeypatch: pytest.MonkeyPatch) -> Divide:
    """A function that makes chunks as short as given."""

    def _divide(frames: int) -> None:
        monkeypatch.setattr(chunks, "FRAMES", frames)
        monkeypatch.setattr(processors, "free_memory", lambda: None)

    return _divide


def in_chunks(looking: Looking, processes: int, monkeypatch: pytest.MonkeyPatch) -> Observations:
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, str(processes))
    return observe_whole(looking, probe(looking.path), lambda *_: None, lambda: False)


def apart(one: Track, other: Track) -> float:
    """Body heights between the keypoints, on average."""
    np.testing.assert_array_equal(one.keypoints.detected, other.keypoints.detected)
    away = np.linalg.norm(one.keypoints.pixels - other.keypoints.pixels, axis=-1)
    return float(np.nanmean(away)) / one.mean_height_px


def test_hands_go_on_across_a_join(sample_video: Path, divide: Divide, monkeypatch: pytest.MonkeyPatch) -> None:
    divide(JOIN)
    settings = LiftSettings(start=3.2, end=5.6, hands=True)
    looking = Looking(sample_video, settings, pose_model(settings), hand_model(settings))
    info = probe(sample_video)
    assert [(each.first, each.stop) for each in divided(sample_video, settings, info).pieces] == [(0, JOIN), (JOIN, 72)]
    seen = in_chunks(looking, 2, monkeypatch)
    once = looking.observe(None, lambda *_: None, lambda: False)
    (one,), (other,) = (find_tracks(each, 1, info.size) for each in (seen, once))
    assert apart(one, other) < SAME
    hands, others = one.keypoints.hands, other.keypoints.hands
    assert hands is not None
    assert others is not None
    found, found_once = hands.confidence > 0, others.confidence > 0
    assert (found == found_once).mean() > 0.9
    away = np.linalg.norm(hands.pixels - others.pixels, axis=-1).mean(-1) / one.mean_height_px
    both = found & found_once
    # The chunk before the join knows nothing of it, but for the way from its last look at a hand to the next chunk's.
    looked = JOIN - (math.ceil(LOOK_SECONDS * 30) - 1)
    np.testing.assert_array_equal(away[:looked][both[:looked]], 0)
    # The right hand waves, in full view.
    assert both[JOIN - 12 : JOIN + 12, 1].all()
    assert away[JOIN - 12 : JOIN + 12, 1].mean() < SAME
    # The left one hangs beside the thigh, 20 pixels large: where it is found, as far off as it is large, at most.
    assert np.median(away[JOIN:][both[JOIN:, 0], 0]) < 0.05


@pytest.fixture(scope="module")
def edited(sample_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots: two seconds from 6 s on, upside down and in other colours; four from 1 s on; one as the first."""
    path = tmp_path_factory.mktemp("edited") / "edited.mp4"
    parts = [(6.0, 8.0, True), (1.0, 5.0, False), (8.0, 9.0, True)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "18", "g": "30"})
        width, height = probe(sample_video).size
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for start, end, other in parts:
            for frame in read_frames(sample_video, start, end):
                image = 255 - frame.image[::-1] if other else frame.image
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode())
    assert [shot.frames for shot in find_shots(path)] == [60, 120, 30]
    return path


def test_one_shot_in_chunks_is_what_it_is_in_one_go(
    edited: Path, divide: Divide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Side by side; one after the other they are the same to the last bit, see `test_chunks.py`."""
    settings = LiftSettings(shot=2)
    looking = Looking(edited, settings, pose_model(settings), None)
    once = looking.observe(None, lambda *_: None, lambda: False)
    divide(48)
    info = probe(edited)
    division = divided(edited, settings, info)
    assert [(each.first, each.stop) for each in division.pieces] == [(0, 48), (48, 96), (96, 120)]
    assert len(division.times) == 60
    seen = in_chunks(looking, 2, monkeypatch)
    # One frame of the next shot is seen by neither.
    np.testing.assert_array_equal(seen.times, once.times)
    np.testing.assert_array_equal(seen.shots, once.shots)
    np.testing.assert_array_equal(seen.looked, once.looked)
    # The background is looked at now and then: counted from elsewhere.
    np.testing.assert_allclose(seen.drift, once.drift, atol=3e-3)
    (one,), (other,) = (find_tracks(each, 2, info.size) for each in (seen, once))
    assert apart(one, other) < SAME
    # So it is where the whole video is looked at, and that shot taken.
    divide(96)
    everything = in_chunks(Looking(edited, LiftSettings(), looking.model, None), 2, monkeypatch)
    (third,) = find_tracks(everything, 2, info.size)
    assert apart(one, third) < SAME


def test_the_first_shot_and_one_that_is_not_there(edited: Path, divide: Divide) -> None:
    divide(12)
    info = probe(edited)
    first = divided(edited, LiftSettings(shot=1), info)
    assert first.times == []
    assert first.shots == []
    assert first.pieces[0].part.start == 0.0
    # It ends where the next begins.
    assert first.pieces[-1].part.stop == pytest.approx(2.0)
    assert divided(edited, LiftSettings(shot=4), info).pieces == []
    with pytest.raises(Cancelled):
        divided(edited, LiftSettings(shot=2), info, lambda: True)
