"""DG-Net's operators. Equations are those of Zhang et al., "Learning Dynamical Human-Joint Affinity for 3D Pose
Estimation in Videos" (IEEE TIP 2021); what the paper leaves open is decided as SemGCN, which it builds on, does.

Features are (T, B, N, C): frames, windows, joints, channels, contiguous, so that every weight is one large matrix
product over all joints, and the features of the next and the last frame are a slice and no copy. A graph convolution
here is the linear part of an operator; `ConvolutionUnit` adds BatchNorm and the activation. All are linear in `weight`
and `bias` per output channel, which is how BatchNorm folds into them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .neighbours import InputGraphs, following, preceding


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

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        """Features (T, B, N, C_out) of features (T, B, N, C_in); `given`: the graphs that the input settles, if any."""
        raise NotImplementedError

    def mix(self, *parts: Tensor) -> Tensor:
        """The product with the weight: `parts` tensors (..., C_in) to one (..., C_out)."""
        if not in_place(parts[0]):
            return nn.functional.linear(torch.cat(parts, -1), self.weight.t(), self.bias)
        first, *others = self.weight.chunk(self.parts)
        mixed = torch.addmm(self.bias, parts[0].flatten(0, -2), first)
        for part, weight in zip(parts[1:], others, strict=True):
            mixed.addmm_(part.flatten(0, -2), weight)
        return mixed.view(*parts[0].shape[:-1], -1)

    @torch.no_grad()
    def scale_outputs(self, scale: Tensor, shift: Tensor) -> None:
        """Make the output `y` into `y * scale + shift`, each (C_out)."""
        self.weight.mul_(scale)
        self.bias.mul_(scale).add_(shift)


class FixedGraph(GraphConvolution):
    """What the graph convolutions along bones share: a softmax, per joint, over one learnable scalar for each joint
    that it listens to (`joined`, its row)."""

    joined: Tensor
    affinity_cache: Tensor | None

    def __init__(self, inputs: int, outputs: int, joined: Tensor, parts: int) -> None:
        super().__init__(inputs, outputs, parts)
        self.edges = nn.Parameter(torch.ones(int(joined.sum())))
        self.register_buffer("joined", joined, persistent=False)
        self.register_buffer("affinity_cache", None, persistent=False)

    def affinity_matrix(self) -> Tensor:
        """A, of the shape of `joined`: rows sum to 1, zero where no bone is."""
        if self.affinity_cache is not None:
            return self.affinity_cache
        logits = torch.full_like(self.joined, -torch.inf, dtype=self.edges.dtype)
        return torch.softmax(logits.masked_scatter(self.joined, self.edges), -1)


class FixedSpatialGraph(FixedGraph):
    """FSG, eq. 1-2: `Y_t = A X_t Theta`, as SemGCN's semantic graph convolution.

    A is a softmax, per joint, over one learnable scalar for every bone that ends there and one for the joint
    itself; the joint and its neighbours have weights of their own: `Y = diag(A) X W_0 + offdiag(A) X W_1`.
    """

    def __init__(self, inputs: int, outputs: int, joined: Tensor) -> None:
        super().__init__(inputs, outputs, joined, parts=2)

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        affinity = self.affinity_matrix().to(features.dtype)
        own = affinity.diagonal().unsqueeze(-1)
        others = affinity - torch.diag_embed(affinity.diagonal())
        if self.weight.shape[0] <= 2 * self.weight.shape[1]:
            return self.mix(own * features, spread(others, features))
        # Fewer channels come out than go in: the weights first, then the graph on what is left.
        weight = torch.cat(self.weight.chunk(2), 1)
        first, second = nn.functional.linear(features, weight.t()).chunk(2, -1)
        return own.to(first.dtype) * first + spread(others.to(first.dtype), second) + self.bias.to(first.dtype)


class FixedTemporalGraph(GraphConvolution):
    """FTG, eq. 8-9: `Y_t = X_t W_x + X_{t+1} W_f + X_{t-1} W_b`; beyond the ends the first and last frame repeat."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, parts=3)

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        if not in_place(features):
            return self.mix(features, following(features), preceding(features))
        now, after, before = self.weight.chunk(3)
        mixed = torch.addmm(self.bias, features.flatten(0, -2), now).view(*features.shape[:-1], -1)
        for target, source, weight in (
            (mixed[:-1], features[1:], after), (mixed[-1:], features[-1:], after),
            (mixed[1:], features[:-1], before), (mixed[:1], features[:1], before),
        ):  # fmt: skip
            target.flatten(0, -2).addmm_(source.flatten(0, -2), weight)
        return mixed


class ConvolutionUnit(nn.Module):
    """A graph convolution, BatchNorm over channels, ReLU."""

    def __init__(self, convolution: GraphConvolution) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm: nn.Module = nn.BatchNorm1d(convolution.bias.shape[0])

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        mixed = normalised(self.norm, self.convolution(features, given))
        return mixed.relu_() if in_place(mixed) else torch.relu(mixed)

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

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        change: Tensor = self.second(self.first(features, given), given)
        return change.add_(features) if in_place(change) else features + change


class NonLocal(nn.Module):
    """Spatial non-local block with the concatenation kernel (Wang et al. 2018, eq. 1, 5, 6):
    `Z = X + BN(W_z Y)`, `y_i = 1/N sum_j relu(w . [theta(x_i), phi(x_j)]) g(x_j)`, bottleneck C/2, over the joints
    of each frame. BN's gain starts at 0, so the block starts as the identity.

    theta, phi and w are linear in a row, so `w . [theta(x_i), phi(x_j)]` is evaluated as a_i + b_j with
    `a = (w_1 W_theta) x + w_1 b_theta`: the same value and gradients without the bottleneck features.
    """

    weight_cache: Tensor | None
    bias_cache: Tensor | None

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight_cache", None, persistent=False)
        self.register_buffer("bias_cache", None, persistent=False)
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

    def projection(self) -> tuple[Tensor, Tensor]:
        """The weight (C/2 + 2, C) and bias (C/2 + 2) that make g, a and b of features in one product."""
        if self.weight_cache is not None and self.bias_cache is not None:
            return self.weight_cache, self.bias_cache
        row, column = self.kernel.unbind()
        weight = torch.cat([self.g.weight, (row @ self.theta.weight)[None], (column @ self.phi.weight)[None]])
        bias = torch.cat([self.g.bias, (row @ self.theta.bias)[None], (column @ self.phi.bias)[None]])
        return weight, bias

    def forward(self, features: Tensor) -> Tensor:
        projected = nn.functional.linear(features, *self.projection())
        values, rows, columns = projected[..., :-2], projected[..., -2], projected[..., -1]
        # Divided by N before the pairs are made: relu commutes with it.
        size = features.shape[-2]
        raw = (rows / size).unsqueeze(-1) + (columns / size).unsqueeze(-2)
        affinity = raw.relu_() if in_place(raw) else torch.relu(raw)
        change = normalised(self.norm, self.output(spread(affinity, values)))
        return change.add_(features) if in_place(change) else features + change

    @torch.no_grad()
    def fold(self) -> None:
        """Put the running statistics into the output's weights (evaluation only)."""
        if isinstance(self.norm, nn.BatchNorm1d):
            scale, shift = norm_as_scale(self.norm)
            self.output.weight.mul_(scale.unsqueeze(1))
            self.output.bias.mul_(scale).add_(shift)
            self.norm = nn.Identity()
            self.weight_cache, self.bias_cache = self.projection()


def in_place(tensor: Tensor) -> bool:
    """Whether results may be written over: nobody asks for gradients, and no automatic cast changes types."""
    return not torch.is_grad_enabled() and not torch.is_autocast_enabled(tensor.device.type)


def spread(affinity: Tensor, features: Tensor) -> Tensor:
    """`affinity` (N, N) or (T, B, N, N) times `features` (T, B, N, C), frame by frame."""
    return torch.bmm(_graphs(affinity, features), features.flatten(0, 1)).view(features.shape)


def spread_shifted(affinity: Tensor, features: Tensor, step: int) -> Tensor:
    """`affinity` (N, N) or (T, B, N, N) times the `features` (T, B, N, C) of the next frame (`step` 1) or of the one
    before (-1); the first and last frame repeat."""
    if not in_place(features) or affinity.dim() == 2:
        return spread(affinity, following(features) if step > 0 else preceding(features))
    inside, source, edge = (slice(0, -1), slice(1, None), -1) if step > 0 else (slice(1, None), slice(0, -1), 0)
    mixed = torch.empty_like(features)
    if len(features) > 1:
        torch.bmm(affinity[inside].flatten(0, 1), features[source].flatten(0, 1), out=mixed[inside].flatten(0, 1))
    torch.bmm(affinity[edge], features[edge], out=mixed[edge])
    return mixed


def _graphs(affinity: Tensor, features: Tensor) -> Tensor:
    """`affinity` as a batch of graphs (T x B, N, N), of the features' type."""
    if affinity.dim() == 2:
        affinity = affinity.expand(*features.shape[:2], *affinity.shape)
    return affinity.to(features.dtype).flatten(0, 1)


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
