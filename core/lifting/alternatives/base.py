"""What the networks that DG-Net is compared with have in common."""

from __future__ import annotations

import copy
import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from ...jobs import UsageError
from ...skeleton import JointSet
from ..graph import JOINT_SETS
from ..layers import norm_as_scale


@dataclass(frozen=True)
class AlternativeConfig:
    """`joint_set`: name of a set in `graph.JOINT_SETS`; `channels_in`: numbers a joint comes with, its place in the
    picture and then cues. Raises `UsageError` (code `bad_network`) for values no network can be built from."""

    joint_set: str = "human36m_17"
    channels_in: int = 2

    def __post_init__(self) -> None:
        require(self.joint_set in JOINT_SETS, f"there is no joint set {self.joint_set!r}")
        require(self.channels_in >= 2, "a joint comes with two numbers at least, its place in the picture")

    @property
    def joints(self) -> JointSet:
        return JOINT_SETS[self.joint_set]

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON values."""
        return dataclasses.asdict(self)


class Alternative(nn.Module, ABC):
    """A network that lifts windows."""

    receptive_field: int | None
    """Frames of the input, centred on a frame, that its output depends on; None: all of the window."""

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """Root-relative 3D (B, T, N, 3), for every frame of windows (B, T, N, C) of any length T >= 1, in the units of
        the training targets, in the frame that the 2D was normalised in (x right, y down, z forward)."""

    def folded(self) -> Self:
        """A copy for evaluation only, equal within rounding and faster: BatchNorm inside the weights, no gradients."""
        fast = copy.deepcopy(self).eval().requires_grad_(False)
        for module in fast.modules():
            if isinstance(module, Foldable):
                module.fold()
        return fast


@runtime_checkable
class Foldable(Protocol):
    """A module that can put its BatchNorm's running statistics into its weights (evaluation only)."""

    def fold(self) -> None: ...


class LinearNorm(nn.Module):
    """A linear map and BatchNorm over all axes but the last, of (..., C_in)."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.norm: nn.Module = nn.BatchNorm1d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return over_features(self.norm, self.linear(features))

    @torch.no_grad()
    def fold(self) -> None:
        if isinstance(self.norm, nn.BatchNorm1d):
            scale, shift = norm_as_scale(self.norm)
            bias = shift if self.linear.bias is None else self.linear.bias * scale + shift
            self.linear.weight.mul_(scale.unsqueeze(-1))
            self.linear.bias = nn.Parameter(bias, requires_grad=False)
            self.norm = nn.Identity()


def require(condition: bool, what: str) -> None:
    """Raise `UsageError` (code `bad_network`) unless `condition`."""
    if not condition:
        raise UsageError(
            "bad_network", f"This network cannot be built: {what}.", "Correct the network's configuration."
        )


def over_features(norm: nn.Module, features: Tensor) -> Tensor:
    """BatchNorm over the last axis of (..., C); all other axes are its batch."""
    if isinstance(norm, nn.Identity):
        return features
    normalised: Tensor = norm(features.flatten(0, -2)).view(features.shape)
    return normalised
