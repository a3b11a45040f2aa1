"""Clips with a truth on which whole lifts are measured:

    python -m motionlift.core.synthesis.make_evaluation --data FOLDER_OF_BVH -o CLIPS

Ten short films of people who took no part in training (but for the one who sits: nobody else does), each of another
body, look, room and view; beside each .mp4 its exact motion. Planted feet of the truth stand exactly. What is there
already is kept. `motionlift evaluate motion CLIPS/*.mp4` measures on them. With `--eye-height 2.7` they are seen as
from a wall.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..camera import intrinsics
from ..jobs import MotionLiftError
from ..motion import Motion
from ..rotation import forward_kinematics
from ..skeleton import ANIMATION_21, REFERENCE_HEIGHT, body_points
from .captured import perform_bvh
from .film import film, frame_figure
from .footsteps import FootstepPlan
from .make_sample import FPS, shoot, truth_path
from .performance import Performance, Wave, perform
from .wardrobe import random_look, random_rest

log = logging.getLogger(__name__)

SIZE = (854, 480)


@dataclass(frozen=True)
class Role:
    """A film: what is performed (a BVH file of the library from `start` to `stop` s, or our own where `file` is
    empty), seen from `azimuth` degrees off the figure's front and `eye_height` m; `seed` draws body, look and room;
    `fov` degrees along the longer side."""

    name: str
    file: str
    start: float
    stop: float
    azimuth: float
    seed: int
    eye_height: float = 1.4
    fov: float = 55.0


ROLES = (
    Role("walk", "12/12_01.bvh", 0.0, 4.3, 70, 1),
    Role("run", "127/127_04.bvh", 0.3, 3.7, 60, 2),
    Role("jump", "49/49_02.bvh", 0.0, 6.0, 35, 3),
    Role("dance", "49/49_10.bvh", 2.0, 8.0, -30, 4, eye_height=1.2),
    Role("sit", "14/14_31.bvh", 0.0, 6.0, 50, 5, fov=40.0),
    Role("squat", "69/69_70.bvh", 2.0, 8.0, -45, 6),
    Role("turn", "69/69_69.bvh", 0.0, 6.6, 25, 7, eye_height=1.8, fov=75.0),
    Role("stand", "02/02_10.bvh", 0.0, 5.0, 15, 8),
    Role("punch", "02/02_05.bvh", 2.0, 7.0, 30, 9, eye_height=1.6, fov=65.0),
    Role("wave", "", 0.0, 6.0, 10, 10),
)


def performed(role: Role, data: Path) -> Performance:
    """What a role performs. Raises what `perform_bvh` raises."""
    rest = random_rest(np.random.default_rng(role.seed))
    if role.file:
        return perform_bvh(data / role.file, FPS, role.start, role.stop, rest)
    return out_and_back(rest_seed=role.seed)


def out_and_back(rest_seed: int) -> Performance:
    """Six seconds: a wave twice a second, a few steps ahead, a turn, the same way back."""
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    plan.pause(2.2)
    side = plan.walk(2, 0.35)
    side = plan.walk(2, 0.0, turn=np.pi, first=side)
    plan.walk(2, 0.35, first=side)
    rest = random_rest(np.random.default_rng(rest_seed))
    return perform(plan.prints, (Wave(0.1, 2.2, rate=2.0),), np.arange(6 * FPS) / FPS, rest)


def staged(role: Role, data: Path) -> Motion:
    """The truth of a role before its camera."""
    performance = performed(role, data)
    camera_K = intrinsics(SIZE, role.fov)
    eye, target = frame_figure(performance, camera_K, SIZE, np.radians(role.azimuth), role.eye_height)
    source = {"file": f"{role.name}.mp4", "synthetic": True, "height_m": _stature(performance)}
    return film(performance, eye, target, camera_K, SIZE, source)


def _stature(performance: Performance) -> float:
    """The standing height, m."""
    identity = np.tile([1.0, 0.0, 0.0, 0.0], (len(ANIMATION_21), 1))
    offsets, tails = performance.rest_offsets, performance.rest_tails
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, offsets[0], identity)
    head = ANIMATION_21.index("head")
    lowest = float(body_points(joints, rotations, offsets)[:, 2].min())
    height = float(joints[head, 2] + tails[head, 2] - lowest)
    return round(height, 4) if height > 0 else REFERENCE_HEIGHT


def _seen_from(eye_height: float | None) -> tuple[Role, ...]:
    """The films, all from so many metres above the floor; None: each from its own height."""
    return ROLES if eye_height is None else tuple(replace(role, eye_height=eye_height) for role in ROLES)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 for an error that was shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of BVH files")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder of the clips, made if needed")
    parser.add_argument("--eye-height", type=float, help="of all cameras, m; else each film has its own")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        chosen.output.mkdir(parents=True, exist_ok=True)
        for role in _seen_from(chosen.eye_height):
            clip = chosen.output / f"{role.name}.mp4"
            if truth_path(clip).exists():
                continue
            look = random_look(np.random.default_rng(role.seed))
            count = shoot(staged(role, chosen.data), clip, look, role.seed)
            log.info("%s: %d frames", clip.name, count)
    except MotionLiftError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
