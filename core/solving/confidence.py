"""How sure the solve is of each joint: the chance that it is where it belongs.

A joint's confidence is the probability that it lies within `WITHIN` of its true place, seen from the pelvis: a logistic
function of how far the solve had to move it from where the network saw it, with an offset for each kind of joint.
Fitted on eleven rendered clips of eleven bodies (1,937 frames) through MediaPipe; said of a clip that took no part in
the fit, confidences of 0.5 to 1 were met within 0.05. What the detector says of itself did not help, but for what it
does not see at all.
"""

from __future__ import annotations

import numpy as np

from ..keypoints import Keypoints2D
from ..rotation import Array
from ..skeleton import ANIMATION_21, BODY_26

WITHIN = 0.10
"""Metres."""
DISAGREEMENT = -0.93
"""Per unit of the log of the metres between solved and lifted joint, plus `LEAST`."""
LEAST = 0.01
UNSEEN = 0.3
"""The detector's confidence below which a joint was not seen, and ours falls with it, to `GUESSED` of itself."""
GUESSED = 0.4

_OFFSETS = {
    "pelvis": 1.66, "spine": 2.28, "chest": 0.98, "neck": -0.96, "head": -0.83, "clavicle": -0.68, "shoulder": -1.26,
    "elbow": -1.79, "wrist": -2.30, "hip": 2.37, "knee": -0.83, "ankle": -2.03, "toe": -2.27,
}  # fmt: skip
_SEEN_AS = {
    "spine": "spine", "chest": "spine", "head": "nose", "left_clavicle": "left_shoulder",
    "right_clavicle": "right_shoulder", "left_toe": "left_toe_tip", "right_toe": "right_toe_tip",
}  # fmt: skip


def joint_confidence(keypoints: Keypoints2D, solved: Array, lifted: Array) -> Array:
    """Confidence (F, 21) in [0, 1] of the `ANIMATION_21` joints; 0 where the person was not detected.

    `solved` and `lifted` (F, 26, 3) m: the `BODY_26` points of the figure and what the network made of the keypoints,
    smoothed, in the same axes and of the same size.
    """
    sources = [BODY_26.index(_SEEN_AS.get(joint, joint)) for joint in ANIMATION_21.joints]
    apart = (solved - solved[:, :1]) - (lifted - lifted[:, :1])
    disagreement = np.linalg.norm(apart, axis=-1)[:, sources]
    offsets = np.array([_OFFSETS[joint.split("_")[-1]] for joint in ANIMATION_21.joints])
    chance = 1 / (1 + np.exp(-(offsets + DISAGREEMENT * np.log(disagreement + LEAST))))
    seen = np.clip(keypoints.confidence[:, sources] / UNSEEN, 0.0, 1.0)
    result = chance * (GUESSED + (1 - GUESSED) * seen)
    return np.where(keypoints.detected[:, None], result, 0.0)
