"""The process that owns the device for all workers of a batch, from the side of the batch: started, started again when
it ends, ended with the batch. See `lifting/owner.py`; torch is not needed here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from importlib import metadata
from pathlib import Path

from ..child import python_path
from ..files import remove_patiently
from ..lifting import owner_address

log = logging.getLogger(__name__)

SOON_SECONDS = 20.0
"""Who ends sooner after the start has not come far."""
MOST_SOON = 3
"""After so many of these in a row, every worker lifts with what it has."""
LEAVE_SECONDS = 3.0


def worth_owning(device: str, jobs: int) -> bool:
    """Whether there may be a device (as in the settings) that several processes had better not all use: found out by
    the owner, but for what is certain without loading torch."""
    if jobs < 2 or device == "cpu":
        return False
    try:
        return not metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


class DeviceOwner:
    """The process, while the block lasts: `variables` tell workers of it. Its log goes to `log_path`."""

    def __init__(self, device: str, log_path: Path) -> None:
        self._device, self._log_path = device, log_path
        self._folder = owner_address.make()
        self._changing = threading.Lock()
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._follow, name="motionlift-owner", daemon=True)

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of those that are to ask it."""
        return {owner_address.VARIABLE: str(self._folder)}

    @property
    def pid(self) -> int | None:
        """Its number while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def __enter__(self) -> DeviceOwner:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._stopping = True
            process = self._process
        if process is not None:
            # Its input ends: it goes.
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join()

    def _follow(self) -> None:
        soon = 0
        try:
            while soon < MOST_SOON:
                began = time.monotonic()
                with self._changing:
                    if self._stopping:
                        return
                    process = self._process = self._started()
                code = process.wait()
                if self._stopping:
                    return
                if code == owner_address.NO_DEVICE:
                    log.info("no device is there for one process to own")
                    return
                soon = soon + 1 if time.monotonic() - began < SOON_SECONDS else 0
                log.warning("The process that lifts on the GPU for all others ended (exit code %d).", code)
            log.warning("Every process lifts for itself now. What went wrong is told in %s", self._log_path)
        except OSError as error:
            log.warning("No process can be started to own the device: %s", error)
        finally:
            # From now on nobody waits for it. Those who do are looking into it again and again.
            with contextlib.suppress(OSError):
                remove_patiently(self._folder)

    def _started(self) -> subprocess.Popen[bytes]:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as written:
            return subprocess.Popen(
                [sys.executable, "-m", f"{_ROOT}.core.lifting.owner", str(self._folder), self._device],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=written,
                env={**os.environ, **python_path()},
                # Ctrl-C in a terminal reaches the whole group.
                process_group=None if os.name == "nt" else 0,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )


_ROOT = __name__.partition(".")[0]
