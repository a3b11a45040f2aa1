"""From the keypoints of one clip's people to their motions: the part of the pipeline that needs torch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .jobs import Cancelled, LiftSettings, ProgressCallback
from .lifting.checkpoint import default_weights, load_weights
from .lifting.device import choose_device
from .lifting.inference import lift_keypoints
from .lifting.network import DGNet
from .motion import Keypoints2D, Motion
from .rotation import Array
from .solving.solve import Person, solve_people

OVERLAP = 1
"""Predictions averaged a frame: more cost time and hardly help."""


@functools.lru_cache(maxsize=2)
def load_network(weights: str | None, device: str) -> DGNet:
    """The network of a weights file, else the one that comes along; loaded and folded once a process."""
    path = Path(weights) if weights else default_weights()
    return load_weights(path, choose_device(device)).folded()


def reconstruct(
    people: Sequence[Keypoints2D],
    sources: Sequence[Mapping[str, Any]],
    camera_K: Array,
    network: DGNet,
    settings: LiftSettings,
    progress: ProgressCallback,
    cancelled: Callable[[], bool],
) -> list[Motion]:
    """One motion a person: keypoints lifted by `network`, then all solved together.

    `camera_K` (3, 3) in pixels; `sources`: each motion's `source`. Raises `Cancelled`, and what
    `solving.solve.solve_people` raises.
    """
    device = choose_device(settings.device)
    lifted = []
    for number, keypoints in enumerate(people):
        _stop_if(cancelled)
        progress("lift", number, len(people))
        joints = lift_keypoints(
            keypoints, camera_K, network, device, flip_average=settings.flip_average, overlap=OVERLAP
        )
        lifted.append(Person(keypoints, joints))
    progress("lift", len(people), len(people))
    _stop_if(cancelled)
    progress("solve", 0, len(people))
    motions = solve_people(lifted, camera_K, settings, sources)
    progress("solve", len(people), len(people))
    return motions


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
