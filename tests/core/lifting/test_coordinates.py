"""Balanced coordinates and the closed-form depth of the root."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motionlift.core.lifting.coordinates import NEAREST, balance, from_depth, root_depth


@pytest.fixture
def scene() -> tuple[Tensor, Tensor, Tensor]:
    """Root-relative joints, their rays, the root's depth."""
    torch.manual_seed(0)
    relative = torch.randn(5, 17, 3, dtype=torch.float64) * 0.4
    relative[:, 0] = 0
    depth = torch.linspace(2.5, 8, 5, dtype=torch.float64)
    root = torch.stack([0.3 * depth, -0.1 * depth, depth], -1)
    joints = relative + root[:, None]
    return relative, joints[..., :2] / joints[..., 2:], depth


def test_exact_joints_give_the_true_depth(scene: tuple[Tensor, Tensor, Tensor]) -> None:
    relative, rays, depth = scene
    assert torch.allclose(root_depth(relative, rays), depth)
    assert torch.allclose(root_depth(relative, rays, torch.rand(17, dtype=torch.float64)), depth)


def test_the_depth_minimises_the_error_of_its_equation(scene: tuple[Tensor, Tensor, Tensor]) -> None:
    relative, rays, _ = scene
    noisy = relative + 0.02 * torch.randn_like(relative)
    weight = torch.rand(17, dtype=torch.float64)

    def error(depth: Tensor) -> Tensor:
        met = noisy[..., :2] + (depth[:, None, None] * rays[:, :1])
        aimed = (noisy[..., 2:] + depth[:, None, None]) * rays
        return ((met - aimed).square().sum(-1) * weight).sum(-1)

    best = root_depth(noisy, rays, weight)
    for step in (-0.01, 0.01):
        assert bool((error(best + step) > error(best)).all())


def test_joints_stay_in_front_of_the_camera() -> None:
    joints, rays = torch.randn(50, 17, 3), torch.randn(50, 17, 2)
    nearest = (joints[..., 2] + root_depth(joints, rays)[:, None]).amin(-1)
    assert bool((nearest > NEAREST - 1e-4).all())


def test_balancing_keeps_the_truth_and_halves_a_sideways_error(scene: tuple[Tensor, Tensor, Tensor]) -> None:
    relative, rays, depth = scene
    assert torch.allclose(from_depth(relative[..., 2] + depth[:, None], rays), relative)
    assert torch.allclose(balance(relative, rays), relative)
    wrong = relative.clone()
    wrong[..., :2] += 0.1 * torch.randn_like(wrong[..., :2])
    assert torch.allclose(balance(wrong, rays, depth) - relative, (wrong - relative) / 2)


def test_gradients(scene: tuple[Tensor, Tensor, Tensor]) -> None:
    relative, rays, _ = scene
    noisy = (relative + 0.01 * torch.randn_like(relative)).requires_grad_()
    assert torch.autograd.gradcheck(lambda joints: balance(joints, rays), (noisy,), fast_mode=True)
