"""Virtual cameras, drawn per window: from every side, near and far, tilted, off centre, with a misjudged lens."""

from __future__ import annotations

import math

import torch
from torch import Tensor

PITCH_SPREAD = math.radians(14)
"""Standard deviation of the camera's elevation; the mean looks down a little."""
PITCH_MEAN = math.radians(6)
ROLL_SPREAD = math.radians(4)
LEVEL_SHARE = 0.6
"""Of the cameras; they are held or stand nearly level, with `LEVEL` of those spreads: most footage is like that."""
LEVEL = 0.35
DISTANCE = (1.8, 9.0)
"""Metres from the camera to the middle of the body, log-uniform."""
OFF_AXIS = math.radians(22)
"""Largest angle between the optical axis and the person."""
FOCAL_SPREAD = 0.12
"""Standard deviation of the log of the ratio between the focal length assumed and the true one."""


def film(points_world: Tensor, landmarks_world: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Film windows (B, T, 26, 3) m, Z up, each by a camera of its own.

    Returns `joints_camera` (B, T, 26, 3) m, the points, root-relative, in the camera's frame (x right, y down, z
    forward), and `rays` (B, T, 26, 2): x/z and y/z of the landmarks as seen through the lens that is assumed.
    """
    batch, device = len(points_world), points_world.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator, device=device)

    def normal(spread: float) -> Tensor:
        return spread * torch.randn(batch, generator=generator, device=device)

    tilted = torch.where(uniform(0, 1) < LEVEL_SHARE, LEVEL, 1.0)
    pitch, roll = PITCH_MEAN + tilted * normal(PITCH_SPREAD), tilted * normal(ROLL_SPREAD)
    rotation = camera_from_world(uniform(-math.pi, math.pi), pitch, roll)
    middle = points_world[:, :, 0].mean(1)[:, None, None]
    turned = torch.einsum("bij,btnj->btni", rotation, points_world - middle)
    seen = torch.einsum("bij,btnj->btni", rotation, landmarks_world - middle)
    distance = (uniform(math.log(DISTANCE[0]), math.log(DISTANCE[1]))).exp()
    # The person stands off the axis: a place on the picture, not a turn of the camera.
    angle, radius = uniform(-math.pi, math.pi), OFF_AXIS * uniform(0, 1)
    place = torch.stack([radius.tan() * angle.cos(), radius.tan() * angle.sin() * 0.7, torch.ones_like(angle)], -1)
    placed = seen + (distance[:, None] * place)[:, None, None]
    depth = placed[..., 2:].clamp_min(0.3)
    focal_error = normal(FOCAL_SPREAD).exp()[:, None, None, None]
    return turned - turned[:, :, :1], placed[..., :2] / depth * focal_error


def camera_from_world(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Rotations (B, 3, 3) from the world (Z up) to cameras (x right, y down, z forward).

    At zero the camera looks along +Y, level. `yaw` turns it about the vertical, `pitch` > 0 looks down,
    `roll` turns it about its axis. Radians.
    """
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*values: Tensor) -> Tensor:
        return torch.stack(values, -1).view(-1, 3, 3)

    level = matrix(one, zero, zero, zero, zero, -one, zero, one, zero)
    about_up = matrix(yaw.cos(), yaw.sin(), zero, -yaw.sin(), yaw.cos(), zero, zero, zero, one)
    tilt = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    spin = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return spin @ tilt @ level @ about_up
