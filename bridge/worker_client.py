"""The worker from outside: starts it, sends requests, hands out its events. Standard library only."""

from __future__ import annotations

import itertools
import logging
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from ..core.jobs import (
    PROTOCOL_VERSION,
    Event,
    Failure,
    Hello,
    LiftSettings,
    MotionLiftError,
    Operation,
    Progress,
    Request,
    Result,
    decode_event,
    encode,
)
from . import background
from .worker_home import import_folder, what_next, worker_environment

log = logging.getLogger(__name__)

LOG_LINES = 200
LOG_LINES_SHOWN = 20


class WorkerClient:
    """A worker process, started with the first request and again when it has left or died.

    `python` is the interpreter of the worker's environment, `folder` where `import_folder` may write. Events are
    collected by a thread; `poll` hands them out. Every request ends in exactly one `Result` or `Failure`, also
    when the process dies: then of code `worker_died`, with the end of its log as the hint. `variables` come on top of
    its environment.
    """

    def __init__(
        self,
        python: Path,
        folder: Path,
        module: str = "motionlift.core.worker",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.python = python
        self.folder = folder
        self.module = module
        self.variables = dict(variables or {})
        self.hello: Hello | None = None
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether a request has not ended yet."""
        with self._lock:
            return bool(self._pending)

    def log_tail(self, lines: int = LOG_LINES_SHOWN) -> str:
        """The last lines of the worker's log."""
        return "\n".join(list(self._log)[-lines:])

    def start(self) -> None:
        """Start the process if it does not run. Raises `MotionLiftError` (code `worker_not_started`)."""
        if self.alive:
            return
        self._join()
        folder = import_folder(self.folder)
        self.hello = None
        try:
            process = background.started(
                [str(self.python), "-m", self.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**worker_environment(folder, self.python), **self.variables},
                cwd=folder,
            )
        except OSError as error:
            raise MotionLiftError(
                "worker_not_started",
                f"The video engine's Python {self.python} does not start: {error.strerror or error}.",
                "Choose another Python, or set the video engine up again.",
            ) from error
        self._process = process
        assert process.stdout is not None
        assert process.stderr is not None
        listening = threading.Thread(target=self._read_log, args=(process.stderr,), name="worker log", daemon=True)
        reading = threading.Thread(
            target=self._read_events, args=(process, process.stdout, listening), name="worker events", daemon=True
        )
        self._threads = [listening, reading]
        listening.start()
        reading.start()

    def send(
        self,
        op: Operation,
        video: Path,
        output: Path,
        settings: LiftSettings | None = None,
        overwrite: bool = False,
    ) -> str:
        """Start a `lift`, `resolve` or `people` request and return its id. Raises `MotionLiftError` as `start`."""
        self.start()
        request_id = str(next(self._ids))
        with self._lock:
            self._pending.add(request_id)
        # The worker has a working folder of its own.
        paths = (str(video.absolute()), str(output.absolute()))
        self._write(Request(op, request_id, *paths, settings or LiftSettings(), overwrite))
        return request_id

    def prepare(self) -> str:
        """Have the process load what solving needs and return the request's id. Raises `MotionLiftError` as `start`."""
        self.start()
        request_id = str(next(self._ids))
        with self._lock:
            self._pending.add(request_id)
        self._write(Request("prepare", request_id))
        return request_id

    def cancel(self, request_id: str, patience: float | None = None) -> None:
        """Ask the worker to stop a request, which then ends in a `Failure` of code `cancelled`.

        With `patience`, a process that has not stopped it after so many seconds is ended: the `Failure` is then of code
        `worker_died`. A thread sees to that, however busy the caller is.
        """
        self._write(Request("cancel", request_id))
        process = self._process
        if patience is not None and process is not None:
            timer = threading.Timer(patience, self._end_deaf, (request_id, process))
            timer.daemon = True
            timer.start()

    def _end_deaf(self, request_id: str, process: subprocess.Popen[str]) -> None:
        with self._lock:
            deaf = request_id in self._pending
        if deaf:
            log.info("the worker does not stop: it is ended")
            process.kill()

    def poll(self) -> list[Event]:
        """The events that have arrived since the last call, oldest first; does not wait."""
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def wait(
        self, request_id: str, on_progress: Callable[[Progress], None] | None = None, timeout: float | None = None
    ) -> Result:
        """Wait for the end of a request; the events of others on the way are dropped.

        Raises the request's failure as `MotionLiftError`, and `worker_timeout` after `timeout` seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                event = self._events.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise MotionLiftError("worker_timeout", f"No answer from the video engine in {timeout:g} s.") from None
            if isinstance(event, Hello) or event.id not in (request_id, ""):
                continue
            if isinstance(event, Progress):
                if on_progress:
                    on_progress(event)
            elif isinstance(event, Failure):
                raise event.to_error()
            else:
                return event

    def close(self, timeout: float = 5.0) -> None:
        """Ask the process to end, and end it after `timeout` seconds. Running requests are cancelled."""
        process = self._process
        if process is not None:
            self._write(Request("quit"))
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                log.warning("the worker does not end by itself")
                process.kill()
                process.wait()
        self._join()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._join()

    def terminate(self) -> None:
        """End the process without waiting for it: its requests fail as soon as it is gone."""
        if self._process is not None:
            self._process.kill()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=5.0)
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    _close(stream)
        self._threads = []
        self._process = None

    def _write(self, request: Request) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(encode(request) + "\n")
            process.stdin.flush()
        except (OSError, ValueError) as error:
            # The thread that reads its events sees the end too, and reports it for every request.
            log.info("the worker no longer listens: %s", error)

    def _read_log(self, stream: IO[str]) -> None:
        for line in stream:
            self._log.append(line.rstrip())
            log.debug("worker: %s", line.rstrip())

    def _read_events(self, process: subprocess.Popen[str], stream: IO[str], listening: threading.Thread) -> None:
        for line in stream:
            try:
                event = decode_event(line)
            except MotionLiftError as error:
                self._log.append(line.rstrip())
                log.warning("%s", error)
                continue
            if isinstance(event, Hello):
                self._greet(event, process)
                continue
            if not isinstance(event, Progress):
                with self._lock:
                    self._pending.discard(event.id)
            self._events.put(event)
        code = process.wait()
        listening.join(timeout=5.0)
        self._report_death(code)

    def _greet(self, hello: Hello, process: subprocess.Popen[str]) -> None:
        self.hello = hello
        self._events.put(hello)
        if hello.protocol != PROTOCOL_VERSION:
            self._log.append(f"The worker speaks protocol {hello.protocol}, this side {PROTOCOL_VERSION}.")
            process.kill()

    def _report_death(self, code: int) -> None:
        with self._lock:
            pending, self._pending = sorted(self._pending), set()
        for request_id in pending:
            self._events.put(
                Failure(
                    request_id,
                    "worker_died",
                    f"The video engine stopped unexpectedly (exit code {code}).",
                    f"{what_next(code)}\nThe end of its log:\n{self.log_tail()}",
                )
            )


def _close(stream: IO[str]) -> None:
    try:
        stream.close()
    except OSError as error:
        # Closing a pipe flushes it, which fails when the other end is gone.
        log.debug("closing a pipe of the worker: %s", error)
