"""Descent: it finds minima, as torch's own optimiser does, and leaves what is at rest alone."""

from __future__ import annotations

import torch
from torch import Tensor

from motionlift.core.solving.descent import descend, schedule


def valley(first: Tensor, second: Tensor) -> Tensor:
    """Steep in one direction, flat in the other, with its lowest point at (1, ..., 1), (2, ..., 2)."""
    return 100 * (first - 1).square().sum() + 0.1 * (second - 2).square().sum()


def test_finds_the_lowest_point() -> None:
    first, second = torch.zeros(3, requires_grad=True), torch.zeros(2, 2, requires_grad=True)
    descend(valley, [first, second], 0.1, 400)
    torch.testing.assert_close(first, torch.ones(3), atol=1e-2, rtol=0)
    torch.testing.assert_close(second, torch.full((2, 2), 2.0), atol=1e-2, rtol=0)


def test_agrees_with_torchs_optimiser_under_the_same_schedule() -> None:
    start = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
    ours = [start[0].clone().requires_grad_(True), start[1].clone().requires_grad_(True)]
    theirs = [start[0].clone().requires_grad_(True), start[1].clone().requires_grad_(True)]
    descend(valley, ours, 0.05, 20)
    optimiser = torch.optim.Adam(theirs, lr=0.05)
    for step in range(20):
        optimiser.param_groups[0]["lr"] = 0.05 * schedule(step / 19)
        optimiser.zero_grad()
        torch.autograd.backward(valley(*theirs))
        optimiser.step()
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)


def test_stays_at_the_lowest_point() -> None:
    first, second = torch.ones(3, requires_grad=True), torch.full((2, 2), 2.0, requires_grad=True)
    descend(valley, [first, second], 0.1, 5)
    torch.testing.assert_close(first, torch.ones(3))


def test_the_step_size_rises_then_falls_to_nothing() -> None:
    shares = [schedule(i / 100) for i in range(101)]
    assert shares[0] < 0.05
    assert max(shares) == shares[10] == 1
    assert abs(shares[-1]) < 1e-12
    assert shares[:11] == sorted(shares[:11])
    assert shares[10:] == sorted(shares[10:], reverse=True)
