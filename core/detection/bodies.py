"""Poses as bodies in the picture: where, how large, how sure; and which of them are one body found twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, Floats
from ..skeleton import MEDIAPIPE_33

SAME_BODY = 0.12
"""Poses nearer than this, in body heights, are the same body found twice."""

_POINTS = ("nose", "shoulder", "hip", "knee", "ankle")
# Middles of the pairs, so that a pose with its sides exchanged is at the same place.
_LEFT = [MEDIAPIPE_33.index(name if name == "nose" else f"left_{name}") for name in _POINTS]
_RIGHT = [MEDIAPIPE_33.index(name if name == "nose" else f"right_{name}") for name in _POINTS]
_SHOULDERS, _HIPS = _POINTS.index("shoulder"), _POINTS.index("hip")
_HEIGHT_IN_TORSOS = 3.2
_HEIGHT_IN_SHOULDER_WIDTHS = 5.0


@dataclass(frozen=True, eq=False)
class Bodies:
    """points (N, 5, 2) px: nose and the middles of shoulders, hips, knees and ankles; sizes (N,) px: roughly the
    standing height, whatever the pose; scores (N,): mean visibility."""

    points: Array
    sizes: Array
    scores: Array

    @staticmethod
    def of(landmarks: Floats, size: tuple[int, int]) -> Bodies:
        """Of `landmarks` (N, 33, 5) relative to a picture of `size` (width, height) px."""
        pixels = landmarks[..., :2].astype(np.float64) * size
        left, right = pixels[:, _LEFT], pixels[:, _RIGHT]
        points = (left + right) / 2
        extent = np.ptp(pixels, axis=1).max(-1)
        torso = np.linalg.norm(points[:, _SHOULDERS] - points[:, _HIPS], axis=-1)
        shoulders = np.linalg.norm(left[:, _SHOULDERS] - right[:, _SHOULDERS], axis=-1)
        sizes = np.maximum.reduce([extent, _HEIGHT_IN_TORSOS * torso, _HEIGHT_IN_SHOULDER_WIDTHS * shoulders])
        return Bodies(points, np.maximum(sizes, 1.0), landmarks[..., 3].mean(-1).astype(np.float64))

    def __getitem__(self, index: slice | list[int] | NDArray[np.int64]) -> Bodies:
        return Bodies(self.points[index], self.sizes[index], self.scores[index])


def distances(a: Array, b: Array, sizes_a: Array, sizes_b: Array) -> Array:
    """Mean distance (A, B) in body heights between bodies' points (A, 5, 2) and (B, 5, 2)."""
    pixels = np.linalg.norm(a[:, None] - b[None], axis=-1).mean(-1)
    result: Array = pixels / ((sizes_a[:, None] + sizes_b[None]) / 2)
    return result


def distinct(bodies: Bodies) -> NDArray[np.bool_]:
    """(N,) True for one pose of each body: the one of the highest score."""
    apart = distances(bodies.points, bodies.points, bodies.sizes, bodies.sizes)
    kept = np.zeros(len(bodies.sizes), bool)
    for index in np.argsort(-bodies.scores, kind="stable"):
        kept[index] = not np.any(apart[index, kept] < SAME_BODY)
    return kept
