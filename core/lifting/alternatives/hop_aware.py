"""Hop-aware aggregation over dynamic skeletal graphs: Zeng, Sun, Yang, Zhao, Liu, Xu, "Learning Skeletal Graph Neural
Networks for Hard 3D Pose Estimation" (ICCV 2021), Skeletal-GNN."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..graph import hop_distance
from ..layers import norm_as_scale
from .base import Alternative, AlternativeConfig, over_features, require


@dataclass(frozen=True)
class HopAwareConfig(AlternativeConfig):
    """`channels`; `blocks` of two layers; `near`, `far`: S and L of the paper, the hops up to which a joint hears
    others in full, and at all; `squeeze`: d, a neighbour k hops away keeps d^(k - S) of the channels; `embedding`:
    channels in which the dynamic graph compares joints; `frames`: width of its convolution over time.

    S = 2 and L = 4 are the paper's. It builds on LCN (Ci et al. 2019), whose three blocks of 64 channels, with weights
    of their own for every pair of joints, and leaky ReLU are taken over; d and the embedding are our reading.
    2,996,543 parameters at 17 joints. We know of no figure by the authors to hold against that.
    """

    channels: int = 64
    blocks: int = 3
    near: int = 2
    far: int = 4
    squeeze: float = 0.25
    embedding: int = 16
    frames: int = 3
    dropout: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.channels >= 1 and self.embedding >= 1 and self.blocks >= 0, "its sizes must be positive")
        require(0 <= self.near <= self.far, "near must lie between 0 and far")
        require(0 < self.squeeze <= 1, "squeeze must lie between 0 and 1")
        require(self.frames >= 1 and self.frames % 2 == 1, "frames must be odd")
        require(0 <= self.dropout < 1, "dropout must lie between 0 and 1")

    def widths(self) -> dict[range, int]:
        """Channels that neighbours at these hops are given: C up to S, then C_k = d^(k - S) C, at least one."""
        widths = {range(self.near + 1): self.channels}
        for hops in range(self.near + 1, self.far + 1):
            widths[range(hops, hops + 1)] = max(1, int(self.squeeze ** (hops - self.near) * self.channels))
        return widths


class HopAwareNet(Alternative):
    """Figure 3: a layer to `channels`, residual blocks of two layers, a layer to 3D. A layer is D-HCSF with BatchNorm,
    leaky ReLU and dropout; the last is D-HCSF alone.

    A frame depends on others through the graphs only: each layer looks `frames` // 2 further.
    """

    def __init__(self, config: HopAwareConfig) -> None:
        super().__init__()
        self.config = config
        self.receptive_field = 1 + (2 * config.blocks + 2) * (config.frames - 1)
        self.input = _Layer(config, config.channels_in)
        self.blocks = nn.ModuleList(
            nn.Sequential(*(_Layer(config, config.channels) for _ in range(2))) for _ in range(config.blocks)
        )
        self.output = HopAwareAggregation(config, config.channels, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.input(inputs)
        for block in self.blocks:
            features = features + block(features)
        output: Tensor = self.output(features)
        return output


class HopAwareAggregation(nn.Module):
    """D-HCSF (section 3.2, 3.3), with A = M + alpha O the weights of edges:

    `h_i^S = sum over j up to S hops away of A_ij W_ij x_j`, of full width; `h_i^k = sum over j at k hops of A_ij W_ij
    x_j`, of width C_k, for each k from S + 1 to L; `y_i = W_a [h_i^S, h_i^{S+1}, ..., h_i^L]`.
    W_ij belongs to the pair, as in LCN. M is learned and starts as the mean over each hop's joints.
    """

    within: Tensor

    def __init__(self, config: HopAwareConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        distance = hop_distance(config.joints)
        self.graph = DynamicGraph(inputs, config.embedding, config.frames)
        within = distance <= config.far
        same_hop = (distance.unsqueeze(-1) == distance.unsqueeze(-2)).sum(-1)
        self.edges = nn.Parameter((within / same_hop)[within])
        self.groups = nn.ModuleList(_Pairs(distance, hops, inputs, width) for hops, width in config.widths().items())
        self.register_buffer("within", within, persistent=False)
        self.fuse = nn.Linear(sum(config.widths().values()), outputs)

    def affinity(self, features: Tensor) -> Tensor:
        """A (B, T, N, N) of features (B, T, N, C)."""
        fixed = torch.zeros_like(self.within, dtype=self.edges.dtype).masked_scatter(self.within, self.edges)
        affinity: Tensor = fixed + self.graph(features)
        return affinity

    def forward(self, features: Tensor) -> Tensor:
        affinity = self.affinity(features)
        heard = torch.cat([group(features, affinity) for group in self.groups], -1)
        fused: Tensor = self.fuse(heard)
        return fused


class DynamicGraph(nn.Module):
    """alpha O (section 3.3, figure 4): `O = tanh(theta(X) phi(X)^T)`, theta and phi convolutions over time, the ends
    repeated, so that one frame's outliers do not decide. alpha starts at 0.

    The product is divided by the square root of its length, which keeps tanh from saturating.
    """

    def __init__(self, inputs: int, embedding: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.theta_and_phi = nn.Linear(frames * inputs, 2 * embedding)
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, N, N) of (B, T, N, C)."""
        margin = self.frames // 2
        before, after = (features[:, [end]].expand(-1, margin, -1, -1) for end in (0, -1))
        padded = torch.cat([before, features, after], 1)
        length = features.shape[1]
        around = torch.cat([padded[:, shift : shift + length] for shift in range(self.frames)], -1)
        theta, phi = self.theta_and_phi(around).chunk(2, -1)
        dynamic: Tensor = self.alpha * torch.tanh(theta @ phi.mT / math.sqrt(theta.shape[-1]))
        return dynamic


class _Pairs(nn.Module):
    """The joints some `hops` away, each pair with a weight (C_in, width) of its own."""

    own: Tensor
    other: Tensor

    def __init__(self, distance: Tensor, hops: range, inputs: int, width: int) -> None:
        super().__init__()
        own, other = ((distance >= hops.start) & (distance < hops.stop)).nonzero().unbind(-1)
        self.register_buffer("own", own, persistent=False)
        self.register_buffer("other", other, persistent=False)
        self.weight = nn.Parameter(torch.empty(len(own), inputs, width))
        bound = math.sqrt(6 / (inputs + width))
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, features: Tensor, affinity: Tensor) -> Tensor:
        """(B, T, N, width): what each joint hears; zeros where nobody is so far away."""
        batch, frames, joints, _ = features.shape
        weighed = features[:, :, self.other] * affinity[:, :, self.own, self.other].unsqueeze(-1)
        messages = torch.bmm(weighed.flatten(0, 1).transpose(0, 1), self.weight)
        heard = messages.new_zeros(joints, batch * frames, messages.shape[-1]).index_add(0, self.own, messages)
        return heard.transpose(0, 1).reshape(batch, frames, joints, -1)


class _Layer(nn.Module):
    def __init__(self, config: HopAwareConfig, inputs: int) -> None:
        super().__init__()
        self.aggregation = HopAwareAggregation(config, inputs, config.channels)
        self.norm: nn.Module = nn.BatchNorm1d(config.channels)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor) -> Tensor:
        normalised = over_features(self.norm, self.aggregation(features))
        dropped: Tensor = self.dropout(nn.functional.leaky_relu(normalised, 0.2))
        return dropped

    @torch.no_grad()
    def fold(self) -> None:
        if isinstance(self.norm, nn.BatchNorm1d):
            scale, shift = norm_as_scale(self.norm)
            self.aggregation.fuse.weight.mul_(scale.unsqueeze(-1))
            self.aggregation.fuse.bias.mul_(scale).add_(shift)
            self.norm = nn.Identity()
