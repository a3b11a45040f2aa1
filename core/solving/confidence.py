"""How sure the solve is of each joint: what was seen of it, less where only the prior speaks."""

from __future__ import annotations

import numpy as np

from ..motion import Keypoints2D
from ..rotation import Array
from ..skeleton import ANIMATION_21, BODY_26, mirrored_name

INFERRED = 0.5
"""Share of confidence left to joints that no keypoint marks and only their neighbours suggest."""

_SEEN_BY = {
    "pelvis": ("left_hip", "right_hip"),
    "spine": ("left_hip", "right_hip", "left_shoulder", "right_shoulder"),
    "chest": ("left_hip", "right_hip", "left_shoulder", "right_shoulder"),
    "neck": ("left_shoulder", "right_shoulder"),
    "head": ("nose", "left_ear", "right_ear"),
    "left_clavicle": ("left_shoulder",),
    "left_toe": ("left_toe_tip",),
}
_INFERRED = ("spine", "chest", "left_clavicle", "right_clavicle")


def joint_confidence(keypoints: Keypoints2D) -> Array:
    """Confidence (F, 21) in [0, 1] of the `ANIMATION_21` joints; 0 where the person was not detected."""
    result = np.zeros((len(keypoints.times), len(ANIMATION_21)))
    for index, joint in enumerate(ANIMATION_21.joints):
        sources = _SEEN_BY.get(joint)
        if sources is None and mirrored_name(joint) in _SEEN_BY:
            sources = tuple(mirrored_name(s) for s in _SEEN_BY[mirrored_name(joint)])
        seen = keypoints.confidence[:, BODY_26.indices(*(sources or (joint,)))].mean(1)
        result[:, index] = seen * (INFERRED if joint in _INFERRED else 1.0)
    return np.where(keypoints.detected[:, None], result, 0.0)
