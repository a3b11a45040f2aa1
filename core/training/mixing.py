"""Poses that nobody was recorded in: limbs of one window on the trunk of another.

A few hours of motion capture hold few combinations of what arms, legs and head do, and a large network learns those by
heart. A limb keeps its own movement, from its first joint and relative to the trunk, and goes on with another's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..skeleton import BODY_26
from .bodies import bone_frames

ARMS_SHARE, LEGS_SHARE, HEAD_SHARE = 0.3, 0.15, 0.3
"""Shares of windows that get both arms, both legs, the head of another."""
_ARM = ("elbow", "wrist", "index", "pinky")
_LEG = ("knee", "ankle", "heel", "toe_tip")


def mix_limbs(points: Tensor, generator: torch.Generator) -> Tensor:
    """Windows (B, T, 26, 3) m with limbs of each other, drawn at random."""
    frames, other = bone_frames(points), torch.randperm(len(points), generator=generator, device=points.device)
    result = points.clone()
    for share, limbs in _LIMBS:
        chosen = torch.rand(len(points), generator=generator, device=points.device) < share
        for root, joints in limbs:
            local = (points[:, :, joints] - points[:, :, [root]]) @ frames[:, :, root]
            moved = points[:, :, [root]] + local[other] @ frames[:, :, root].mT
            result[:, :, joints] = torch.where(chosen[:, None, None, None], moved, points[:, :, joints])
    return result


def _limbs(names: tuple[str, ...], root: str) -> list[tuple[int, list[int]]]:
    return [
        (BODY_26.index(f"{side}_{root}"), BODY_26.indices(*(f"{side}_{name}" for name in names)))
        for side in ("left", "right")
    ]


_LIMBS = (
    (ARMS_SHARE, _limbs(_ARM, "shoulder")),
    (LEGS_SHARE, _limbs(_LEG, "hip")),
    (HEAD_SHARE, [(BODY_26.index("neck"), BODY_26.indices("nose", "left_ear", "right_ear"))]),
)
