"""What a command costs, with all processes that it starts."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.02
"""How often processors and memory are looked at."""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock; seconds of processors; resident memory in MB at its highest: of all processes together
    (what they share counted twice) and of the largest one. NaN but for the clock where the system tells nothing of the
    kind (elsewhere than Linux)."""

    clock: float
    processors: float
    peak_mb: float
    largest_mb: float


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """The cost of a command, whose output is thrown away. Raises `CalledProcessError` when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=None if environment is None else {**os.environ, **environment},
    )
    seconds: dict[int, float] = {}
    peak = largest = 0.0
    try:
        while process.poll() is None:
            family = list(_session(process.pid))
            peak = max(peak, sum(megabytes for _, _, megabytes in family))
            largest = max([largest, *(megabytes for _, _, megabytes in family)])
            seconds.update({pid: used for pid, used, _ in family})
            time.sleep(SAMPLE_SECONDS)
    except BaseException:
        process.terminate()
        raise
    clock = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    if not seconds:
        return Cost(clock, math.nan, math.nan, math.nan)
    return Cost(clock, sum(seconds.values()), peak, largest)


def _session(leader: int) -> Iterator[tuple[int, float, float]]:
    """(pid, seconds of processors, resident MB) of each process of a session (proc(5)). A worker in a process group of
    its own still belongs to it."""
    if not Path("/proc/self/statm").exists():
        return
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.getsid(int(entry.name)) == leader:
                fields = Path(entry, "stat").read_text().rpartition(")")[2].split()
                resident = int(Path(entry, "statm").read_text().split()[1])
                yield int(entry.name), (int(fields[11]) + int(fields[12])) / tick, resident * page / 2**20
