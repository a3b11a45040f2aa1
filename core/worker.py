"""The resident worker, `python -m motionlift.core.worker`: loading torch and models costs seconds, a slider must not.

The protocol, version 1 (records in `core/jobs.py`):
- Standard input: one UTF-8 JSON request a line, `{"op": "lift", "id": "1", "video": ..., "output": ...}`.
  `lift`, `resolve`, `people`, `look` and `prepare` run one after the other; `cancel` stops the request of its id,
  waiting or running, at once; `quit` and the end of input cancel everything and end the process.
- Standard output: JSON lines and nothing else. First `{"event": "hello", "protocol": 1, "version": ...}`, then
  events with the request's id: any number of `progress`, at last one `result` or `error`. Descriptor 1 is
  duplicated for the protocol and then pointed at descriptor 2 before anything heavy is imported, so that
  libraries that print cannot break it; descriptor 0 likewise (`own_input`).
- Standard error: the log. An exception nobody foresaw is an `error` of code `internal`, its traceback is logged,
  and the worker lives on.
It leaves after ten idle minutes, and dies with its parent: at the end of input, or when it is adopted.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, Protocol

from .. import __version__
from . import service
from .jobs import (
    Cancelled,
    Event,
    Failure,
    Hello,
    MotionLiftError,
    Progress,
    ProgressCallback,
    Request,
    Result,
    Stage,
    UsageError,
    decode_request,
    encode,
    internal_error,
)
from .own_input import take_input

log = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
PROGRESS_SECONDS = 0.1
"""Progress within a stage is sent at most this often."""
GRACE_SECONDS = 10.0
"""How long a request may take to notice that it is cancelled before the process ends regardless."""


class Handle(Protocol):
    """Carries out a request, as `service.handle` does."""

    def __call__(self, request: Request, progress: ProgressCallback, cancelled: Callable[[], bool]) -> Result: ...


class Worker:
    """Reads requests from `source` in a thread, works on them in the caller's, writes events to `sink`.

    `handle`: who carries them out, `service.handle` unless told.
    """

    def __init__(
        self, source: IO[str], sink: IO[str], idle_seconds: float = IDLE_SECONDS, handle: Handle | None = None
    ) -> None:
        self._source = source
        self._sink = sink
        self._handle = handle or service.handle
        self._idle_seconds = idle_seconds
        self._writing = threading.Lock()
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._cancels: dict[str, threading.Event] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until the end of input, `quit`, or a long time without requests."""
        self._send(Hello(__version__))
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        try:
            # What still waits when the worker is stopped is cancelled by then, and is told so.
            while (request := self._requests.get(timeout=self._idle_seconds)) is not None:
                self._work(request)
        except queue.Empty:
            log.info("leaving after %g idle seconds", self._idle_seconds)

    def stop(self) -> None:
        """Cancel everything and let `run` return."""
        self.stopping.set()
        for cancel in list(self._cancels.values()):
            cancel.set()
        self._requests.put(None)

    def _read(self) -> None:
        try:
            for line in self._source:
                if line.strip():
                    self._take(line)
                if self.stopping.is_set():
                    return
            log.info("end of input")
        finally:
            # Whoever cannot be heard any more is not waited for.
            self.stop()

    def _take(self, line: str) -> None:
        """Accept a request, or answer why not: nothing that can be said ends the listening."""
        try:
            self._accept(decode_request(line))
        except UsageError as error:
            log.warning("refused %s: %s", line.strip()[:200], error)
            self._send(Failure.of(_id_in(line), error))
        except Exception as error:
            log.exception("refused unexpectedly: %s", line.strip()[:200])
            hint = "Please report it with the end of the log."
            self._send(Failure.of(_id_in(line), internal_error(error, hint)))

    def _accept(self, request: Request) -> None:
        if request.op == "quit":
            self.stop()
        elif request.op == "cancel":
            if request.id in self._cancels:
                self._cancels[request.id].set()
            else:
                log.info("nothing to cancel under the id %r", request.id)
        elif request.id in self._cancels:
            raise UsageError("protocol", f"A request of the id {request.id!r} is at work already.", "Use another id.")
        else:
            self._cancels[request.id] = threading.Event()
            self._requests.put(request)

    def _work(self, request: Request) -> None:
        cancel = self._cancels[request.id]
        progress = _Throttle(self._send, request.id)
        event: Event
        try:
            if cancel.is_set():
                raise Cancelled
            event = self._handle(request, progress, cancel.is_set)
        except MotionLiftError as error:
            log.info("%s of %s failed: %s", request.op, request.video, error)
            event = Failure.of(request.id, error)
        except Exception as error:
            log.exception("%s of %s failed unexpectedly", request.op, request.video)
            event = Failure.of(request.id, internal_error(error, "Please report it with the end of the log."))
        del self._cancels[request.id]
        self._send(event)

    def _send(self, event: Event) -> None:
        try:
            with self._writing:
                self._sink.write(encode(event) + "\n")
                self._sink.flush()
        except OSError as error:
            log.warning("nobody listens any more: %s", error)
            self.stop()


class _Throttle:
    """Sends a request's progress, seldom enough: the first and the last of a stage, and some in between."""

    def __init__(self, send: Callable[[Event], None], request_id: str) -> None:
        self._send = send
        self._id = request_id
        self._stage: Stage | None = None
        self._sent = 0.0

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage != self._stage or done == total or now - self._sent >= PROGRESS_SECONDS:
            self._stage, self._sent = stage, now
            self._send(Progress(self._id, stage, done, total))


def _id_in(line: str) -> str:
    """The id of a line that is no proper request, if it has one."""
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(values.get("id", "")) if isinstance(values, dict) else ""


def _watch(worker: Worker, parent: int) -> None:
    """Stop the worker when its parent is gone, and end the process when stopping takes too long."""
    while not worker.stopping.wait(1.0):
        if os.getppid() != parent:
            log.info("the parent process is gone")
            worker.stop()
    time.sleep(GRACE_SECONDS)
    log.warning("still at work %g seconds after the end: leaving", GRACE_SECONDS)
    os._exit(1)


def main(handle: Handle | None = None) -> None:
    """The process: see the module's description. `handle` as in `Worker`."""
    parent = os.getppid()
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    # What a library was asked for that ends the process.
    faulthandler.enable(2, all_threads=False)
    log_format = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=log_format, force=True)
    requests = os.fdopen(take_input(), encoding="utf-8", errors="replace")
    worker = Worker(requests, protocol, handle=handle)
    # Ctrl-C in a terminal reaches the whole group; the parent decides what it means for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stop())
    threading.Thread(target=_watch, args=(worker, parent), name="parent", daemon=True).start()
    worker.run()
    log.info("done")
    logging.shutdown()
    # The thread that reads may be inside a read that nothing ends, and libraries keep threads of their own.
    os._exit(0)


if __name__ == "__main__":
    main()
