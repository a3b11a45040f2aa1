"""A first look at a video: what it is, and a picture of it. Nothing is detected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image as PillowImage

from ..files import written_beside
from ..jobs import MotionLiftError
from .reader import FrameReader, VideoInfo, probe

LONGEST_SIDE = 256
"""Pixels of the picture."""
MOMENT = 1 / 3
"""Of the video's length: its first picture is often black or empty."""


def look(path: Path, output: Path, rotate: int | None = None) -> dict[str, Any]:
    """Write a PNG of the video, at a third of its length, and tell what it is. `rotate`: see `FrameReader`.

    width, height: upright, in pixels; fps; seconds and frames, None where the file does not say; capture_rate: pictures
    a second that the camera took, of a phone's slow motion, else None. Raises the errors of the video reader and
    `write_failed`.
    """
    info = probe(path, rotate=rotate)
    image = _picture(path, info, rotate)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    with written_beside(output) as temporary:
        image.save(temporary, format="PNG")
    width, height = info.size
    return {
        "width": width,
        "height": height,
        "fps": round(info.fps, 4),
        "seconds": None if info.duration is None else round(info.duration, 4),
        "frames": info.frame_count,
        "capture_rate": info.capture_rate,
    }


def _picture(path: Path, info: VideoInfo, rotate: int | None) -> PillowImage.Image:
    try:
        return _first_from(path, MOMENT * (info.duration or 0.0), rotate)
    except MotionLiftError as error:
        # A file may be shorter than it says.
        if error.code != "bad_trim":
            raise
    return _first_from(path, 0.0, rotate)


def _first_from(path: Path, start: float, rotate: int | None) -> PillowImage.Image:
    with FrameReader(path, start or None, max_side=2 * LONGEST_SIDE, rotate=rotate) as reader:
        return PillowImage.fromarray(next(iter(reader)).image)
