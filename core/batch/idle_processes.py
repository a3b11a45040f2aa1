"""Worker processes that wait for their next clip, and end when none comes.

A worker of a cluster runs for weeks, and every command with other settings needs processes of its own, of half a
gigabyte each.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable

from .worker_process import WorkerProcess

IDLE_SECONDS = 60.0


class IdleProcesses:
    """Kept by what they were started for; each for `seconds`. Its methods may be called by any thread."""

    def __init__(self, seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._waiting: dict[Hashable, dict[WorkerProcess, threading.Timer]] = {}
        self._changing = threading.Lock()

    def take(self, kind: Hashable) -> WorkerProcess | None:
        """The one that came last; it is the caller's until he gives it back."""
        with self._changing:
            if not (waiting := self._waiting.get(kind)):
                return None
            process, timer = waiting.popitem()
        timer.cancel()
        return process

    def give_back(self, kind: Hashable, process: WorkerProcess) -> None:
        """Let it wait; one that runs no longer is forgotten."""
        if process.pid is None or process.stopped:
            return
        timer = threading.Timer(self._seconds, self._end, (kind, process))
        timer.daemon = True
        with self._changing:
            self._waiting.setdefault(kind, {})[process] = timer
        timer.start()

    def _end(self, kind: Hashable, process: WorkerProcess) -> None:
        with self._changing:
            waiting = self._waiting.get(kind, {})
            # It may be at work again by now, with another timer or none.
            if waiting.get(process) is not threading.current_thread():
                return
            del waiting[process]
            if not waiting:
                del self._waiting[kind]
        process.stop()
        process.finish()
