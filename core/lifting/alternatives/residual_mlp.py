"""A single frame through a residual perceptron: Martinez, Hossain, Romero, Little, "A Simple Yet Effective Baseline for
3D Human Pose Estimation" (ICCV 2017)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .base import Alternative, AlternativeConfig, LinearNorm, require


@dataclass(frozen=True)
class ResidualMLPConfig(AlternativeConfig):
    """Defaults are the paper's (section 3.2): two blocks of two layers of 1024, dropout 0.5.

    4,296,755 parameters at 17 joints; the paper speaks of "4 to 5 million", SemGCN's table of 4.29 M. Its constraint
    on the norm of each layer's weights is left out: it answers overfitting, and windows drawn anew never repeat.
    """

    width: int = 1024
    blocks: int = 2
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 1 and self.blocks >= 0, "width and blocks must be positive")
        require(0 <= self.dropout < 1, "dropout must lie between 0 and 1")


class ResidualMLP(Alternative):
    """Figure 1: a layer to `width`, then blocks of two layers with a skip around them, then a linear map to 3D.

    A layer is linear, BatchNorm, ReLU, dropout, as in the paper. All joints of a frame are one vector.
    """

    def __init__(self, config: ResidualMLPConfig) -> None:
        super().__init__()
        self.config = config
        self.receptive_field = 1
        joints = len(config.joints)
        self.input = _Layer(joints * config.channels_in, config.width, config.dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(*(_Layer(config.width, config.width, config.dropout) for _ in range(2)))
            for _ in range(config.blocks)
        )
        self.output = nn.Linear(config.width, joints * 3)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.input(inputs.flatten(2))
        for block in self.blocks:
            features = features + block(features)
        output: Tensor = self.output(features)
        return output.view(*inputs.shape[:3], 3)


class _Layer(nn.Module):
    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.linear = LinearNorm(inputs, outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(self.linear(features).relu())
        return dropped
