"""What the network sees: the person, not where they stand nor through which lens they were filmed.

Rays through the keypoints are turned by one minimal rotation per window, so that the window's mean confident
ray becomes the axis, and divided by one scale per window, so that the person has unit size. Both are one a
window, so movement within it survives.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class PersonView(NamedTuple):
    """`inputs` (B, T, N, 2) for the network; `rotation` (B, 3, 3) from the camera's frame to the view's;
    `scale` (B,): inputs = view rays * scale."""

    inputs: Tensor
    rotation: Tensor
    scale: Tensor


def person_view(rays: Tensor, confidence: Tensor) -> PersonView:
    """Turn and scale the keypoints' rays of windows.

    `rays` (B, T, N, 2): x/z, y/z in the camera's frame; `confidence` (B, T, N) >= 0. Where a window has no
    confidence at all, all joints count alike. The scale makes the confidence-weighted RMS distance of the
    joints from their frame's weighted centre 1.
    """
    confidence = torch.where(confidence.sum((1, 2), keepdim=True) > 0, confidence, torch.ones_like(confidence))
    directions = functional.normalize(_homogeneous(rays), dim=-1)
    axis = functional.normalize((directions * confidence[..., None]).sum((1, 2)), dim=-1)
    rotation = rotation_onto_axis(axis)
    turned = torch.einsum("bij,btnj->btni", rotation, _homogeneous(rays))
    view = turned[..., :2] / turned[..., 2:].clamp_min(1e-3)
    weight = confidence[..., None]
    centre = (view * weight).sum(2, keepdim=True) / weight.sum(2, keepdim=True).clamp_min(1e-6)
    spread = ((view - centre).square() * weight).sum((1, 2, 3)) / confidence.sum((1, 2))
    scale = spread.clamp_min(1e-12).rsqrt()
    return PersonView(view * scale[:, None, None, None], rotation, scale)


def rotation_onto_axis(direction: Tensor) -> Tensor:
    """The minimal rotations (B, 3, 3) that turn unit directions (B, 3), z > -1, onto (0, 0, 1).

    Rodrigues' formula with the axis direction x (0, 0, 1): R = I + K + K K / (1 + cos).
    """
    x, y, z = direction.unbind(-1)
    k = 1.0 / (1.0 + z).clamp_min(1e-6)
    rows = [1 - k * x * x, -k * x * y, -x, -k * x * y, 1 - k * y * y, -y, x, y, z]
    return torch.stack(rows, -1).view(-1, 3, 3)


def camera_from_view(joints_view: Tensor, rotation: Tensor) -> Tensor:
    """Joints (B, T, N, 3) of the view's frame in the camera's frame, by `PersonView.rotation`."""
    return torch.einsum("bji,btnj->btni", rotation, joints_view)


def _homogeneous(rays: Tensor) -> Tensor:
    return torch.cat([rays, torch.ones_like(rays[..., :1])], -1)
