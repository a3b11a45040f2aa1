"""Measures how far bones are off that a network lifts from what MediaPipe makes of films:

    python -m motionlift.core.evaluation.bone_errors pairs.npz

writes core/solving/bone_errors.json. The pairs are those of `make_pairs --part test`: people the network never trained
on.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..files import written_beside
from ..jobs import MotionLiftError
from ..lifting.checkpoint import default_weights, load_weights
from ..lifting.inference import lift_keypoints
from ..lifting.network import DGNet
from ..reconstruction import OVERLAP
from ..rotation import Array
from ..skeleton import BODY_26
from ..solving import bone_errors
from ..training.pairs import PairClip, load_pairs

log = logging.getLogger(__name__)


def differences_of(clips: Iterable[PairClip], network: DGNet) -> Array:
    """`unit_bones` lifted less those that are true (N, 26, 3), of all frames in which somebody was detected."""
    found = [np.zeros((0, len(BODY_26), 3))]
    for clip in clips:
        seen = clip.keypoints.detected & np.isfinite(clip.joints_camera).all((1, 2))
        if seen.any():
            lifted = lift_keypoints(clip.keypoints, clip.camera_K, network, overlap=OVERLAP)
            lifted, true = (bone_errors.unit_bones(points[seen]) for points in (lifted, clip.joints_camera))
            found.append(lifted - true)
    return np.concatenate(found)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 for an error that was shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--weights", type=Path, default=default_weights(), help="the network's")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(bone_errors.__file__).with_suffix(".json"), help="the file, replaced"
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        network = load_weights(chosen.weights).folded()
        differences = differences_of(load_pairs(chosen.pairs), network)
        if not len(differences):
            raise MotionLiftError("bad_pairs", f"Nobody was detected in {chosen.pairs}.", "Film others.")
        with written_beside(chosen.output) as path:
            path.write_text(bone_errors.BoneErrors.of(differences).text(), encoding="utf-8")
    except MotionLiftError as error:
        log.error("%s", error)
        return 1
    log.info("%s: %d frames", chosen.output, len(differences))
    return 0


if __name__ == "__main__":
    sys.exit(main())
