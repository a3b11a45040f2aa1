"""A first look at videos: what they are said to be, and the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionlift.core import service
from motionlift.core.jobs import MotionLiftError, Request, UsageError
from motionlift.core.video import probe, read_frames
from motionlift.core.video.look import LONGEST_SIDE, MOMENT


def look_at(video: Path, output: Path) -> dict[str, object]:
    return service.handle(Request("look", "1", str(video), str(output))).details


def test_the_picture_is_the_one_at_a_third(sample_video: Path, tmp_path: Path) -> None:
    seen = look_at(sample_video, tmp_path / "a.png")
    info = probe(sample_video)
    assert (seen["width"], seen["height"]) == info.size
    assert (seen["fps"], seen["frames"]) == (pytest.approx(info.fps), info.frame_count)
    assert seen["seconds"] == pytest.approx(info.duration, abs=1e-3)
    assert info.duration is not None
    frame = next(read_frames(sample_video, MOMENT * info.duration, max_side=LONGEST_SIDE))
    with Image.open(tmp_path / "a.png") as picture:
        assert max(picture.size) == LONGEST_SIDE
        shown = np.array(picture).astype(float)
        expected = np.array(Image.fromarray(frame.image).resize(picture.size)).astype(float)
    assert np.abs(shown - expected).mean() < 4


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    for name, code in (("notes.mp4", "not_a_video"), ("gone.mp4", "no_file")):
        with pytest.raises(MotionLiftError) as caught:
            look_at(tmp_path / name, tmp_path / "a.png")
        assert caught.value.code == code
    with pytest.raises(UsageError):
        look_at(tmp_path / "notes.mp4", tmp_path / "a.txt")
    assert not (tmp_path / "a.png").exists()


def test_one_picture_is_enough(tmp_path: Path, encode_video: Callable[..., Path]) -> None:
    video = encode_video(tmp_path / "one.mp4", [np.full((48, 64, 3), 90, np.uint8)])
    assert look_at(video, tmp_path / "a.png")["frames"] in (1, None)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (64, 48)
