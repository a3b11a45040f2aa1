"""What the networks that DG-Net is compared with have in common."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ...jobs import UsageError
from ...skeleton import JointSet
from ..graph import JOINT_SETS


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


def require(condition: bool, what: str) -> None:
    """Raise `UsageError` (code `bad_network`) unless `condition`."""
    if not condition:
        raise UsageError(
            "bad_network", f"This network cannot be built: {what}.", "Correct the network's configuration."
        )


def over_features(norm: nn.Module, features: Tensor) -> Tensor:
    """BatchNorm over the last axis of (..., C); all other axes are its batch."""
    normalised: Tensor = norm(features.flatten(0, -2)).view(features.shape)
    return normalised
