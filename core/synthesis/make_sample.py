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
from .captured import perform_bvh
from .figure import Look
from .film import film, frame_figure, write_clip
from .footsteps import FootstepPlan
from .performance import Performance, Squat, Wave, perform
from .renderer import render_clip
from .wardrobe import random_look

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
    plan.half_width = 0.125
    side = plan.walk(2, 0.20, turn=np.radians(-44), first=side)
    plan.step(side, 0.0)
    arrived = plan.time
    wave = Wave(arrived - 0.35, arrived + 2.05)
    squat = Squat(arrived + 1.9, arrived + 3.7)
    plan.pause(3.55)
    plan.half_width = 0.095
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


def captured_truth(bvh: Path, start: float, stop: float | None, azimuth_degrees: float) -> Motion:
    """A BVH file's motion on the mannequin, seen from `azimuth_degrees` off its front. Raises `MotionLiftError`."""
    performance = perform_bvh(bvh, FPS, start, stop)
    camera_K = intrinsics(SIZE)
    eye, target = frame_figure(performance, camera_K, SIZE, np.radians(azimuth_degrees))
    source = {"file": bvh.name, "synthetic": True, "height_m": REFERENCE_HEIGHT}
    return film(performance, eye, target, camera_K, SIZE, source)


def shoot(truth: Motion, clip: Path, look: Look | None = None, room_seed: int = 3, overwrite: bool = False) -> int:
    """Render a motion to `clip` (an .mp4) and write it beside the clip as the truth; returns the frames' number.

    Raises `MotionLiftError`.
    """
    if clip.suffix != ".mp4":
        raise UsageError("bad_output", f"{clip.name} is not an .mp4.", "Name the clip walk_wave_squat.mp4, say.")
    check_output(clip, overwrite)
    check_output(truth_path(clip), overwrite)
    count = write_clip(clip, render_clip(truth, look, room_seed=room_seed), FPS, truth.image_size)
    truth.save(truth_path(clip))
    return count


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(description="Render the sample clip, or a BVH file's motion, and its truth.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the clip, an .mp4")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--bvh", type=Path, help="film this motion instead of the sample's")
    parser.add_argument("--start", type=float, default=0.0, help="from this second of the BVH file")
    parser.add_argument("--stop", type=float, help="to this second of the BVH file")
    parser.add_argument("--azimuth", type=float, default=30.0, help="degrees off the figure's front, for --bvh")
    parser.add_argument("--seed", type=int, help="draw the figure's looks and the room at random")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    random = options.seed is not None
    try:
        truth = (
            captured_truth(options.bvh, options.start, options.stop, options.azimuth) if options.bvh else sample_truth()
        )
        count = shoot(
            truth,
            options.output,
            random_look(np.random.default_rng(options.seed)) if random else None,
            options.seed if random else 3,
            options.overwrite,
        )
    except MotionLiftError as error:
        log.error("%s", error)
        return 2 if isinstance(error, UsageError) else 1
    log.info("%s: %d frames, %d kB", options.output, count, options.output.stat().st_size // 1000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
