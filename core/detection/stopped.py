"""A clip too short for chunks whose detection was stopped, or died, goes on about where it was.

What has been seen is kept now and then while it is looked at. The next time this is the first of two chunks, and the
rest the second: see `chunks` for how they are joined. Poses then differ in the last digits from those seen in one go,
since MediaPipe's tracker began anew; so it is for those who ask for it (`LiftSettings.resume`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..jobs import LiftSettings, ProgressCallback, Stage
from ..video import VideoInfo, picture_times
from .cache import DetectionCache
from .chunks import WARM_UP, Chunk, joined, people_to_follow
from .observations import Observations
from .observe import SoFar
from .record import Record
from .watch import LONGEST_BETWEEN_SEARCHES, Part

if TYPE_CHECKING:
    from .whole import Looking

log = logging.getLogger(__name__)

KEEP_SECONDS = 2.0
"""What has been seen is kept this often, by the clock."""
REDONE_SECONDS = LONGEST_BETWEEN_SEARCHES + 0.5
"""Of the video: what was seen last is looked at again, since a search for more people may have been under way."""
FEWEST = 2 * WARM_UP
"""Frames that are worth going on from."""


def observe_resumable(
    looking: Looking,
    progress: ProgressCallback,
    cancelled: Callable[[], bool],
    cache: DetectionCache,
    key: str,
    so_far: SoFar | None = None,
) -> Observations:
    """What `observe` sees in the trim, gone on with where a run before this one was stopped.

    `so_far` is told as by `observe`, of a run that begins at the start. Raises as `observe`.
    """
    name = f"{key}-stopped"
    kept = cache.load(name)
    pieces = _pieces(kept, looking) if kept is not None else None
    if kept is None or pieces is None:
        keeping = _Keeping(cache, name, so_far=so_far)
        return looking.observe(None, progress, cancelled, keeping)
    first, second = pieces
    log.info("%d frames have been looked at before", first.stop)

    def tell(stage: Stage, done: int, total: int | None) -> None:
        """As if the frames before had just been looked at, too."""
        done = max(second.looked_from + done, second.first)
        progress(stage, done, None if total is None else max(total, done))

    keeping = _Keeping(cache, name, pieces, kept)
    seen = looking.observe(second.part, tell, cancelled, keeping)
    if people := people_to_follow(kept, second, seen, looking.settings):
        second = second.again(first, people)
        seen = looking.observe(second.part, progress, cancelled)
    return joined([first, second], [kept, seen])


def can_resume(settings: LiftSettings) -> bool:
    """Whether it is asked for, and possible: which frames belong to a shot is not known before they are decoded."""
    return settings.resume and settings.shot is None


def _pieces(kept: Observations, looking: Looking) -> tuple[Chunk, Chunk] | None:
    """What was seen and is kept, and the rest; None where there is too little, or the clip cannot be entered amidst."""
    times = kept.times
    count = int(np.searchsorted(times, times[-1] - REDONE_SECONDS)) if len(times) else 0
    settings = looking.settings
    # The same frames are looked at as in one go; the warm-up is a multiple of every stride.
    count -= count % settings.stride
    if count < FEWEST or picture_times(looking.path, settings.start, settings.end) is None:
        return None
    looked_from, own = count - WARM_UP, float(times[count])
    first = Chunk(0, 0, count, Part(settings.start, own))
    return first, Chunk(looked_from, count, count + 1, Part(float(times[looked_from]), None, own))


@dataclass
class _Keeping:
    """An `observe.SoFar` that stores what was seen, behind what is `kept` of a run before it."""

    cache: DetectionCache
    name: str
    pieces: tuple[Chunk, Chunk] | None = None
    kept: Observations | None = None
    so_far: SoFar | None = None

    def __post_init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, info: VideoInfo, done: int, total: int | None, record: Record) -> None:
        if time.monotonic() - self._last >= KEEP_SECONDS:
            self._keep(record.with_hands())
            self._last = time.monotonic()
        if self.so_far:
            self.so_far(info, done, total, record)

    def _keep(self, seen: Observations) -> None:
        if self.pieces is not None and self.kept is not None:
            if seen.times[-1] <= self.kept.times[-1]:
                return
            seen = joined(self.pieces, [self.kept, seen])
        self.cache.store(self.name, seen)
