"""How processes of ours are started beside Blender: without a window of their own, and so that Blender comes first."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

END_SECONDS = 5.0
NICENESS = 2
"""Beside a process of the usual 0 one gets two thirds of what that gets, where both want the same processor."""


def started(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """`subprocess.Popen` with these options and text in UTF-8, a little behind Blender; on Windows without a console.

    What the process starts stands behind too. Windows itself puts the program first that is in front, and starves what
    has a lower priority than others. Raises `OSError`.
    """
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    process = subprocess.Popen(
        command, text=True, encoding="utf-8", errors="replace", creationflags=flags, **options
    )  # fmt: skip
    if sys.platform != "win32":
        # Where that is not allowed, or it has ended already, it is no worse than before.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    return process


def apart() -> dict[str, Any]:
    """Options of `Popen` for a process that `end_with_children` shall be able to end."""
    return {} if sys.platform == "win32" else {"start_new_session": True}


def end_with_children(process: subprocess.Popen[str]) -> None:
    """End a process that was started with the options `apart()`, and what it has started: pip and venv work in
    processes of their own, which would go on and keep the pipes open."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(process.pid)],
                check=False, capture_output=True, timeout=END_SECONDS, creationflags=subprocess.CREATE_NO_WINDOW,
            )  # fmt: skip
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
