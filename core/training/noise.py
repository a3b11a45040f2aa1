"""A detector that errs: what happens to true rays before the network sees them in training.

Sizes are in units of the body's height as seen, so they hold at any distance. MediaPipe's median error on
rendered figures is about 1.2 % of the height, most of it a steady offset of its landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..skeleton import BODY_26, INTERPOLATED, REFERENCE_HEIGHT


@dataclass(frozen=True)
class NoiseModel:
    """`offset`: steady over a window; `jitter`: drawn anew per frame; `outlier_share` of the joints of a window
    are off by up to `outlier`; shares of windows have both legs, or the whole body, labelled the wrong way round."""

    offset: float = 0.008
    jitter: float = 0.004
    outlier_share: float = 0.015
    outlier: float = 0.12
    swapped_legs_share: float = 0.004


def disturb(rays: Tensor, joints_camera: Tensor, noise: NoiseModel, generator: torch.Generator) -> Tensor:
    """Rays (B, T, 26, 2) as a detector would report them; interpolated joints are interpolated again.

    `joints_camera` (B, T, 26, 3), root-relative, gives the body's size in the picture.
    """
    batch, frames, joints, _ = rays.shape
    device = rays.device

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    size = _height_seen(rays, joints_camera)[:, None, None, None]
    steady = noise.offset * randn(batch, 1, joints, 2)
    lively = noise.jitter * (0.5 + rand(batch, 1, 1, 1)) * randn(batch, frames, joints, 2)
    outlier = (rand(batch, 1, joints, 1) < noise.outlier_share).float()
    wild = outlier * noise.outlier * (2 * rand(batch, 1, joints, 2) - 1)
    seen = rays + size * (steady + lively + wild)
    swap = (rand(batch, 1, 1, 1) < noise.swapped_legs_share).expand_as(seen)
    seen = torch.where(swap, seen[:, :, _LEGS_SWAPPED.to(device)], seen)
    return interpolated(seen)


def interpolated(points: Tensor) -> Tensor:
    """`skeleton.interpolate_body` for tensors (..., 26, D)."""
    return torch.einsum("ij,...jd->...id", _INTERPOLATION.to(points), points)


def _height_seen(rays: Tensor, joints_camera: Tensor) -> Tensor:
    """The body's standing height (B,) in ray units: the ratio of the spreads in the picture and in space."""
    flat = rays - rays.mean(2, keepdim=True)
    solid = joints_camera[..., :2] - joints_camera[..., :2].mean(2, keepdim=True)
    ratio = flat.square().sum((1, 2, 3)) / solid.square().sum((1, 2, 3)).clamp_min(1e-6)
    return REFERENCE_HEIGHT * ratio.sqrt()


def _interpolation() -> Tensor:
    matrix = torch.eye(len(BODY_26))
    for joint, sources in INTERPOLATED.items():
        matrix[BODY_26.index(joint)] = 0.0
        for source, weight in sources.items():
            matrix[BODY_26.index(joint), BODY_26.index(source)] = weight
    return matrix


def _legs_swapped() -> Tensor:
    legs = ("hip", "knee", "ankle", "heel", "toe_tip")
    return torch.tensor(
        [BODY_26.mirror[i] if name.split("_", 1)[-1] in legs else i for i, name in enumerate(BODY_26.joints)]
    )


_INTERPOLATION = _interpolation()
_LEGS_SWAPPED = _legs_swapped()
