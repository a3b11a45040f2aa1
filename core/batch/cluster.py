"""A batch on a cluster of dask.distributed, from the side of the command that keeps the manifest.

Every worker of dask gets as many clips at a time as it has threads. Which worker lifts which clip is decided here, with
`Run`: so a worker that is lost, of another version, or blind to the clips is known by name, a clip is tried again as
often as here and no more, and workers that come later get their share.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from ... import __version__
from ..jobs import MotionLiftError, Progress, Request, Result, UsageError, decode_event, encode
from .cluster_place import (
    PACKAGES,
    Answer,
    Errand,
    Introduction,
    answered,
    carry_out,
    introduce,
    other_version,
    packages,
)
from .run import ClipWorker, Run

log = logging.getLogger(__name__)

LOCAL = "local"
ATTEMPTS = 3
"""With how many workers a clip may be lost before it has failed."""
CONNECT_SECONDS = 5
RECONNECT_SECONDS = 60.0
LOOK_SECONDS = 1.0
"""How often is looked which workers there are."""
TELL_SECONDS = 30.0
"""How often is said that there is none."""


class Cluster:
    """The workers of dask that `client` reaches. `local`: they are of this machine and started for this run."""

    def __init__(self, client: Any, local: bool) -> None:
        self.client = client
        self.topic = f"motionlift-{uuid.uuid4().hex}"
        self._local = local
        self._present: dict[str, Mapping[str, Any]] = {}
        self._refused: dict[str, MotionLiftError] = {}
        self._hired: list[_Place] = []
        self._listeners: dict[str, Callable[[Progress], None]] = {}
        self._closing = threading.Event()
        self._told = 0.0
        client.subscribe_topic(self.topic, self._hear)

    def staff(
        self, run: Run, arguments: tuple[str, ...], device: str, folders: tuple[str, ...], most: int = sys.maxsize
    ) -> None:
        """Give a run the workers that there are, and until `close` those that come, at most so many at a time.

        `arguments` of the Python that lifts; `device` of the settings; `folders` that a worker must see. Raises the
        reason where there are workers and none can be used.
        """
        errand = Errand("", arguments, 1, self.topic, __version__, False)

        def look() -> None:
            self._look(run, errand, device, folders, most)

        def keep_looking() -> None:
            while not self._closing.wait(LOOK_SECONDS):
                try:
                    look()
                except Exception:
                    # Whether the scheduler is gone for good is for those to say who wait for an answer.
                    log.debug("the scheduler does not answer", exc_info=True)

        look()
        if self._refused and not self._hired:
            address, error = next(iter(self._refused.items()))
            raise MotionLiftError(error.code, f"No worker can be used. {address}: {error.message}", error.hint)
        threading.Thread(target=keep_looking, name="motionlift-cluster", daemon=True).start()

    def present(self, address: str) -> bool:
        """Whether a worker is there, as far as the scheduler knows."""
        return address in self._present

    def listen(self, clip: str, listener: Callable[[Progress], None] | None) -> None:
        """Hear of a clip's progress from now on, or no more."""
        if listener is None:
            self._listeners.pop(clip, None)
        else:
            self._listeners[clip] = listener

    def connected(self) -> bool:
        """Whether the scheduler is there; where it was lost, once it is back, or after a while."""
        end = time.monotonic() + RECONNECT_SECONDS
        while self.client.status == "connecting" and time.monotonic() < end and not self._closing.is_set():
            time.sleep(LOOK_SECONDS)
        return bool(self.client.status == "running")

    def close(self) -> None:
        """Look no more."""
        self._closing.set()

    def _hear(self, event: tuple[float, str]) -> None:
        progress = decode_event(event[1])
        if isinstance(progress, Progress) and (listener := self._listeners.get(progress.id)):
            listener(progress)

    def _look(self, run: Run, errand: Errand, device: str, folders: tuple[str, ...], most: int) -> None:
        found: dict[str, Mapping[str, Any]] = dict(self.client.scheduler_info(n_workers=-1)["workers"])
        new = [address for address in found if address not in self._present]
        introductions = self.client.run(introduce, folders, workers=new, on_error="return", wait=True) if new else {}
        self._present = found
        for address in new:
            # A worker that has gone meanwhile does not answer.
            said = introductions.get(address)
            if said is None or isinstance(said, OSError):
                self._present.pop(address, None)
                continue
            problem = self._problem(said, device)
            if problem is not None:
                self._refused[address] = problem
                log.warning("The worker %s gets no clips: %s", address, problem)
                continue
            host = found[address].get("host")
            places = sum(int(info["nthreads"]) for info in found.values() if info.get("host") == host)
            self._hire(run, address, int(found[address]["nthreads"]), places, said, errand, device, most)
        if all(place.lost for place in self._hired) and time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            log.warning("There is no worker just now: waiting for one.")

    def _problem(self, said: Introduction | Exception, device: str) -> MotionLiftError | None:
        """Why a worker cannot be used."""
        if isinstance(said, ImportError):
            return MotionLiftError(
                "worker_version",
                f"MotionLift cannot be loaded there: {said}.",
                "Install the same version of MotionLift on all machines.",
            )
        if isinstance(said, Exception):
            return MotionLiftError("worker_not_started", f"It cannot be asked: {type(said).__name__}: {said}.")
        if said.version != __version__:
            return other_version(said.version, __version__)
        if said.unseen:
            return _blind(said.unseen[0])
        if device not in ("auto", "cpu") and not said.gpus and not self._local:
            return MotionLiftError(
                "worker_not_started",
                f"It has no GPU for --device {device}.",
                "Start workers with GPUs with --resources GPU=1, or leave --device out.",
            )
        return None

    def _hire(
        self,
        run: Run,
        address: str,
        threads: int,
        places: int,
        said: Introduction,
        errand: Errand,
        device: str,
        most: int,
    ) -> None:
        ours, theirs = packages(), said.packages
        others = [f"{name} {theirs.get(name, 'missing')}" for name in PACKAGES if theirs.get(name) != ours.get(name)]
        if others:
            log.warning("The worker %s may give other results than this machine: %s there.", address, ", ".join(others))
        count = threads if device in ("auto", "cpu") or self._local else min(threads, int(said.gpus))
        for number in range(count):
            if sum(not place.lost for place in self._hired) >= most:
                return
            gpu = self._local or number < said.gpus
            place = _Place(self, address, dataclasses.replace(errand, places=places, gpu=gpu))
            self._hired.append(place)
            run.hire(lambda number, log_path, place=place: place)  # type: ignore[misc]


class _Place(ClipWorker):
    """Room for one clip on a worker of dask."""

    def __init__(self, cluster: Cluster, address: str, errand: Errand) -> None:
        self._cluster = cluster
        self._address = address
        self._errand = errand
        self._changed = threading.Event()
        self._stopped = False
        self._greeted = True

    @property
    def greeted(self) -> bool:
        return self._greeted

    @property
    def lost(self) -> bool:
        return not self._cluster.present(self._address)

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
        future = self._cluster.client.submit(
            carry_out,
            errand,
            key=f"motionlift-{uuid.uuid4().hex}",
            workers=[self._address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
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
                if self._cluster.connected():
                    raise self._death() from error
                raise MotionLiftError(
                    "scheduler_lost",
                    "The cluster's scheduler is gone.",
                    "Start the same command again when it is back: what is done stays done.",
                ) from error
            except Exception as error:
                # Of dask itself: what goes wrong with the clip comes as an answer.
                log.info("the task failed", exc_info=True)
                raise self._death(f" {type(error).__name__}: {error}") from error
            else:
                return answer

    def _death(self, more: str = "") -> MotionLiftError:
        return MotionLiftError(
            "worker_died",
            f"The worker {self._address} was lost while it worked on it.{more}",
            "If memory ran out there, give its workers fewer threads. Its own log says more.",
        )

    def _unseen(self, request: Request, error: MotionLiftError) -> MotionLiftError:
        """A clip that is not there for anybody has vanished; else its worker cannot see it."""
        if os.path.lexists(request.video):
            return _blind(request.video)
        return MotionLiftError("no_file", f"There is no file {request.video}.", "Check the name.")


def _blind(path: str) -> MotionLiftError:
    return MotionLiftError(
        "worker_blind",
        f"It does not see {path}.",
        "Put clips where all machines see them under the same name, or name them by URL (s3://, gs://).",
    )


@contextlib.contextmanager
def connected(address: str, jobs: int) -> Iterator[Cluster]:
    """A cluster by its scheduler's address, by its scheduler file (`.json`), or `local`: `jobs` processes started here.

    Raises `MotionLiftError`: `scheduler_unreachable`; `UsageError` (`missing_cluster`) without dask.distributed.
    """
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            "missing_cluster",
            f"A cluster needs dask.distributed: {error}.",
            'Install it with pip install "motionlift[cluster]", here and on all workers.',
        ) from error
    if not log.isEnabledFor(logging.INFO):
        # Dask tells of everything, and at the end of every connection that it closes.
        logging.getLogger("distributed").setLevel(logging.ERROR)
    with contextlib.ExitStack() as stack:
        where: dict[str, Any] = {"address": address}
        if address == LOCAL:
            # Processes beneath the workers do the computing; dask's own limit of memory would not see them.
            local = distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
            )
            where = {"address": stack.enter_context(local)}
        elif address.endswith(".json"):
            where = {"scheduler_file": address}
        try:
            client = stack.enter_context(
                distributed.Client(**where, timeout=CONNECT_SECONDS, name="motionlift", set_as_default=False)
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise MotionLiftError(
                "scheduler_unreachable",
                f"The cluster's scheduler {address} does not answer: {error}.",
                "Start one with dask scheduler, and name it like tcp://machine:8786; or take --cluster local.",
            ) from error
        cluster = Cluster(client, address == LOCAL)
        stack.callback(cluster.close)
        yield cluster
