"""From the keypoints of one clip's people to their motions: the part of the pipeline that needs torch.

`core.reconstructor` calls `prepare`, `reconstruct` and `resolve` in a process of its own.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .jobs import LiftSettings, MotionLiftError, ProgressCallback, ignore_progress
from .lifting.checkpoint import default_weights, load_weights
from .lifting.device import choose_device
from .lifting.inference import lift_keypoints
from .lifting.network import DGNet
from .motion import HandKeypoints, Keypoints2D, Motion
from .rotation import Array
from .solving import solve
from .solving.solve import Person, solve_people

OVERLAP = 1
"""Predictions averaged a frame: more cost time and hardly help."""
THREADS = 2
"""That lift on a processor; nothing else runs by then."""


def prepare(weights: str | None, device: str, progress: ProgressCallback = ignore_progress) -> None:
    """Load the network, so that `reconstruct` finds it ready. Raises what `load_weights` and `choose_device` raise."""
    load_network(weights, device)


@functools.lru_cache(maxsize=2)
def load_network(weights: str | None, device: str) -> DGNet:
    """The network of a weights file, else the one that comes along; loaded and folded once a process."""
    path = Path(weights) if weights else default_weights()
    return load_weights(path, choose_device(device)).folded()


def reconstruct(
    people: Sequence[Keypoints2D],
    sources: Sequence[Mapping[str, Any]],
    camera_K: Array,
    settings: LiftSettings,
    progress: ProgressCallback = ignore_progress,
) -> list[Motion]:
    """One motion a person: keypoints lifted, then all solved together.

    `camera_K` (3, 3) in pixels; `sources`: each motion's `source`. Raises what `prepare`, `lift_keypoints` and
    `solve_people` raise.
    """
    device = choose_device(settings.device)
    network = load_network(settings.weights, settings.device)
    lifted = []
    for number, keypoints in enumerate(people):
        progress("lift", number, len(people))
        joints = lift_keypoints(
            keypoints,
            camera_K,
            network,
            device,
            flip_average=settings.flip_average,
            overlap=OVERLAP,
            threads=THREADS if device.type == "cpu" else 1,
        )
        lifted.append(Person(keypoints, joints))
    progress("lift", len(people), len(people))
    progress("solve", 0, len(people))
    motions = solve_people(lifted, camera_K, settings, sources)
    if settings.hands:
        motions = [_with_fingers(m, k.hands, settings) for m, k in zip(motions, people, strict=True)]
    progress("solve", len(people), len(people))
    return motions


def resolve(motion: Motion, settings: LiftSettings, progress: ProgressCallback = ignore_progress) -> Motion:
    """Solve a motion again with other settings."""
    progress("solve", 0, 1)
    solved = dataclasses.replace(solve.resolve(motion, settings), hands=motion.hands)
    if settings.hands:
        if motion.hands is None:
            raise MotionLiftError(
                "no_hands", "This take was lifted without hands.", "Lift the video again with --hands."
            )
        solved = _with_fingers(solved, motion.hands, settings)
    progress("solve", 1, 1)
    return solved


def _with_fingers(motion: Motion, hands: HandKeypoints | None, settings: LiftSettings) -> Motion:
    # Imported late: nothing of it is needed by those who want no hands.
    from .solving.fingers import with_fingers

    return with_fingers(motion, hands, settings.smoothing)
