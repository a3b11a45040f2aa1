"""Films random people and keeps what MediaPipe makes of them beside the truth:

    python -m motionlift.core.synthesis.make_pairs --data FOLDER_OF_BVH -o pairs.npz --minutes 30

Run again, with more --clips or --minutes, to add films. `motionlift train --pairs` learns from them, `motionlift
evaluate pairs` measures weights on them; for that, film the people of another --part.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ..detection.models import pose_model
from ..jobs import LiftSettings, MotionLiftError
from ..training.mocap import PARTS
from ..training.pairs import Pairs
from .measuring import measure, recordings_of

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 for an error that was shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder of BVH files")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the pairs (.npz), added to if it exists")
    parser.add_argument("--part", choices=PARTS, default="train", help="whose motions are performed")
    parser.add_argument("--minutes", type=float, default=30.0, help="wall-clock time of this session")
    parser.add_argument("--clips", type=int, default=100_000, help="films in all")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a film, at most")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)

    def report(pairs: Pairs) -> None:
        if len(pairs) % 10 == 0:
            log.info("%d films, %d frames", len(pairs), pairs.frames)

    try:
        recordings = recordings_of(chosen.data, chosen.part)
        pairs = measure(
            recordings, chosen.output, pose_model(LiftSettings()), chosen.clips, chosen.minutes, chosen.seconds,
            chosen.seed, report,
        )  # fmt: skip
    except MotionLiftError as error:
        log.error("%s", error)
        return 1
    log.info("%s: %d films, %d frames", chosen.output, len(pairs), pairs.frames)
    return 0


if __name__ == "__main__":
    sys.exit(main())
