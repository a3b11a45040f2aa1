"""When a take plays, and how keys beside it go along when that changes: with the scene's rate, above all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array

POINTS = ("co", "handle_left", "handle_right")
"""What of a keyframe lies in frames and values."""


@dataclass(frozen=True)
class Span:
    """The whole frames of a take, in a scene with `fps` frames a second."""

    first: int
    last: int
    fps: float


def carried(frames: Array, before: Span, after: Span) -> Array:
    """Where `frames` (N,) are when the take that was `before` is `after`: at the same time after its start, and behind
    it what was behind it. Not on whole frames, so that nothing falls together and the way back leads to where it was.
    """
    moved = after.first + (frames - before.first) * (after.fps / before.fps)
    behind = after.last + (frames - before.last) * (after.fps / before.fps)
    return np.asarray(np.where(frames > before.last + 0.5, np.maximum(moved, behind), moved))


def carry(curve: bpy.types.FCurve, before: Span, after: Span) -> None:
    """Move a curve's keys, handles with them, as `carried` says."""
    points: Any = curve.keyframe_points
    for name in POINTS:
        values = np.empty(2 * len(points), np.float32)
        points.foreach_get(name, values)
        values[::2] = carried(values[::2].astype(float), before, after)
        points.foreach_set(name, values)
