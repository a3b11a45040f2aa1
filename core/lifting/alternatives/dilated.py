"""Dilated convolutions over time: Pavllo, Feichtenhofer, Grangier, Auli, "3D Human Pose Estimation in Video With
Temporal Convolutions and Semi-Supervised Training" (CVPR 2019), VideoPose3D."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .base import Alternative, AlternativeConfig, LinearNorm, require


@dataclass(frozen=True)
class DilatedConfig(AlternativeConfig):
    """Defaults are the paper's for 27 frames (figure 2, table 4): three convolutions of width 3, 1024 channels,
    dropout 0.25; `widths` of five 3s see 243 frames.

    Parameters at 17 joints: 8,555,571 for 27 frames and 16,952,371 for 243; the paper's 8.56 M and 16.95 M.
    """

    widths: tuple[int, ...] = (3, 3, 3)
    channels: int = 1024
    dropout: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        require(len(self.widths) >= 1 and all(w >= 1 and w % 2 == 1 for w in self.widths), "widths must be odd")
        require(self.channels >= 1, "channels must be positive")
        require(0 <= self.dropout < 1, "dropout must lie between 0 and 1")

    @property
    def receptive_field(self) -> int:
        """Frames seen: the product of the widths, since each dilation is the product of the widths before it."""
        return math.prod(self.widths)


class DilatedNet(Alternative):
    """Figure 2: a convolution from the 2D of a frame's joints, then blocks of a dilated convolution and one of width 1
    with a skip around both, then a linear map to 3D. Convolutions are without bias, each followed by BatchNorm, ReLU
    and dropout.

    A whole sequence is convolved at once, padded by its first and last frame (appendix A.5), so frames share all that
    windows have in common. Features are (B, T, C): a convolution is one matrix product with its taps side by side.
    """

    def __init__(self, config: DilatedConfig) -> None:
        super().__init__()
        self.config = config
        self.receptive_field = config.receptive_field
        joints, channels = len(config.joints), config.channels
        first, *later = config.widths
        self.input = _Convolution(joints * config.channels_in, channels, first, 1, config.dropout)
        dilations = [math.prod(config.widths[:index]) for index in range(1, len(config.widths))]
        self.blocks = nn.ModuleList(
            _Block(channels, width, dilation, config.dropout) for width, dilation in zip(later, dilations, strict=True)
        )
        self.output = nn.Linear(channels, joints * 3)

    def forward(self, inputs: Tensor) -> Tensor:
        margin = self.config.receptive_field // 2
        ends = (inputs[:, :1].expand(-1, margin, -1, -1), inputs[:, -1:].expand(-1, margin, -1, -1))
        features: Tensor = self.input(torch.cat([ends[0], inputs, ends[1]], 1).flatten(2))
        for block in self.blocks:
            features = block(features)
        return self._to_joints(features)

    def at_centres(self, inputs: Tensor) -> Tensor:
        """3D (B, M, N, 3) at the centres of M windows side by side: of (B, M x F, N, C), F frames the receptive field.

        The strided form of appendix A.5: the outputs of `forward` at frames F // 2, F // 2 + F, ..., without what only
        the frames between them need: 23 times less work for 243 frames. For training.
        """
        features: Tensor = self.input.strided(inputs.flatten(2))
        for block in self.blocks:
            assert isinstance(block, _Block)
            features = block.strided(features)
        return self._to_joints(features)

    def _to_joints(self, features: Tensor) -> Tensor:
        output: Tensor = self.output(features)
        return output.view(*output.shape[:2], -1, 3)


class _Convolution(nn.Module):
    """A dilated convolution (B, L, C_in) to (B, L - (width - 1) dilation, C_out), BatchNorm, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.width, self.dilation = width, dilation
        self.taps = LinearNorm(width * inputs, outputs, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        left = features.shape[1] - (self.width - 1) * self.dilation
        shifted = [features[:, tap * self.dilation :][:, :left] for tap in range(self.width)]
        return self._activated(torch.cat(shifted, -1))

    def strided(self, features: Tensor) -> Tensor:
        """Frames `width` at a time: (B, L, C_in) to (B, L / width, C_out)."""
        return self._activated(features.reshape(len(features), -1, self.width * features.shape[-1]))

    def _activated(self, side_by_side: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(self.taps(side_by_side).relu())
        return dropped


class _Block(nn.Module):
    def __init__(self, channels: int, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilated = _Convolution(channels, channels, width, dilation, dropout)
        self.single = _Convolution(channels, channels, 1, 1, dropout)

    def forward(self, features: Tensor) -> Tensor:
        margin = self.dilated.width // 2 * self.dilated.dilation
        kept = features[:, margin : features.shape[1] - margin]
        added: Tensor = kept + self.single(self.dilated(features))
        return added

    def strided(self, features: Tensor) -> Tensor:
        """As `forward`, of every `width`-th frame, from the middle one of the first `width` on."""
        width = self.dilated.width
        added: Tensor = features[:, width // 2 :: width] + self.single(self.dilated.strided(features))
        return added
