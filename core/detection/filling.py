"""Keypoints of the frames that `--stride` passed over, from those of the frames around them."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints2D
from ..rotation import Array, Bools

SURENESS = 0.7
"""What is filled in is so much surer than nothing, and less than what was seen."""


def filled(keypoints: Keypoints2D, looked: Bools) -> Keypoints2D:
    """The keypoints with those frames filled in that were not `looked` at (F,), where both frames next to them that
    were show the person; their confidence is `SURENESS` times the lower of the two.

    Places and speeds go on at every frame that was looked at (cubic Hermite curves, tangents by finite differences over
    uneven times: Catmull and Rom 1974).
    """
    seen = np.flatnonzero(looked)
    if len(seen) < 2 or looked.all():
        return keypoints
    after = np.searchsorted(seen, np.flatnonzero(~looked))
    inside = (after > 0) & (after < len(seen))
    gaps, after = np.flatnonzero(~looked)[inside], after[inside]
    both = keypoints.detected[seen[after - 1]] & keypoints.detected[seen[after]]
    gaps, after = gaps[both], after[both]
    if not len(gaps):
        return keypoints

    def curve(values: Array) -> Array:
        result = values.copy()
        result[gaps] = _hermite(keypoints.times, values, seen, after, keypoints.times[gaps])
        return result

    confidence, detected = keypoints.confidence.copy(), keypoints.detected.copy()
    confidence[gaps] = SURENESS * np.minimum(confidence[seen[after - 1]], confidence[seen[after]])
    detected[gaps] = True
    world = keypoints.world_landmarks
    return dataclasses.replace(
        keypoints,
        pixels=curve(keypoints.pixels),
        confidence=confidence,
        detected=detected,
        world_landmarks=None if world is None else curve(world),
        hands=keypoints.hands and keypoints.hands.between(gaps, seen[after - 1], seen[after], keypoints.times),
    )


def _hermite(times: Array, values: Array, seen: NDArray[np.int64], after: NDArray[np.int64], at: Array) -> Array:
    """Values (N, ...) at times (N,) between the frames `seen[after - 1]` and `seen[after]`."""
    known_times, known = times[seen], values[seen]
    wide = (slice(None), *(None,) * (values.ndim - 1))
    steps = np.diff(known_times)[wide]
    slopes = np.diff(known, axis=0) / steps
    tangents = np.concatenate([slopes[:1], slopes]), np.concatenate([slopes, slopes[-1:]])
    # The mean slope weighted by the other side's step; beside a gap that of the one side there is.
    before, behind = np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]])
    mean = (tangents[0] * behind + tangents[1] * before) / (before + behind)
    mean = np.where(np.isnan(mean), np.where(np.isnan(tangents[0]), tangents[1], tangents[0]), mean)
    first, second = after - 1, after
    step = (known_times[second] - known_times[first])[wide]
    s = ((at - known_times[first]) / (known_times[second] - known_times[first]))[wide]
    result: Array = (
        (1 + 2 * s) * (1 - s) ** 2 * known[first]
        + s * (1 - s) ** 2 * step * mean[first]
        + s**2 * (3 - 2 * s) * known[second]
        + s**2 * (s - 1) * step * mean[second]
    )
    return result
