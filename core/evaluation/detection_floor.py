"""The floor of a lift's cost, `python -m motionlift.core.evaluation.detection_floor VIDEO POSES`: the video decoded
as for a lift, MediaPipe with so many poses, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from ..detection.landmarker import Landmarker
from ..detection.models import pose_model
from ..detection.observe import LONGEST_SIDE
from ..jobs import LiftSettings
from ..video import FrameReader


def detect_only(path: Path, poses: int) -> int:
    """The number of frames. Errors of the video reader and of the models."""
    frames = 0
    with (
        FrameReader(path, max_side=LONGEST_SIDE) as reader,
        Landmarker(pose_model(LiftSettings()), poses) as landmarker,
    ):
        for frame in reader:
            landmarker(frame.image, frame.time)
            frames += 1
    return frames


if __name__ == "__main__":
    detect_only(Path(sys.argv[1]), int(sys.argv[2]))
