"""One body per person: constant bone lengths, left = right, from what was lifted in every frame."""

from __future__ import annotations

import numpy as np

from ..rotation import Array
from ..skeleton import (
    ANIMATION_21,
    BODY_26,
    attachment,
    attachment_scale,
    mirrored_name,
    reference_rest,
    rest_points,
)
from .quantile import weighted_quantile

MEASURED_SHARE = 0.2
"""How much a measured length counts against the average body's: people's proportions differ by some 5 %, a lifted
bone's length errs by 8 %."""
ENOUGH = 10.0
"""Confident frames after which a measurement counts fully."""
SPAN = (0.75, 1.3)
"""How far a bone may deviate from the average body's, as a factor."""
QUANTILE = 0.75
"""Of the lengths measured over the clip: a network in doubt shortens bones, it hardly ever lengthens them."""

# Bones of ANIMATION_21 (by the joint at their end) and the two BODY_26 points whose distance gives their scale.
_MEASURES = {
    "left_hip": ("left_hip", "right_hip"),
    "left_knee": ("left_hip", "left_knee"),
    "left_ankle": ("left_knee", "left_ankle"),
    "left_toe": ("left_heel", "left_toe_tip"),
    "spine": ("pelvis", "spine"),
    "chest": ("pelvis", "spine"),
    "neck": ("spine", "neck"),
    "left_clavicle": ("spine", "neck"),
    "left_shoulder": ("left_shoulder", "right_shoulder"),
    "left_elbow": ("left_shoulder", "left_elbow"),
    "left_wrist": ("left_elbow", "left_wrist"),
}


def fit_rest(points: Array, weights: Array, height_m: float) -> tuple[Array, Array]:
    """`rest_offsets` and `rest_tails` (21, 3) m of the person, `height_m` tall, in T-pose with soles on Z = 0.

    `points` (F, 26, 3): lifted joints, any frame; `weights` (F, 26). Each bone
    of the average body is scaled by what was measured (a weighted quantile), held near 1 where little was seen,
    and the whole to the height.
    """
    reference = rest_points(reference_rest()[0])
    offsets, tails = (values.copy() for values in reference_rest())
    factors = np.ones(len(ANIMATION_21))
    for joint in ANIMATION_21.joints:
        measure = _MEASURES.get(joint) or _MEASURES.get(mirrored_name(joint))
        if measure is None:
            continue
        lengths, shares = [], []
        for a, b in {measure, (mirrored_name(measure[0]), mirrored_name(measure[1]))}:
            first, second = BODY_26.indices(a, b)
            expected = np.linalg.norm(reference[first] - reference[second])
            lengths.append(np.linalg.norm(points[:, first] - points[:, second], axis=-1) / expected)
            shares.append(np.minimum(weights[:, first], weights[:, second]))
        factor = _usual(np.concatenate(lengths), np.concatenate(shares))
        seen = float(np.sum(shares))
        share = MEASURED_SHARE * min(1.0, seen / ENOUGH)
        factors[ANIMATION_21.index(joint)] = np.clip(1 + share * (factor - 1), *SPAN)
    offsets[1:] *= factors[1:, None]
    tails *= np.array([factors[_bone_of_tail(joint)] for joint in ANIMATION_21.joints])[:, None]
    leg = -offsets[ANIMATION_21.indices("left_hip", "left_knee", "left_ankle")].sum(0)[2]
    heel = attachment("left_heel")[1] * attachment_scale("left_heel", offsets)
    offsets[0] = (0.0, 0.0, leg - heel[2])
    trunk = ANIMATION_21.indices("pelvis", "spine", "chest", "neck", "head")
    standing = float(offsets[trunk, 2].sum() + tails[ANIMATION_21.index("head"), 2])
    return offsets * height_m / standing, tails * height_m / standing


def _bone_of_tail(joint: str) -> int:
    """The joint whose factor scales a tail: the first child on the bone's line, or the joint itself at an end."""
    main_child = {"pelvis": "spine", "chest": "neck"}
    children = [
        j for j, p in zip(ANIMATION_21.joints, ANIMATION_21.parents, strict=True) if p == ANIMATION_21.index(joint)
    ]
    return ANIMATION_21.index(main_child.get(joint) or (children[0] if children else joint))


def _usual(values: Array, weights: Array) -> float:
    """The value below which `QUANTILE` of the weight lies; 1 where there is no weight."""
    finite = np.isfinite(values) & (weights > 0)
    return weighted_quantile(values[finite], weights[finite], QUANTILE) if np.any(finite) else 1.0
