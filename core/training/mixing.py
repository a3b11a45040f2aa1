"""Poses that nobody was recorded in: limbs of one window on the trunk of another.

A few hours of motion capture hold few combinations of what arms, legs and head do, and a large network learns those by
heart. A limb keeps its own movement, from its first joint and relative to the trunk, and goes on with another's. And
people of other trades hold themselves otherwise: limbs, trunk and head are turned about their first joint, by the same
in all of a window.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..skeleton import BODY_26
from .bodies import bone_frames

ARMS_SHARE, LEGS_SHARE, HEAD_SHARE = 0.3, 0.15, 0.3
"""Shares of windows that get both arms, both legs, the head of another."""
TURNED_SHARE = 0.5
"""Of the windows, in which everything is turned a little."""
ARM_TURN, LEG_TURN, TRUNK_TURN, HEAD_TURN = 0.35, 0.25, 0.15, 0.2
"""Radians, the spread about each axis."""
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


def turn_limbs(points: Tensor, generator: torch.Generator) -> Tensor:
    """Windows (B, T, 26, 3) m in some of which trunk, head, arms and legs are turned, at random."""
    batch = len(points)
    chosen = torch.rand(batch, 1, generator=generator, device=points.device) < TURNED_SHARE
    result = points.clone()
    for parts in _TURNED:
        frames = bone_frames(result)
        for spread, root, joints in parts:
            vector = spread * torch.randn(batch, 3, generator=generator, device=points.device)
            local = (result[:, :, joints] - result[:, :, [root]]) @ frames[:, :, root]
            turned = local @ _rotations(vector * chosen)[:, None].mT
            result[:, :, joints] = result[:, :, [root]] + turned @ frames[:, :, root].mT
    return result


def _rotations(vectors: Tensor) -> Tensor:
    """Rotations (B, 3, 3) by vectors (B, 3), rad."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)
    rotations: Tensor = torch.linalg.matrix_exp(cross)
    return rotations


def _limbs(names: tuple[str, ...], root: str) -> list[tuple[int, list[int]]]:
    return [
        (BODY_26.index(f"{side}_{root}"), BODY_26.indices(*(f"{side}_{name}" for name in names)))
        for side in ("left", "right")
    ]


_HEAD = (BODY_26.index("neck"), BODY_26.indices("nose", "left_ear", "right_ear"))
_LIMBS = (
    (ARMS_SHARE, _limbs(_ARM, "shoulder")),
    (LEGS_SHARE, _limbs(_LEG, "hip")),
    (HEAD_SHARE, [_HEAD]),
)
_LEGS = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("hip", *_LEG))
_TRUNK = [i for i, name in enumerate(BODY_26.joints) if name != "pelvis" and name not in _LEGS]
_TURNED = (
    ((TRUNK_TURN, BODY_26.index("pelvis"), _TRUNK),),
    (
        (HEAD_TURN, *_HEAD),
        *((ARM_TURN, root, joints) for root, joints in _limbs(_ARM, "shoulder")),
        *((LEG_TURN, root, joints) for root, joints in _limbs(_LEG, "hip")),
    ),
)
"""The trunk first, since it carries the frames of the others, which do not carry each other's."""
