"""Gradient descent on a handful of tensors: Adam (Kingma & Ba 2015, algorithm 1) under a warm-up and a cosine.

Torch's own optimisers import its compiler with their first step: half a second of a processor, as much as a whole
solve of ten seconds of video takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8
WARM_UP = 0.1
"""The share of all steps in which the step size grows, from a twenty-fifth; then it falls to nothing."""


def descend(cost: Callable[..., Tensor], unknowns: Sequence[Tensor], step_size: float, steps: int) -> None:
    """Change `unknowns`, leaves that require gradients, in place so that `cost(*unknowns)` falls.

    On one thread: the tensors are small, several threads would only wait for one another.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _descend(cost, unknowns, step_size, steps)
    finally:
        torch.set_num_threads(threads)


def _descend(cost: Callable[..., Tensor], unknowns: Sequence[Tensor], step_size: float, steps: int) -> None:
    means = [torch.zeros_like(unknown) for unknown in unknowns]
    squares = [torch.zeros_like(unknown) for unknown in unknowns]
    for step in range(1, steps + 1):
        gradients = torch.autograd.grad(cost(*unknowns), unknowns)
        size = step_size * schedule((step - 1) / max(steps - 1, 1)) / (1 - MEAN_DECAY**step)
        unbiased = math.sqrt(1 - SQUARE_DECAY**step)
        with torch.no_grad():
            for unknown, gradient, mean, square in zip(unknowns, gradients, means, squares, strict=True):
                mean.lerp_(gradient, 1 - MEAN_DECAY)
                square.mul_(SQUARE_DECAY).addcmul_(gradient, gradient, value=1 - SQUARE_DECAY)
                unknown.addcdiv_(mean, square.sqrt().div_(unbiased).add_(EPSILON), value=-size)


def schedule(progress: float) -> float:
    """The step size's share of its largest value at `progress` in [0, 1]."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2
