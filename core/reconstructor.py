"""What needs torch, in a process of its own: lifting and solving.

Importing torch takes as long as detection in fifty frames, and twice that inside the process that detects, which it
slows as much. So it is loaded over here meanwhile. Whoever lifts takes one and gives it back; it stays for the next
clip, and goes when its parent goes. Requests are (name, arguments) of a function of `core.reconstruction`.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from . import child
from .jobs import MotionLiftError, ProgressCallback, ignore_progress
from .processors import one_thread_each


class Reconstructor(child.Child):
    """The process, from the side that asks. Calls are answered in order."""

    def __init__(self) -> None:
        super().__init__(__name__, _stopped, one_thread_each())

    def begin(self, name: str, *arguments: object, progress: ProgressCallback = ignore_progress) -> Future[Any]:
        """Have `core.reconstruction.<name>(*arguments, progress=...)` called; its result, or what it raises.

        The answer raises `MotionLiftError` (code `reconstructor_stopped`) where the process ended without one.
        """
        return self.ask(name, arguments, progress=progress)


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


def get_ready(name: str, *arguments: object) -> None:
    """Have a process wait for the next clip: where none does, one is started, and begins with a request meanwhile."""
    with _changing:
        if not any(each.usable() for each in _idle):
            _idle.append(Reconstructor())
            _idle[-1].begin(name, *arguments)


@atexit.register
def stop_idle() -> None:
    """End the processes that wait for another clip."""
    with _changing:
        while _idle:
            each = _idle.pop()
            if each.usable():
                each.stop()


def _call(request: tuple[Any, ...], progress: ProgressCallback) -> object:
    """In the process: torch is imported with the first request."""
    from . import reconstruction

    name, arguments = request
    return getattr(reconstruction, name)(*arguments, progress=progress)


if __name__ == "__main__":
    child.main(_call)
