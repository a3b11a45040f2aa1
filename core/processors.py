"""How many processors this process may keep busy: several side by side must not want more than there are.

Standard library only: it is asked before anything heavy is loaded.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

SHARE_VARIABLE = "MOTIONLIFT_THREADS"
"""The environment variable by which a process is told its share."""
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


def environment(share: int) -> dict[str, str]:
    """The variables that give a process and the libraries in it a share of the processors."""
    return dict.fromkeys((SHARE_VARIABLE, *_LIBRARIES), str(share))


def free_memory() -> int | None:
    """Bytes of memory that can be had now, None where nobody tells (elsewhere than Linux)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
