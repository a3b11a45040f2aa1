"""How a clip is divided into chunks, and whether it is: see `chunks`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..jobs import Cancelled, LiftSettings
from ..video import VideoInfo, picture_times, read_frames
from ..video.shots import THUMBNAIL_SIDE
from .chunks import Chunk, divisible, plan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Division:
    """The chunks of a clip, or of the shot asked for: then `times` (s) and `shots` are those of the frames before."""

    pieces: list[Chunk]
    times: Sequence[float] = ()
    shots: Sequence[int] | None = None


def divided(
    path: Path, settings: LiftSettings, info: VideoInfo, cancelled: Callable[[], bool] = lambda: False
) -> Division:
    """The chunks of a clip; none where it is too short for two, or cannot be entered at any frame. One of a clip that
    somebody waits for, where two are too many.

    Where one shot is asked for, the clip is decoded up to its end to know where that is. Raises `Cancelled`, and the
    reader's errors.
    """
    awaited = settings.awaited
    if info.frame_count is not None and not awaited and not divisible(info.frame_count, awaited):
        return Division([])
    times = picture_times(path, settings.start, settings.end)
    if times is None:
        log.info("%s has no certain times before it is decoded: it is not split", path)
        return Division([])
    if settings.shot is None:
        return Division(plan(times, settings.start, awaited=awaited))
    if not divisible(len(times), awaited):
        return Division([])
    before, inside, stop = _shot(path, settings, settings.shot, cancelled)
    if not divisible(len(inside), awaited):
        return Division([])
    pieces = plan(inside, inside[0], stop, awaited)
    return Division(pieces, [time for time, _ in before], [shot for _, shot in before])


def _shot(
    path: Path, settings: LiftSettings, wanted: int, cancelled: Callable[[], bool]
) -> tuple[list[tuple[float, int]], list[float], float | None]:
    """(time s, shot) of the frames before a shot, the times of its own, and that of the one behind it, if any."""
    before: list[tuple[float, int]] = []
    inside: list[float] = []
    for frame in read_frames(path, settings.start, settings.end, THUMBNAIL_SIDE, settings.rotate):
        if cancelled():
            raise Cancelled
        if frame.shot > wanted:
            return before, inside, frame.time
        if frame.shot == wanted:
            inside.append(frame.time)
        else:
            before.append((frame.time, frame.shot))
    return before, inside, None
