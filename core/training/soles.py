"""How recorded feet stand: motion capture knows a foot as a line from ankle to toes, not how the sole lies on it."""

from __future__ import annotations

import numpy as np

from ..rotation import Array

SPEED, HEIGHT, FRAMES = 0.15, 0.12, 5
"""A foot slower (m/s) and not further above its lowest (m) than this, for some frames, tells how its sole lies."""
STEEPEST = np.radians(15.0)
"""Feet that rest steeper than this stand on their toes, and tell nothing."""


def resting_pitch(heels: Array, tips: Array, fps: float) -> float:
    """The angle rad by which a foot's sole points up, from heels to toe tips (F, 3) m, Z up: the median over the frames
    in which it rests; 0 where it never does."""
    if len(heels) < 2:
        return 0.0
    speed = np.max([np.linalg.norm(np.gradient(end, axis=0), axis=-1) * fps for end in (heels, tips)], axis=0)
    sole = tips - heels
    pitch = np.arcsin(np.clip(sole[:, 2] / np.maximum(np.linalg.norm(sole, axis=-1), 1e-9), -1.0, 1.0))
    lowest = np.minimum(heels[:, 2], tips[:, 2])
    rests = (speed < SPEED) & (lowest < lowest.min() + HEIGHT) & (np.abs(pitch) < STEEPEST)
    return float(np.median(pitch[rests])) if np.count_nonzero(rests) >= FRAMES else 0.0
