"""Legs that do not reach where their feet shall stand: hips that come down, and feet that stay behind.

All on the stage (see `tpose.py`), in metres and seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.rotation import Array, Bools

LONGEST_REACH = 0.998
"""Of a leg's length: nearer to straight a little more way is a lot more knee."""
HIP_EASE_SECONDS = 0.2
LOWEST_HIPS = 0.3
"""Of a leg's length: hips are not lowered further, feet leave their place instead."""


@dataclass(frozen=True)
class Leg:
    """A leg for `hip_drop`: its hip's path (F, 3), where its ankle shall go (F, 3), its length, how far the ankle is
    from the hip before (F,), and where a contact holds it (F,)."""

    hip: Array
    goal: Array
    length: float
    distance: Array
    holding: Bools


def hip_drop(legs: Sequence[Leg], step: float) -> Array:
    """By how much (F,) m the hips have to come down. `step`: seconds a frame."""
    drop = np.zeros(len(legs[0].hip))
    for leg in legs:
        limit = np.maximum(LONGEST_REACH * leg.length, leg.distance)
        way = leg.hip - leg.goal
        height = np.sqrt(np.maximum(limit**2 - np.sum(way[:, :2] ** 2, -1), 0.0))
        needed = np.where(leg.holding, np.maximum(way[:, 2] - height, 0.0), 0.0)
        drop = np.maximum(drop, np.minimum(needed, LOWEST_HIPS * leg.length))
    return smooth_cover(drop, round(HIP_EASE_SECONDS / step))


def smooth_cover(values: Array, reach: int) -> Array:
    """A smooth curve (F,) that is nowhere below `values` (F,): the mean, over `reach` frames to each side, of the
    greatest value within `reach` frames."""
    if reach < 1 or not np.any(values):
        return values
    window = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(values, 2 * reach, mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(-1)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(highest, 2 * reach + 1) @ (window / window.sum()))


def within_reach(hip: Array, goal: Array, length: float, distance: Array) -> Array:
    """Goals (F, 3) of an ankle drawn towards the hip where the leg would be overstretched; `distance` (F,) is how
    far the ankle was from the hip, which is always allowed."""
    limit = np.maximum(LONGEST_REACH * length, np.minimum(distance, length))
    way = goal - hip
    far = np.linalg.norm(way, axis=-1)
    share = np.where(far > limit, limit / np.maximum(far, 1e-9), 1.0)
    drawn: Array = hip + way * share[:, None]
    return drawn
