"""Chunks whose detection was stopped, or died, go on about where they were.

What has been seen of a chunk is kept now and then while it is looked at. The next time this is a chunk that is done,
and the rest another: see `chunks` for how they are joined. Poses then differ in the last digits from those seen in one
go, since MediaPipe's tracker began anew; so it is for clips that somebody waits for (`LiftSettings.awaited`).
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..video import VideoInfo
from .cache import DetectionCache
from .checks import LONGEST_BETWEEN_SEARCHES
from .chunks import WARM_UP, Chunk
from .observations import Observations
from .observe import SoFar
from .record import Record
from .watch import Part

log = logging.getLogger(__name__)

KEEP_SECONDS = 1.0
"""What has been seen is kept this often, by the clock."""
REDONE_SECONDS = LONGEST_BETWEEN_SEARCHES + 0.5
"""Of the video: what was seen last is looked at again, since a search for more people may have been under way."""
FEWEST = 2 * WARM_UP
"""Frames that are worth going on from."""


def name_of(key: str, chunk: Chunk) -> str:
    """Under which a chunk is kept once it is done."""
    return f"{key}-{chunk.first:06}-{chunk.stop:06}-{chunk.part.people}"


def resumed(
    pieces: Sequence[Chunk], cache: DetectionCache, key: str, stride: int
) -> tuple[list[Chunk], dict[int, Observations]]:
    """The chunks of a clip, those that were begun divided where they were stopped; and what was seen of them, by their
    number among these."""
    result: list[Chunk] = []
    found: dict[int, Observations] = {}
    for chunk in pieces:
        rest = chunk
        while not cache.path(name_of(key, rest)).is_file():
            kept = cache.load(_stopped(name_of(key, rest)))
            parts = None if kept is None else _divided(rest, kept, stride)
            if kept is None or parts is None:
                break
            found[len(result)] = kept
            result.append(parts[0])
            rest = parts[1]
            log.info("frames %d to %d have been looked at before", parts[0].first, parts[0].stop)
        result.append(rest)
    return result, found


def _divided(chunk: Chunk, kept: Observations, stride: int) -> tuple[Chunk, Chunk] | None:
    """What was seen and is kept, and the rest; None where that is hardly anything."""
    times, part = kept.times, chunk.part
    if not len(times):
        return None
    stop = chunk.looked_from + int(np.searchsorted(times, times[-1] - REDONE_SECONDS))
    # The same frames are looked at as in one go; the warm-up is a multiple of every stride.
    stop -= stop % stride
    if stop - chunk.first < FEWEST:
        return None
    looked_from = stop - WARM_UP
    start, own = (float(times[frame - chunk.looked_from]) for frame in (looked_from, stop))
    done = dataclasses.replace(chunk, stop=stop, part=dataclasses.replace(part, stop=own))
    return done, Chunk(looked_from, stop, chunk.stop, Part(start, part.stop, own, part.people))


def _stopped(name: str) -> str:
    return f"{name}-stopped"


@dataclass
class Keeping:
    """An `observe.SoFar` that keeps what was seen of the chunk `name` so far, and tells another one."""

    cache: DetectionCache
    name: str
    so_far: SoFar | None = None

    def __post_init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, info: VideoInfo, done: int, total: int | None, record: Record) -> None:
        if time.monotonic() - self._last >= KEEP_SECONDS:
            self.cache.store(_stopped(self.name), record.with_hands())
            self._last = time.monotonic()
        if self.so_far:
            self.so_far(info, done, total, record)
