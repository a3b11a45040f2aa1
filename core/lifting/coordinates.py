"""Balanced coordinates: DG-Net's camera coordinates averaged with where the pixels say the joints are.

All in one camera frame (x right, y down, z forward); rays are x/z, y/z; the first joint is the root.
"""

from __future__ import annotations

import torch
from torch import Tensor


def root_depth(joints: Tensor, rays: Tensor, weight: Tensor | None = None) -> Tensor:
    """Depths (...) of the root that minimise the reprojection error of root-relative `joints` (..., N, 3).

    With the root on its ray at depth d, joint j should meet `X_j + d u_0 = (Z_j + d) u_j`, and Y likewise:
    linear in d, so d = sum (X_j - Z_j u_j)(u_j - u_0) / sum |u_j - u_0|^2 in the least squares of that equation.
    `rays` (..., N, 2); `weight` (..., N) weighs the joints. The result is kept so large that every joint
    lies in front of the camera.
    """
    spread = rays - rays[..., :1, :]
    residual = joints[..., :2] - joints[..., 2:] * rays
    if weight is not None:
        residual = residual * weight.unsqueeze(-1)
        norm = spread.square() * weight.unsqueeze(-1)
    else:
        norm = spread.square()
    depth = (residual * spread).sum((-1, -2)) / norm.sum((-1, -2)).clamp_min(1e-12)
    return torch.maximum(depth, NEAREST - joints[..., 2].amin(-1))


NEAREST = 0.1
"""Metres in front of the camera that no joint comes closer than."""


def from_depth(depth: Tensor, rays: Tensor) -> Tensor:
    """Joints (..., N, 3) relative to the first, at absolute `depth` (..., N) on `rays` (..., N, 2): the
    coordinates (U, V, D) of the paper."""
    joints = torch.cat([rays, torch.ones_like(rays[..., :1])], -1) * depth.unsqueeze(-1)
    return joints - joints[..., :1, :]


def balance(joints: Tensor, rays: Tensor, depth: Tensor | None = None, weight: Tensor | None = None) -> Tensor:
    """`((X_c + X')/2, (Y_c + Y')/2, Z_c)` for root-relative joints (..., N, 3) on rays (..., N, 2).

    X', Y' are the ray's at the joint's depth. `depth` (...) of the root: the true one in training, else
    `root_depth` with `weight` (..., N).
    """
    if depth is None:
        depth = root_depth(joints, rays, weight)
    on_rays = from_depth(joints[..., 2] + depth.unsqueeze(-1), rays)
    return torch.cat([(joints[..., :2] + on_rays[..., :2]) / 2, joints[..., 2:]], -1)
