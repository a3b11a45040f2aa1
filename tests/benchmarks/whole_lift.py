"""A whole lift against its floor, as processes: `python tests/benchmarks/whole_lift.py clip.mp4 [--rounds 3]`.

The floor is our decoding and MediaPipe with the same settings and number of poses, and nothing else; `motionlift lift`
adds tracking, lifting, solving and writing. Both take turns, each in a fresh process, caches off. Printed are the
medians: seconds on the clock, seconds of all processors together, peak of the memory, and the ratio pair by pair. A
lift is two processes; their memory is added up, sampled (what they share is counted twice).
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from statistics import median

from motionlift.core.evaluation.processes import run

log = logging.getLogger("benchmark")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=1, help="poses that detection ends with on this clip")
    arguments = parser.parse_args()
    video, people = str(arguments.video), str(arguments.people)
    floor, full = [], []
    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder, "take.bvh"))
        for _ in range(arguments.rounds):
            floor.append(run([sys.executable, "-m", "motionlift.core.evaluation.detection_floor", video, people]))
            full.append(
                run([sys.executable, "-m", "motionlift", "lift", video, "-o", output, "--no-cache", "--overwrite"])
            )
    for name in ("clock", "processors", "peak_mb"):
        before, after = ([getattr(cost, name) for cost in costs] for costs in (floor, full))
        ratio = median(b / a for a, b in zip(before, after, strict=True))
        log.info("%-10s floor %7.2f, lift %7.2f, ratio %.3f", name, median(before), median(after), ratio)


if __name__ == "__main__":
    main()
