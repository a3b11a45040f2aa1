"""Memory over the length of a video: `python tests/benchmarks/memory.py clip.mp4 --minutes 1 10 60 [--stride 4]`.

Long videos are made by repeating a clip, its packets copied (a clip that ends as it begins gives one person; others
jump, and become many). Printed are, for each length: frames; the seconds of processors; the peak of the largest process
and of all together (what they share counted twice). By default only people are found; `--lift` lifts them too.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import av

from motionlift.core.evaluation.processes import run
from motionlift.core.video import probe

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


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--lift", action="store_true", help="a whole lift; else people are found only")
    arguments = parser.parse_args()
    info = probe(arguments.video)
    assert info.duration is not None
    for minutes in arguments.minutes:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder, "long.mp4")
            repeated(arguments.video, max(1, round(60 * minutes / info.duration)), video)
            stride = str(arguments.stride)
            output = ["-o", str(Path(folder, "take.bvh")), "--no-cache", "--max-people", "1", "--stride", stride]
            command = ["-m", "motionlift", "lift", str(video), *output, "--jobs", str(arguments.jobs)]
            if not arguments.lift:
                command = ["-c", DETECT, str(video), stride]
            cost = run([sys.executable, *command], {"MOTIONLIFT_PROCESSES": str(arguments.jobs)})
            log.info(
                "%5.1f minutes, %s, %dx%d, stride %s: %.0f s of processors, largest process %.0f MB, together %.0f MB",
                minutes, probe(video).frame_count, *info.size, stride, cost.processors, cost.largest_mb, cost.peak_mb,
            )  # fmt: skip


if __name__ == "__main__":
    main()
