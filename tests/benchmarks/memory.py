"""Memory over the length of a video: `python tests/benchmarks/memory.py clip.mp4 --minutes 1 10 60 [--hands]`.

Long videos are made by repeating a clip, its packets copied (a clip that ends as it begins gives one person; others
jump, and become many). Printed are, for each length: frames; the seconds of processors; the peak of the largest process
and of all together (what they share counted twice). By default only people are found; `--lift` lifts them too;
`--after-detection` lifts what one detection of the clip says, repeated to and fro, which saves most of the time.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from motionlift.core.detection.cache import DetectionCache, cache_key
from motionlift.core.detection.models import hand_model, pose_model
from motionlift.core.detection.observations import Observations
from motionlift.core.detection.people import detect
from motionlift.core.evaluation.processes import run
from motionlift.core.jobs import LiftSettings
from motionlift.core.video import content_hash, probe

log = logging.getLogger("benchmark")

DETECT = """
import sys
from pathlib import Path
from motionlift.core.detection.people import detect
from motionlift.core.jobs import LiftSettings
detect(Path(sys.argv[1]), LiftSettings(use_cache=False, max_people=1, stride=int(sys.argv[2])))
"""


def repeated(clip: Path, times: int, path: Path) -> None:
    """Write `clip`'s video so many times one after the other, without encoding it again."""
    with av.open(str(path), "w") as written:
        stream = None
        for number in range(times):
            with av.open(str(clip)) as read:
                source = read.streams.video[0]
                stream = stream or written.add_stream_from_template(source)
                assert source.duration is not None
                for packet in read.demux(source):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += number * source.duration
                    packet.dts += number * source.duration
                    packet.stream = stream
                    written.mux(packet)


def detection_repeated(clip: Path, times: int, video: Path, settings: LiftSettings) -> None:
    """Keep, as that of `video`, the detection of `clip` so many times, to and fro, in the settings' cache."""
    detect(clip, settings)
    cache = DetectionCache.of(settings)
    model, hands = pose_model(settings), hand_model(settings) if settings.hands else None
    key, long_key = (cache_key(content_hash(path), settings, model, hands=hands) for path in (clip, video))
    once = cache.load(key)
    assert once is not None
    count, begins = len(once.times), np.arange(times)[:, None]
    seconds = float(once.times[-1] - once.times[0]) * count / (count - 1)

    def again(values: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([values[:: -1 if number % 2 else 1] for number in range(times)])

    frames = np.where(begins % 2, count - 1 - once.frames[::-1], once.frames)
    cache.store(
        long_key,
        Observations(
            (once.times + seconds * begins).ravel(),
            again(once.shots),
            again(once.looked),
            (frames + count * begins).ravel(),
            again(once.landmarks),
            again(once.world),
            again(once.colours),
            again(once.drift),
            hand_points=again(once.hand_points),
            hand_left=again(once.hand_left),
            backwards=again(once.backwards),
        ),
    )


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--hands", action="store_true")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--lift", action="store_true", help="a whole lift; else people are found only")
    what.add_argument("--after-detection", action="store_true", help="a lift of one detection, repeated")
    arguments = parser.parse_args()
    info = probe(arguments.video)
    assert info.duration is not None
    for minutes in arguments.minutes:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder, "long.mp4")
            times = max(1, round(60 * minutes / info.duration))
            repeated(arguments.video, times, video)
            stride = str(arguments.stride)
            output = ["-o", str(Path(folder, "take.bvh")), "--max-people", "1", "--stride", stride]
            command = ["-m", "motionlift", "lift", str(video), *output, "--jobs", str(arguments.jobs)]
            if arguments.after_detection:
                settings = LiftSettings(cache_dir=folder, max_people=1, stride=arguments.stride, hands=arguments.hands)
                detection_repeated(arguments.video, times, video, settings)
                command += ["--from-cache", "--cache-dir", folder]
            else:
                command += ["--no-cache"]
            if arguments.hands:
                command += ["--hands"]
            if not arguments.lift and not arguments.after_detection:
                command = ["-c", DETECT, str(video), stride]
            cost = run([sys.executable, *command], {"MOTIONLIFT_PROCESSES": str(arguments.jobs)})
            log.info(
                "%5.1f minutes, %s, %dx%d, stride %s: %.0f s of processors, largest process %.0f MB, together %.0f MB",
                minutes, probe(video).frame_count, *info.size, stride, cost.processors, cost.largest_mb, cost.peak_mb,
            )  # fmt: skip


if __name__ == "__main__":
    main()
