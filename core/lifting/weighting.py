"""How much the chosen joints count: the weightings that the paper compares.

Affinities are (T, B, N, M): row i weighs those that joint i listens to. They are scores divided by the number of
neighbours, or a softmax over these, so that a row weighs a mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Scores = Literal["sigmoid", "relu"]
Weighting = Literal["none", "fc", "embedded_gaussian"]
Shift = Callable[[Tensor], Tensor]


def unmoved(values: Tensor) -> Tensor:
    """Values of the frame itself."""
    return values


def make_importance(weighting: Weighting, inputs: int, scores: Scores) -> Importance:
    """The weighting of that name for features of `inputs` channels."""
    match weighting:
        case "none":
            return Importance()
        case "fc":
            return PairImportance(inputs, scores)
        case "embedded_gaussian":
            return EmbeddedGaussian(inputs)


class Importance(nn.Module):
    """How much each chosen joint counts: all the same, "none" in the paper's table of weightings."""

    def affinity(self, features: Tensor, chosen: Tensor, count: Tensor | int, shift: Shift = unmoved) -> Tensor:
        """(..., N, N): row i weighs the `chosen` joints for joint i, divided by their `count`.

        `features` (T, B, N, C); `shift` turns values of each frame (T, B, ...) into those of the frame they listen to.
        """
        return chosen.to(features.dtype) / count


class PairImportance(Importance):
    """gamma, alpha and beta (eq. 6, 12, 13): a fully connected layer over the features of a pair of joints.

    `w . [x_i, y_j]` is a_i + b_j, so no tensor of pairs of features is made. Scores are bounded by a sigmoid:
    unbounded ones (`relu`) multiply the features three times a block. Measured (64 channels, 3 blocks, scores divided
    by K either way, evaluated after 1, 5, 10, 20, 50 and 100 steps): `relu` gave NaN after 1 and 100 steps and 1e7 m
    after 50, while its training loss fell; `sigmoid` was finite throughout and ended at the lower training loss.
    """

    def __init__(self, inputs: int, scores: Scores) -> None:
        super().__init__()
        self.scores = scores
        self.weight = nn.Parameter(torch.empty(2, inputs))
        bound = 1 / math.sqrt(2 * inputs)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, features: Tensor) -> Tensor:
        """a and b (..., N, 2) of `features` (..., N, C)."""
        return nn.functional.linear(features, self.weight)

    def of_pairs(self, own: Tensor, other: Tensor) -> Tensor:
        """Scores (..., N, N) from a (..., N) of the joints and b (..., N) of their candidates."""
        raw = own.unsqueeze(-1) + other.unsqueeze(-2)
        return torch.sigmoid(raw) if self.scores == "sigmoid" else torch.relu(raw)

    def affinity(self, features: Tensor, chosen: Tensor, count: Tensor | int, shift: Shift = unmoved) -> Tensor:
        own, other = self(features).unbind(-1)
        return self.of_pairs(own, shift(other)) * chosen / count


class EmbeddedGaussian(Importance):
    """`exp(theta(x_i) . phi(x_j))` over the chosen joints, normalised (Wang et al. 2018, eq. 3); bottleneck C/2."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.theta = nn.Linear(inputs, max(1, inputs // 2))
        self.phi = nn.Linear(inputs, max(1, inputs // 2))

    def affinity(self, features: Tensor, chosen: Tensor, count: Tensor | int, shift: Shift = unmoved) -> Tensor:
        scores = self.theta(features) @ shift(self.phi(features)).transpose(-1, -2)
        return torch.softmax(scores.masked_fill(~chosen, -torch.inf), -1)
