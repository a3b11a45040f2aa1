"""How far joints turn: what a living body cannot do, no evidence should make it do.

A limit bounds one number: the component along an axis of the parent's T-pose frame of an axis of the joint's own.
An elbow's forearm (its X) hardly leaves the plane square to the upper arm's Z; a spine's Z stays near its parent's.
With world rotations R that is the product of two of their columns, and all limits together are one gather.
Ranges follow the means that Norkin and White give (Measurement of Joint Motion, 5th edition, appendix B), wider by
what a network's errors and the frames' definition need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..skeleton import ANIMATION_21, mirrored_name
from .evidence import Sigmas
from .moved import Moved, product_rows
from .terms import Held, State


@dataclass(frozen=True)
class Limit:
    """`low` <= parent's `axis` . joint's `own` axis <= `high`; axes are "x", "y", "z" of the T-pose frames, and of a
    left joint; the right one's mirror image follows."""

    joint: str
    axis: str
    own: str
    low: float
    high: float

    def mirrored(self) -> Limit:
        """The other side's: x is reflected."""
        if (self.axis == "x") == (self.own == "x"):
            return Limit(mirrored_name(self.joint), self.axis, self.own, self.low, self.high)
        return Limit(mirrored_name(self.joint), self.axis, self.own, -self.high, -self.low)


def _within(degrees: float) -> tuple[float, float]:
    """The range of the cosine of an angle up to that."""
    return float(np.cos(np.radians(degrees))), 1.0


def _between(first: float, last: float) -> tuple[float, float]:
    """The range of the sine of an angle in degrees."""
    return float(np.sin(np.radians(first))), float(np.sin(np.radians(last)))


# The T-pose faces -Y: a thigh is its joint's -Z, a foot its -Y, an arm the left one's +X.
LEFT_LIMITS = (
    Limit("spine", "z", "z", *_within(50)),
    Limit("spine", "x", "x", *_within(30)),
    Limit("chest", "z", "z", *_within(35)),
    Limit("chest", "x", "x", *_within(35)),
    Limit("neck", "z", "z", *_within(55)),
    Limit("neck", "x", "x", *_within(50)),
    Limit("head", "z", "z", *_within(65)),
    Limit("head", "x", "x", *_within(60)),
    Limit("left_clavicle", "x", "x", *_within(35)),
    Limit("left_shoulder", "y", "x", *_between(-90, 50)),
    Limit("left_elbow", "z", "x", *_between(-15, 15)),
    Limit("left_wrist", "y", "x", *_between(-40, 40)),
    Limit("left_wrist", "z", "x", *_between(-85, 85)),
    Limit("left_hip", "y", "z", *_between(-35, 90)),
    Limit("left_hip", "x", "z", *_between(-70, 40)),
    Limit("left_knee", "x", "z", *_between(-10, 10)),
    Limit("left_knee", "x", "x", *_within(30)),
    Limit("left_ankle", "z", "y", *_between(-50, 70)),
    Limit("left_ankle", "x", "y", *_between(-45, 45)),
)
LIMITS = tuple(
    dict.fromkeys(
        side for limit in LEFT_LIMITS for side in ((limit, limit.mirrored()) if "_" in limit.joint else (limit,))
    )
)


class Limits:
    """World rotations stay within the limits."""

    def __init__(self, sigmas: Sigmas) -> None:
        self._joints = [ANIMATION_21.index(limit.joint) for limit in LIMITS]
        self._parents = [ANIMATION_21.parents[joint] for joint in self._joints]
        self._axes, self._owns = (["xyz".index(getattr(limit, name)) for limit in LIMITS] for name in ("axis", "own"))
        self._low, self._high = (torch.tensor([getattr(limit, name) for limit in LIMITS]) for name in ("low", "high"))
        self._sigma = sigmas.limit

    def _pairs(self, state: State) -> tuple[Tensor, Tensor]:
        """The two axes (3, F, N) whose product each limit bounds."""
        columns = state.rotations.permute(0, 2, 1, 3)
        return columns[:, :, self._axes, self._parents], columns[:, :, self._owns, self._joints]

    def _beyond(self, along: Tensor) -> Tensor:
        return (self._low - along).clamp_min(0) + (along - self._high).clamp_min(0)

    def value(self, state: State) -> Tensor:
        axes, owns = self._pairs(state)
        return (self._beyond((axes * owns).sum(0)) / self._sigma).square().sum()

    def held(self, state: State, moved: Moved) -> Held:
        axes, owns = self._pairs(state)
        reached = self._beyond((axes * owns).sum(0)) > 0
        return Held(product_rows(axes, owns, self._parents, self._joints), (reached / self._sigma**2,))
