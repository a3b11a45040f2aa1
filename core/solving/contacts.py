"""When a heel or a toe tip stands still: found from its height and speed, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..rotation import Array, Bools


@dataclass(frozen=True)
class Limits:
    """What a planted point keeps. `speed_on` and `speed_off` m/s: below the one it becomes planted, above the other it
    leaves; `height_on` and `height_off` m above the lowest foot around: the same; `depth_share`: how much speed along
    the world's Y, away from the camera, counts; `drift_off` m/s: faster than that along Y over `DRIFT_S` it
    is on its way."""

    speed_on: float
    speed_off: float
    height_on: float
    height_off: float
    depth_share: float
    drift_off: float


SOLVED = Limits(speed_on=0.25, speed_off=0.35, height_on=0.05, height_off=0.07, depth_share=0.35, drift_off=0.5)
"""For what was lifted: depth is the least certain."""
RECORDED = Limits(speed_on=0.30, speed_off=0.50, height_on=0.04, height_off=0.055, depth_share=1.0, drift_off=np.inf)
"""For motion capture."""
DRIFT_S = 0.25
"""Seconds over which the jitter of depths cancels out, while a small step towards the camera does not."""
SUPPORT_HEIGHTS = (0.07, 0.07, 0.10, 0.10, 0.12)
"""Metres above the floor below which hands, knees and seat may carry."""
SUPPORT_S = 0.2
SITTING_SHARE, SITTING_SPEED, SITTING_S = 0.72, 0.20, 0.6
"""Of the leg's length: hips lower than this, and slower (m/s), for some seconds are those of somebody who sits."""
SEEN = 0.3
NEIGHBOURHOOD_S = 0.6
SHORTEST_S = 0.08
EASE_S = 0.05


def find_contacts(feet: Array, confidence: Array, times: Array, limits: Limits = SOLVED) -> Array:
    """Contacts (F, C) in [0, 1] of points `feet` (F, C, 3) m in the world, Z up; `confidence` (F, C).

    A point is planted while it is slow and near the lowest that either foot gets within a moment, so stairs
    and roofs count as ground. Contacts shorter than `SHORTEST_S` are dropped; edges are eased.
    """
    if len(feet) < 3:
        return np.zeros(feet.shape[:2])
    step = float(np.median(np.diff(times)))
    speed = _speed(feet, times, limits)
    lowest = _running_minimum(feet[..., 2].min(1), round(NEIGHBOURHOOD_S / step))
    height = feet[..., 2] - lowest[:, None]
    seen = confidence > 0.05
    rests = (_drift(feet[..., 1], times, max(1, round(DRIFT_S / 2 / step))) < limits.drift_off) & seen
    enter = (speed < limits.speed_on) & (height < limits.height_on) & rests
    stay = (speed < limits.speed_off) & (height < limits.height_off) & rests
    shortest = max(2, round(SHORTEST_S / step))
    planted = np.stack([_hysteresis(enter[:, c], stay[:, c], shortest) for c in range(feet.shape[1])], 1)
    return _eased(planted, step)


def find_supports(points: Array, hips: Array, confidence: Array, times: Array, leg_length: float) -> Array:
    """How `SUPPORT_NAMES` carry (F, 5) in [0, 1]: hands and knees on the floor Z = 0, and the seat on it or on a chair.

    `points` (F, 5, 3) m of `SUPPORT_NAMES` and the hips' height `hips` (F,) m, in the world; `confidence` (F, 5);
    `leg_length` m. Hands and knees carry where they rest near the floor; who keeps still for a while with the hips well
    below where legs would hold them sits.
    """
    if len(points) < 3:
        return np.zeros(points.shape[:2])
    step = float(np.median(np.diff(times)))
    speed = _speed(points, times, SOLVED)
    # Far below the floor nothing carries: it is the floor that is wrong.
    height = np.abs(points[..., 2])
    near = np.array(SUPPORT_HEIGHTS)
    enter = (speed < SOLVED.speed_on) & (height < near) & (confidence > SEEN)
    stay = (speed < SOLVED.speed_off) & (height < 1.4 * near) & (confidence > SEEN)
    low = hips < SITTING_SHARE * leg_length
    slow, slower = speed[:, 4] < SITTING_SPEED, speed[:, 4] < 0.5 * SITTING_SPEED
    enter[:, 4], stay[:, 4] = low & slower, low & slow
    shortest = [max(2, round(seconds / step)) for seconds in (*[SUPPORT_S] * 4, SITTING_S)]
    found = np.stack([_hysteresis(enter[:, c], stay[:, c], shortest[c]) for c in range(points.shape[1])], 1)
    return _eased(found, step)


def runs(held: Bools) -> NDArray[np.int64]:
    """(R, 2): first frame, and the one after the last, of every run of True in `held` (F,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def _speed(points: Array, times: Array, limits: Limits) -> Array:
    """How fast points (F, C, 3) m go (F, C) m/s, as far as their depth can be trusted."""
    return np.asarray(np.linalg.norm(np.gradient(points, times, axis=0) * [1.0, limits.depth_share, 1.0], axis=-1))


def _drift(values: Array, times: Array, reach: int) -> Array:
    """How fast `values` (F, C) m change from `reach` frames before to as many after each frame (F, C), m/s."""
    frames = np.arange(len(values))
    before, after = np.maximum(frames - reach, 0), np.minimum(frames + reach, len(values) - 1)
    return np.asarray(np.abs(values[after] - values[before]) / (times[after] - times[before])[:, None])


def speeds(path: Array, times: Array) -> Array:
    """How fast somebody goes (F,) m/s, by a path (F, 3) m in the camera's frame: depth counts as far as it can be
    trusted, and over so long that its jitter cancels out."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    return np.asarray(
        np.linalg.norm(_drift(path, times, max(1, round(DRIFT_S / step))) * [1, 1, SOLVED.depth_share], axis=1)
    )


def _eased(planted: Bools, step: float) -> Array:
    """Contacts (F, C) in [0, 1] whose edges ease in and out, of frames `step` s apart."""
    return np.clip(gaussian_filter1d(planted.astype(float), EASE_S / step / 2, axis=0, mode="nearest"), 0, 1)


def _hysteresis(enter: Bools, stay: Bools, shortest: int) -> Bools:
    """Runs of `stay` (F,) that hold at least one `enter` and last `shortest` frames."""
    result = np.zeros_like(stay)
    for start, stop in runs(stay):
        if stop - start >= shortest and enter[start:stop].any():
            result[start:stop] = True
    return result


def _running_minimum(values: Array, reach: int) -> Array:
    """The least of `values` (F,) within `reach` frames to each side."""
    padded = np.pad(values, reach, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(-1))
