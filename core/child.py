"""A process of our own that answers calls: started, followed and ended from here (`Child`), and its inside (`main`).

Between the two run tuples (`messages`), over pipes that nobody else holds: a request, answered by any number of
("progress", stage, done, total) and one ("result", value) or ("error", exception). Calls are answered in order. The
process goes when its requests end, hence with its parent.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from .jobs import Cancelled, MotionLiftError, ProgressCallback, Stage, ignore_progress, missing_part
from .messages import receive, send
from .own_input import take_input

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often a wish to cancel is looked at."""
LEAVE_SECONDS = 5.0

Handle = Callable[[tuple[Any, ...], ProgressCallback], object]
"""Carries out a request, inside the process."""


def python_path() -> dict[str, str]:
    """The variable that lets a process find the modules that this one finds."""
    return {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}


@dataclass
class _Call:
    """A request under way."""

    progress: ProgressCallback
    answer: Future[Any] = field(default_factory=Future)


class Child:
    """The process, from the side that asks: it runs `module`, which calls `main`.

    `variables` come on top of this process's environment; `stopped(exit code)`: what to raise where it ended without an
    answer. Its methods may be called by any thread.
    """

    def __init__(
        self, module: str, stopped: Callable[[int], MotionLiftError], variables: Mapping[str, str] | None = None
    ) -> None:
        self.parent = os.getpid()
        self._stopped = stopped
        self._calls: deque[_Call] = deque()
        self._changing = threading.Lock()
        self._ended: MotionLiftError | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(variables or {}), **python_path()},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        threading.Thread(target=self._read, name=f"motionlift-{module.rpartition('.')[2]}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, *request: object, progress: ProgressCallback = ignore_progress) -> Future[Any]:
        """Have a request carried out: its result, or what it raises; what `stopped` gives where the process ended
        without an answer."""
        call = _Call(progress)
        with self._changing:
            if self._ended is not None:
                call.answer.set_exception(self._ended)
                return call.answer
            self._calls.append(call)
            # That it takes no more requests is told by the thread that reads.
            with contextlib.suppress(OSError):
                send(self._requests, request)
        return call.answer

    def wait(self, answer: Future[Any], cancelled: Callable[[], bool]) -> Any:
        """The result of a call. Once `cancelled()` is true the process is stopped and `Cancelled` raised."""
        try:
            while not cancelled():
                with contextlib.suppress(NotYet):
                    return answer.result(POLL_SECONDS)
        except KeyboardInterrupt:
            self.stop()
            raise
        self.stop()
        raise Cancelled

    def usable(self) -> bool:
        """Whether it runs, as a child of this process."""
        return self.parent == os.getpid() and self._process.poll() is None

    def stop(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait(LEAVE_SECONDS)

    def _read(self) -> None:
        try:
            while True:
                kind, *values = receive(self._answers)
                if kind == "progress":
                    stage, done, total = values
                    self._calls[0].progress(stage, done, total)
                elif kind == "result":
                    self._calls.popleft().answer.set_result(values[0])
                else:
                    self._calls.popleft().answer.set_exception(values[0])
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self._process.wait()
            with self._changing:
                self._ended = self._stopped(code)
                while self._calls:
                    self._calls.popleft().answer.set_exception(self._ended)


def serve(requests: BinaryIO, answers: BinaryIO, handle: Handle) -> None:
    """The process, from the inside: request after request, until they end, at which it leaves at once."""
    waiting: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                waiting.put(receive(requests))
        os._exit(0)

    def progress(stage: Stage, done: int, total: int | None) -> None:
        _answer(answers, ("progress", stage, done, total))

    threading.Thread(target=read, name="requests", daemon=True).start()
    while True:
        request = waiting.get()
        try:
            _answer(answers, ("result", handle(request, progress)))
        except MotionLiftError as error:
            _answer(answers, ("error", error))
        except ImportError as error:
            _answer(answers, ("error", missing_part(error)))
        except Exception as error:
            log.debug("a request failed", exc_info=True)
            # For the log of whoever asked.
            error.add_note(traceback.format_exc())
            _answer(answers, ("error", error))


def _answer(answers: BinaryIO, message: tuple[object, ...]) -> None:
    try:
        send(answers, message)
    except (pickle.PicklingError, TypeError, AttributeError):
        # Nothing was written yet.
        send(answers, ("error", RuntimeError(repr(message[-1]))))


def main(handle: Handle) -> None:
    """The process that `Child` starts; what it prints goes to standard error."""
    requests, answers = os.fdopen(take_input(), "rb"), os.fdopen(os.dup(1), "wb")
    # Libraries that print must not break the protocol.
    os.dup2(2, 1)
    # What a library was asked for that ends the process.
    faulthandler.enable(2, all_threads=False)
    # Ctrl-C in a terminal reaches the whole group; the parent decides what it means for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        serve(requests, answers, handle)
