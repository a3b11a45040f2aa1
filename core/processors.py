"""How many processors this process may keep busy: several side by side must not want more than there are.

Standard library only: it is asked before anything heavy is loaded.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

SHARE_VARIABLE = "MOTIONLIFT_THREADS"
"""The environment variable by which a process is told its share."""
PROCESSES_VARIABLE = "MOTIONLIFT_PROCESSES"
"""That by which it is told into how many processes it may divide the work on one clip."""
_LIBRARIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""Those by which libraries are told."""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available() -> int:
    """The processors that this process may use: by its affinity, and by its container's quota (cgroup v2)."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    # "max 100000" where there is no limit.
    with contextlib.suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text().split()
        count = min(count, max(1, int(quota) // int(period)))
    return count


def told() -> int | None:
    """The share that this process was told, None where nobody did."""
    with contextlib.suppress(KeyError, ValueError):
        return max(1, int(os.environ[SHARE_VARIABLE]))
    return None


def share() -> int:
    """The threads that this process should compute with: what it was told, else one a processor."""
    return told() or available()


def processes() -> int:
    """Into how many processes this one may divide the work on one clip: what it was told, else its share."""
    with contextlib.suppress(KeyError, ValueError):
        return max(1, int(os.environ[PROCESSES_VARIABLE]))
    return share()


def allow_processes(count: int) -> None:
    """From now on, this process may divide its work into `count`."""
    os.environ[PROCESSES_VARIABLE] = str(count)


def room(process_bytes: int) -> int:
    """How many processes of so much memory there is room for now, one at least."""
    memory = free_memory()
    return sys.maxsize if memory is None else max(1, memory // process_bytes)


def environment(share: int) -> dict[str, str]:
    """The variables that give a process and the libraries in it a share of the processors."""
    return dict.fromkeys((SHARE_VARIABLE, *_LIBRARIES), str(share)) | {PROCESSES_VARIABLE: "1"}


def one_thread_each() -> dict[str, str]:
    """The variables by which libraries start no threads of their own, in a process that divides its work itself: what
    they wait for one another costs as much as the work, where others use the processors."""
    return dict.fromkeys(_LIBRARIES, "1")


def free_memory() -> int | None:
    """Bytes of memory that can be had now, None where nobody tells."""
    if sys.platform == "win32":
        return _free_on_windows()
    if sys.platform == "darwin":
        # What others hold and do not use it compresses: how much could be had it tells nobody.
        physical = physical_memory()
        return physical and physical // 2
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def physical_memory() -> int | None:
    """Bytes of memory that this machine has, None where nobody tells (on Windows)."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


if sys.platform == "win32":
    import ctypes

    class _MemoryStatus(ctypes.Structure):
        """MEMORYSTATUSEX."""

        _fields_ = (
            *((name, ctypes.c_uint32) for name in ("length", "load")),
            *((name, ctypes.c_uint64) for name in ("physical", "available", "pages", "free_pages")),
            *((name, ctypes.c_uint64) for name in ("virtual", "free_virtual", "free_extended")),
        )

    def _free_on_windows() -> int | None:
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None
        return int(status.available)
