"""Attention and graphs side by side: Mehraban, Adeli, Taati, "MotionAGFormer: Enhancing 3D Human Pose Estimation with a
Transformer-GCNFormer Network" (WACV 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..graph import adjacency
from ..layers import norm_as_scale
from .base import Alternative, AlternativeConfig, over_features, require


@dataclass(frozen=True)
class GraphTransformerConfig(AlternativeConfig):
    """Defaults are those of MotionAGFormer-XS (table 1): 12 layers of 64 channels, 8 heads, 2 temporal neighbours; it
    was trained with windows of 27 frames.

    2,243,547 parameters at 17 joints and 3 inputs; the paper's 2.2 M. BatchNorm in the graphs is over channels here,
    where the authors' is over joints and frames, so that windows may have any length: 2,016 parameters more.
    """

    channels: int = 64
    layers: int = 12
    heads: int = 8
    expansion: int = 4
    neighbours: int = 2
    representation: int = 512
    layer_scale: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.heads >= 1 and self.channels >= 1 and self.channels % self.heads == 0, "heads must divide channels"
        )
        for name in ("layers", "expansion", "neighbours", "representation"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1")


class GraphTransformer(Alternative):
    """Figure 2: joints embedded and told apart by a learned vector, `layers` dual-stream layers, a linear map with tanh
    to the motion's representation, a linear map to 3D. Time has no embedding, so windows may have any length."""

    def __init__(self, config: GraphTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.receptive_field = None
        self.embed = nn.Linear(config.channels_in, config.channels)
        self.joint = nn.Parameter(torch.zeros(len(config.joints), config.channels))
        self.layers = nn.Sequential(*(_DualStream(config) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(config.channels)
        self.representation = nn.Linear(config.channels, config.representation)
        self.output = nn.Linear(config.representation, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.layers(self.embed(inputs) + self.joint)
        output: Tensor = self.output(torch.tanh(self.representation(self.norm(features))))
        return output


class _DualStream(nn.Module):
    """Eq. 1-4: attention and graph convolution, each over joints, then over time; the streams are averaged with weights
    `softmax(W [attended, convolved])`, which start equal."""

    def __init__(self, config: GraphTransformerConfig) -> None:
        super().__init__()
        channels = config.channels
        self.attention_stream = nn.Sequential(
            _Former(Attention(channels, config.heads, "joints"), config),
            _Former(Attention(channels, config.heads, "frames"), config),
        )
        self.graph_stream = nn.Sequential(
            _Former(SkeletonGraph(channels, adjacency(config.joints)), config),
            _Former(SimilarityGraph(channels, config.neighbours), config),
        )
        self.fusion = nn.Linear(2 * channels, 2)
        nn.init.zeros_(self.fusion.weight)
        nn.init.constant_(self.fusion.bias, 0.5)

    def forward(self, features: Tensor) -> Tensor:
        attended, convolved = self.attention_stream(features), self.graph_stream(features)
        weight = torch.softmax(self.fusion(torch.cat([attended, convolved], -1)), -1)
        fused: Tensor = attended * weight[..., :1] + convolved * weight[..., 1:]
        return fused


class _Former(nn.Module):
    """A mixer, then a perceptron on each joint, pre-norm, with scaled residuals (MetaFormer)."""

    def __init__(self, mixer: nn.Module, config: GraphTransformerConfig) -> None:
        super().__init__()
        channels, hidden = config.channels, config.expansion * config.channels
        self.mixer = mixer
        self.norm_mixer, self.norm_mlp = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, channels))
        self.scale_mixer = nn.Parameter(torch.full((channels,), config.layer_scale))
        self.scale_mlp = nn.Parameter(torch.full((channels,), config.layer_scale))

    def forward(self, features: Tensor) -> Tensor:
        features = features + self.scale_mixer * self.mixer(self.norm_mixer(features))
        added: Tensor = features + self.scale_mlp * self.mlp(self.norm_mlp(features))
        return added


class Attention(nn.Module):
    """Multi-head self-attention (section 3.2) among the joints of a frame, or the frames of a joint."""

    def __init__(self, channels: int, heads: int, over: str) -> None:
        super().__init__()
        self.heads, self.over = heads, over
        self.queries_keys_values = nn.Linear(channels, 3 * channels, bias=False)
        self.output = nn.Linear(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, N, C) to the same."""
        if self.over == "frames":
            features = features.transpose(1, 2)
        outer, tokens, channels = features.shape[:2], features.shape[2], features.shape[3]
        # Four axes, batch, heads, tokens, channels: what the fast kernels take.
        split = self.queries_keys_values(features).reshape(-1, tokens, 3, self.heads, channels // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended = nn.functional.scaled_dot_product_attention(queries, keys, values)
        mixed = attended.transpose(1, 2).reshape(*outer, tokens, channels)
        output: Tensor = self.output(mixed)
        return output.transpose(1, 2) if self.over == "frames" else output


class _GraphConvolution(nn.Module):
    """Eq. 6: `relu(X + BN(A X W_1 + X W_2))`, A normalised symmetrically, `D^-1/2 A D^-1/2`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.neighbours = nn.Linear(channels, channels)
        self.own = nn.Linear(channels, channels)
        self.norm: nn.Module = nn.BatchNorm1d(channels)

    @torch.no_grad()
    def fold(self) -> None:
        if isinstance(self.norm, nn.BatchNorm1d):
            scale, shift = norm_as_scale(self.norm)
            for linear in (self.neighbours, self.own):
                linear.weight.mul_(scale.unsqueeze(-1))
                linear.bias.mul_(scale)
            self.own.bias.add_(shift)
            self.norm = nn.Identity()

    def convolved(self, features: Tensor, affinity: Tensor) -> Tensor:
        mixed = affinity @ self.neighbours(features) + self.own(features)
        return torch.relu(features + over_features(self.norm, mixed))


class SkeletonGraph(_GraphConvolution):
    """Over the joints of a frame; A is the skeleton with self-loops."""

    affinity: Tensor

    def __init__(self, channels: int, joined: Tensor) -> None:
        super().__init__(channels)
        self.register_buffer("affinity", symmetrically_normalised(joined.float()), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, N, C) to the same."""
        return self.convolved(features, self.affinity)


class SimilarityGraph(_GraphConvolution):
    """Over the frames of a joint; A joins each frame to those most like it (eq. 7): `count` by the inner product."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__(channels)
        self.count = count

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, N, C) to the same."""
        of_joints = features.transpose(1, 2)
        return self.convolved(of_joints, symmetrically_normalised(self.nearest(of_joints))).transpose(1, 2)

    @torch.no_grad()
    def nearest(self, of_joints: Tensor) -> Tensor:
        """(B, N, T, T): row t holds 1 at the frames most like frame t, of (B, N, T, C)."""
        similarity = of_joints @ of_joints.mT
        chosen = similarity.topk(min(self.count, of_joints.shape[2]), dim=-1).indices
        return torch.zeros_like(similarity).scatter(-1, chosen, 1.0)


def symmetrically_normalised(affinity: Tensor) -> Tensor:
    """`D^-1/2 A D^-1/2` of (..., N, N), D the sums of the rows."""
    scale = affinity.sum(-1).clamp_min(1e-12).rsqrt()
    return affinity * scale.unsqueeze(-1) * scale.unsqueeze(-2)
