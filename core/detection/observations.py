"""What detection saw in a video, before anyone is told from anyone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, Floats
from .appearance import COLOURS


@dataclass(frozen=True, eq=False)
class Observations:
    """What MediaPipe saw.

    times (F,) s and shots (F,) of the decoded frames; per pose, ordered by frame: frames (P,) index of its frame,
    landmarks (P, 33, 5) and world (P, 33, 3) as in `Pose`, colours (P, 128), hand_points (P, 2, 21, 5) and hand_left
    (P, 2) as in `Hands`, or none of these where no hands were looked for, backwards (P,): found on the way back from a
    later frame (`late`); empty: none was. `looked` (F,): False for frames that detection passed over. `drift` (F, 2):
    how far the background has gone right and down since the shot began, in shares of the picture's longer side.
    `warnings` of the reader.
    """

    times: Array
    shots: NDArray[np.int64]
    looked: NDArray[np.bool_]
    frames: NDArray[np.int64]
    landmarks: Floats
    world: Floats
    colours: Floats
    drift: Array
    warnings: tuple[str, ...] = ()
    hand_points: Floats = field(default_factory=lambda: np.zeros((0, 2, 21, 5), np.float32))
    hand_left: Floats = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    backwards: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    @staticmethod
    def nothing() -> Observations:
        """Of no frames."""
        return Observations(
            np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64),
            stacked([], (33, 5)), stacked([], (33, 3)), stacked([], (COLOURS,)), np.zeros((0, 2)),
        )  # fmt: skip


def stacked(arrays: list[Floats], shape: tuple[int, ...]) -> Floats:
    """Arrays of `shape` each as one; (0, *shape) for none."""
    return np.stack(arrays) if arrays else np.zeros((0, *shape), np.float32)
