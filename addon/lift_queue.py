"""Work for the engine, one thing after the other, without Blender: what waits, what runs, how it ended.

Someone calls `tick` now and then; it never waits. The worker runs in a process of its own (`bridge/worker_client.py`),
and its results are read in a thread, so that a tick costs next to nothing.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from ..bridge.bvh import evenly_sampled
from ..bridge.worker_client import WorkerClient
from ..core.files import leftovers
from ..core.jobs import Cancelled, Event, Failure, MotionLiftError, Progress, Result, internal_error
from ..core.motion import Motion
from .lift_jobs import Finished, Job, Status
from .takes import drop_empty
from .threads import in_thread as _in_thread

log = logging.getLogger(__name__)

CANCEL_SECONDS = 0.5
"""A worker that has not stopped by then is ended."""
SUPERSEDED_SECONDS = 8.0
"""So long a job may go on that nobody wants any more: stopping it costs the engine a new start, which takes seconds."""
RESTART_SECONDS = 4.0
"""About what that takes, on a busy machine: where more is known to be left of the job, it is stopped at once."""


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
        self._leaving: dict[str, Job] = {}
        self._unread: list[tuple[Job, Future[Finished]]] = []

    @property
    def busy(self) -> bool:
        """Whether anything waits, runs, or has ended without having been handed out."""
        return bool(self.status or self.waiting or self._ended)

    @property
    def leaving(self) -> bool:
        """Whether something of a job that was cancelled has yet to be cleared away: `tick` is wanted until it has."""
        return bool(self._leaving or self._unread)

    @property
    def rests(self) -> bool:
        """Whether nothing is asked of the worker, which may run, get ready or have left."""
        return not (self.busy or self.leaving)

    @property
    def jobs(self) -> list[Job]:
        """What waits, then what runs, but for what nobody wants any more."""
        wanted = self.status is not None and self.status.superseded_since is None
        return [*self.waiting, *([self.status.job] if self.status and wanted else [])]

    def add(self, job: Job) -> None:
        """Have a job done after those that wait."""
        self.waiting.append(job)

    def cancel(self, job: Job) -> None:
        """Stop a job, which ends in `Cancelled` here and now; the worker lets go of it in `CANCEL_SECONDS`, or is
        ended, whatever else the processors have to do."""
        if job in self.waiting:
            self.waiting.remove(job)
            self._ended.append(Finished(job, error=Cancelled()))
        elif self.status and self.status.job == job:
            if self._request is not None:
                self._leaving[self._request] = job
                self.client.cancel(self._request, CANCEL_SECONDS)
            elif self._loading is not None:
                self._unread.append((job, self._loading))
            elif self._starting is not None:
                self._preparing = self._starting
            self._end(Finished(job, error=Cancelled()))

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
        self._enforce_superseded()
        for job, loading in [(job, loading) for job, loading in self._unread if loading.done()]:
            self._unread.remove((job, loading))
            self._clear_away(job, [path for path, _ in loading.result().motions])
        while self.status is None and self.waiting and not self.leaving:
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
        """End the worker; it gets `timeout` seconds to leave by itself. What ran is forgotten, and so are the names of
        lifts that never came to anything."""
        starting = self._starting or self._preparing
        left = [*self.waiting, *self._leaving.values(), *(finished.job for finished in self._ended)]
        left += [self.status.job] if self.status else []
        self.waiting, self.status, self._request, self._starting, self._loading = [], None, None, None, None
        if starting is not None:
            starting.result()
        self.client.close(timeout)
        for job in left:
            self._clear_away(job, [])

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
        number = getattr(event, "id", "")
        if number in self._leaving:
            if isinstance(event, Failure | Result):
                written = event.motions if isinstance(event, Result) else ()
                self._clear_away(self._leaving.pop(number), list(map(Path, written)))
            return
        if self.status is None or self._request is None or number != self._request:
            return
        if isinstance(event, Progress):
            began = self.status.stage_began if event.stage == self.status.stage else time.monotonic()
            self.status = dataclasses.replace(
                self.status, stage=event.stage, done=event.done, total=event.total, stage_began=began
            )
        elif isinstance(event, Failure):
            unwanted = self.status.superseded_since is not None
            # It may have been killed while it wrote.
            self._clear_away(self.status.job, [])
            self._end(Finished(self.status.job, error=Cancelled() if unwanted else event.to_error()))
        elif isinstance(event, Result):
            self._request = None
            self._loading = _in_thread(_load, self.status.job, event)

    def _clear_away(self, job: Job, written: list[Path]) -> None:
        """Nothing of a lift stays on the disk that did not end well; what clean-up made may be of use again."""
        if job.op != "lift":
            return
        for path in (*leftovers(job.output), *written):
            path.unlink(missing_ok=True)
        # A lift that came since may have taken over the folder.
        if not any(other.output.parent == job.output.parent for other in self.waiting):
            drop_empty(job.output.parent)

    def _finish_loading(self) -> None:
        if self._loading is None or not self._loading.done() or self.status is None:
            return
        finished = self._loading.result()
        if self.status.superseded_since is not None:
            finished = Finished(self.status.job, error=Cancelled())
        self._end(finished)

    def _enforce_superseded(self) -> None:
        superseded, now = self.status.superseded_since if self.status else None, time.monotonic()
        if self.status is None or superseded is None:
            return
        if now - superseded > SUPERSEDED_SECONDS or (self.status.seconds_left(now) or 0.0) > RESTART_SECONDS:
            log.info("%s goes on for too long: it is stopped", self.status.job.name)
            self.cancel(self.status.job)

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
