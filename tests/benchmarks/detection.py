"""What detection adds to decoding and MediaPipe: `python tests/benchmarks/detection.py clip.mp4 [--rounds 3]`.

The baseline is our decoding plus the same Tasks configuration (video mode, the number of poses that detection ended
with) and nothing else. Baseline and detection take turns, so that both see the same machine; the best of each counts,
in seconds on the clock and in seconds of all processors together.
"""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from motionlift.core.detection.landmarker import Landmarker
from motionlift.core.detection.models import pose_model
from motionlift.core.detection.observe import LONGEST_SIDE, observe
from motionlift.core.detection.people import detect
from motionlift.core.detection.tracks import find_tracks
from motionlift.core.jobs import LiftSettings
from motionlift.core.video import FrameReader, probe

log = logging.getLogger("benchmark")


def baseline(path: Path, settings: LiftSettings, poses: int) -> int:
    """Decoding and one landmarker; the number of frames."""
    frames = 0
    with FrameReader(path, max_side=LONGEST_SIDE) as reader, Landmarker(pose_model(settings), poses) as landmarker:
        for frame in reader:
            landmarker(frame.image, frame.time)
            frames += 1
    return frames


def timed(work: Callable[[], int], seconds: list[tuple[float, float]]) -> int:
    """The result of `work`; its time on the clock and on the processors is added to `seconds`."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    seconds.append((time.perf_counter() - wall, time.process_time() - processor))
    return result


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=None, help="as --max-people; found out by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = LiftSettings(cache_dir=folder, use_cache=False, max_people=arguments.people)
        pose_model(settings)
        plain: list[tuple[float, float]] = []
        full: list[tuple[float, float]] = []
        for _ in range(arguments.rounds):
            people = timed(lambda: len(detect(arguments.video, settings).tracks), full)
            poses = arguments.people or people
            frames = timed(functools.partial(baseline, arguments.video, settings, poses), plain)
        seen = observe(arguments.video, settings, pose_model(settings))
        start = time.perf_counter()
        find_tracks(seen, int(seen.shots[0]), probe(arguments.video).size)
        tracking = time.perf_counter() - start
    log.info("%d frames, %d people, baseline with num_poses %d", frames, people, poses)
    for name, column in (("clock", 0), ("processors", 1)):
        before, after = min(p[column] for p in plain), min(f[column] for f in full)
        log.info("%s: baseline %.2f s (%.1f frames/s), detect() %.2f s (%.1f frames/s), ratio %.3f",
                 name, before, frames / before, after, frames / after, after / before)  # fmt: skip
    log.info("of that tracks and sides: %.3f s, %.2f %%", tracking, 100 * tracking / min(f[0] for f in full))


if __name__ == "__main__":
    main()
