"""A batch on a cluster of dask.distributed, from the side of the command that keeps the manifest.

Every worker of dask gets as many clips at a time as it has threads. Which worker lifts which clip is decided here, with
`Run`: so a worker that is lost, of another version, or blind to the clips is known by name, a clip is tried again as
often as here and no more, and workers that come later get their share.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ... import __version__
from ..jobs import MotionLiftError, Progress, UsageError, decode_event
from .cluster_slot import Slot, blind, scheduler_lost
from .cluster_task import PACKAGES, Errand, Introduction, introduce, other_version, packages
from .run import ClipWorker, Run

log = logging.getLogger(__name__)

LOCAL = "local"
ATTEMPTS = 3
"""With how many workers a clip may be lost before it has failed."""
KNOCK_SECONDS = 5.0
"""In which a machine answers that is there."""
CONNECT_SECONDS = 30
"""In which a scheduler answers whose machine is busy."""
RECONNECT_SECONDS = 60.0
LOOK_SECONDS = 1.0
"""How often is looked which workers there are."""
TELL_SECONDS = 30.0
"""How often is said that there is none."""


@dataclasses.dataclass(frozen=True)
class Orders:
    """What `Cluster.staff` was told."""

    run: Run
    errand: Errand
    device: str
    folders: tuple[str, ...]
    most: int


class Cluster:
    """The workers of dask that `client` reaches. `local`: they are of this machine and started for this run."""

    def __init__(self, client: Any, local: bool) -> None:
        self.client = client
        self.topic = f"motionlift-{uuid.uuid4().hex}"
        self._local = local
        self._present: dict[str, Mapping[str, Any]] = {}
        self._fit: dict[str, Introduction] = {}
        self._refused: dict[str, MotionLiftError] = {}
        self._hired: list[Slot] = []
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
        orders = Orders(run, Errand("", arguments, 1, self.topic, __version__, False), device, folders, most)
        self.look(orders)
        if self._refused and not self._hired:
            address, error = next(iter(self._refused.items()))
            raise MotionLiftError(error.code, f"No worker can be used. {address}: {error.message}", error.hint)
        threading.Thread(target=self._keep_looking, args=(orders,), name="motionlift-cluster", daemon=True).start()

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

    def _keep_looking(self, orders: Orders) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self.look(orders)
                self._tell_if_alone()
            except Exception:
                if self._closing.is_set():
                    return
                log.info("the scheduler does not answer", exc_info=True)
                if not self.connected():
                    orders.run.give_up(scheduler_lost())
                    return

    def look(self, orders: Orders) -> None:
        """See who is there, and hire."""
        # Not by `Client.scheduler_info`: its own regular look overwrites what that returns, with one without workers.
        identity = self.client.sync(self.client.scheduler.identity, n_workers=-1)
        found: dict[str, Mapping[str, Any]] = dict(identity["workers"])
        for slot in self._hired:
            if slot.address not in found:
                slot.lose()
        new = [address for address in found if address not in self._present]
        introductions: Mapping[str, Introduction | Exception] = (
            self.client.run(introduce, orders.folders, workers=new, on_error="return") if new else {}
        )
        self._present = found
        for address in new:
            said = introductions.get(address)
            if said is None or isinstance(said, OSError):
                # It has gone meanwhile, or is asked again the next time.
                self._present.pop(address, None)
            elif isinstance(problem := self._problem(said, orders.device), MotionLiftError):
                self._refused[address] = problem
                log.warning("The worker %s gets no clips: %s", address, problem)
            else:
                self._fit[address] = problem
                _tell_of_packages(address, problem)
        for address in found:
            if address in self._fit:
                self._hire(address, orders)

    def _tell_if_alone(self) -> None:
        if all(slot.lost for slot in self._hired) and time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            log.warning("There is no worker just now: waiting for one.")

    def _problem(self, said: Introduction | Exception, device: str) -> MotionLiftError | Introduction:
        """Why a worker cannot be used; what it said of itself, where it can."""
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
            return blind(said.unseen[0])
        if not self._places(said, 1, device):
            return MotionLiftError(
                "worker_not_started",
                f"It has no GPU for --device {device}.",
                "Start workers with GPUs with --resources GPU=1, or leave --device out.",
            )
        return said

    def _places(self, said: Introduction, threads: int, device: str) -> int:
        """How many clips a worker takes at a time."""
        return threads if device in ("auto", "cpu") or self._local else min(threads, int(said.gpus))

    def _hire(self, address: str, orders: Orders) -> None:
        """Room for as many clips as a worker has, and as may be lifted at a time."""
        worker, said = self._present[address], self._fit[address]
        neighbours = [each for each in self._present.values() if each.get("host") == worker.get("host")]
        places = sum(int(each["nthreads"]) for each in neighbours)
        begun = sum(slot.address == address and not slot.lost for slot in self._hired)
        for number in range(begun, self._places(said, int(worker["nthreads"]), orders.device)):
            if sum(not slot.lost for slot in self._hired) >= orders.most:
                return
            gpu = self._local or number < said.gpus
            slot = Slot(self, address, dataclasses.replace(orders.errand, places=places, gpu=gpu))
            self._hired.append(slot)
            orders.run.hire(_always(slot))


def _always(worker: ClipWorker) -> Callable[[int, Path], ClipWorker]:
    return lambda number, log_path: worker


def _tell_of_packages(address: str, said: Introduction) -> None:
    ours, theirs = packages(), said.packages
    others = [f"{name} {theirs.get(name, 'missing')}" for name in PACKAGES if theirs.get(name) != ours.get(name)]
    if others:
        log.warning("The worker %s may give other results than this machine: %s there.", address, ", ".join(others))


def _knock(address: object) -> None:
    """Raise `OSError` soon where nobody listens at a scheduler's address: dask would try again and again."""
    if not isinstance(address, str):
        return
    place = urlsplit(address)
    if place.scheme in ("tcp", "tls") and place.hostname and place.port:
        socket.create_connection((place.hostname, place.port), KNOCK_SECONDS).close()


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
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=0,
                silence_logs=logging.ERROR,
            )
            where = {"address": stack.enter_context(local)}
        elif address.endswith(".json"):
            where = {"scheduler_file": address}
        try:
            _knock(where.get("address"))
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
