"""The skeleton as a graph, and the search for neighbours that makes DG-Net's graphs dynamical."""

from __future__ import annotations

import torch
from torch import Tensor

from ..skeleton import ANIMATION_21, BODY_26, HUMAN36M_17, HUMANEVA_15, JointSet

JOINT_SETS = {joints.name: joints for joints in (HUMAN36M_17, BODY_26, ANIMATION_21, HUMANEVA_15)}
"""The joint sets a network can be built for, by name."""


def adjacency(joints: JointSet) -> Tensor:
    """(N, N) bool: joined by a bone, or the same joint."""
    joined = torch.eye(len(joints), dtype=torch.bool)
    for parent, child in joints.edges:
        joined[parent, child] = joined[child, parent] = True
    return joined


def with_counterparts(joints: JointSet) -> Tensor:
    """(N, N) bool: `adjacency`, and every joint with its counterpart on the other side."""
    joined = adjacency(joints)
    joined[torch.arange(len(joints)), torch.from_numpy(joints.mirror)] = True
    return joined


def hop_distance(joints: JointSet) -> Tensor:
    """(N, N) int64: the number of bones on the way from one joint to another."""
    joined = adjacency(joints)
    count = len(joints)
    distance = torch.full((count, count), count, dtype=torch.int64)
    reached = torch.eye(count, dtype=torch.bool)
    for hops in range(count):
        distance[reached] = torch.minimum(distance[reached], torch.tensor(hops))
        reached = (reached.float() @ joined.float()) > 0
    return distance


def tie_ranks(joints: JointSet) -> Tensor:
    """(N, N) int32: row i ranks every joint as a neighbour of i when nothing else distinguishes them.

    Self first, then by skeleton distance, a joint on i's own side before its counterpart. Ranks commute with
    mirroring, so a body and its mirror image get mirrored graphs. A row of the midline has no own side:
    it takes midline joints first, since left and right cannot be ranked fairly.
    """
    hops = hop_distance(joints)
    mirror = [int(m) for m in joints.mirror]
    # 0 on the midline, else 1 and -1.
    side = [0 if m == j else 1 if name.startswith("left_") else -1
            for j, (m, name) in enumerate(zip(mirror, joints.joints, strict=True))]  # fmt: skip

    def order(i: int, j: int) -> tuple[bool, bool, int, bool, int, int]:
        in_a_pair = side[i] == 0 and side[j] != 0
        return (j != i, in_a_pair, int(hops[i, j]), side[i] * side[j] < 0, min(j, mirror[j]), -side[j])

    ranks = torch.empty(len(joints), len(joints), dtype=torch.int32)
    for i in range(len(joints)):
        for rank, j in enumerate(sorted(range(len(joints)), key=lambda j, i=i: order(i, j))):  # type: ignore[misc]
            ranks[i, j] = rank
    return ranks


def squared_distances(features: Tensor) -> Tensor:
    """(..., N, N) squared Euclidean distances between the rows of `features` (..., N, C), by the Gram matrix.

    Rows are centred first, which changes no distance and spares the cancellation of large equal parts.
    """
    centred = features - features.mean(-2, keepdim=True)
    gram = centred @ centred.transpose(-1, -2)
    norms = gram.diagonal(dim1=-2, dim2=-1)
    return (norms.unsqueeze(-1) + norms.unsqueeze(-2) - 2 * gram).clamp_min(0)


@torch.no_grad()
def nearest(features: Tensor, count: int, ranks: Tensor) -> Tensor:
    """(..., N, N) bool: row i marks the `count` rows of `features` (..., N, C) nearest to row i, itself among them.

    KNN of DG-Net's eq. 3 and 10. `ranks` (N, N) int32 (see `tie_ranks`) decides ties. The distances are
    single-precision; a rank takes the place of their last bits, so distances equal within 2^-18 are ties
    and all keys differ: exactly `count` neighbours, the same on every device.
    """
    with torch.autocast(features.device.type, enabled=False):
        distances = squared_distances(features.float())
    return _smallest(_with_ranks(distances, ranks), count)


@torch.no_grad()
def nearest_of(points: Tensor, candidates: Tensor, count: int, ranks: Tensor, absent: Tensor) -> Tensor:
    """(..., N, M) bool: row i marks the `count` of `candidates` (..., M, C) nearest to row i of `points` (..., N, C),
    whose first N are the points themselves. As `nearest`; `absent` (..., 1, M) are never marked, so that where fewer
    than `count` are left these are all."""
    with torch.autocast(points.device.type, enabled=False):
        points, candidates = points.float(), candidates.float()
        centre = points.mean(-2, keepdim=True)
        points, candidates = points - centre, candidates - centre
        norms = points.square().sum(-1).unsqueeze(-1) + candidates.square().sum(-1).unsqueeze(-2)
        distances = (norms - 2 * points @ candidates.transpose(-1, -2)).clamp_min(0)
    keys = _with_ranks(distances, ranks).masked_fill(absent, _NEVER)
    return _smallest(keys, count) & ~absent


def _with_ranks(distances: Tensor, ranks: Tensor) -> Tensor:
    """(..., N, M) int32 that order as `distances` do, ties by `ranks` (N, M)."""
    low_bits = (1 << (ranks.shape[-1] - 1).bit_length()) - 1
    # Floats that are not negative order as their bit patterns do.
    return (distances.view(torch.int32) & ~low_bits) | ranks


def _smallest(keys: Tensor, count: int) -> Tensor:
    """(..., N, M) bool: row i marks i, and of the others the `count` - 1 with the smallest of `keys` (..., N, M), which
    are not negative and get written over."""
    # Whether or not it is nearest, a joint is its own neighbour: the search is for the others.
    keys.diagonal(dim1=-2, dim2=-1).fill_(_NEVER)
    reach = torch.full_like(keys[..., :1], -1)
    for _ in range(min(count, keys.shape[-1]) - 1):
        # Keys up to the reach turn negative and, without their sign, larger than all others: what a mask would do, in
        # a quarter of the time.
        beyond = (keys - (reach + 1)).bitwise_and_(_NEVER)
        reach = (reach + 1 + beyond.amin(-1, keepdim=True)).clamp_max_(_NEVER - 1)
    chosen = keys <= reach
    chosen.diagonal(dim1=-2, dim2=-1).fill_(True)
    return chosen


_NEVER = torch.iinfo(torch.int32).max
