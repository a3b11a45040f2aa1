"""What `--hands` finds and costs: `python tests/benchmarks/hands.py [--seconds 8]`.

Films the gestures of `core/synthesis/gestures.py` (needs the extra `render`), lifts the film with fingers and without,
and compares with the truth: the share of frames in which each hand was found, errors of the fingers' angles, of their
bones' directions and of the wrists' orientation as the camera sees them, and processor seconds a frame.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from motionlift.core.detection.people import detect
from motionlift.core.hand_skeleton import DIRECTIONS, FINGER_JOINTS, HINGES, JOINTS_A_HAND, SIDES, mirrored_rotations
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
from motionlift.core.pipeline import lift
from motionlift.core.rotation import Array, angle_between, conjugate, from_matrix, multiply, rotate, twist_angle
from motionlift.core.synthesis.figure import build_figure
from motionlift.core.synthesis.film import write_clip
from motionlift.core.synthesis.gestures import gestures
from motionlift.core.synthesis.renderer import render_clip

log = logging.getLogger("benchmark")
FPS = 30


def angles(motion: Motion, side: str) -> Array:
    """Angles (F, 5, 4) in degrees of a hand's fingers."""
    first = motion.joint_names.index(f"{side}_thumb_1")
    local = motion.local_rotations[:, first : first + JOINTS_A_HAND]
    local = (mirrored_rotations(local) if side == "right" else local).reshape(-1, 5, 3, 4)
    pointing = rotate(local[:, :, 0], DIRECTIONS)
    closing = np.cross(HINGES, DIRECTIONS)
    bend = np.arctan2(np.sum(pointing * closing, -1), np.sum(pointing * DIRECTIONS, -1))
    spread = np.arcsin(np.clip(np.sum(pointing * HINGES, -1), -1, 1))
    others = [twist_angle(local[:, :, joint], HINGES) for joint in (1, 2)]
    result: Array = np.degrees(np.stack([bend, spread, *others], -1))
    return result


def in_camera(motion: Motion) -> Array:
    """Orientations (F, J, 4) of the joints in the camera's frame."""
    return multiply(conjugate(from_matrix(motion.world_from_camera[:, None, :3, :3])), motion.world_rotations())


def report(name: str, solved: Motion, truth: Motion) -> None:
    """Log the errors of the wrists and, where there are any, of the fingers."""
    seen, real = in_camera(solved), in_camera(truth)
    for side in SIDES:
        wrist = solved.joint(f"{side}_wrist")
        off = np.degrees(angle_between(seen[:, wrist], real[:, wrist]))
        log.info("%s: %s wrist off by %.1f degrees (median; %.1f in the worst tenth)",
                 name, side, np.median(off), np.percentile(off, 90))  # fmt: skip
        if solved.hands is None:
            continue
        fingers = [truth.joint(joint) for joint in FINGER_JOINTS if joint.startswith(side)]
        found = solved.hands.confidence[:, SIDES.index(side)] > 0
        wrong = np.abs(angles(solved, side) - angles(truth, side))
        bones = np.repeat(DIRECTIONS, 3, 0) * ((1, 1, 1) if side == "left" else (-1, 1, 1))
        aligned = np.sum(rotate(seen[:, fingers], bones) * rotate(real[:, fingers], bones), -1)
        apart = np.degrees(np.arccos(np.clip(aligned, -1, 1)))
        log.info("%s: %s hand found in %.0f %% of frames; angles off by %.1f degrees "
                 "(median %.1f), bones by %.1f (median)",
                 name, side, 100 * found.mean(), wrong.mean(), np.median(wrong), np.median(apart))  # fmt: skip


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    truth = gestures(arguments.seconds, FPS)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "gestures.mp4")
        figure = build_figure(truth.rest_offsets)
        write_clip(clip, render_clip(truth, figure=figure, quick=True), FPS, truth.image_size, quality=18)
        for name, hands in (("without", False), ("with", True)):
            settings = LiftSettings(hands=hands, fov_degrees=55.0, cache_dir=folder)
            clock, busy = time.perf_counter(), sum(os.times()[:2])
            detect(clip, settings)
            log.info("%s hands: detection takes %.1f ms a frame on the clock, %.1f ms of processors", name,
                     1000 * (time.perf_counter() - clock) / len(truth),
                     1000 * (sum(os.times()[:2]) - busy) / len(truth))  # fmt: skip
            report(name, lift(clip, settings)[0], truth)


if __name__ == "__main__":
    main()
