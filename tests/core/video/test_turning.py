"""Videos whose turn was lost on the way, or is told wrongly: turned as somebody says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from motionlift.core import service
from motionlift.core.jobs import LiftSettings, Request, UsageError, parse_rotate
from motionlift.core.video import FrameReader, probe, read_frames

EncodeVideo = Callable[..., Path]
Texture = Callable[..., list[NDArray[np.uint8]]]
LOSSLESS = {"codec": "ffv1", "pix_fmt": "yuv444p"}


@pytest.mark.parametrize("hwaccel", ["none", "auto"])
@pytest.mark.parametrize("said", [0, 90, 180])
@pytest.mark.parametrize("lies", [0, 90, 180, 270])
def test_a_turned_video_gives_the_pictures_of_the_upright_one(
    lies: int, said: int, hwaccel: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    pictures = moving_texture(8)
    upright = encode_video(tmp_path / "upright.mkv", pictures, **LOSSLESS)
    stored = [np.ascontiguousarray(np.rot90(picture, -lies // 90)) for picture in pictures]
    turned = encode_video(tmp_path / "turned.mkv", stored, rotation=said, **LOSSLESS)
    undo = -lies % 360
    assert probe(turned).rotation == said
    assert (probe(turned, rotate=undo).size, probe(turned, rotate=undo).rotation) == (probe(upright).size, undo)
    with FrameReader(turned, 0.1, max_side=90, hwaccel=hwaccel, rotate=undo) as reader:
        found = list(reader)
    assert len(found) == 5
    for frame, wanted in zip(found, read_frames(upright, 0.1, max_side=90), strict=True):
        np.testing.assert_array_equal(frame.image, wanted.image)


def test_single_pictures_are_turned_too(tmp_path: Path, moving_texture: Texture) -> None:
    (picture,) = moving_texture(1)
    on_its_head = PillowImage.Exif()
    on_its_head[0x0112] = 3
    for number in range(2):
        PillowImage.fromarray(np.rot90(picture)).save(tmp_path / f"{number}.png", exif=on_its_head)
    assert probe(tmp_path, rotate=90).size == picture.shape[1::-1]
    for frame in read_frames(tmp_path, rotate=90):
        np.testing.assert_array_equal(frame.image, picture)


def test_a_look_is_turned(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    (picture,) = moving_texture(1)
    video = encode_video(tmp_path / "clip.mkv", [np.rot90(picture)] * 3, **LOSSLESS)
    seen = service.handle(
        Request("look", "1", str(video), str(tmp_path / "a.png"), settings=LiftSettings(rotate=90))
    ).details
    assert (seen["width"], seen["height"]) == picture.shape[1::-1]
    with PillowImage.open(tmp_path / "a.png") as shown:
        assert np.abs(np.array(shown).astype(int) - picture).max() <= 6


def test_what_can_be_asked_for() -> None:
    assert [parse_rotate(text) for text in ("auto", "0", "90", " 180", "270", "AUTO")] == [None, 0, 90, 180, 270, None]
    for text in ("45", "-90", "left", "", "9e1"):
        with pytest.raises(UsageError) as caught:
            parse_rotate(text)
        assert "auto" in caught.value.hint
    for value in (45, 360, -90):
        with pytest.raises(UsageError):
            LiftSettings(rotate=value)
    assert LiftSettings.from_json(LiftSettings(rotate=0).to_json()).rotate == 0
    assert LiftSettings(rotate=90).of_result() == {"rotate": 90}
