"""Make the sample clip and its truth again: `python -m motionlift.core.synthesis.make_sample -o CLIP.mp4`.

A figure 1.70 m tall walks in across the room and towards the camera, turns to it, waves, squats and walks off.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from ..camera import intrinsics
from ..files import check_output
from ..jobs import MotionLiftError, UsageError
from ..motion import SUFFIX, Motion
from ..skeleton import REFERENCE_HEIGHT, reference_rest
from .film import film, write_clip
from .footsteps import FootstepPlan
from .performance import Performance, Squat, Wave, perform
from .renderer import render_clip

log = logging.getLogger(__name__)

FPS = 30
SIZE = (854, 480)
SECONDS = 10.0


def truth_path(clip: Path) -> Path:
    """The truth file beside a clip: `walk.truth.motion.npz` for `walk.mp4`."""
    return clip.with_name(clip.stem + ".truth" + SUFFIX)


def walk_wave_squat() -> Performance:
    """The sample's performance: 300 frames at 30 a second; the camera is meant to stand at (0, 0)."""
    plan = FootstepPlan.stand(-1.55, 6.15, np.radians(44))
    plan.pause(0.15)
    side = plan.walk(4, 0.52)
    side = plan.walk(2, 0.20, turn=np.radians(-44), first=side)
    plan.step(side, 0.0)
    arrived = plan.time
    wave = Wave(arrived - 0.35, arrived + 2.05)
    squat = Squat(arrived + 1.9, arrived + 3.7)
    plan.pause(3.55)
    side = plan.walk(2, 0.22, turn=np.radians(84), first="left")
    plan.walk(4, 0.50, first=side)
    return perform(plan.prints, (wave, squat), np.arange(round(SECONDS * FPS)) / FPS, reference_rest(REFERENCE_HEIGHT))


def sample_truth() -> Motion:
    """The sample's exact motion, as its camera sees it."""
    return film(
        walk_wave_squat(),
        eye=np.array([0.0, 0.0, 1.42]),
        target=np.array([0.0, 5.0, 0.92]),
        camera_K=intrinsics(SIZE),
        image_size=SIZE,
        source={"file": "walk_wave_squat.mp4", "synthetic": True, "height_m": REFERENCE_HEIGHT},
    )


def make_sample(clip: Path, overwrite: bool = False) -> None:
    """Render the sample to `clip` (an .mp4) and write its truth beside it. Raises `MotionLiftError`."""
    if clip.suffix != ".mp4":
        raise UsageError("bad_output", f"{clip.name} is not an .mp4.", "Name the clip walk_wave_squat.mp4, say.")
    check_output(clip, overwrite)
    check_output(truth_path(clip), overwrite)
    truth = sample_truth()
    count = write_clip(clip, render_clip(truth, room_seed=3), FPS, SIZE)
    truth.save(truth_path(clip))
    log.info("%s: %d frames, %d kB", clip, count, clip.stat().st_size // 1000)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Render the sample clip and its truth.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the clip, an .mp4")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        make_sample(options.output, options.overwrite)
    except MotionLiftError as error:
        log.error("%s", error)
        return 2 if isinstance(error, UsageError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
