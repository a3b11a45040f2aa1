"""A small picture of a clip with the figure over it, at the moment that most needs looking at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from ..files import written_beside
from ..motion import Motion
from ..reporting.drawn import drawn
from ..reporting.evidence import clip_times, frame_in_picture, speed
from ..reporting.painting import paint_figure
from ..reporting.palette import person_colour
from ..reporting.stretches import weak_stretches
from ..video import FrameReader
from ..video.conversion import Image

WIDTH = 240
"""Pixels across, at most; of portrait pictures as many down."""
QUALITY = 70
_DRAWN = 2
"""Drawn at so many times the size: fine lines stay smooth."""


def write_thumbnail(
    video: Path, motions: Sequence[Motion], path: Path, mirror: bool = False, rotate: int | None = None
) -> None:
    """Write a JPEG of `video`: with `motions` the figures where the most doubtful place is, without it the first
    picture; `mirror` and `rotate` as it was lifted. Raises `MotionLiftError`: those of the video reader,
    `write_failed`."""
    start = moment(motions) if motions else None
    with FrameReader(video, start, max_side=WIDTH * _DRAWN, rotate=rotate) as reader:
        frame = next(iter(reader))
    image = np.ascontiguousarray(frame.image[:, ::-1] if mirror else frame.image)
    for number, motion in enumerate(motions):
        _paint(image, motion, frame.time, number)
    content = io.BytesIO()
    picture = PillowImage.fromarray(image)
    picture.thumbnail((WIDTH, WIDTH))
    picture.save(content, "JPEG", quality=QUALITY)
    with written_beside(path) as temporary:
        temporary.write_bytes(content.getvalue())


def moment(motions: Sequence[Motion]) -> float:
    """Seconds of the file: the middle of the most doubtful stretch of anybody, else of the first person's time."""
    worst = max(
        ((stretch.doubt, (stretch.start_s + stretch.end_s) / 2 * speed(motion))
         for motion in motions for stretch in weak_stretches(motion)[:1]),
        default=None,
    )  # fmt: skip
    times = clip_times(motions[0])
    # A reader starts with the first frame at or after; after the last there is none.
    return min(worst[1] if worst else float(times[len(times) // 2]), float(times[-1]))


def _paint(image: Image, motion: Motion, time: float, number: int) -> None:
    figure = drawn(motion)
    times = clip_times(motion)
    frame = int(np.abs(times - time).argmin())
    if not figure.shown[frame]:
        return
    pixels, depths = frame_in_picture(motion, frame, figure.points_world[frame])
    scale = np.array(image.shape[1::-1]) / np.array(motion.image_size)
    paint_figure(image, pixels * scale, depths, figure, frame, person_colour(number))
