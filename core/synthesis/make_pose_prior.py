"""Fits the pose prior of the solve to recorded people:

    python -m motionlift.core.synthesis.make_pose_prior --data FOLDER_OF_BVH

writes core/solving/pose_prior.json, from the people of the training part alone.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..files import written_beside
from ..jobs import MotionLiftError
from ..rotation import Array, forward_kinematics
from ..skeleton import ANIMATION_21, reference_rest
from ..solving import pose_prior
from ..solving.body import matrices
from .captured import perform_bvh
from .measuring import recordings_of

log = logging.getLogger(__name__)

RATE = 5.0
LONGEST_S = 12.0
"""Seconds of a recording that count, so that long ones do not outweigh the others."""
UPRIGHT = 0.5
"""The vertical's share along the trunk below which somebody lies."""


def features_of(recordings: Sequence[Path]) -> Array:
    """Features (N, 62) of the poses in recordings; those that cannot be performed are left out, and named."""
    found = []
    for path in recordings:
        try:
            local = perform_bvh(path, RATE).local_rotations[: round(LONGEST_S * RATE)]
        except MotionLiftError as error:
            log.info("%s is left out: %s", path.name, error)
            continue
        root = np.zeros((len(local), 3))
        world = forward_kinematics(ANIMATION_21.parents, reference_rest()[0], root, local)[1]
        rotations = matrices(world)
        upright = rotations[2, 2, :, 0] > UPRIGHT
        features = pose_prior.pose_features(rotations, torch.tensor([0.0, 0.0, 1.0]))
        found.append(features[upright].double().numpy())
    return np.concatenate(found)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 for an error that was shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of BVH files")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(pose_prior.__file__).with_name("pose_prior.json"),
        help="the file, replaced",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        features = features_of(recordings_of(chosen.data, "train"))
        with written_beside(chosen.output) as path:
            path.write_text(pose_prior.PoseStatistics.of(features).text(), encoding="utf-8")
    except MotionLiftError as error:
        log.error("%s", error)
        return 1
    log.info("%s: %d poses", chosen.output, len(features))
    return 0


if __name__ == "__main__":
    sys.exit(main())
