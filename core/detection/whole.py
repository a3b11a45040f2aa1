"""The whole of a clip detected: in one go, or, where it is long, chunk by chunk and on every processor of our share."""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import processors
from ..jobs import Cancelled, LiftSettings, MotionLiftError, ProgressCallback, Stage, ignore_progress
from ..video import VideoInfo
from .cache import DetectionCache
from .chunks import Chunk, behind, joined, people_to_follow
from .detector import DetectorProcess
from .division import divided
from .models import HandModel, PoseModel
from .observations import Observations
from .observe import SoFar, observe
from .stopped import Keeping, name_of, resumed
from .watch import Part

log = logging.getLogger(__name__)

DETECTOR_BYTES = 700_000_000
"""Memory that a process of `detector` may need."""
ATTEMPTS = 2
"""In how many processes a chunk may die before the clip has failed."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Looking:
    """What is looked at, and how."""

    path: Path
    settings: LiftSettings
    model: PoseModel
    hands: HandModel | None

    def observe(
        self,
        part: Part | None,
        progress: ProgressCallback,
        cancelled: Callable[[], bool],
        so_far: SoFar | None = None,
    ) -> Observations:
        """`observe.observe`, in this process."""
        return observe(self.path, self.settings, self.model, progress, cancelled, self.hands, part, so_far)


def observe_whole(
    looking: Looking,
    info: VideoInfo,
    progress: ProgressCallback,
    cancelled: Callable[[], bool],
    cache: DetectionCache | None = None,
    key: str = "",
    so_far: SoFar | None = None,
) -> Observations:
    """What `observe` sees in the trim; a long one by chunks, in `processors.processes()` processes.

    `so_far` is told as `observe` does, of a clip that is looked at in one go. With a `cache`, chunks that are done are
    kept in it under `key` until all are, so that a run that was killed goes on there; of a clip that somebody waits for
    also what was seen of one.

    Raises as `observe`, and `detector_stopped`.
    """
    division = divided(looking.path, looking.settings, info, cancelled)
    pieces = division.pieces
    found: dict[int, Observations] = {}
    partly = cache if looking.settings.awaited else None
    if partly:
        pieces, found = resumed(pieces, partly, key, looking.settings.stride)

    def keeping(chunk: Chunk, so_far: SoFar | None = None) -> SoFar | None:
        return Keeping(partly, name_of(key, chunk), so_far) if partly else so_far

    if len(pieces) < 2:
        return looking.observe(None, progress, cancelled, keeping(pieces[0], so_far) if pieces else so_far)

    def keep(number: int, seen: Observations) -> None:
        found[number] = seen
        if cache:
            cache.store(name_of(key, pieces[number]), seen)

    def detect(numbers: Sequence[int], told: ProgressCallback) -> None:
        stored = {number: cache.load(name_of(key, pieces[number])) if cache else None for number in numbers}
        found.update({number: seen for number, seen in stored.items() if seen is not None})
        todo = [number for number, seen in stored.items() if seen is None]
        tally = _Tally(pieces, todo, told)
        tally.tell()
        processes = min(processors.processes(), len(todo), processors.room(DETECTOR_BYTES))
        log.info("%d of %d chunks to detect, in %d processes", len(todo), len(pieces), processes)
        work = _Work(looking, pieces, tally, cancelled, key if partly else None, keeping)
        if processes > 1:
            _side_by_side(work, todo, processes, keep)
            return
        for number in todo:
            keep(number, work.here(number, tally.callback(number), cancelled))

    detect([number for number in range(len(pieces)) if number not in found], progress)
    planned = tuple(pieces)
    while again := _to_look_again(pieces, found, looking.settings):
        for number, people in again.items():
            pieces[number] = pieces[number].again(planned[number - 1], people)
        detect(list(again), ignore_progress)
    whole = joined(pieces, [found[number] for number in range(len(pieces))])
    return whole if division.shots is None else behind(division.times, division.shots, whole)


def _to_look_again(pieces: Sequence[Chunk], found: dict[int, Observations], settings: LiftSettings) -> dict[int, int]:
    """The chunks that lost somebody, and how many are to be followed there; those only that did not try as many."""
    wanted = {n: people_to_follow(found[n - 1], pieces[n], found[n], settings) for n in range(1, len(pieces))}
    return {number: people for number, people in wanted.items() if people}


def forget_chunks(cache: DetectionCache, key: str) -> None:
    """The whole is stored: its chunks are needed no more. One that somebody reads just now may stay, on Windows."""
    for path in cache.folder.glob(f"{key}-*"):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _observed(look: Callable[[], Observations]) -> Observations:
    """What a chunk shows: nothing where the file promises pictures that cannot be decoded."""
    try:
        return look()
    except MotionLiftError as error:
        if error.code != "bad_trim":
            raise
        log.info("nothing to be seen: %s", error)
        return Observations.nothing()


@dataclass
class _Tally:
    """How many frames of the trim have been looked at."""

    pieces: Sequence[Chunk]
    todo: Sequence[int]
    progress: ProgressCallback
    done: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def callback(self, number: int) -> ProgressCallback:
        """For one chunk."""
        note = self.noting(number)

        def tell(stage: Stage, done: int, total: int | None) -> None:
            note(stage, done, total)
            self.tell()

        return tell

    def noting(self, number: int) -> ProgressCallback:
        """The same where somebody else tells it."""
        return lambda stage, done, total: self.add(number, done)

    def add(self, number: int, done: int) -> None:
        """So many frames of a chunk have been looked at, those before its own included. One that is begun again counts
        from where it is further than it was."""
        with self._lock:
            self.done[number] = max(self.done.get(number, 0), done)

    def tell(self) -> None:
        """Tell it."""
        total = self.pieces[-1].stop
        with self._lock:
            done = total
            for number in self.todo:
                chunk = self.pieces[number]
                length = chunk.stop - chunk.first
                seen = self.done.get(number, 0) - (chunk.first - chunk.looked_from)
                done -= length - min(max(seen, 0), length)
        self.progress("detect", done, total)


@dataclass(frozen=True)
class _Work:
    """The chunks of a clip and how they are looked at, by a process of `detector` or by this one; what they have seen
    is kept on the way under names that begin with `key`, here by what `keeping` gives for a chunk."""

    looking: Looking
    pieces: Sequence[Chunk]
    tally: _Tally
    cancelled: Callable[[], bool]
    key: str | None
    keeping: Callable[[Chunk], SoFar | None]

    def over_there(self, process: DetectorProcess, number: int) -> Observations:
        """What a chunk shows, in another process. Raises as its `observe`."""
        looking = self.looking
        arguments = (looking.path, looking.settings, looking.model, looking.hands, self.pieces[number].part)
        name = None if self.key is None else name_of(self.key, self.pieces[number])
        return _observed(lambda: process.observe(*arguments, lambda done: self.tally.add(number, done), name))

    def here(self, number: int, progress: ProgressCallback, cancelled: Callable[[], bool]) -> Observations:
        """The same in this one. Raises `Cancelled` once `cancelled()`."""
        piece = self.pieces[number]
        return _observed(functools.partial(self.looking.observe, piece.part, progress, cancelled, self.keeping(piece)))


def _side_by_side(work: _Work, todo: Sequence[int], processes: int, keep: Callable[[int, Observations], None]) -> None:
    """Have chunks detected in so many processes, of which this is one: it has loaded all that is needed. Raises the
    first error, `Cancelled` once that is so."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in todo:
        waiting.put(number)
    ended: queue.SimpleQueue[tuple[int, Observations] | Exception] = queue.SimpleQueue()
    running: list[DetectorProcess] = []
    stopping = threading.Event()
    changing = threading.Lock()

    def begin() -> DetectorProcess:
        with changing:
            if stopping.is_set():
                raise Cancelled
            running.append(DetectorProcess())
            return running[-1]

    def stopped() -> bool:
        return stopping.is_set() or work.cancelled()

    def serve(here: bool) -> None:
        process: DetectorProcess | None = None
        try:
            while not stopping.is_set():
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                if here:
                    ended.put((number, work.here(number, work.tally.noting(number), stopped)))
                    continue
                for attempt in range(1, ATTEMPTS + 1):
                    process = process or begin()
                    try:
                        ended.put((number, work.over_there(process, number)))
                        break
                    except MotionLiftError as error:
                        if error.code != "detector_stopped" or attempt == ATTEMPTS or stopping.is_set():
                            raise
                        log.warning("%s Chunk %d is tried again.", error.message, number)
                        process = None
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            ended.put(error)

    threads = [
        threading.Thread(target=serve, args=(not n,), name=f"motionlift-chunks-{n}", daemon=True)
        for n in range(processes)
    ]
    try:
        for thread in threads:
            thread.start()
        left = len(todo)
        told = 0.0
        while left:
            if work.cancelled():
                raise Cancelled
            try:
                result = ended.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() - told > 2 * POLL_SECONDS:
                    told = time.monotonic()
                    work.tally.tell()
                continue
            if isinstance(result, Exception):
                raise result
            number, seen = result
            keep(number, seen)
            work.tally.add(number, work.pieces[number].stop - work.pieces[number].looked_from)
            left -= 1
        work.tally.tell()
    finally:
        with changing:
            stopping.set()
            for each in running:
                each.stop()
        for thread in threads:
            thread.join()
