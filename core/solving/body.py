"""The figure as one matrix product, in torch: what the sequence solve differentiates.

Every joint has a world rotation of its own. All that a figure shows is then a sum of vectors, each fixed to one joint
(bones along the chain, points that sit on a joint's frame, axes of hinges), and so linear in the rotations' entries:
the rest skeleton is written down once as the columns of a matrix, and no step walks through the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..rotation import Array, normalise, to_matrix
from ..skeleton import (
    ANIMATION_21,
    ATTACHED,
    BODY_26,
    BODY_FROM_ANIMATION,
    CONTACT_NAMES,
    SUPPORT_NAMES,
    attachment,
    attachment_scale,
    contact_points,
    landmark_offsets,
    reference_rest,
    support_points,
)

HINGES = ("left_elbow", "right_elbow", "left_knee", "right_knee")
_HINGE_AXES = {"left_elbow": (0.0, -1.0, 0.0), "right_elbow": (0.0, -1.0, 0.0),
               "left_knee": (0.0, 1.0, 0.0), "right_knee": (0.0, 1.0, 0.0)}  # fmt: skip
"""Where the bone beyond a hinge goes when it bends, in the T-pose frame of the bone before it."""


@dataclass(frozen=True)
class Placed:
    """A figure from its pelvis, metres, x, y and z one after another: `points` (3, F, 26); `bones` (3, F, 26), from
    each point's parent to it; `landmarks` (3, F, 26), the points as a detector sees them; `contacts` (3, F, 4) of the
    feet; `supports` (3, F, 5), see `SUPPORT_NAMES`; `before` (3, F, 4), the way each hinge bends, fixed to the bone
    before it, and `beyond` (3, F, 4), the direction of the bone beyond."""

    points: Tensor
    bones: Tensor
    landmarks: Tensor
    contacts: Tensor
    supports: Tensor
    before: Tensor
    beyond: Tensor

    @property
    def bends(self) -> Tensor:
        """(F, 4): the sine by which each hinge bends, negative beyond straight."""
        return (self.before * self.beyond).sum(0)


PARTS = {
    "points": len(BODY_26),
    "bones": len(BODY_26),
    "landmarks": len(BODY_26),
    "contacts": len(CONTACT_NAMES),
    "supports": len(SUPPORT_NAMES),
    "before": len(HINGES),
    "beyond": len(HINGES),
}
"""How many of `Body.columns` each part of `Placed` has, in order."""


@dataclass(frozen=True)
class Body:
    """A rest skeleton: rotations' entries times the `columns` (3 * 21, C), whose rows go through the joints for x, then
    y, then z at rest, give the vectors of `Placed`; `lengths` (26,) m of the bones at rest."""

    columns: Tensor
    lengths: Tensor

    @staticmethod
    def of(rest_offsets: Array, rest_tails: Array) -> Body:
        """From `rest_offsets` and `rest_tails` (21, 3) m."""
        joints = _joint_columns(rest_offsets)
        point_joints, offsets = _points(rest_offsets)
        seen = landmark_offsets() * (_size(rest_offsets) / _size(reference_rest()[0]))
        contact_joints, contacts = contact_points(rest_tails, rest_offsets)
        points = joints[point_joints] + _fixed(point_joints, offsets)
        bones = points - points[BODY_26.bone_starts]
        support_joints, supports = support_points(rest_offsets)
        before, beyond = _hinges(rest_offsets)
        landmarks = points + _fixed(point_joints, seen)
        feet = joints[contact_joints] + _fixed(contact_joints, contacts)
        others = joints[support_joints] + _fixed(support_joints, supports)
        columns = np.concatenate([points, bones, landmarks, feet, others, before, beyond])
        # At rest, where all rotations are the identity, a column's entries simply add up.
        lengths = np.linalg.norm(bones.sum(1), axis=-1)
        columns = columns.transpose(2, 1, 0).reshape(-1, len(columns))
        return Body(torch.from_numpy(np.ascontiguousarray(columns)).float(), torch.from_numpy(lengths).float())

    def placed(self, rotations: Tensor) -> Placed:
        """The figure under world rotations (3, 3, F, 21)."""
        vectors = rotations.transpose(1, 2).flatten(2) @ self.columns
        return Placed(*torch.split(vectors, list(PARTS.values()), -1))


def matrices(rotations: Array) -> Tensor:
    """Rotations (F, J, 4) as matrices (3, 3, F, J): entries apart, so that all arithmetic runs along the frames."""
    return torch.from_numpy(np.ascontiguousarray(to_matrix(rotations).transpose(2, 3, 0, 1))).float()


def components(vectors: Array) -> Tensor:
    """Vectors (F, N, D) as (D, F, N), the order of `Placed`."""
    return torch.from_numpy(np.ascontiguousarray(vectors.transpose(2, 0, 1))).float()


def turned(rotations: Tensor, turns: Tensor) -> Tensor:
    """Rotations (3, 3, F, J) turned on by `turns` (3, F, J): axis times twice the tangent of half the angle.

    R = I + 2 f K + f K K with the cross product's matrix K of t and f = 2 / (4 + t.t): twice a Gibbs vector, so that
    a small turn is its rotation vector. Unlike Rodrigues' formula it has no angle to divide by, and needs no case for
    small ones; half a turn is out of its reach, and of a solve's.
    """
    squared = turns.square().sum(0)
    factor = 2 / (4 + squared)
    on = 1 - factor * squared
    x, y, z = turns
    fx, fy, fz = factor * turns
    sx, sy, sz = 2 * factor * turns
    xy, xz, yz = fx * y, fx * z, fy * z
    rows = [on + fx * x, xy - sz, xz + sy, xy + sz, on + fy * y, yz - sx, xz - sy, yz + sx, on + fz * z]
    turn = torch.stack(rows).view(3, 3, *squared.shape)
    # Sums written out: thousands of 3 x 3 products cost several times as much.
    result: Tensor = turn[:, 0, None] * rotations[0] + turn[:, 1, None] * rotations[1] + turn[:, 2, None] * rotations[2]
    return result


def acceleration(values: Tensor, step: Tensor) -> Tensor:
    """Second differences (3, F - 2, N) of samples (3, F, N) `step` (F - 1, 1) seconds apart."""
    speed = (values[:, 1:] - values[:, :-1]) / step
    result: Tensor = 2 * (speed[:, 1:] - speed[:, :-1]) / (step[1:] + step[:-1])
    return result


def quaternions(turns: Array) -> Array:
    """Turns (..., 3), as `turned` has them, as rotations (..., 4)."""
    return normalise(np.concatenate([np.full_like(turns[..., :1], 2.0), turns], -1))


def _fixed(joints: Sequence[int] | NDArray[np.int64], vectors: Array) -> Array:
    """Columns (N, 21, 3) of vectors (N, 3), each fixed to one of the joints (N,)."""
    columns = np.zeros((len(vectors), len(ANIMATION_21), 3))
    columns[np.arange(len(vectors)), joints] = vectors
    return columns


def _joint_columns(rest_offsets: Array) -> Array:
    """Columns (21, 21, 3) of the joints: each parent's, and the bone that hangs from it."""
    columns = np.zeros((len(ANIMATION_21), len(ANIMATION_21), 3))
    for joint, parent in enumerate(ANIMATION_21.parents):
        if parent >= 0:
            columns[joint] = columns[parent]
            columns[joint, parent] += rest_offsets[joint]
    return columns


def _hinges(rest_offsets: Array) -> tuple[Array, Array]:
    """Columns (4, 21, 3) of the way each hinge bends, fixed to the bone before it, and of the bone beyond; unit
    vectors."""
    hinges = ANIMATION_21.indices(*HINGES)
    before = _fixed([ANIMATION_21.parents[hinge] for hinge in hinges], np.array([_HINGE_AXES[name] for name in HINGES]))
    beyond = rest_offsets[[ANIMATION_21.parents.index(hinge) for hinge in hinges]]
    return before, _fixed(hinges, normalise(beyond))


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
