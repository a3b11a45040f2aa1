"""A process that detects chunks of a clip, `python -m motionlift.core.detection.detector`, and the side that asks.

Between the two run pickled tuples over pipes that nobody else holds: the arguments of `observe`, answered by any number
of ("progress", frames looked at) and one ("result", observations) or ("error", exception). It goes when its input ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..jobs import LiftSettings, MotionLiftError, Stage, internal_error, missing_part
from ..processors import environment
from .models import HandModel, PoseModel
from .observe import Observations, Part, observe

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.1
LEAVE_SECONDS = 5.0


class DetectorProcess:
    """One that runs. `observe` belongs to one thread; `stop` may be called by any."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                **environment(1),
                "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            },
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def observe(
        self,
        path: Path,
        settings: LiftSettings,
        model: PoseModel,
        hands: HandModel | None,
        part: Part,
        progress: Callable[[int], None],
    ) -> Observations:
        """As `observe.observe`; `progress` is told the frames looked at so far.

        Raises `MotionLiftError` (`detector_stopped`) where the process ended without an answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # That nobody reads it is told by the end of the answers.
        with contextlib.suppress(OSError):
            pickle.dump((path, settings, model, hands, part), self._process.stdin)
            self._process.stdin.flush()
        while True:
            try:
                kind, value = pickle.load(self._process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError) as error:
                raise _stopped(self._process.wait()) from error
            if kind == "progress":
                progress(value)
            elif kind == "error":
                raise value
            else:
                found: Observations = value
                return found

    def stop(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait(LEAVE_SECONDS)


def _stopped(code: int) -> MotionLiftError:
    return MotionLiftError(
        "detector_stopped",
        f"A process that looks for people ended unexpectedly (exit code {code}).",
        "If memory ran out, close other programs, or use fewer --jobs.",
    )


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """The process, from the inside: request after request, until they end, at which it leaves at once."""
    waiting: queue.SimpleQueue[tuple[Path, LiftSettings, PoseModel, HandModel | None, Part]] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                waiting.put(pickle.load(requests))
        os._exit(0)

    told = 0.0

    def progress(stage: Stage, done: int, total: int | None) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            _send(answers, "progress", done)

    threading.Thread(target=read, name="requests", daemon=True).start()
    while True:
        path, settings, model, hands, part = waiting.get()
        try:
            _send(answers, "result", observe(path, settings, model, progress, hands=hands, part=part))
        except MotionLiftError as error:
            _send(answers, "error", error)
        except ImportError as error:
            _send(answers, "error", missing_part(error))
        except Exception as error:
            log.debug("a chunk failed", exc_info=True)
            _send(answers, "error", internal_error(error, "Please report it."))


def _send(answers: BinaryIO, kind: str, value: object) -> None:
    answers.write(pickle.dumps((kind, value)))
    answers.flush()


def main() -> None:
    """The process."""
    answers = os.fdopen(os.dup(1), "wb")
    # Libraries that print must not break the protocol.
    os.dup2(2, 1)
    # What a reader warns of comes back with the observations.
    logging.disable(logging.WARNING)
    # Ctrl-C in a terminal reaches the whole group; the parent decides what it means for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        serve(os.fdopen(0, "rb", closefd=False), answers)


if __name__ == "__main__":
    main()
