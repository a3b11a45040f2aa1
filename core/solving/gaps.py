"""Somebody who was not seen for a while: the pose before turns into the pose after, joint by joint.

Curves of joints' places bridge a moment well. Across a longer gap they pass through each other: limbs shrink, and knees
end up bent backwards. Rotations in their parents' axes stay such as bodies take on both sides.
"""

from __future__ import annotations

import numpy as np

from ..rotation import Array, Bools, forward_kinematics, local_from_world, slerp
from ..skeleton import ANIMATION_21
from .contacts import runs

MOMENT_S = 0.3
"""Seconds up to which curves of places bridge a gap."""


def long_gaps(seen: Bools, times: Array) -> list[tuple[int, int]]:
    """First frame, and the one after the last, of every stretch inside a clip, longer than `MOMENT_S`, in which nobody
    was `seen` (F,)."""
    return [
        (int(start), int(stop))
        for start, stop in runs(~seen)
        if start > 0 and stop < len(seen) and times[stop] - times[start - 1] > MOMENT_S
    ]


def bridged(rotations: Array, gaps: list[tuple[int, int]], times: Array) -> Array:
    """World rotations (F, 21, 4) whose `gaps` lead from the pose before to the one after, eased in and out."""
    result = rotations.copy()
    for start, stop in gaps:
        ends = local_from_world(ANIMATION_21.parents, rotations[[start - 1, stop]])
        share = (times[start:stop] - times[start - 1]) / (times[stop] - times[start - 1])
        eased = share**2 * (3 - 2 * share)
        local = slerp(ends[:1], ends[1:], eased[:, None])
        offsets, root = np.zeros((len(ANIMATION_21), 3)), np.zeros((len(local), 3))
        result[start:stop] = forward_kinematics(ANIMATION_21.parents, offsets, root, local)[1]
    return result
