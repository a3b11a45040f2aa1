"""When pictures are shown: rates, uneven clocks, and trims. Real files, encoded here."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.jobs import MotionLiftError
from motionlift.core.video import (
    FrameReader,
    probe,
    read_frames,
)

from .conftest import CONTAINERS

EncodeVideo = Callable[..., Path]
Image = NDArray[np.uint8]
Texture = Callable[..., list[Image]]


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60), Fraction(240)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_rates_keep_their_timestamps(
    rate: Fraction, suffix: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / f"a.{suffix}", moving_texture(30, (64, 48)), rate)
    assert probe(path).fps == pytest.approx(float(rate), rel=2e-3)
    times = np.array([f.time for f in read_frames(path)])
    tolerance = 1e-9 if suffix == "mp4" else 5.1e-4  # Matroska stores whole milliseconds
    np.testing.assert_allclose(times, np.arange(30) / float(rate), atol=tolerance)
    assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_variable_rate_keeps_every_timestamp(
    name: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    times = np.cumsum([0.0, *[0.02, 0.05, 0.033, 0.1] * 8])
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = encode_video(tmp_path / name, moving_texture(len(times)), times=times, codec=codec)
    with FrameReader(path) as reader:
        np.testing.assert_allclose([f.time for f in reader], times, atol=1e-9)
    assert reader.warnings == []


def test_time_counts_from_the_first_picture(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "late.ts", moving_texture(20), times=100 + np.arange(20) / 30)
    np.testing.assert_allclose([f.time for f in read_frames(path)], np.arange(20) / 30, atol=1e-4)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.webm", "a.ts"])
def test_trim_is_the_same_as_cutting_the_whole(
    name: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    codec, pix_fmt = CONTAINERS[name]
    options = {"preset": "fast", "g": "12"} if codec == "libx264" else None
    path = encode_video(tmp_path / name, moving_texture(90), 30, codec=codec, pix_fmt=pix_fmt, options=options)
    whole = list(read_frames(path))
    for start, end in [(1.0, 2.0), (0.5, None), (None, 0.7), (whole[61].time, whole[64].time), (2.95, 99.0)]:
        part = list(read_frames(path, start, end))
        expected = [f for f in whole if (start or 0) - 5e-4 <= f.time < (end or 99) - 5e-4]
        assert [f.time for f in part] == [f.time for f in expected]
        assert [f.index for f in part] == list(range(len(expected)))
        for a, b in zip(part, expected, strict=True):
            np.testing.assert_array_equal(a.image, b.image)


def test_trim_seeks(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "long.mp4", moving_texture(60) * 15, options={"g": "30", "preset": "ultrafast"})

    def seconds(start: float) -> float:
        begin = time.perf_counter()
        next(iter(read_frames(path, start)))
        return time.perf_counter() - begin

    assert seconds(29.0) < 0.5 * _seconds_to_decode(path)


def _seconds_to_decode(path: Path) -> float:
    begin = time.perf_counter()
    for _ in read_frames(path):
        pass
    return time.perf_counter() - begin


@pytest.mark.parametrize(("start", "end"), [(50.0, None), (2.0, None), (0.501, 0.502)])
def test_trim_outside_the_clip(
    start: float, end: float | None, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(30))
    with pytest.raises(MotionLiftError, match="no picture from") as caught:
        list(read_frames(path, start, end))
    assert caught.value.code == "bad_trim"
    assert caught.value.hint
