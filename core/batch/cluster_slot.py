"""Room for one clip on a worker of dask: it looks to `Run` like a process of this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, Protocol

from ..jobs import MotionLiftError, Progress, Request, Result, encode
from .cluster_task import Answer, Errand, answered, carry_out
from .run import ClipWorker

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often is looked whether the worker still is there."""


class Members(Protocol):
    """What a slot needs to know of its cluster; `client`: dask's."""

    client: Any

    def connected(self) -> bool:
        """Whether the scheduler is there; where it was lost, once it is back, or after a while."""
        ...

    def listen(self, clip: str, listener: Callable[[Progress], None] | None) -> None:
        """Hear of a clip's progress from now on, or no more."""
        ...


class Slot(ClipWorker):
    """Room for one clip on a worker of dask."""

    def __init__(self, cluster: Members, address: str, errand: Errand) -> None:
        self.address = address
        self._cluster = cluster
        self._errand = errand
        self._changed = threading.Event()
        self._stopped = False
        self._lost = False
        self._greeted = True

    @property
    def greeted(self) -> bool:
        return self._greeted

    @property
    def lost(self) -> bool:
        return self._lost

    @property
    def pid(self) -> int | None:
        return None

    def work_on(self, request: Request, on_progress: Callable[[Progress], None]) -> Result:
        self._cluster.listen(request.id, on_progress)
        try:
            answer = self._asked(dataclasses.replace(self._errand, request=encode(request)))
        finally:
            self._cluster.listen(request.id, None)
        self._greeted = answer.greeted
        try:
            return answered(answer, Path(request.output))
        except OSError as error:
            raise MotionLiftError(
                "write_failed",
                f"What came back cannot be written: {error.strerror or error}.",
                "Check free space and permissions, then start the same command again.",
            ) from error
        except MotionLiftError as error:
            if error.code == "video_unseen":
                raise self._unseen(request, error) from error
            raise

    def lose(self) -> None:
        """The worker has gone: for good, even if one of its address comes back."""
        self._lost = True
        self._changed.set()

    def stop(self) -> None:
        self._stopped = True
        self._changed.set()

    def finish(self, grace_s: float) -> None:
        """The thread that waits for it notices at once."""

    def _asked(self, errand: Errand) -> Answer:
        """Dask's answer. Raises `worker_died`, `scheduler_lost`, `cancelled`."""
        self._changed.clear()
        if self._stopped:
            raise MotionLiftError("cancelled", "Cancelled.")
        try:
            future = self._cluster.client.submit(
                carry_out,
                errand,
                key=f"motionlift-{uuid.uuid4().hex}",
                workers=[self.address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        except Exception as error:
            # The connection was lost a moment ago.
            raise self._broken(error) from error
        future.add_done_callback(lambda _: self._changed.set())
        try:
            while not future.done():
                self._changed.wait(LOOK_SECONDS)
                if self._stopped:
                    raise MotionLiftError("cancelled", "Cancelled.")
                if self.lost:
                    raise self._death()
            return self._result(future)
        finally:
            # Whatever it does there, nobody waits for it any more.
            with contextlib.suppress(Exception):
                future.cancel()

    def _result(self, future: Any) -> Answer:
        while True:
            try:
                answer: Answer = future.result(timeout=LOOK_SECONDS)
            except TimeoutError:
                if self._stopped:
                    raise MotionLiftError("cancelled", "Cancelled.") from None
                if self.lost:
                    raise self._death() from None
            except CancelledError as error:
                raise self._broken(error) from error
            except Exception as error:
                # Of dask or of the worker's machine: what goes wrong with the clip comes as an answer.
                raise self._death(f"could not carry it out: {type(error).__name__}: {error}") from error
            else:
                return answer

    def _broken(self, error: BaseException) -> MotionLiftError:
        """What it means that dask gave a task up by itself."""
        log.info("the task failed: %r", error)
        return self._death() if self._cluster.connected() else scheduler_lost()

    def _death(self, how: str = "was lost while it worked on it") -> MotionLiftError:
        return MotionLiftError(
            "worker_died",
            f"The worker {self.address} {how}.",
            "If memory ran out there, give its workers fewer threads. Its own log says more.",
        )

    def _unseen(self, request: Request, error: MotionLiftError) -> MotionLiftError:
        """A clip that is not there for anybody has vanished; else its worker cannot see it."""
        if os.path.lexists(request.video):
            return blind(request.video)
        return MotionLiftError("no_file", f"There is no file {request.video}.", "Check the name.")


def scheduler_lost() -> MotionLiftError:
    """Nobody can work any more."""
    return MotionLiftError(
        "scheduler_lost",
        "The cluster's scheduler is gone.",
        "Start the same command again when it is back: what is done stays done.",
    )


def blind(path: str) -> MotionLiftError:
    """A worker that does not see what it is to lift."""
    return MotionLiftError(
        "worker_blind",
        f"It does not see {path}.",
        "Put clips where all machines see them under the same name, or name them by URL (s3://, gs://).",
    )
