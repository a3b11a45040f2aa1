"""The process that owns the device, `python -m motionlift.core.lifting.owner FOLDER DEVICE`.

Where several processes lift clips side by side, only this one touches the GPU: one context, one network, and windows of
several clips in one batch. The others detect and solve, and ask it (`owned`) over a local socket, a connection for each
request under way: (weights, flip average, part, windows) answered by ("result", joints) or ("error", exception),
pickled, the arrays of numpy. It goes when its standard input ends.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import queue
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path

import torch
from torch import Tensor

from ..files import remove_patiently
from ..jobs import MotionLiftError, internal_error
from ..own_input import take_input
from .checkpoint import default_weights, load_weights
from .device import choose_device
from .inference import Part, Predict, batch_on, predictor
from .network import DGNet
from .owner_address import NO_DEVICE, address, key

log = logging.getLogger(__name__)

BACKLOG = 64


@dataclass(frozen=True)
class _Job:
    """Windows (B, T, N, C) that somebody waits for."""

    weights: str | None
    flip: bool
    part: Part
    windows: Tensor
    lifted: Future[Tensor] = field(default_factory=Future)

    @property
    def network(self) -> tuple[str | None, bool, Part]:
        """What is asked to lift them."""
        return self.weights, self.flip, self.part


class Owner:
    """Lifts windows on `device`, those that wait for the same network together."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._first: _Job | None = None
        self._network = functools.lru_cache(maxsize=8)(self._load)
        self._weights = functools.lru_cache(maxsize=2)(self._read)

    def lift(self, weights: str | None, flip: bool, part: Part, windows: Tensor) -> Tensor:
        """Joints (B, T, N, 3) of windows; any thread's. Raises what `load_weights` raises."""
        job = _Job(weights, flip, part, windows)
        self._waiting.put(job)
        return job.lifted.result()

    def work(self) -> None:
        """Carry out the jobs that wait, one batch at least: by one thread, again and again."""
        jobs = self._together()
        try:
            predict = self._network(*jobs[0].network)
            parts = torch.split(torch.cat([job.windows for job in jobs]), batch_on(self.device))
            lifted = torch.cat([predict(part) for part in parts])
        except Exception as error:  # noqa: BLE001 - raised by whoever asked
            for job in jobs:
                job.lifted.set_exception(error)
            return
        for job, part in zip(jobs, torch.split(lifted, [len(job.windows) for job in jobs]), strict=True):
            job.lifted.set_result(part)

    def _together(self) -> list[_Job]:
        """The next job, and those that wait behind it for the same network, up to a batch."""
        jobs = [self._first or self._waiting.get()]
        self._first = None
        count = len(jobs[0].windows)
        while count < batch_on(self.device):
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            if job.network != jobs[0].network:
                self._first = job
                break
            jobs.append(job)
            count += len(job.windows)
        return jobs

    def _load(self, weights: str | None, flip: bool, part: Part) -> Predict:
        return predictor(self._weights(weights), self.device, flip, part=part)

    def _read(self, weights: str | None) -> DGNet:
        return load_weights(Path(weights) if weights else default_weights(), self.device).folded()


def serve(owner: Owner, folder: Path) -> None:
    """Answer whoever comes, for ever."""
    place = address(folder)
    if os.name != "nt":
        # That of an owner that was killed.
        Path(place).unlink(missing_ok=True)
    with Listener(place, backlog=BACKLOG, authkey=key(folder)) as listener:
        log.info("owns %s, at %s", owner.device, place)
        threading.Thread(target=_accept, args=(owner, listener), name="accept", daemon=True).start()
        while True:
            owner.work()


def _accept(owner: Owner, listener: Listener) -> None:
    while True:
        try:
            connection = listener.accept()
        except Exception as error:  # noqa: BLE001 - whoever failed to connect tries again, or is none of ours
            log.info("somebody did not get in: %r", error)
            continue
        threading.Thread(target=_answer, args=(owner, connection), name="answer", daemon=True).start()


def _answer(owner: Owner, connection: Connection) -> None:
    with connection, contextlib.suppress(EOFError, OSError):
        while True:
            weights, flip, part, windows = connection.recv()
            answer: tuple[str, object]
            try:
                answer = ("result", owner.lift(weights, flip, part, torch.from_numpy(windows)).numpy())
            except MotionLiftError as error:
                answer = ("error", error)
            except torch.OutOfMemoryError as error:
                log.warning("%s", error)
                hint = "Close other programs that use it, or lift with --device cpu."
                answer = ("error", MotionLiftError("device_memory", "The GPU's memory ran out.", hint))
            except Exception as error:
                log.exception("windows could not be lifted")
                answer = ("error", internal_error(error, "Lift with --device cpu; and please report it."))
            connection.send(answer)


def main(folder: Path, device: str) -> int:
    """The process. `device` as in the settings; where `auto` finds a CPU only, there is nothing to own."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    requests = os.fdopen(take_input(), "rb")

    def leave_with_input() -> None:
        requests.read()
        # Where the batch was killed nobody else removes it.
        with contextlib.suppress(OSError):
            remove_patiently(folder)
        os._exit(0)

    threading.Thread(target=leave_with_input, name="input", daemon=True).start()
    try:
        chosen = choose_device(device)
    except MotionLiftError as error:
        # Whoever lifts says so of each clip.
        log.info("%s", error)
        return NO_DEVICE
    if chosen.type == "cpu" and device == "auto":
        log.info("there is no device to own")
        return NO_DEVICE
    serve(Owner(chosen), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
