"""Decoding runs ahead in a thread of its own, no further than wanted, and leaves nothing behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.jobs import MotionLiftError
from motionlift.core.video import (
    Frame,
    FrameReader,
    read_frames,
)

EncodeVideo = Callable[..., Path]
Image = NDArray[np.uint8]
Texture = Callable[..., list[Image]]


def decode_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("decode ")]


def test_decoding_waits_for_the_consumer(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(400, (64, 48)))
    alive = 0
    with FrameReader(path, ahead=3) as reader:
        frames = iter(reader)
        next(frames)
        time.sleep(0.4)
        gc.collect()
        alive = sum(isinstance(thing, Frame) for thing in gc.get_objects())
        assert decode_threads()
    assert alive <= 3 + 2 + 1  # waiting, in hand on both sides
    assert not decode_threads()


@pytest.mark.parametrize("how", ["close", "break", "forget", "raise"])
def test_leaving_early_stops_the_thread(
    how: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(200, (64, 48)))
    frames = read_frames(path)
    next(frames)
    assert decode_threads()
    if how == "close":
        frames.close()  # type: ignore[attr-defined]
    elif how == "break":
        for _ in frames:
            break
        del frames
    elif how == "forget":
        del frames
    else:
        with pytest.raises(MotionLiftError):
            _fail_while_reading(path)
        del frames
    gc.collect()
    assert not decode_threads()


def _fail_while_reading(path: Path) -> None:
    with FrameReader(path) as reader:
        for _ in reader:
            raise MotionLiftError("test", "The consumer fails.")


def test_a_reader_is_read_once(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    reader = FrameReader(encode_video(tmp_path / "a.mp4", moving_texture(3)))
    assert len(list(reader)) == 3
    with pytest.raises(RuntimeError, match="once"):
        list(reader)


def test_file_that_vanishes_fails_in_the_consumer(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(3))
    reader = FrameReader(path)
    path.unlink()
    with pytest.raises(MotionLiftError) as caught:
        list(reader)
    assert caught.value.code == "no_file"
    assert not decode_threads()


def test_pictures_leave_memory_at_once(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    """Also where nobody looks for cycles: a minute of video would stay in memory otherwise."""
    path = encode_video(tmp_path / "a.mp4", moving_texture(40), rotation=90)
    gc.collect()
    gc.disable()
    try:
        assert sum(1 for _ in read_frames(path)) == 40
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kept = [item for item in gc.garbage if isinstance(item, av.VideoFrame) and item.width > 16]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not kept
