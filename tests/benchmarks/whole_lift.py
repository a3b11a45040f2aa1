"""A whole lift against its floor, as processes: `python tests/benchmarks/whole_lift.py clip.mp4 [--rounds 3]`.

The floor is our decoding and MediaPipe with the same settings and number of poses, and nothing else; `motionlift lift`
adds tracking, lifting, solving and writing. Both take turns, each in a fresh process, caches off. Printed are the
medians: seconds on the clock, seconds of all processors together, peak of the memory, and the ratio pair by pair. A
lift is two processes; their memory is added up, sampled (what they share is counted twice).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

log = logging.getLogger("benchmark")

SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds by the clock, seconds of processors, peak resident memory in MB."""

    clock: float
    processors: float
    peak_mb: float


def run(command: list[str]) -> Cost:
    """The cost of a command and of all processes that it starts. Raises `CalledProcessError` when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    seconds: dict[int, float] = {}
    peak = 0.0
    while process.poll() is None:
        family = list(_session(process.pid))
        peak = max(peak, sum(megabytes for _, _, megabytes in family))
        seconds.update({pid: used for pid, used, _ in family})
        time.sleep(SAMPLE_SECONDS)
    clock = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(clock, sum(seconds.values()), peak)


def _session(leader: int) -> Iterator[tuple[int, float, float]]:
    """(pid, seconds of processors, resident MB) of each process of a session (proc(5))."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.getsid(int(entry.name)) == leader:
                fields = Path(entry, "stat").read_text().rpartition(")")[2].split()
                resident = int(Path(entry, "statm").read_text().split()[1])
                yield int(entry.name), (int(fields[11]) + int(fields[12])) / tick, resident * page / 2**20


def detect_only(path: Path, poses: int) -> None:
    """The floor itself, in this process."""
    from motionlift.core.detection.landmarker import Landmarker
    from motionlift.core.detection.models import pose_model
    from motionlift.core.detection.observe import LONGEST_SIDE
    from motionlift.core.jobs import LiftSettings
    from motionlift.core.video import FrameReader

    with (
        FrameReader(path, max_side=LONGEST_SIDE) as reader,
        Landmarker(pose_model(LiftSettings()), poses) as landmarker,
    ):
        for frame in reader:
            landmarker(frame.image, frame.time)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=1, help="poses that detection ends with on this clip")
    parser.add_argument("--floor", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.floor:
        detect_only(arguments.video, arguments.people)
        return
    video, people = str(arguments.video), str(arguments.people)
    floor, full = [], []
    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder, "take.bvh"))
        for _ in range(arguments.rounds):
            floor.append(run([sys.executable, __file__, video, "--people", people, "--floor"]))
            full.append(
                run([sys.executable, "-m", "motionlift", "lift", video, "-o", output, "--no-cache", "--overwrite"])
            )
    for name in ("clock", "processors", "peak_mb"):
        before, after = ([getattr(cost, name) for cost in costs] for costs in (floor, full))
        ratio = median(b / a for a, b in zip(before, after, strict=True))
        log.info("%-10s floor %7.2f, lift %7.2f, ratio %.3f", name, median(before), median(after), ratio)


if __name__ == "__main__":
    main()
