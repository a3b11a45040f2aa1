"""Work for the engine, one thing after the other, without Blender: what waits, what runs, how far it is, how it ended.

Someone calls `tick` now and then; it never waits. The worker runs in a process of its own (`bridge/worker_client.py`),
and its results are read in a thread, so that a tick costs next to nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..bridge.bvh import evenly_sampled
from ..bridge.worker_client import WorkerClient
from ..core.jobs import (
    STAGE_WORDS,
    Cancelled,
    Event,
    Failure,
    LiftSettings,
    MotionLiftError,
    Progress,
    Result,
    Stage,
    internal_error,
)
from ..core.motion import Motion
from .threads import in_thread as _in_thread

log = logging.getLogger(__name__)

CANCEL_SECONDS = 0.5
"""A worker that has not stopped by then is ended."""
SUPERSEDED_SECONDS = 8.0
"""So long a job may go on that nobody wants any more: stopping it costs the engine a new start, which takes seconds."""
ESTIMATE_AFTER_SECONDS = 2.0
"""So long a stage runs before its remaining time is told."""


@dataclass(frozen=True)
class Job:
    """One thing for the worker to do. `payload` is for whoever takes the result.

    The motions are handed over at `fps` samples a second; None: at the clip's own rate. `reuse` hands out the motion
    that lies at `video` without the worker.
    """

    op: Literal["lift", "resolve", "people", "look", "reuse"]
    name: str
    video: Path
    output: Path
    settings: LiftSettings
    fps: float | None
    payload: Any = None
    number: int = dataclasses.field(default_factory=itertools.count(1).__next__)


@dataclass(frozen=True)
class Status:
    """How far the running job is: `done` of `total` (None while unknown) units of its stage."""

    job: Job
    stage: Stage | None = None
    done: int = 0
    total: int | None = None
    stage_began: float = 0.0
    cancelling_since: float | None = None
    superseded_since: float | None = None

    @property
    def fraction(self) -> float:
        """Of the stage, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Of the stage, by its speed so far; None while that is not known."""
        elapsed = now - self.stage_began
        if self.stage is None or not self.done or not self.total or elapsed < ESTIMATE_AFTER_SECONDS:
            return None
        return elapsed / self.done * (self.total - self.done)

    @property
    def stage_words(self) -> str:
        """What is done, with its counts: `Finding people 120 of 300`."""
        if self.cancelling_since is not None:
            return "Cancelling"
        if self.stage is None:
            return "Starting the video engine"
        counts = f" {self.done} of {self.total}" if self.total and self.total > 1 else ""
        return STAGE_WORDS[self.stage] + counts

    def time_words(self, now: float) -> str:
        """How much longer the stage takes: `0:12 left`; empty while that is not known."""
        left = None if self.cancelling_since is not None else self.seconds_left(now)
        return "" if left is None else f"{int(left) // 60}:{int(left) % 60:02d} left"

    def words(self, now: float) -> str:
        """One line for a person: `walk: Finding people 120 of 300, 0:12 left`."""
        return ", ".join(filter(None, (f"{self.job.name}: {self.stage_words}", self.time_words(now))))


@dataclass(frozen=True)
class Finished:
    """How a job ended: its motions with their files and reports, or the error. `clip_fps`: the clip's own rate;
    `people`, `details`: as in `Result`. `prepared`: what was worked out for placing it."""

    job: Job
    motions: tuple[tuple[Path, Motion], ...] = ()
    reports: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    clip_fps: float | None = None
    people: tuple[dict[str, Any], ...] = ()
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    prepared: Any = None
    error: MotionLiftError | None = None


class LiftQueue:
    """Jobs for one worker, in order. Not for several threads."""

    def __init__(self, client: WorkerClient) -> None:
        self.client = client
        self.waiting: list[Job] = []
        self.status: Status | None = None
        self._request: str | None = None
        self._starting: Future[MotionLiftError | None] | None = None
        self._loading: Future[Finished] | None = None
        self._ended: list[Finished] = []
        self._preparing: Future[MotionLiftError | None] | None = None

    @property
    def busy(self) -> bool:
        """Whether anything waits, runs, or has ended without having been handed out."""
        return bool(self.status or self.waiting or self._ended)

    def add(self, job: Job) -> None:
        """Have a job done after those that wait."""
        self.waiting.append(job)

    def cancel(self, job: Job) -> None:
        """Stop a job, which then ends in `Cancelled`: a waiting one at once, the running one within a second."""
        if job in self.waiting:
            self.waiting.remove(job)
            self._ended.append(Finished(job, error=Cancelled()))
        elif self.status and self.status.job == job and self.status.cancelling_since is None:
            self.status = dataclasses.replace(self.status, cancelling_since=time.monotonic())
            if self._request is not None:
                self.client.cancel(self._request)

    def supersede(self, job: Job) -> None:
        """Nobody wants this job's result any more: it ends in `Cancelled`, but need not be stopped at once."""
        if job in self.waiting or self._request is None:
            self.cancel(job)
        elif self.status and self.status.job == job and self.status.superseded_since is None:
            self.status = dataclasses.replace(self.status, superseded_since=time.monotonic())

    def get_ready(self) -> None:
        """Start the worker and have it load what it needs, unless it runs or is on its way."""
        if self.client.alive or self._starting is not None or (self._preparing and not self._preparing.done()):
            return
        self._preparing = _in_thread(_prepare, self.client)

    def cancel_all(self) -> None:
        """Stop everything."""
        for job in [*self.waiting, *([self.status.job] if self.status else [])]:
            self.cancel(job)

    def tick(self) -> list[Finished]:
        """Read the worker's events, start what is next, and return the jobs that have ended since the last call."""
        for event in self.client.poll():
            self._take(event)
        self._finish_starting()
        self._finish_loading()
        self._enforce_cancel()
        while self.status is None and self.waiting:
            self._begin(self.waiting.pop(0))
        ended, self._ended = self._ended, []
        return ended

    def wait(self, on_status: Callable[[Status], None] | None = None, pause: float = 0.02) -> list[Finished]:
        """`tick` until nothing is left, for scripts."""
        ended: list[Finished] = []
        while self.busy:
            ended += self.tick()
            if self.status and on_status:
                on_status(self.status)
            time.sleep(pause)
        return ended

    def close(self, timeout: float) -> None:
        """End the worker; it gets `timeout` seconds to leave by itself. What ran is forgotten."""
        starting = self._starting or self._preparing
        self.waiting, self.status, self._request, self._starting, self._loading = [], None, None, None, None
        if starting is not None:
            starting.result()
        self.client.close(timeout)

    def _begin(self, job: Job) -> None:
        self.status = Status(job, stage_began=time.monotonic())
        if job.op == "reuse":
            self.status = dataclasses.replace(self.status, stage="open")
            self._loading = _in_thread(_load, job, Result("", motions=(str(job.video),)))
            return
        if self._preparing is not None and not self._preparing.done():
            self._starting = self._preparing
        elif self.client.alive:
            self._send()
        else:
            self._starting = _in_thread(_start, self.client)

    def _finish_starting(self) -> None:
        if self._starting is None or not self._starting.done() or self.status is None:
            return
        error, self._starting = self._starting.result(), None
        if self.status.cancelling_since is not None:
            error = Cancelled()
        if error is None:
            self._send()
        else:
            self._end(Finished(self.status.job, error=error))

    def _send(self) -> None:
        assert self.status is not None
        job = self.status.job
        assert job.op != "reuse"
        try:
            # A lift's output has a name of its own; the others may be made again.
            overwrite = job.op != "lift"
            self._request = self.client.send(job.op, job.video, job.output, job.settings, overwrite)
        except MotionLiftError as error:
            self._end(Finished(job, error=error))

    def _take(self, event: Event) -> None:
        if self.status is None or self._request is None or getattr(event, "id", None) != self._request:
            return
        if isinstance(event, Progress):
            began = self.status.stage_began if event.stage == self.status.stage else time.monotonic()
            self.status = dataclasses.replace(
                self.status, stage=event.stage, done=event.done, total=event.total, stage_began=began
            )
        elif isinstance(event, Failure):
            # A worker that we ended because it did not stop is no crash.
            cancelled = self.status.cancelling_since is not None or self.status.superseded_since is not None
            self._end(Finished(self.status.job, error=Cancelled() if cancelled else event.to_error()))
        elif isinstance(event, Result):
            self._request = None
            self._loading = _in_thread(_load, self.status.job, event)

    def _finish_loading(self) -> None:
        if self._loading is None or not self._loading.done() or self.status is None:
            return
        finished = self._loading.result()
        if self.status.cancelling_since is not None or self.status.superseded_since is not None:
            # Written before the wish arrived: nobody wants it.
            for path, _ in finished.motions if self.status.job.op == "lift" else ():
                path.unlink(missing_ok=True)
            finished = Finished(self.status.job, error=Cancelled())
        self._end(finished)

    def _enforce_cancel(self) -> None:
        superseded = self.status.superseded_since if self.status else None
        if self.status and superseded is not None and time.monotonic() - superseded > SUPERSEDED_SECONDS:
            self.cancel(self.status.job)
        since = self.status.cancelling_since if self.status else None
        if since is None or self._request is None or time.monotonic() - since < CANCEL_SECONDS:
            return
        log.info("the worker does not stop: it is ended")
        self.client.terminate()
        assert self.status is not None
        self._end(Finished(self.status.job, error=Cancelled()))

    def _end(self, finished: Finished) -> None:
        self.status, self._request, self._starting, self._loading = None, None, None, None
        self._ended.append(finished)


def _load(job: Job, result: Result) -> Finished:
    try:
        loaded = [Motion.load(Path(name)) for name in result.motions]
        sampled = [evenly_sampled(motion, job.fps or motion.fps) for motion in loaded]
    except MotionLiftError as error:
        return Finished(job, error=error)
    except Exception as error:
        log.exception("reading what the worker wrote")
        return Finished(job, error=internal_error(error, "Please report it."))
    motions = tuple(zip(map(Path, result.motions), sampled, strict=True))
    clip_fps = loaded[0].fps if loaded else None
    return Finished(job, motions, result.reports, result.warnings, clip_fps, result.people, result.details)


def _start(client: WorkerClient) -> MotionLiftError | None:
    """Start the worker: on a busy machine that takes longer than a frame."""
    try:
        client.start()
    except MotionLiftError as error:
        return error
    return None


def _prepare(client: WorkerClient) -> MotionLiftError | None:
    """Start the worker and have it load. What goes wrong is told by the next job."""
    try:
        client.prepare()
    except MotionLiftError as error:
        return error
    return None
