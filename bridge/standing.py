"""A motion that stands in the T-pose, for looking at what a map makes of it."""

from __future__ import annotations

import numpy as np

from ..core.hand_skeleton import ANIMATION_51, rest_with_fingers
from ..core.motion import Motion
from ..core.rotation import IDENTITY
from ..core.skeleton import reference_rest
from .bvh import unfilmed

FRAMES = 2


def t_pose_motion() -> Motion:
    """Two frames of an average body with fingers that stands in the T-pose, over the origin and facing -Y."""
    offsets, tails = rest_with_fingers(*reference_rest())
    root = np.repeat(offsets[:1], FRAMES, 0)
    rotations = np.broadcast_to(IDENTITY, (FRAMES, len(ANIMATION_51), 4)).copy()
    parents = np.array(ANIMATION_51.parents, np.int64)
    return unfilmed(1 / 30, ANIMATION_51.joints, parents, offsets, tails, root, rotations)
