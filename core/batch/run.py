"""The work of a batch shared out among workers, and every change noted before the next.

Each worker, a process here or a place on another machine, has a thread here that waits for it. One that dies takes with
it the clip in its hands, which the next that is free tries again; a clip that kills too many has failed. A worker that
cannot do the work at all gets none any more. Whatever happens to one clip happens to no other.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..jobs import MotionLiftError, Progress, Request, Result, internal_error
from .inputs import Clip
from .manifest import STATE_FOLDER, Manifest, Record, Stamp
from .publish import Publisher
from .todo import Plan, Why, hash_of
from .worker_process import GRACE_SECONDS

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""With how many workers a clip may die before it has failed."""
LOOK_SECONDS = 0.5
"""How often an idle worker is asked whether it still is one."""


class ClipWorker(Protocol):
    """Who lifts clips, one at a time. `work_on` belongs to one thread; all else may be called by any.

    `greeted`: it has shown that it can work; `lost`: it is no more, and gets no further clip.
    """

    @property
    def greeted(self) -> bool: ...
    @property
    def lost(self) -> bool: ...
    @property
    def pid(self) -> int | None: ...

    def work_on(self, request: Request, on_progress: Callable[[Progress], None]) -> Result:
        """Have a request carried out, its files written into its `output`. Raises its failure; `worker_died` when it
        ended without an answer; one of `UNFIT` when it cannot do such work at all."""
        ...

    def stop(self) -> None:
        """Cancel what it does and end it, without waiting."""
        ...

    def finish(self, grace_s: float) -> None:
        """Wait for the end of a stopped worker, at most so long."""
        ...


UNFIT = frozenset({"worker_not_started", "worker_version", "worker_blind"})
"""Failures that are no clip's fault."""
LOST = frozenset({"scheduler_lost"})
"""Failures after which nobody can work."""


@dataclass(frozen=True)
class Task:
    """A clip to be lifted, why, and how often that was tried, this time included."""

    clip: Clip
    why: Why
    attempt: int = 1


@dataclass
class Activity:
    """What a worker does just now: for whoever looks."""

    clip: Clip | None = None
    began: float = 0.0
    progress: Progress | None = None


@dataclass
class Tally:
    """The run so far: what has ended, in order; `fatal`: why no more clips are begun."""

    ended: list[Record] = field(default_factory=list)
    fatal: MotionLiftError | None = None


class Run:
    """Lifts tasks with `jobs` workers, and those that are hired later. `make_worker(number, log path)` makes one, not
    started yet.

    `add` tasks, `start`, then look at `tally` and `activities` until `finished`; `close` always.
    """

    def __init__(
        self,
        manifest: Manifest,
        plan: Plan,
        make_worker: Callable[[int, Path], ClipWorker] | None = None,
        jobs: int = 0,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.tally = Tally()
        self.activities: list[Activity] = []
        self._manifest = manifest
        self._plan = plan
        self._publisher = Publisher(manifest, plan)
        self._attempts = attempts
        self._state = plan.folder.local / STATE_FOLDER
        # What a killed run has left.
        shutil.rmtree(self._state / "new", ignore_errors=True)
        self._workers: list[ClipWorker] = []
        self._unfit: list[ClipWorker] = []
        self._tasks: deque[Task] = deque()
        self._open = 0
        self._changing = threading.Condition()
        self._stopping = threading.Event()
        self._started = False
        self._threads: list[threading.Thread] = []
        if make_worker is not None:
            for _ in range(jobs):
                self.hire(make_worker)

    @property
    def finished(self) -> bool:
        """Whether all tasks that were added have ended."""
        with self._changing:
            return self._open == 0

    @property
    def waiting(self) -> int:
        """Tasks that nobody has begun."""
        return len(self._tasks)

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that run."""
        return [pid for worker in list(self._workers) if (pid := worker.pid) is not None]

    def add(self, task: Task) -> None:
        """Have a clip lifted."""
        with self._changing:
            self._open += 1
            self._tasks.append(task)
            self._changing.notify()

    def start(self) -> None:
        """Begin; a worker process is started when there is a first clip for it."""
        with self._changing:
            self._started = True
            for number in range(len(self._workers)):
                self._begin(number)

    def hire(self, make_worker: Callable[[int, Path], ClipWorker]) -> None:
        """One worker more, at any time."""
        with self._changing:
            if self._stopping.is_set():
                return
            number = len(self._workers)
            self._workers.append(make_worker(number, self._state / f"worker-{number + 1}.log"))
            self.activities.append(Activity())
            if self._started:
                self._begin(number)

    def _begin(self, number: int) -> None:
        name = f"motionlift-batch-{number + 1}"
        thread = threading.Thread(target=self._serve, args=(number, self._workers[number]), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Begin nothing more and cancel what is at work."""
        with self._changing:
            self._stopping.set()
            self._changing.notify_all()
            workers = list(self._workers)
        for worker in workers:
            worker.stop()

    def close(self) -> None:
        """End the processes, those at work after a grace, and wait until everything about them is noted."""
        self.stop()
        end = time.monotonic() + GRACE_SECONDS
        with self._changing:
            # Nobody is hired any more.
            workers, threads = list(self._workers), list(self._threads)
        for worker in workers:
            worker.finish(max(0.0, end - time.monotonic()))
        for thread in threads:
            thread.join(GRACE_SECONDS)
        shutil.rmtree(self._state / "new", ignore_errors=True)

    def _serve(self, number: int, worker: ClipWorker) -> None:
        while (task := self._next(worker)) is not None:
            again: Task | None = None
            try:
                again = self._lift(number, worker, task)
            except _Unfit as unfit:
                again = task
                self._dismiss(worker, unfit.error)
                return
            except MotionLiftError as error:
                # The manifest cannot be written, or nobody is there to work: nothing can go on.
                self.give_up(error)
            except Exception as error:
                log.exception("the batch failed at %s", task.clip.video)
                self.give_up(internal_error(error, "Please report it; the same command goes on where this ended."))
            finally:
                self.activities[number] = Activity()
                with self._changing:
                    if again is None:
                        self._open -= 1
                    else:
                        # First of all: its files are expected longest.
                        self._tasks.appendleft(again)
                        self._changing.notify()

    def _next(self, worker: ClipWorker) -> Task | None:
        """The next clip for a worker; None when it is to get none any more."""
        with self._changing:
            while not self._stopping.is_set() and not worker.lost:
                if self._tasks:
                    return self._tasks.popleft()
                self._changing.wait(LOOK_SECONDS)
        return None

    def _dismiss(self, worker: ClipWorker, error: MotionLiftError) -> None:
        """Give a worker no more clips; with the last one everything ends."""
        with self._changing:
            self._unfit.append(worker)
            others = any(not each.lost and each not in self._unfit for each in self._workers)
        if others:
            log.warning("A worker gets no more clips: %s", error)
        else:
            self.give_up(error)

    def give_up(self, error: MotionLiftError) -> None:
        """Begin nothing more, for this reason, and cancel what is at work."""
        with self._changing:
            self.tally.fatal = self.tally.fatal or error
        self.stop()

    def _lift(self, number: int, worker: ClipWorker, task: Task) -> Task | None:
        """Lift a clip. Returns what is to be tried again, where the worker died; raises `_Unfit` where it cannot work,
        and `MotionLiftError` where nothing can go on."""
        plan, clip, attempt = self._plan, task.clip, task.attempt
        began = time.monotonic()
        record = Record(
            clip=clip.name,
            state="started",
            video=str(clip.video),
            stamp=Stamp.of(clip.video),
            settings=plan.identity(),
            formats=plan.suffixes,
            attempt=attempt,
        )
        self.activities[number] = Activity(clip, began)
        folder = self._state / "new" / str(number)
        try:
            self._publisher.prepare(clip.name, folder)
            self._manifest.append(record)
            request = Request("lift", clip.name, str(clip.video), str(folder), plan.settings)
            result = worker.work_on(request, lambda progress: self._show(number, progress))
            record = self._publisher.publish(record, result)
        except MotionLiftError as error:
            if self._stopping.is_set() or error.code == "cancelled":
                record = dataclasses.replace(record, state="stopped")
            elif error.code == "worker_died" and attempt < self._attempts:
                log.warning("%s is tried again: %s", clip.video, error.message)
                return dataclasses.replace(task, attempt=attempt + 1)
            elif error.code in UNFIT or (error.code == "worker_died" and not worker.greeted):
                self._manifest.append(dataclasses.replace(record, state="stopped"))
                raise _Unfit(error) from error
            elif error.code in LOST:
                self._manifest.append(dataclasses.replace(record, state="stopped"))
                raise
            else:
                record = self._failed(clip, record, error)
        record = dataclasses.replace(record, seconds={**record.seconds, "all": round(time.monotonic() - began, 3)})
        self._publisher.move_picture(clip.name, folder)
        self._end(record)
        if record.error and record.error["code"] == "write_failed":
            self._publisher.look_at_disk(record.error)
        return None

    def _show(self, number: int, progress: Progress) -> None:
        self.activities[number].progress = progress

    def _end(self, record: Record) -> None:
        record = self._manifest.append(record)
        with self._changing:
            self.tally.ended.append(record)

    def _failed(self, clip: Clip, record: Record, error: MotionLiftError) -> Record:
        said = {"code": error.code, "message": error.message, "hint": error.hint}
        return dataclasses.replace(record, state="failed", hash=hash_of(clip.video), outputs=(), error=said)


class _Unfit(Exception):  # noqa: N818 (what it is, not how it failed)
    """A worker that cannot work, and why."""

    def __init__(self, error: MotionLiftError) -> None:
        super().__init__(str(error))
        self.error = error
