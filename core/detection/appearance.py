"""What a person wears, as a short vector: colour histograms of the torso and of the thighs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, Floats
from ..skeleton import MEDIAPIPE_33

_LEVELS = 4
COLOURS = 2 * _LEVELS**3
"""Length of the vector."""

_SHOULDERS = [MEDIAPIPE_33.index("left_shoulder"), MEDIAPIPE_33.index("right_shoulder")]
_HIPS = [MEDIAPIPE_33.index("left_hip"), MEDIAPIPE_33.index("right_hip")]
_KNEES = [MEDIAPIPE_33.index("left_knee"), MEDIAPIPE_33.index("right_knee")]

# Sample points in the torso's quadrilateral (0 to 1 across and down), clear of its outline, and along the thighs.
_ACROSS, _DOWN = (g.ravel() for g in np.meshgrid(np.linspace(0.2, 0.8, 6), np.linspace(0.15, 0.9, 10)))
_ALONG = np.linspace(0.15, 0.85, 20)
_NARROWEST_TORSO = 0.35
_STRIDES = np.array([_LEVELS**2, _LEVELS, 1])
_CORNERS = (np.indices((2, 2, 2)).reshape(3, -1).T * _STRIDES).sum(-1)


def colours(image: NDArray[np.uint8], landmarks: Floats) -> Floats:
    """Square roots of two histograms, (128,), each of unit length, for a pose's `landmarks` (33, 5) in `image`.

    Zero where a part lies outside the picture. Bins are shared linearly between neighbours, so that slight
    changes of light change the vector slightly.
    """
    height, width = image.shape[:2]
    points = landmarks[:, :2].astype(np.float64) * (width, height)
    shoulders, hips, knees = points[_SHOULDERS], points[_HIPS], points[_KNEES]
    torso = _torso_samples(shoulders, hips)
    thighs: Array = hips[:, None] + _ALONG[:, None] * (knees - hips)[:, None]
    return np.concatenate([_histogram(image, torso), _histogram(image, thighs.reshape(-1, 2))]).astype(np.float32)


def _torso_samples(shoulders: Array, hips: Array) -> Array:
    """Points inside the torso. Seen from the side its corners coincide, so it is kept at a least width."""
    spine = hips.mean(0) - shoulders.mean(0)
    across = (shoulders[0] - shoulders[1] + hips[0] - hips[1]) / 2
    least = _NARROWEST_TORSO * np.linalg.norm(spine)
    wide = np.linalg.norm(across)
    if wide < least:
        normal = np.array([-spine[1], spine[0]])
        across = normal * (least / max(float(np.linalg.norm(normal)), 1e-9))
    samples: Array = shoulders.mean(0) + _DOWN[:, None] * spine + (_ACROSS[:, None] - 0.5) * across
    return samples


def _histogram(image: NDArray[np.uint8], points: Array) -> Array:
    """Square root of the colour histogram (64,) of the picture at `points` (N, 2)."""
    height, width = image.shape[:2]
    x, y = np.floor(points).astype(np.int64).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if np.count_nonzero(inside) < len(points) / 4:
        return np.zeros(_LEVELS**3)
    position = image[y[inside], x[inside]] * ((_LEVELS - 1) / 255.0)
    lower = np.minimum(position.astype(np.int64), _LEVELS - 2)
    above = position - lower
    shares = np.stack([1 - above, above], -1)
    weight = shares[:, 0, :, None, None] * shares[:, 1, None, :, None] * shares[:, 2, None, None, :]
    first = (lower * _STRIDES).sum(-1)
    histogram = np.bincount((first[:, None] + _CORNERS).ravel(), weight.ravel(), minlength=_LEVELS**3)
    root: Array = np.sqrt(histogram / histogram.sum())
    return root


def colour_distance(a: Array | Floats, b: Array | Floats) -> Array:
    """Hellinger distance in [0, 1] between vectors (..., 128), over the parts that both show; 0.5 if there are none."""
    parts_a = a.reshape(*a.shape[:-1], 2, -1).astype(np.float64)
    parts_b = b.reshape(*b.shape[:-1], 2, -1).astype(np.float64)
    shown = np.any(parts_a > 0, axis=-1) & np.any(parts_b > 0, axis=-1)
    similarity = np.clip(np.sum(parts_a * parts_b, axis=-1), 0, 1)
    distance = np.sqrt(1 - similarity)
    count = shown.sum(-1)
    result: Array = np.where(count > 0, np.sum(distance * shown, axis=-1) / np.maximum(count, 1), 0.5)
    return result


def mean_colours(samples: Floats) -> Floats:
    """The vector (128,) of the average person in `samples` (N, 128)."""
    squares = (samples.astype(np.float64) ** 2).reshape(len(samples), 2, -1).sum(0)
    totals = squares.sum(-1, keepdims=True)
    root: Floats = np.sqrt(squares / np.where(totals > 0, totals, 1)).ravel().astype(np.float32)
    return root
