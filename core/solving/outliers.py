"""How far each keypoint can be trusted: the detector's confidence, lowered where the track jumps."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

from ..keypoints import Keypoints2D
from ..rotation import Array

WINDOW_S = 0.25
"""Length of the running median that a keypoint is compared with."""
TOLERANCE = 0.06
"""Distance from the running median, as a share of the body's size, beyond which a keypoint is doubted."""


def trust(keypoints: Keypoints2D) -> Array:
    """Weights (F, 26) in [0, 1]: confidence squared, times 1 / (1 + (d / tolerance)^4) for a jump d."""
    shown = keypoints.detected
    weights: Array = np.where(shown[:, None], keypoints.confidence, 0.0).astype(np.float64)
    weights = np.square(weights)
    if np.count_nonzero(shown) < 3:
        return weights
    pixels = keypoints.pixels if shown.all() else keypoints.pixels[shown]
    step = float(np.median(np.diff(keypoints.times)))
    length = max(3, round(WINDOW_S / step) | 1)
    jump = np.empty(pixels.shape[:2])
    for joint in range(pixels.shape[1]):
        running = np.asarray(median_filter(pixels[:, joint], size=(length, 1), mode="nearest"), float)
        jump[:, joint] = np.linalg.norm(pixels[:, joint] - running, axis=-1)
    jump /= np.median(body_size(pixels))
    # A fast limb is not a jump: what counts is the excess over the limb's own typical distance.
    typical = np.median(jump, 0)
    weights[shown] /= 1 + (np.maximum(jump - 3 * typical, 0) / TOLERANCE) ** 4
    return weights


def body_size(pixels: Array) -> Array:
    """The diagonal (F,) of the box around keypoints (F, 26, 2), in pixels."""
    diagonal: Array = np.linalg.norm(pixels.max(1) - pixels.min(1), axis=-1).astype(float)
    return diagonal
