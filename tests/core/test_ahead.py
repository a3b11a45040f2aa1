"""What is lifted while the rest is detected is what would be lifted at the end, and is not lifted twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.core import pipeline, processors, reconstruction
from motionlift.core.detection.observations import Observations
from motionlift.core.detection.people import Detection, detect
from motionlift.core.detection.record import Record
from motionlift.core.jobs import LiftSettings
from motionlift.core.lifting.inference import Part, Predict, predictor
from motionlift.core.lifting.network import DGNet
from motionlift.core.lifting.remembered import Remembered, key_of
from motionlift.core.motion import Motion
from motionlift.core.video import VideoInfo

POINTS = (0.5, 0.8)


@pytest.fixture(scope="module")
def seen(sample_video: Path, weights: Path) -> tuple[list[Observations], Detection]:
    """What was seen of the sample's first eight seconds at half of them and later, and in the end."""
    snapshots: list[Observations] = []

    def so_far(info: VideoInfo, done: int, total: int | None, record: Record) -> None:
        assert total
        if len(snapshots) < len(POINTS) and done >= POINTS[len(snapshots)] * total:
            snapshots.append(record.observations())
            assert len(snapshots[-1].times) == done

    found = detect(sample_video, LiftSettings(use_cache=False, end=8.0), so_far=so_far)
    return snapshots, found


@pytest.fixture
def lifted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nothing is remembered yet; the windows lifted from now on that cost something, batch by batch."""
    monkeypatch.setattr(reconstruction, "_windows", Remembered(512))
    monkeypatch.setattr(reconstruction, "_misfits", Remembered(6))
    counts: list[int] = []

    def counting(network: DGNet, device: torch.device, flip: bool, part: Part) -> Predict:
        predict = predictor(network, device, flip, part=part)

        def counted(windows: Tensor) -> Tensor:
            if part not in reconstruction.QUICK:
                counts.append(len(windows))
            return predict(windows)

        return counted

    monkeypatch.setattr(reconstruction, "predictor", counting)
    return counts


def at_the_end(detection: Detection, settings: LiftSettings) -> Motion:
    camera_K, _ = pipeline.lens_of(detection.info, None)
    keypoints = [detection.tracks[0].keypoints]
    (motion,) = reconstruction.reconstruct(keypoints, [{"fov_is": "assumed"}], camera_K, settings, detection.drift)
    return motion


@pytest.mark.parametrize("mirror", [False, True])
def test_done_ahead_it_comes_out_the_same_and_most_is_done(
    seen: tuple[list[Observations], Detection], lifted: list[int], mirror: bool
) -> None:
    snapshots, detection = seen
    settings = LiftSettings(mirror=mirror)
    if mirror:
        track = dataclasses.replace(detection.tracks[0], life=detection.tracks[0].life.mirrored())
        detection = dataclasses.replace(detection, tracks=(track,), drift=detection.drift * [-1.0, 1.0])
    plain = at_the_end(detection, settings)
    all_windows = sum(lifted)
    lifted.clear()
    reconstruction._windows, reconstruction._misfits = Remembered(512), Remembered(6)
    for snapshot in snapshots:
        reconstruction.ahead(snapshot, 1, detection.info.size, None, 1.0, settings)
    lifted.clear()
    motion = at_the_end(detection, settings)
    for field in ("lifted_camera", "local_rotations", "joint_positions", "camera_K"):
        np.testing.assert_array_equal(getattr(motion, field), getattr(plain, field))
    assert motion.source == plain.source
    assert sum(lifted) < 0.5 * all_windows


def test_a_snapshot_is_the_beginning_of_the_whole(seen: tuple[list[Observations], Detection]) -> None:
    snapshots, detection = seen
    assert len(snapshots) == len(POINTS)
    keypoints = detection.tracks[0].keypoints
    for snapshot in snapshots:
        count = len(snapshot.times)
        # The background is looked at now and then, and interpolated between.
        sure = count - 15
        np.testing.assert_array_equal(snapshot.times, keypoints.times[:count])
        np.testing.assert_allclose(snapshot.drift[:sure], detection.drift[:sure], atol=1e-12)
        assert not len(snapshot.hand_points)


def test_a_lift_asks_for_it_where_processors_are_left(
    sample_video: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Noted(pipeline._Ahead):
        def __call__(self, info: VideoInfo, done: int, total: int | None, record: Record) -> None:
            before = self._call
            super().__call__(info, done, total, record)
            if self._call is not before:
                asked.append(done)

    monkeypatch.setattr(pipeline, "_Ahead", Noted)
    settings = LiftSettings(use_cache=False, end=7.0)
    monkeypatch.setenv(processors.SHARE_VARIABLE, "2")
    (ahead,) = pipeline.lift(sample_video, settings)
    # Perhaps later than it might: the process has to be ready.
    assert asked
    assert min(asked) >= 126
    monkeypatch.setenv(processors.SHARE_VARIABLE, "1")
    asked.clear()
    (alone,) = pipeline.lift(sample_video, settings)
    assert not asked
    np.testing.assert_array_equal(ahead.joint_positions, alone.joint_positions)


def test_remembered_is_what_was_made_last() -> None:
    memory, made = Remembered[int](2), list[int]()

    def make(value: int) -> Callable[[], int]:
        def made_now() -> int:
            made.append(value)
            return value

        return made_now

    assert [memory.get(bytes([n]), make(n)) for n in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]


def test_keys_tell_type_shape_and_content_apart() -> None:
    inputs = [np.zeros(4), np.zeros(4, np.float32), np.zeros((2, 2)), np.array([0, 0, 0, 1.0]), None, "None", 0.0]
    assert len({key_of(each) for each in inputs}) == len(inputs)
    assert key_of(np.arange(6.0)[::2]) == key_of(np.array([0.0, 2.0, 4.0]))
    assert key_of("a", "b") != key_of("ab")
