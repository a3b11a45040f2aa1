"""What needs torch, in a process of its own: lifting and solving.

Importing torch takes as long as detection in fifty frames, and twice that inside the process that detects, which it
slows as much. So it is loaded over here meanwhile. Whoever lifts takes one and gives it back; it stays for the next
clip, and goes when its parent goes.

Between the two run pickled tuples, over pipes that nobody else holds: (name, arguments), answered by any number of
("progress", stage, done, total) and one ("result", value) or ("error", exception).
"""

from __future__ import annotations

import atexit
import contextlib
import io
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from .jobs import Cancelled, MotionLiftError, ProgressCallback, Stage, ignore_progress, missing_part

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often a wish to cancel is looked at."""
LEAVE_SECONDS = 5.0


@dataclass
class _Call:
    """A request under way."""

    progress: ProgressCallback
    answer: Future[Any] = field(default_factory=Future)


class Reconstructor:
    """The process, from the side that asks. Calls are answered in order."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self._calls: deque[_Call] = deque()
        self._changing = threading.Lock()
        self._ended: MotionLiftError | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        threading.Thread(target=self._read, name="motionlift-reconstructor", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def begin(self, name: str, *arguments: object, progress: ProgressCallback = ignore_progress) -> Future[Any]:
        """Have `core.reconstruction.<name>(*arguments, progress=...)` called; its result, or what it raises.

        The answer raises `MotionLiftError` (code `reconstructor_stopped`) where the process ended without one.
        """
        call = _Call(progress)
        with self._changing:
            if self._ended is not None:
                call.answer.set_exception(self._ended)
                return call.answer
            self._calls.append(call)
        # That it takes no more requests is told by the thread that reads.
        with contextlib.suppress(OSError):
            pickle.dump((name, arguments), self._requests)
            self._requests.flush()
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
                kind, *values = pickle.load(self._answers)
                if kind == "progress":
                    stage, done, total = values
                    self._calls[0].progress(stage, done, total)
                elif kind == "result":
                    self._calls.popleft().answer.set_result(values[0])
                else:
                    self._calls.popleft().answer.set_exception(values[0])
        except (EOFError, OSError, pickle.UnpicklingError):
            with self._changing:
                self._ended = _stopped(self._process.wait())
                while self._calls:
                    self._calls.popleft().answer.set_exception(self._ended)


def _stopped(code: int) -> MotionLiftError:
    return MotionLiftError(
        "reconstructor_stopped",
        f"The process that lifts and solves ended unexpectedly (exit code {code}).",
        "If memory ran out, close other programs, or lift a shorter part with --start and --end.",
    )


_idle: list[Reconstructor] = []
_changing = threading.Lock()


@contextlib.contextmanager
def reconstructor() -> Iterator[Reconstructor]:
    """A process for one clip: one that is idle, else a new one. It is kept for the next clip."""
    with _changing:
        _idle[:] = [each for each in _idle if each.usable()]
        taken = _idle.pop() if _idle else Reconstructor()
    try:
        yield taken
    finally:
        with _changing:
            _idle.append(taken)


@atexit.register
def stop_idle() -> None:
    """End the processes that wait for another clip."""
    with _changing:
        while _idle:
            each = _idle.pop()
            if each.usable():
                each.stop()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """The process, from the inside: call after call, until the requests end, at which it leaves at once."""
    waiting: queue.SimpleQueue[tuple[str, tuple[object, ...]]] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                waiting.put(pickle.load(requests))
        os._exit(0)

    def progress(stage: Stage, done: int, total: int | None) -> None:
        _send(answers, ("progress", stage, done, total))

    threading.Thread(target=read, name="requests", daemon=True).start()
    while True:
        name, arguments = waiting.get()
        try:
            from . import reconstruction

            _send(answers, ("result", getattr(reconstruction, name)(*arguments, progress=progress)))
        except ImportError as error:
            _send(answers, ("error", missing_part(error)))
        except Exception as error:
            log.debug("%s failed", name, exc_info=True)
            _send(answers, ("error", error))


def _send(answers: BinaryIO, message: tuple[object, ...]) -> None:
    # Pickled as a whole first: what cannot be pickled must not leave half a message behind.
    content = io.BytesIO()
    try:
        pickle.dump(message, content)
    except (pickle.PicklingError, TypeError, AttributeError):
        content = io.BytesIO()
        pickle.dump(("error", RuntimeError(repr(message[-1]))), content)
    answers.write(content.getvalue())
    answers.flush()


def main() -> None:
    """`python -m motionlift.core.reconstructor`, started by `Reconstructor`."""
    answers = os.fdopen(os.dup(1), "wb")
    # Libraries that print must not break the protocol.
    os.dup2(2, 1)
    # Ctrl-C in a terminal reaches the whole group; the parent decides what it means for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        serve(os.fdopen(0, "rb", closefd=False), answers)


if __name__ == "__main__":
    main()
