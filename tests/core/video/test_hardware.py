"""Decoding on a device: what happens without one, and with one that fails. Devices that work are rare where tests run,
so the failing ones are made up; what they decode is real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.jobs import UsageError
from motionlift.core.video import FrameReader, hardware, read_frames
from motionlift.core.video.decoding import ContainerSource

EncodeVideo = Callable[..., Path]
Texture = Callable[..., list[NDArray[np.uint8]]]
Pictures = Iterator[tuple[float | None, av.VideoFrame]]
OPTIONS = {"preset": "medium", "bf": "2", "g": "12"}


@pytest.fixture
def clip(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> Path:
    return encode_video(tmp_path / "a.mp4", moving_texture(60), options=OPTIONS)


def test_auto_gives_the_same_frames_with_a_device_or_without(clip: Path) -> None:
    plain = list(read_frames(clip))
    with FrameReader(clip, hwaccel="auto") as reader:
        found = list(reader)
    assert reader.warnings == []
    assert [f.time for f in found] == [f.time for f in plain]
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_array_equal(a.image, b.image)


def test_a_kind_that_does_not_exist_is_refused(clip: Path) -> None:
    with pytest.raises(UsageError) as caught:
        list(FrameReader(clip, hwaccel="abacus"))
    assert caught.value.code == "bad_setting"
    assert "auto" in caught.value.hint


def _missing(pictures: Pictures) -> Pictures:
    return (item for number, item in enumerate(pictures) if number != 25)


def _exchanged(pictures: Pictures) -> Pictures:
    items = list(pictures)
    items[25], items[26] = items[26], items[25]
    return iter(items)


def _ended(pictures: Pictures) -> Pictures:
    return (item for number, item in enumerate(pictures) if number < 25)


def _nothing(pictures: Pictures) -> Pictures:
    return iter(())


def _twice(pictures: Pictures) -> Pictures:
    for number, item in enumerate(pictures):
        yield item
        if number == 25:
            yield item


@pytest.mark.parametrize("start", [0.0, 0.7])
@pytest.mark.parametrize("failure", [_missing, _exchanged, _ended, _nothing, _twice])
def test_where_a_device_fails_the_processors_go_on(
    failure: Callable[[Pictures], Pictures], start: float, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = list(read_frames(clip, start))
    by_device: list[bool] = []
    decode = ContainerSource._from

    def broken(self: ContainerSource, begin: float, warn: Any, accelerator: Any) -> Pictures:
        by_device.append(accelerator is not None)
        found = decode(self, begin, warn, None)
        return found if accelerator is None else failure(found)

    monkeypatch.setattr(ContainerSource, "_from", broken)
    monkeypatch.setattr(hardware, "accelerator", lambda choice, codec: object())
    with FrameReader(clip, start, hwaccel="auto") as reader:
        found = list(reader)
    assert by_device == [True, False]
    assert reader.warnings == []
    assert [(f.index, f.time) for f in found] == [(f.index, f.time) for f in plain]
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_array_equal(a.image, b.image)


def test_a_device_that_cannot_be_opened_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def works(kind: str, codec: str) -> bool:
        asked.append(kind)
        return False

    monkeypatch.setattr(hardware, "_works", works)
    monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["qsv", "strange", "cuda"])
    assert hardware.accelerator("auto", "h264") is None
    assert asked == ["cuda", "qsv", "strange"]
    assert hardware.accelerator("none", "h264") is None
    assert hardware.accelerator("qsv", "h264") is None
    assert asked[3:] == ["qsv"]


@pytest.mark.parametrize(("name", "same"), [("yuv420p", "nv12"), ("yuv420p10le", "p010le")])
def test_colours_of_a_device_are_taken_apart_without_loss(name: str, same: str) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=name)
    frame.pts = 7
    back = hardware.planar(frame.reformat(format=same))
    assert (back.format.name, back.pts) == (name, 7)
    for a, b in zip(back.planes, frame.planes, strict=True):
        assert bytes(a) == bytes(b)
    assert hardware.planar(frame) is frame
