"""A landmarker that has just found somebody may need some frames until its pose settles on them."""

from __future__ import annotations

import numpy as np

from ..rotation import Array, Bools
from ..skeleton import MEDIAPIPE_33

SETTLING_SECONDS = 0.3
"""How long after someone is found poses are looked at."""
GAP_SECONDS = 0.1
"""Without a pose for longer, someone is found anew; where frames are rarer, for longer than one and a half."""
FASTEST = 3.5
"""Heights a second by which limbs move on average within a body; a sprinter's reach 1.6."""
SHORTEST_STEP = 0.03
"""Seconds between poses compared: from closer ones noise would look like speed."""
LEAST_SECONDS = 0.6
"""A shorter stretch is left as it is."""
_HIPS = [MEDIAPIPE_33.index(f"{side}_hip") for side in ("left", "right")]
_LIMBS = [
    MEDIAPIPE_33.index(f"{side}_{joint}")
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "knee", "ankle")
]


def settling(times: Array, pixels: Array, heights: Array, backwards: Bools) -> Bools:
    """Which poses (N,) of one person come before the pose has settled: up to the last jump soon after it was found.

    `times` (N,) s; `pixels` (N, 33, 2); `heights` (N,) px of the body; `backwards` (N,): found on the way back from
    later frames, so that they have settled there. The last pose is always kept.
    """
    result = np.zeros(len(times), bool)
    limbs = (pixels[:, _LIMBS] - pixels[:, _HIPS].mean(1, keepdims=True)) / np.maximum(heights, 1.0)[:, None, None]
    steps = np.diff(times)
    longest = max(GAP_SECONDS, 1.5 * float(np.median(steps))) if len(steps) else GAP_SECONDS
    found = [0, *(np.flatnonzero(steps > longest) + 1)]
    for first, stop in zip(found, [*found[1:], len(times)], strict=True):
        if backwards[first] or times[stop - 1] - times[first] < LEAST_SECONDS:
            continue
        soon = np.flatnonzero(times[first:stop] < times[first] + SETTLING_SECONDS) + first
        later = np.searchsorted(times, times[soon] + SHORTEST_STEP)
        moved = np.linalg.norm(limbs[later] - limbs[soon], axis=-1).mean(1)
        jumps = soon[moved > FASTEST * (times[later] - times[soon])]
        if len(jumps):
            result[first : jumps[-1] + 1] = True
    return result
