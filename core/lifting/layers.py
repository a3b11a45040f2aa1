"""DG-Net's operators. Equations are those of Zhang et al., "Learning Dynamical Human-Joint Affinity for 3D Pose
Estimation in Videos" (IEEE TIP 2021); what the paper leaves open is decided as SemGCN, which it builds on, does.

Features are (B, T, N, C): windows, frames, joints, channels, contiguous, so that every weight is one large matrix
product over all joints. A graph convolution here is the linear part of an operator; `ConvolutionUnit` adds BatchNorm
and the activation. All are linear in `weight` and `bias` per output channel, which is how BatchNorm folds into them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from .graph import nearest

Scores = Literal["sigmoid", "relu"]
Weighting = Literal["none", "fc", "embedded_gaussian"]
Shift = Callable[[Tensor], Tensor]


def unmoved(values: Tensor) -> Tensor:
    """Values of the frame itself."""
    return values


class GraphConvolution(nn.Module):
    """What the graph convolutions share: one weight (parts x C_in, C_out) and a bias (C_out)."""

    def __init__(self, inputs: int, outputs: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.weight = nn.Parameter(torch.empty(parts * inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))
        for part in self.weight.chunk(parts):
            nn.init.xavier_uniform_(part, gain=math.sqrt(2))
        nn.init.uniform_(self.bias, -1 / math.sqrt(outputs), 1 / math.sqrt(outputs))

    def mix(self, features: Tensor) -> Tensor:
        """The product with the weight: (..., parts x C_in) to (..., C_out)."""
        return nn.functional.linear(features, self.weight.t(), self.bias)

    @torch.no_grad()
    def scale_outputs(self, scale: Tensor, shift: Tensor) -> None:
        """Make the output `y` into `y * scale + shift`, each (C_out)."""
        self.weight.mul_(scale)
        self.bias.mul_(scale).add_(shift)


class FixedSpatialGraph(GraphConvolution):
    """FSG, eq. 1-2: `Y_t = A X_t Theta`, as SemGCN's semantic graph convolution.

    A is a softmax, per joint, over one learnable scalar for every bone that ends there and one for the joint
    itself; the joint and its neighbours have weights of their own: `Y = diag(A) X W_0 + offdiag(A) X W_1`.
    """

    joined: Tensor
    affinity_cache: Tensor | None

    def __init__(self, inputs: int, outputs: int, joined: Tensor) -> None:
        super().__init__(inputs, outputs, parts=2)
        self.edges = nn.Parameter(torch.ones(int(joined.sum())))
        self.register_buffer("joined", joined, persistent=False)
        self.register_buffer("affinity_cache", None, persistent=False)

    def affinity_matrix(self) -> Tensor:
        """A (N, N): rows sum to 1, zero where no bone is."""
        if self.affinity_cache is not None:
            return self.affinity_cache
        logits = torch.full_like(self.joined, -torch.inf, dtype=self.edges.dtype)
        return torch.softmax(logits.masked_scatter(self.joined, self.edges), -1)

    def forward(self, features: Tensor) -> Tensor:
        affinity = self.affinity_matrix().to(features.dtype)
        own = affinity.diagonal().unsqueeze(-1)
        others = affinity - torch.diag_embed(affinity.diagonal())
        if self.weight.shape[0] <= 2 * self.weight.shape[1]:
            return self.mix(torch.cat([own * features, spread(others, features)], -1))
        # Fewer channels come out than go in: the weights first, then the graph on what is left.
        weight = torch.cat(self.weight.chunk(2), 1)
        first, second = nn.functional.linear(features, weight.t()).chunk(2, -1)
        return own.to(first.dtype) * first + spread(others.to(first.dtype), second) + self.bias.to(first.dtype)


class DynamicalSpatialGraph(GraphConvolution):
    """DSG, eq. 3-7: `Y_t = B_t X_t Phi`, `B_t = D_t * R_t`.

    D_t marks each joint's K nearest by Euclidean distance of features; R_t(i, j) = gamma([x_i, x_j]).
    """

    def __init__(self, inputs: int, outputs: int, neighbours: Neighbours, importance: Importance) -> None:
        super().__init__(inputs, outputs, parts=1)
        self.neighbours = neighbours
        self.importance = importance

    def affinity(self, features: Tensor) -> Tensor:
        """B_t (B, T, N, N), divided by K."""
        chosen = self.neighbours(features)
        return self.importance.affinity(features, chosen, self.neighbours.count(features))

    def forward(self, features: Tensor) -> Tensor:
        return self.mix(spread(self.affinity(features), features))


class FixedTemporalGraph(GraphConvolution):
    """FTG, eq. 8-9: `Y_t = X_t W_x + X_{t+1} W_f + X_{t-1} W_b`; beyond the ends the first and last frame repeat."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, parts=3)

    def forward(self, features: Tensor) -> Tensor:
        return self.mix(torch.cat([features, following(features), preceding(features)], -1))


class DynamicalTemporalGraph(GraphConvolution):
    """DTG, eq. 10-14: `Y_t = X_t U_x + Q_{t+1} X_{t+1} U_f + Q_{t-1} X_{t-1} U_b`, `Q = L * H`.

    L_{t+1} marks for each joint the K whose movement to the next frame is most like its own, L_{t-1} likewise
    to the previous frame; H_{t+1}(i, j) = alpha([x_t^i, x_{t+1}^j]), H_{t-1}(i, j) = beta([x_t^i, x_{t-1}^j]).
    At the ends, where a frame is repeated, the neighbours come from the side that exists; a single frame has
    no movement, and each joint only itself.
    """

    def __init__(
        self, inputs: int, outputs: int, neighbours: Neighbours, forward: Importance, backward: Importance
    ) -> None:
        super().__init__(inputs, outputs, parts=3)
        self.neighbours = neighbours
        self.importance_forward = forward
        self.importance_backward = backward

    def chosen(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """L_{t+1} and L_{t-1}, each (B, T, N, N) bool, or (N, N) where they do not depend on the features."""
        batch, frames, joints, _ = features.shape
        if self.neighbours.fixed is not None:
            return self.neighbours.fixed, self.neighbours.fixed
        if frames == 1:
            own = torch.eye(joints, dtype=torch.bool, device=features.device).expand(batch, 1, joints, joints)
            return own, own
        # x_{t-1} - x_t at t is -(x_t - x_{t-1}): the same distances, so one search serves both directions.
        moving = self.neighbours(features[:, 1:] - features[:, :-1])
        return torch.cat([moving, moving[:, -1:]], 1), torch.cat([moving[:, :1], moving], 1)

    def affinities(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Q_{t+1} and Q_{t-1}, each (B, T, N, N), divided by K."""
        after, before = self.chosen(features)
        count = self.neighbours.count(features)
        return (
            self.importance_forward.affinity(features, after, count, following),
            self.importance_backward.affinity(features, before, count, preceding),
        )

    def forward(self, features: Tensor) -> Tensor:
        after, before = self.affinities(features)
        parts = [features, spread(after, following(features)), spread(before, preceding(features))]
        return self.mix(torch.cat(parts, -1))


class Neighbours(nn.Module):
    """Who listens to whom: each joint's `number` nearest, or `fixed` (N, N) bool for graphs that do not move."""

    ranks: Tensor
    fixed: Tensor | None

    def __init__(self, number: int, ranks: Tensor, fixed: Tensor | None = None) -> None:
        super().__init__()
        self.number = number
        self.register_buffer("ranks", ranks, persistent=False)
        self.register_buffer("fixed", fixed, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, N, N) or (N, N) bool for features (B, T, N, C)."""
        return nearest(features.detach(), self.number, self.ranks) if self.fixed is None else self.fixed

    def count(self, features: Tensor) -> Tensor | int:
        """The number of neighbours: one, or of each joint (N, 1)."""
        return min(self.number, features.shape[-2]) if self.fixed is None else self.fixed.sum(-1, keepdim=True)


class Importance(nn.Module):
    """How much each chosen joint counts: all the same, "none" in the paper's table of weightings."""

    def affinity(self, features: Tensor, chosen: Tensor, count: Tensor | int, shift: Shift = unmoved) -> Tensor:
        """(..., N, N): row i weighs the `chosen` joints for joint i, divided by their `count`.

        `features` (B, T, N, C); `shift` turns values of each frame (B, T, ...) into those of the frame they listen to.
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


class ConvolutionUnit(nn.Module):
    """A graph convolution, BatchNorm over channels, ReLU."""

    def __init__(self, convolution: GraphConvolution) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm: nn.Module = nn.BatchNorm1d(convolution.bias.shape[0])

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(normalised(self.norm, self.convolution(features)))

    def fold(self) -> None:
        """Put the running statistics into the convolution's weights (evaluation only)."""
        if isinstance(self.norm, nn.BatchNorm1d):
            self.convolution.scale_outputs(*norm_as_scale(self.norm))
            self.norm = nn.Identity()


class ResidualGraph(nn.Module):
    """Residual graph module: `X + unit(unit(X))`, no activation after the addition (SemGCN's)."""

    def __init__(self, first: GraphConvolution, second: GraphConvolution) -> None:
        super().__init__()
        self.first = ConvolutionUnit(first)
        self.second = ConvolutionUnit(second)

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = features + self.second(self.first(features))
        return result


class NonLocal(nn.Module):
    """Spatial non-local block with the concatenation kernel (Wang et al. 2018, eq. 1, 5, 6):
    `Z = X + BN(W_z Y)`, `y_i = 1/N sum_j relu(w . [theta(x_i), phi(x_j)]) g(x_j)`, bottleneck C/2, over the joints
    of each frame. BN's gain starts at 0, so the block starts as the identity.

    theta, phi and w are linear in a row, so `w . [theta(x_i), phi(x_j)]` is evaluated as a_i + b_j with
    `a = (w_1 W_theta) x + w_1 b_theta`: the same value and gradients without the bottleneck features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.g = nn.Linear(channels, inner)
        self.theta = nn.Linear(channels, inner)
        self.phi = nn.Linear(channels, inner)
        self.kernel = nn.Parameter(torch.empty(2, inner))
        self.output = nn.Linear(inner, channels)
        self.norm: nn.Module = nn.BatchNorm1d(channels)
        for linear in (self.g, self.theta, self.phi, self.output):
            nn.init.kaiming_normal_(linear.weight)
            nn.init.zeros_(linear.bias)
        nn.init.kaiming_normal_(self.kernel.view(1, -1))
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, features: Tensor) -> Tensor:
        row, column = self.kernel.unbind()
        weight = torch.cat([self.g.weight, (row @ self.theta.weight)[None], (column @ self.phi.weight)[None]])
        bias = torch.cat([self.g.bias, (row @ self.theta.bias)[None], (column @ self.phi.bias)[None]])
        projected = nn.functional.linear(features, weight, bias)
        values, rows, columns = projected[..., :-2], projected[..., -2], projected[..., -1]
        affinity = torch.relu(rows.unsqueeze(-1) + columns.unsqueeze(-2)) / features.shape[-2]
        return features + normalised(self.norm, self.output(spread(affinity, values)))

    @torch.no_grad()
    def fold(self) -> None:
        """Put the running statistics into the output's weights (evaluation only)."""
        if isinstance(self.norm, nn.BatchNorm1d):
            scale, shift = norm_as_scale(self.norm)
            self.output.weight.mul_(scale.unsqueeze(1))
            self.output.bias.mul_(scale).add_(shift)
            self.norm = nn.Identity()


def spread(affinity: Tensor, features: Tensor) -> Tensor:
    """`affinity` (N, N) or (B, T, N, N) times `features` (B, T, N, C), frame by frame."""
    batch, frames, joints, channels = features.shape
    if affinity.dim() == 2:
        affinity = affinity.expand(batch * frames, joints, joints)
    else:
        affinity = affinity.to(features.dtype).reshape(batch * frames, joints, joints)
    mixed = torch.bmm(affinity, features.reshape(batch * frames, joints, channels))
    return mixed.view(batch, frames, joints, channels)


def following(features: Tensor) -> Tensor:
    """X_{t+1} of (B, T, N, C), the last frame repeated."""
    return torch.cat([features[:, 1:], features[:, -1:]], 1)


def preceding(features: Tensor) -> Tensor:
    """X_{t-1} of (B, T, N, C), the first frame repeated."""
    return torch.cat([features[:, :1], features[:, :-1]], 1)


def normalised(norm: nn.Module, features: Tensor) -> Tensor:
    """BatchNorm over the last axis of (..., C)."""
    if isinstance(norm, nn.Identity):
        return features
    result: Tensor = norm(features.flatten(0, -2)).view(features.shape)
    return result


def norm_as_scale(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """The scale and shift (C) that BatchNorm applies in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale.detach(), (norm.bias - norm.running_mean * scale).detach()
