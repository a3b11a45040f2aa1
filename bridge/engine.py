"""Whether a Python has the video engine: its worker is started and says hello."""

from __future__ import annotations

import time
from pathlib import Path

from ..core.jobs import PROTOCOL_VERSION, Hello, MotionLiftError
from .worker_client import WorkerClient

PATIENCE_SECONDS = 30.0
"""A Python on a cold disk takes seconds to start; torch and MediaPipe are not loaded for a hello."""
_POLL_SECONDS = 0.02


def greet_engine(python: Path, folder: Path, patience: float = PATIENCE_SECONDS) -> Hello:
    """The hello of the worker that `python` runs, which is ended again. `folder`: see `WorkerClient`.

    Raises `MotionLiftError`: `worker_not_started` for what is no program, `worker_died` for a Python that cannot run
    the worker (with the end of its log), `worker_timeout` for one that says nothing in `patience` seconds.
    """
    client = WorkerClient(python, folder)
    end = time.monotonic() + patience
    try:
        client.start()
        while client.alive and client.hello is None and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        # Whoever says hello in another protocol is still alive here, for a moment.
        silent = client.alive and client.hello is None
    finally:
        # Either returns when all that the process wrote is read.
        (client.close if client.hello else client.kill)()
    if client.hello is not None and client.hello.protocol == PROTOCOL_VERSION:
        return client.hello
    if silent:
        raise MotionLiftError(
            "worker_timeout", f"{python} said nothing in {patience:g} s.", "Choose the Python of the video engine."
        )
    raise MotionLiftError(
        "worker_died",
        f"{python} does not run the video engine.",
        f"Choose the Python in which MotionLift is installed. The end of its log:\n{client.log_tail()}",
    )
