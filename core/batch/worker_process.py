"""A worker process from the side of the batch: started when there is work, asked for one clip at a time.

It speaks the protocol of `core/worker.py`. What it logs goes to a file, whose end tells why it died.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ... import __version__
from ..bvh import BvhOptions
from ..child import python_path
from ..jobs import PROTOCOL_VERSION, Failure, Hello, MotionLiftError, Progress, Request, Result, decode_event, encode
from ..processors import environment

log = logging.getLogger(__name__)

LOG_BYTES = 2000
"""Of the log's end that are told when the process dies."""
_OWN_GROUP = int(getattr(subprocess, "CREATE_NO_WINDOW", 0)) | int(getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0))
GRACE_SECONDS = 3.0
"""How long a worker may take to notice that it is to end."""


def lifting_arguments(suffixes: Sequence[str], options: BvhOptions) -> tuple[str, ...]:
    """The arguments of the Python that is a worker process: see `commands/batch_worker.py`."""
    package = __name__.partition(".")[0]
    bvh = json.dumps(dataclasses.asdict(options))
    return ("-m", package, "batch-worker", "--suffixes", json.dumps(list(suffixes)), "--bvh", bvh)


class WorkerProcess:
    """Runs `command`, with `threads` processors to itself and `variables` in its environment; `log_path` is written
    anew with each start.

    `work_on` belongs to one thread; `stop` may be called by any.
    """

    def __init__(
        self, command: Sequence[str], threads: int, log_path: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._threads = threads
        self._log_path = log_path
        self._variables = dict(variables or {})
        self._process: subprocess.Popen[str] | None = None
        self._changing = threading.Lock()
        self._stopped = False
        self.greeted = False
        self.lost = False
        """It can be started again."""

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped

    def work_on(self, request: Request, on_progress: Callable[[Progress], None]) -> Result:
        """Have a request carried out. Raises its failure as `MotionLiftError`; `worker_died` when the process ended
        without an answer, `worker_not_started`, and `worker_version` when it is of another version."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        # That nobody reads it is told by the end of the events.
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write(encode(request) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            try:
                event = decode_event(line)
            except MotionLiftError as error:
                log.warning("%s", error)
                continue
            if isinstance(event, Hello):
                self._greet(event)
            elif event.id != request.id:
                log.info("an answer to another request: %s", line.rstrip()[:200])
            elif isinstance(event, Progress):
                on_progress(event)
            elif isinstance(event, Failure):
                raise event.to_error()
            else:
                return event
        raise self._death(process.wait())

    def stop(self) -> None:
        """Cancel what it does and end it; it is not started again. Does not wait."""
        with self._changing:
            self._stopped = True
            process = self._process
            if process is None or process.poll() is not None:
                return
            # The end of its input cancels everything.
            with contextlib.suppress(OSError, ValueError):
                assert process.stdin is not None
                process.stdin.write(encode(Request("quit")) + "\n")
                process.stdin.flush()

    def finish(self, grace_s: float = GRACE_SECONDS) -> None:
        """Wait for the end of a stopped process, and end it after `grace_s`."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            log.info("worker %d does not end by itself", process.pid)
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[str]:
        with self._changing:
            if self._stopped:
                raise MotionLiftError("cancelled", "Cancelled.")
            if self._process is None or self._process.poll() is not None:
                self._process = self._started()
            return self._process

    def _started(self) -> subprocess.Popen[str]:
        try:
            with self._log_path.open("wb") as written:
                return subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=written,
                    env={
                        **os.environ,
                        **environment(self._threads),
                        **self._variables,
                        "PYTHONUTF8": "1",
                        **python_path(),
                    },
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    # Ctrl-C in a terminal reaches the whole group, also a process that is not ready to ignore it.
                    process_group=None if os.name == "nt" else 0,
                    creationflags=_OWN_GROUP,
                )
        except OSError as error:
            raise MotionLiftError(
                "worker_not_started",
                f"A worker process cannot be started: {error.strerror or error}.",
                "Check free memory and disk space, or use fewer --jobs.",
            ) from error

    def _greet(self, hello: Hello) -> None:
        if (hello.protocol, hello.version) != (PROTOCOL_VERSION, __version__):
            raise MotionLiftError(
                "worker_version",
                f"A worker is of version {hello.version}, this is {__version__}.",
                "MotionLift was replaced during the run: start the same command again.",
            )
        self.greeted = True

    def _death(self, code: int) -> MotionLiftError:
        with contextlib.suppress(OSError):
            end = self._log_path.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace").strip()
            log.info("a worker ended with %d; its log's end:\n%s", code, end)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return MotionLiftError(
            "worker_died",
            f"The process that worked on it {how}.",
            f"If memory ran out, use fewer --jobs. Its log is {self._log_path}.",
        )
