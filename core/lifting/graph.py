"""The skeleton as a graph, and the search for neighbours that makes DG-Net's graphs dynamical."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ..skeleton import ANIMATION_21, BODY_26, HUMAN36M_17, JointSet

JOINT_SETS = {joints.name: joints for joints in (HUMAN36M_17, BODY_26, ANIMATION_21)}
"""The joint sets a network can be built for, by name."""


def adjacency(joints: JointSet) -> Tensor:
    """(N, N) bool: joined by a bone, or the same joint."""
    joined = torch.eye(len(joints), dtype=torch.bool)
    for parent, child in joints.edges:
        joined[parent, child] = joined[child, parent] = True
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


Style = Literal["dynamical", "fixed", "full", "random", "symmetry", "precomputed"]
STYLES: tuple[Style, ...] = get_args(Style)


def fixed_neighbours(style: Style, joints: JointSet, count: int) -> Tensor | None:
    """(N, N) bool: who listens to whom in the graphs that the paper's table of styles compares with DG-Net's; None for
    "dynamical", where the features decide.

    "fixed": the skeleton. "full": everyone. "symmetry": the skeleton and each joint's counterpart. "random": itself
    and `count` - 1 others, drawn once. "precomputed": the `count` nearest along the skeleton (`tie_ranks`).
    The paper names the styles without defining them; these are the plainest readings.
    """
    joined, number = adjacency(joints), len(joints)
    match style:
        case "dynamical":
            return None
        case "fixed":
            return joined
        case "full":
            return torch.ones_like(joined)
        case "symmetry":
            joined[torch.arange(number), torch.from_numpy(joints.mirror)] = True
            return joined
        case "random":
            drawn = torch.rand(number, number, generator=torch.Generator().manual_seed(0))
            return drawn.fill_diagonal_(-1).argsort(-1).argsort(-1) < count
        case "precomputed":
            return tie_ranks(joints) < count


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
    joints = features.shape[-2]
    with torch.autocast(features.device.type, enabled=False):
        distances = squared_distances(features.float())
    low_bits = (1 << (joints - 1).bit_length()) - 1
    # Floats that are not negative order as their bit patterns do.
    keys = (distances.view(torch.int32) & ~low_bits) | ranks
    keys.diagonal(dim1=-2, dim2=-1).fill_(-1)
    remaining = keys
    for _ in range(min(count, joints) - 1):
        taken = remaining <= remaining.amin(-1, keepdim=True)
        remaining = remaining.masked_fill(taken, torch.iinfo(torch.int32).max)
    return keys <= remaining.amin(-1, keepdim=True)
