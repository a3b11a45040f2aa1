"""What several processes gain: `python tests/benchmarks/batch.py clip.mp4 [--clips 6] [--jobs 1 2] [--rounds 2]`.

The same number of copies of one clip is lifted with each number of processes in turn, caches off, everything from
starting the command to its end. Printed are, by number of processes, the medians: seconds on the clock, clips an hour
and their ratio to those of the first number (taken within each round); seconds of all processors a clip, and how many
processors were busy; the peak of the memory a worker (a lift is two processes; what they share is counted twice).
Other work on the machine spoils it: the load before each run is printed too.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from motionlift.core.evaluation.processes import Cost, run

log = logging.getLogger("benchmark")


def measure(videos: Path, folder: Path, jobs: int) -> Cost:
    """The cost of lifting all clips of a folder, into one that is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "motionlift", "lift", str(videos), "-o", str(folder)]
    return run([*command, "--format", "bvh,motion", "--jobs", str(jobs), "--no-cache"])


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    costs: dict[int, list[Cost]] = {jobs: [] for jobs in arguments.jobs}
    with tempfile.TemporaryDirectory() as folder:
        videos = Path(folder, "videos")
        videos.mkdir()
        for number in range(arguments.clips):
            shutil.copy(arguments.video, videos / f"clip{number:03}{arguments.video.suffix}")
        for number in range(arguments.rounds):
            for jobs in costs if number % 2 == 0 else reversed(costs):
                load = os.getloadavg()[0]
                cost = measure(videos, Path(folder, "out"), jobs)
                costs[jobs].append(cost)
                log.info("round %d, %2d jobs: %6.1f s, load before %.2f", number + 1, jobs, cost.clock, load)
    first = costs[arguments.jobs[0]]
    log.info(
        "%4s %9s %12s %6s %12s %10s %13s", "jobs", "clock", "clips/hour", "ratio", "CPU s/clip", "busy", "MB a worker"
    )
    for jobs, found in costs.items():
        log.info(
            "%4d %7.1f s %12.0f %6.2f %12.2f %10.2f %13.0f",
            jobs,
            median(cost.clock for cost in found),
            3600 * arguments.clips / median(cost.clock for cost in found),
            median(one.clock / cost.clock for one, cost in zip(first, found, strict=True)),
            median(cost.processors for cost in found) / arguments.clips,
            median(cost.processors / cost.clock for cost in found),
            median(cost.peak_mb for cost in found) / jobs,
        )


if __name__ == "__main__":
    main()
