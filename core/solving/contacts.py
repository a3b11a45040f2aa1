"""When a heel or a toe tip stands still: found from its height and speed, with hysteresis."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..motion import Bools
from ..rotation import Array

SPEED_ON, SPEED_OFF = 0.25, 0.50
"""Metres a second below which a point becomes planted, and above which it leaves."""
HEIGHT_ON, HEIGHT_OFF = 0.08, 0.12
"""Metres above the lowest foot around: the same."""
DEPTH_SHARE: Array = np.array([1.0, 0.35, 1.0])
"""How much the speed along each axis of the world counts: depth, along Y, is the least certain."""
NEIGHBOURHOOD_S = 0.6
SHORTEST_S = 0.08
EASE_S = 0.05


def find_contacts(feet: Array, confidence: Array, times: Array) -> Array:
    """Contacts (F, C) in [0, 1] of points `feet` (F, C, 3) m in the world, Z up; `confidence` (F, C).

    A point is planted while it is slow and near the lowest that either foot gets within a moment, so stairs
    and roofs count as ground. Contacts shorter than `SHORTEST_S` are dropped; edges are eased.
    """
    if len(feet) < 3:
        return np.zeros(feet.shape[:2])
    step = float(np.median(np.diff(times)))
    speed = np.linalg.norm(np.gradient(feet, times, axis=0) * DEPTH_SHARE, axis=-1)
    lowest = _running_minimum(feet[..., 2].min(1), round(NEIGHBOURHOOD_S / step))
    height = feet[..., 2] - lowest[:, None]
    seen = confidence > 0.05
    enter = (speed < SPEED_ON) & (height < HEIGHT_ON) & seen
    stay = (speed < SPEED_OFF) & (height < HEIGHT_OFF) & seen
    shortest = max(2, round(SHORTEST_S / step))
    planted = np.stack([_hysteresis(enter[:, c], stay[:, c], shortest) for c in range(feet.shape[1])], 1)
    return np.clip(gaussian_filter1d(planted.astype(float), EASE_S / step / 2, axis=0, mode="nearest"), 0, 1)


def _hysteresis(enter: Bools, stay: Bools, shortest: int) -> Bools:
    """Runs of `stay` (F,) that hold at least one `enter` and last `shortest` frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stay, [False]]).astype(np.int8)))
    result = np.zeros_like(stay)
    for start, stop in edges.reshape(-1, 2):
        if stop - start >= shortest and enter[start:stop].any():
            result[start:stop] = True
    return result


def _running_minimum(values: Array, reach: int) -> Array:
    """The least of `values` (F,) within `reach` frames to each side."""
    padded = np.pad(values, reach, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(-1))
