"""A window read as one vector: what the graph network is given as a first guess.

DG-Net's operators see a joint, its neighbours and the frames before and after; on a processor they learn from some
hundred frames a second. A perceptron over all joints of all frames of a window at once learns from a hundred times as
many, and sees a whole second of movement. So it guesses, and DG-Net, which is told the guess with the keypoints,
corrects it.
"""

from __future__ import annotations

from torch import Tensor, nn


class WindowEncoder(nn.Module):
    """Residual perceptron over windows of `frames` x `joints` x `channels`: layer norm, two linear layers with GELU
    between them, per block (pre-norm, as transformers')."""

    def __init__(self, frames: int, joints: int, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.shape = (frames, joints)
        self.input = nn.Linear(frames * joints * channels, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, frames * joints * 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """3D (B, T, N, 3) of windows (B, T, N, C); T and N are those it was made for."""
        features = self.input(inputs.flatten(1))
        for block in self.blocks:
            features = features + block(features)
        guess: Tensor = self.output(self.norm(features)).unflatten(-1, (*self.shape, 3))
        return guess.to(inputs.dtype)
