"""The figure as turned vectors, in torch: what the sequence solve differentiates.

Every joint has a world rotation of its own, a start R0 turned on by exp(angles). All that a figure shows is then a
sum of vectors, each fixed to one joint: bones along the chain, points that sit on a joint's frame, axes of hinges.
R0 v is computed once; a step only turns those vectors on, without a matrix or a walk through the tree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..rotation import Array, rotate
from ..skeleton import (
    ANIMATION_21,
    ATTACHED,
    BODY_26,
    BODY_FROM_ANIMATION,
    attachment,
    attachment_scale,
    contact_points,
    landmark_offsets,
    reference_rest,
)

HINGES = ("left_elbow", "right_elbow", "left_knee", "right_knee")
_HINGE_AXES = {"left_elbow": (0.0, -1.0, 0.0), "right_elbow": (0.0, -1.0, 0.0),
               "left_knee": (0.0, 1.0, 0.0), "right_knee": (0.0, 1.0, 0.0)}  # fmt: skip
"""Where the bone beyond a hinge goes when it bends, in the T-pose frame of the bone before it."""


@dataclass(frozen=True)
class Body:
    """The vectors (V, 3) m of a rest skeleton, their `carriers` (V,) in `ANIMATION_21`, and how they add up.

    In order: a bone that ends at each joint; the offset of each `BODY_26` point from its joint; that of each point
    as a detector sees it; that of each contact point; the bend of each hinge and the bone beyond it, unit vectors.
    """

    vectors: Tensor
    carriers: Tensor
    chain: Tensor
    point_joints: Tensor
    contact_joints: Tensor

    @staticmethod
    def of(rest_offsets: Array, rest_tails: Array) -> Body:
        """From `rest_offsets` and `rest_tails` (21, 3) m."""
        joints = ANIMATION_21
        point_joints, offsets = _points(rest_offsets)
        seen = offsets + landmark_offsets() * (_size(rest_offsets) / _size(reference_rest()[0]))
        contact_joints, contacts = contact_points(rest_tails, rest_offsets)
        bones = np.concatenate([np.zeros((1, 3)), rest_offsets[1:]])
        hinges = joints.indices(*HINGES)
        before = [joints.parents[hinge] for hinge in hinges]
        axes = np.array([_HINGE_AXES[name] for name in HINGES])
        ends = [joints.parents.index(hinge) for hinge in hinges]
        beyond = rest_offsets[ends] / np.linalg.norm(rest_offsets[ends], axis=-1, keepdims=True)
        parents = [max(parent, 0) for parent in joints.parents]
        return Body(
            torch.from_numpy(np.concatenate([bones, offsets, seen, contacts, axes, beyond])).float(),
            torch.tensor([*parents, *point_joints, *point_joints, *contact_joints, *before, *hinges]),
            _chain(),
            torch.tensor(point_joints),
            torch.from_numpy(contact_joints),
        )

    def lengths(self) -> Tensor:
        """Lengths (26,) m at rest of the bones that end at the `BODY_26` points; 0 for the root."""
        rest = self.placed(self.vectors[None]).points[0]
        lengths: Tensor = (rest - rest[[max(parent, 0) for parent in BODY_26.parents]]).norm(dim=-1)
        return lengths

    def carried(self, rotations: Array) -> Tensor:
        """The vectors (F, V, 3) under world rotations (F, 21, 4)."""
        return torch.from_numpy(rotate(rotations[:, self.carriers.numpy()], self.vectors.double().numpy())).float()

    def placed(self, vectors: Tensor) -> Placed:
        """What turned vectors (F, V, 3) add up to."""
        count, points = len(ANIMATION_21), len(BODY_26)
        sizes = [count, points, points, len(self.contact_joints), len(HINGES), len(HINGES)]
        bones, own, seen, contacts, axes, beyond = torch.split(vectors, sizes, 1)
        joints = self.chain @ bones
        at = joints[:, self.point_joints]
        return Placed(at + own, at + seen, joints[:, self.contact_joints] + contacts, (axes * beyond).sum(-1))


@dataclass(frozen=True)
class Placed:
    """A figure from its pelvis, metres: `points` (F, 26, 3); `landmarks` (F, 26, 3), as a detector sees them;
    `contacts` (F, 4, 3); `bends` (F, 4), the sine by which each hinge bends, negative beyond straight."""

    points: Tensor
    landmarks: Tensor
    contacts: Tensor
    bends: Tensor


def turned(vectors: Tensor, angles: Tensor) -> Tensor:
    """Vectors (..., 3) turned by rotation vectors `angles` (..., 3).

    Rodrigues' formula v + sin(a)/a (w x v) + (1 - cos a)/a^2 w x (w x v), by its series near 0, where the formula's
    gradients are not finite.
    """
    squared = angles.square().sum(-1, keepdim=True)
    small = squared < 1e-6
    safe = torch.where(small, torch.ones_like(squared), squared)
    size = safe.sqrt()
    first = torch.where(small, 1 - squared / 6, torch.sin(size) / size)
    second = torch.where(small, 0.5 - squared / 24, (1 - torch.cos(size)) / safe)
    across = torch.linalg.cross(angles, vectors)
    result: Tensor = vectors + first * across + second * torch.linalg.cross(angles, across)
    return result


def _size(rest_offsets: Array) -> float:
    """All bones' lengths together, m."""
    return float(np.linalg.norm(rest_offsets[1:], axis=-1).sum())


def _points(rest_offsets: Array) -> tuple[list[int], Array]:
    """The joint of each `BODY_26` point and its offset (26, 3) m from it."""
    carriers, offsets = [], np.zeros((len(BODY_26), 3))
    for index, name in enumerate(BODY_26.joints):
        if name in ATTACHED:
            parent, offset = attachment(name)
            offsets[index] = offset * attachment_scale(name, rest_offsets)
            carriers.append(ANIMATION_21.index(parent))
        else:
            carriers.append(ANIMATION_21.index(BODY_FROM_ANIMATION.get(name, name)))
    return carriers, offsets


def _chain() -> Tensor:
    """(21, 21): row j is 1 at j and all that it hangs from; times the bones it gives the joints from the pelvis."""
    chain = torch.zeros(len(ANIMATION_21), len(ANIMATION_21))
    for joint, parent in enumerate(ANIMATION_21.parents):
        if parent >= 0:
            chain[joint] = chain[parent]
            chain[joint, joint] = 1.0
    return chain
