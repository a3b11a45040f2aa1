"""A worker of a cluster from the inside: what a process of dask does for a batch somewhere else.

Each clip is lifted by a process of its own beneath it, the same as on one machine: so a clip that kills its process
does not kill dask's, which stays able to answer, and threads are shared out as there. What comes out goes back as
bytes: only the machine that keeps the manifest writes to the output folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from ... import __version__
from .. import processors
from ..jobs import Failure, MotionLiftError, Progress, Request, Result, decode_event, decode_request, encode
from .idle_processes import IdleProcesses
from .storage import Url, place
from .worker_process import WorkerProcess

log = logging.getLogger(__name__)

PACKAGES = ("mediapipe", "torch", "numpy", "scipy", "av")
"""Other versions of these may give other results."""
GPU = "GPU"
"""The resource by which a worker of dask says that it has one."""
NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
PROGRESS_SECONDS = 1.0
LOOK_SECONDS = 0.5
"""How often a worker looks whether its clip is still wanted."""


@dataclass(frozen=True)
class Introduction:
    """What a worker says of itself: `processors` of its machine, `unseen` of the folders it was asked about."""

    version: str
    packages: dict[str, str]
    processors: int
    gpus: float
    unseen: tuple[str, ...]


def packages() -> dict[str, str]:
    """The versions of `PACKAGES` that are installed here."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def introduce(folders: tuple[str, ...], dask_worker: Any) -> Introduction:
    """Called in the worker's event loop; `dask_worker` is given by dask."""
    return Introduction(
        version=__version__,
        packages=packages(),
        processors=processors.available(),
        gpus=float(dask_worker.state.total_resources.get(GPU, 0)),
        unseen=tuple(folder for folder in folders if not os.path.exists(folder)),
    )


@dataclass(frozen=True)
class Errand:
    """A clip for a worker: the `request` of the protocol, its `output` to be chosen there; `arguments` of the Python
    that lifts it; `places` at work on that machine, which share its processors; `topic` under which progress is told;
    `version` of who asks; `gpu`: it may use one."""

    request: str
    arguments: tuple[str, ...]
    places: int
    topic: str
    version: str
    gpu: bool


@dataclass(frozen=True)
class Answer:
    """The last event of the protocol, and the files by their names; `greeted` false: the process that lifts never began
    to talk."""

    event: str
    files: dict[str, bytes] = field(default_factory=dict)
    greeted: bool = True


def carry_out(errand: Errand) -> Answer:
    """Lift a clip: the task that dask runs, in a thread of its own."""
    from distributed import get_worker

    worker = get_worker()
    request: Request = decode_request(errand.request)
    if errand.version != __version__:
        error = other_version(__version__, errand.version)
        return Answer(encode(Failure.of(request.id, error)))
    video = place(request.video)
    if not isinstance(video, Url) and "%" not in video.name and not os.path.lexists(video):
        error = MotionLiftError("video_unseen", f"There is no file {video} on the worker {worker.address}.")
        return Answer(encode(Failure.of(request.id, error)))
    with tempfile.TemporaryDirectory(prefix="motionlift-", dir=worker.local_directory) as folder:
        asked = dataclasses.replace(request, output=folder)
        process = _process(errand, Path(worker.local_directory))
        told = 0.0

        def tell(progress: Progress) -> None:
            nonlocal told
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                worker.log_event(errand.topic, encode(progress))

        try:
            with _watched(worker, process):
                result = process.work_on(asked, tell)
        except MotionLiftError as error:
            _idle.give_back(_kind(errand), process)
            return Answer(encode(Failure.of(request.id, error)), _files(folder), process.greeted)
        _idle.give_back(_kind(errand), process)
        named = dataclasses.replace(result, motions=tuple(Path(path).name for path in result.motions))
        return Answer(encode(named), _files(folder))


def other_version(theirs: str, ours: str) -> MotionLiftError:
    """A worker of another version than the command's."""
    return MotionLiftError(
        "worker_version",
        f"It is of version {theirs}, this is {ours}.",
        "Install the same version of MotionLift on all machines.",
    )


def answered(answer: Answer, folder: Path) -> Result:
    """What an answer says, its files written into `folder`. Raises the failure that it tells of, `OSError`."""
    for name, content in answer.files.items():
        (folder / Path(name).name).write_bytes(content)
    event = decode_event(answer.event)
    if isinstance(event, Failure):
        raise event.to_error()
    assert isinstance(event, Result)
    return dataclasses.replace(event, motions=tuple(str(folder / name) for name in event.motions))


def _files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()}


_idle = IdleProcesses()
_numbers = itertools.count(1)


def _process(errand: Errand, folder: Path) -> WorkerProcess:
    if waiting := _idle.take(_kind(errand)):
        return waiting
    threads = processors.told() or max(1, processors.available() // max(1, errand.places))
    return WorkerProcess(
        [sys.executable, *errand.arguments],
        threads,
        folder / f"motionlift-{os.getpid()}-{next(_numbers)}.log",
        {} if errand.gpu else NO_GPU,
    )


def _kind(errand: Errand) -> Errand:
    return dataclasses.replace(errand, request="", topic="")


@contextlib.contextmanager
def _watched(worker: Any, process: WorkerProcess) -> Iterator[None]:
    """Stop the process when nobody wants its clip any more: dask cannot end a thread."""
    from distributed.worker import thread_state

    key, done = thread_state.key, threading.Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                log.info("%s is not wanted any more", key)
                process.stop()
                process.finish()
                return

    thread = threading.Thread(target=look, name="motionlift-wanted", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
