"""The one expensive pass: every frame through MediaPipe, as many poses as there are people."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..jobs import Cancelled, LiftSettings, ProgressCallback, ignore_progress
from ..video import Frame, FrameReader, VideoInfo
from ..video.reader import GRACE_SECONDS
from .landmarker import Pose
from .models import HandModel, PoseModel
from .observations import Observations
from .record import Record
from .watch import Part, Watch

if TYPE_CHECKING:
    from .hands import HandWatch

SoFar = Callable[[VideoInfo, int, int | None, Record], None]
"""Told after each frame how many there were, of how many (None while unknown), and what was seen in them."""

LONGEST_SIDE = 2560
"""Pictures are made smaller than this before detection: it crops people to 256 pixels in any case."""
BEHIND_SIDE, BEHIND_FRAMES = 1280, 72
"""Of the pictures that are looked at backwards, which have to lie in memory: 200 MB."""


def observe(
    path: Path,
    settings: LiftSettings,
    model: PoseModel,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
    hands: HandModel | None = None,
    part: Part | None = None,
    so_far: SoFar | None = None,
) -> Observations:
    """Detect in every frame of the trim (of shot `settings.shot`, or of any that may be the longest), or in every
    `settings.stride`-th.

    With a model of `hands` everyone's hands too. With `part` only there, in every shot; shots are counted from its
    start. `so_far` is told after each frame.

    Raises `Cancelled`, and the reader's errors.
    """
    stretch = part or Part(settings.start, None)
    # Colours and the background are measured beside the next picture's detection.
    beside = ThreadPoolExecutor(1, "motionlift-colours")
    hand_watch = _hand_watch(hands)
    record = Record(beside, hand_watch)

    def reader_of(start: float | None, stop: float | None, side: int = LONGEST_SIDE) -> FrameReader:
        return FrameReader(
            path, start, stop, side, stride=settings.stride, hwaccel=settings.hwaccel, rotate=settings.rotate
        )

    def look_back(start: float, stop: float, side: int = LONGEST_SIDE) -> Iterator[Frame]:
        with reader_of(start, stop, side) as again:
            for frame in again:
                if cancelled():
                    raise Cancelled()
                if frame.image.size:
                    yield frame

    def look_behind(start: float, stop: float) -> Iterator[Frame]:
        for frame in reversed(deque(look_back(start, stop, BEHIND_SIDE), BEHIND_FRAMES)):
            if cancelled():
                raise Cancelled()
            yield frame

    with (
        beside,
        hand_watch or contextlib.nullcontext(),
        Watch(model, settings, look_back, look_behind, record.add_poses, record.add_back, stretch) as watch,
        reader_of(stretch.start, settings.end) as reader,
    ):
        duration = reader.info.duration
        end = min(settings.end or np.inf, duration if duration is not None else np.inf)
        total = _frame_count(settings, reader.info.frame_count, duration)
        shots = _ShotChoice(None if part else settings.shot, end)
        for frame in reader:
            if cancelled():
                raise Cancelled()
            # The frame at the stop is read, so that cuts before it are known.
            if shots.over(frame) or (stretch.stop is not None and frame.time >= stretch.stop - GRACE_SECONDS):
                break
            looked = (part is not None or shots.worth_looking(frame)) and frame.image.size > 0
            record.add_frame(frame, looked)
            if looked:
                record.add_poses(frame, watch.look(frame))
            done = len(record.times)
            progress("detect", done, None if total is None else max(total, done))
            if so_far:
                so_far(reader.info, done, total, record)
        watch.finish()
        return record.with_hands(tuple(reader.warnings))


def _hand_watch(model: HandModel | None) -> HandWatch | None:
    if model is None:
        return None
    # Imported late: nothing of it is needed by those who want no hands.
    from .hands import HandWatch

    return HandWatch(model)


class _ShotChoice:
    """Which shots need no look: all but the one asked for, or those that are sure not to be the longest."""

    def __init__(self, wanted: int | None, end: float) -> None:
        self._wanted = wanted
        self._end = end
        self._shot, self._start, self._longest, self._last = 0, 0.0, 0.0, 0.0

    def over(self, frame: Frame) -> bool:
        return self._wanted is not None and frame.shot > self._wanted

    def worth_looking(self, frame: Frame) -> bool:
        if frame.shot != self._shot:
            self._longest = max(self._longest, self._last - self._start)
            self._shot, self._start = frame.shot, frame.time
        self._last = frame.time
        if self._wanted is not None:
            return frame.shot == self._wanted
        # The container's duration is an estimate: only a clear case is passed over.
        return self._end - self._start > 0.9 * self._longest


def gathered(seen: Iterable[tuple[Frame, list[Pose]]]) -> Observations:
    """Observations of frames that somebody else has had looked at."""
    with ThreadPoolExecutor(1, "motionlift-colours") as beside:
        record = Record(beside)
        for frame, poses in seen:
            record.add_frame(frame, looked=True)
            record.add_poses(frame, poses)
        return record.observations()


def _frame_count(settings: LiftSettings, count: int | None, duration: float | None) -> int | None:
    if count is None or not duration:
        return None
    start, end = settings.start or 0.0, min(settings.end or duration, duration)
    return max(1, round(count * (end - start) / duration))
