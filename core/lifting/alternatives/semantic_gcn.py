"""A fixed graph with learned edges, and non-local blocks: Zhao, Peng, Tian, Kapadia, Metaxas, "Semantic Graph
Convolutional Networks for 3D Human Pose Regression" (CVPR 2019), SemGCN."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..graph import adjacency
from ..layers import ConvolutionUnit, FixedSpatialGraph, NonLocal, ResidualGraph
from .base import Alternative, AlternativeConfig, require


@dataclass(frozen=True)
class SemanticGCNConfig(AlternativeConfig):
    """Defaults are the paper's (section 5.1): four blocks of two layers of 128 channels, non-local blocks.

    434,733 parameters at 17 joints, 434,703 at the paper's 16, which states 0.43 M (0.27 M without non-local blocks).
    """

    channels: int = 128
    blocks: int = 4
    non_local: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.channels >= 2 and self.channels % 2 == 0, "channels must be an even number from 2")
        require(self.blocks >= 0, "blocks must not be negative")


class SemanticGCN(Alternative):
    """Figure 3: SemGConv to `channels` and a non-local block, residual blocks of two SemGConv and a non-local block
    each, SemGConv to 3D; a frame at a time.

    SemGConv (eq. 2-4, one edge weight for all channels) and its residual block are what DG-Net's fixed spatial graph
    is made of, so those operators are used here. Non-local blocks are without the pooling of pairs of joints (section
    4.2), as in DG-Net: it asks for an even number of joints and does not change the number of parameters.
    """

    def __init__(self, config: SemanticGCNConfig) -> None:
        super().__init__()
        self.config = config
        self.receptive_field = 1
        joined, channels = adjacency(config.joints), config.channels

        def layer(inputs: int, outputs: int) -> FixedSpatialGraph:
            return FixedSpatialGraph(inputs, outputs, joined)

        def non_local() -> nn.Module:
            return NonLocal(channels) if config.non_local else nn.Identity()

        blocks: list[nn.Module] = [ConvolutionUnit(layer(config.channels_in, channels)), non_local()]
        for _ in range(config.blocks):
            blocks += [ResidualGraph(layer(channels, channels), layer(channels, channels)), non_local()]
        self.blocks = nn.Sequential(*blocks)
        self.output = layer(channels, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.output(self.blocks(inputs))
        return output
