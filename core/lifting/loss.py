"""DG-Net's training loss."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

BLOCK_WEIGHT = 0.1
"""lambda of eq. 17."""


def pose_loss(predicted: Tensor, target: Tensor, weight: Tensor | None = None, squared: bool = True) -> Tensor:
    """Mean squared joint distance (eq. 15, 16) of poses (..., N, 3), a scalar; the mean distance if not `squared`,
    which asks for the likeliest of several poses rather than for their mean.

    `weight` (..., N) weighs the joints; the result is divided by its sum.
    """
    distance = (predicted - target).square().sum(-1)
    if not squared:
        distance = (distance + 1e-8).sqrt()
    if weight is None:
        return distance.mean()
    return (distance * weight).sum() / weight.expand_as(distance).sum().clamp_min(1e-12)


def training_loss(
    network: Tensor,
    blocks: Sequence[Tensor],
    target: Tensor,
    weight: Tensor | None = None,
    block_weight: float = BLOCK_WEIGHT,
    squared: bool = True,
) -> Tensor:
    """`L_network + lambda * sum over blocks of L_block` (eq. 17), a scalar; arguments as `pose_loss`."""
    loss = pose_loss(network, target, weight, squared)
    for block in blocks:
        loss = loss + block_weight * pose_loss(block, target, weight, squared)
    return loss
