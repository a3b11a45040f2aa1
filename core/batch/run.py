"""The work of a batch shared out among worker processes, and every change noted before the next.

Each process has a thread here that waits for it. A process that dies takes with it the clip in its hands, which is
tried again in a new one; a clip that kills twice has failed. Whatever happens to one clip happens to no other.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..jobs import MotionLiftError, Progress, Request, Result, UsageError, internal_error
from .inputs import Clip
from .manifest import STATE_FOLDER, Manifest, Output, Record, Stamp, picture_path
from .todo import Plan, Why, file_hash, foreign_output, hash_of, is_foreign
from .work import PICTURE, TAKE
from .worker_process import GRACE_SECONDS, WorkerProcess

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""In how many processes a clip may die before it has failed."""
LEAST_FREE_BYTES = 20_000_000
"""With less than this on the disk no new clip is begun once one could not be written."""


@dataclass(frozen=True)
class Task:
    """A clip to be lifted, and why."""

    clip: Clip
    why: Why


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
    """Lifts tasks in `jobs` worker processes. `make_worker(number, log path)` makes one, not started yet.

    `add` tasks, `start`, then look at `tally` and `activities` until `finished`; `close` always.
    """

    def __init__(
        self, manifest: Manifest, plan: Plan, make_worker: Callable[[int, Path], WorkerProcess], jobs: int
    ) -> None:
        self.tally = Tally()
        self.activities = [Activity() for _ in range(jobs)]
        self._manifest = manifest
        self._plan = plan
        self._state = plan.folder / STATE_FOLDER
        # What a killed run has left.
        shutil.rmtree(self._state / "new", ignore_errors=True)
        self._workers = [make_worker(n, self._state / f"worker-{n + 1}.log") for n in range(jobs)]
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._open = 0
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def finished(self) -> bool:
        """Whether all tasks that were added have ended."""
        with self._changing:
            return self._open == 0

    @property
    def waiting(self) -> int:
        """Tasks that nobody has begun."""
        return self._tasks.qsize()

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that run."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]

    def add(self, task: Task) -> None:
        """Have a clip lifted."""
        with self._changing:
            self._open += 1
        self._tasks.put(task)

    def start(self) -> None:
        """Begin; a worker process is started when there is a first clip for it."""
        for number, worker in enumerate(self._workers):
            name = f"motionlift-batch-{number + 1}"
            thread = threading.Thread(target=self._serve, args=(number, worker), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Begin nothing more and cancel what is at work."""
        self._stopping.set()
        for worker in self._workers:
            worker.stop()

    def close(self) -> None:
        """End the processes, those at work after a grace, and wait until everything about them is noted."""
        self.stop()
        end = time.monotonic() + GRACE_SECONDS
        for worker in self._workers:
            worker.finish(max(0.0, end - time.monotonic()))
        for thread in self._threads:
            thread.join(GRACE_SECONDS)
        shutil.rmtree(self._state / "new", ignore_errors=True)

    def _serve(self, number: int, worker: WorkerProcess) -> None:
        while not self._stopping.is_set():
            try:
                task = self._tasks.get(timeout=0.1)
            except queue.Empty:
                continue
            try:
                for attempt in range(1, ATTEMPTS + 1):
                    if self._lift(number, worker, task.clip, attempt):
                        break
            except MotionLiftError as error:
                # The manifest cannot be written, or no worker can be started: nothing can go on.
                self._give_up(error)
            except Exception as error:
                log.exception("the batch failed at %s", task.clip.video)
                self._give_up(internal_error(error, "Please report it; the same command goes on where this ended."))
            finally:
                self.activities[number] = Activity()
                with self._changing:
                    self._open -= 1

    def _give_up(self, error: MotionLiftError) -> None:
        with self._changing:
            self.tally.fatal = self.tally.fatal or error
        self.stop()

    def _lift(self, number: int, worker: WorkerProcess, clip: Clip, attempt: int) -> bool:
        """Whether that was the end of it; else the process died, and another may try."""
        plan = self._plan
        began = time.monotonic()
        record = Record(
            clip=clip.name,
            state="started",
            video=os.fspath(clip.video),
            stamp=Stamp.of(clip.video),
            settings=plan.identity(),
            formats=plan.suffixes,
            attempt=attempt,
        )
        self.activities[number] = Activity(clip, began)
        folder = self._state / "new" / str(number)
        try:
            self._prepare(clip, folder)
            self._manifest.append(record)
            request = Request("lift", clip.name, str(clip.video), str(folder), plan.settings)
            result = worker.work_on(request, lambda progress: self._show(number, progress))
            record = self._publish(clip, record, result)
        except MotionLiftError as error:
            if self._stopping.is_set() or error.code == "cancelled":
                record = dataclasses.replace(record, state="stopped")
            elif error.code == "worker_died" and attempt < ATTEMPTS:
                log.warning("%s is tried again: %s", clip.video, error.message)
                return False
            elif error.code in ("worker_not_started", "worker_version") or (
                error.code == "worker_died" and not worker.greeted
            ):
                # That is no fault of the clip.
                self._manifest.append(dataclasses.replace(record, state="stopped"))
                raise
            else:
                record = self._failed(clip, record, error)
        record = dataclasses.replace(record, seconds={**record.seconds, "all": round(time.monotonic() - began, 3)})
        self._move_picture(clip, folder)
        self._end(record)
        if record.error and record.error["code"] == "write_failed":
            self._look_at_disk(record.error)
        return True

    def _show(self, number: int, progress: Progress) -> None:
        self.activities[number].progress = progress

    def _end(self, record: Record) -> None:
        record = self._manifest.append(record)
        with self._changing:
            self.tally.ended.append(record)

    def _prepare(self, clip: Clip, folder: Path) -> None:
        """An empty folder for the worker, and the certainty that nothing of anybody is in the way."""
        shutil.rmtree(folder, ignore_errors=True)
        target = self._plan.folder / clip.name
        try:
            folder.mkdir(parents=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            ours = self._manifest.written_for(clip.name)
            there = None if self._plan.overwrite else foreign_output(clip, self._plan, ours)
        except (OSError, ValueError) as error:
            raise MotionLiftError(
                "bad_output",
                f"The files of {clip.name} cannot be made: {getattr(error, 'strerror', None) or error}.",
                "Rename the video, or check the output folder's permissions and space.",
            ) from error
        if there is not None:
            raise _in_the_way(there)

    def _publish(self, clip: Clip, record: Record, result: Result) -> Record:
        """Note what the new files hold, move them to their places, and remove files of ours that are none any more."""
        plan = self._plan
        target = plan.folder / clip.name
        moves = [(Path(p), target.with_name(target.name + Path(p).name[len(TAKE) :])) for p in result.motions]
        ours = self._manifest.written_for(clip.name)
        try:
            outputs = tuple(self._output(new, place) for new, place in moves)
            for _, place in moves:
                if not plan.overwrite and is_foreign(place, plan.folder, ours):
                    raise _in_the_way(place)
            self._manifest.append(dataclasses.replace(record, outputs=outputs))
            for new, place in moves:
                os.replace(new, place)
            for name in set(ours) - {output.path for output in outputs}:
                path = plan.folder / name
                if name.endswith(plan.suffixes) and path.exists() and not is_foreign(path, plan.folder, ours):
                    path.unlink()
        except OSError as error:
            raise MotionLiftError(
                "write_failed",
                f"The files of {clip.name} could not be written: {error.strerror or error}.",
                "Check free space and permissions, then start the same command again.",
            ) from error
        details: dict[str, Any] = result.details
        return dataclasses.replace(
            record,
            state="done",
            hash=details["hash"],
            versions=details["versions"],
            outputs=outputs,
            seconds=details["seconds"],
            figures=tuple(details["figures"]),
            warnings=result.warnings,
        )

    def _output(self, new: Path, place: Path) -> Output:
        return Output(place.relative_to(self._plan.folder).as_posix(), new.stat().st_size, file_hash(new))

    def _failed(self, clip: Clip, record: Record, error: MotionLiftError) -> Record:
        said = {"code": error.code, "message": error.message, "hint": error.hint}
        return dataclasses.replace(record, state="failed", hash=hash_of(clip.video), outputs=(), error=said)

    def _move_picture(self, clip: Clip, folder: Path) -> None:
        target = picture_path(self._plan.folder, clip.name)
        try:
            if (folder / PICTURE).is_file():
                target.parent.mkdir(exist_ok=True)
                os.replace(folder / PICTURE, target)
        except OSError as error:
            log.warning("no picture of %s: %s", clip.name, error)

    def _look_at_disk(self, said: dict[str, str]) -> None:
        if shutil.disk_usage(self._plan.folder).free < LEAST_FREE_BYTES:
            raise MotionLiftError(
                "disk_full",
                f"The disk is full. {said['message']}",
                "Make room, then start the same command again: what is done stays done.",
            )


def _in_the_way(path: Path) -> UsageError:
    return UsageError(
        "output_exists",
        f"{path} exists already, and was not written by this batch or was edited since.",
        "Move it away, or add --overwrite to replace it.",
    )
