"""L-BFGS (Nocedal & Wright, Numerical Optimization, algorithms 7.4 and 7.5) with Armijo's backtracking, on one tensor.

Torch's own imports its compiler with the first step, half a second; scipy's spends as long on bounds that we do not
have as the terms take: either costs as much as a solve of ten seconds of video.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

MEMORY = 12
"""Steps remembered."""
ARMIJO = 1e-4
SHORTEST = 1e-4
"""The step below which a direction is given up."""

Objective = Callable[[Tensor], tuple[float, Tensor]]


def minimise(objective: Objective, start: Tensor, iterations: int) -> Tensor:
    """The best point found from `start` (D,) on; `objective` gives the value and the gradient (D,) at a point."""
    point, (value, gradient) = start, objective(start)
    steps: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=MEMORY)
    for _ in range(iterations):
        direction = -_times_inverse(gradient, steps)
        slope = float(gradient @ direction)
        if not slope < 0:
            if not steps:
                break
            steps.clear()
            direction, slope = -gradient, -float(gradient @ gradient)
        length = 1.0
        while True:
            there = point + length * direction
            new_value, new_gradient = objective(there)
            if new_value <= value + ARMIJO * length * slope:
                break
            length /= 2
            if length < SHORTEST:
                return point
        step, change = there - point, new_gradient - gradient
        curvature = float(step @ change)
        if curvature > 1e-10 * float(change @ change):
            steps.append((step, change, 1 / curvature))
        point, value, gradient = there, new_value, new_gradient
    return point


def _times_inverse(gradient: Tensor, steps: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    """The inverse Hessian that the steps tell of, times the gradient: the two-loop recursion."""
    result, shares = gradient.clone(), []
    for step, change, inverse in reversed(steps):
        shares.append(inverse * torch.dot(step, result))
        result -= shares[-1] * change
    if steps:
        _, change, inverse = steps[-1]
        result /= inverse * torch.dot(change, change)
    for (step, change, inverse), share in zip(steps, reversed(shares), strict=True):
        result += (share - inverse * torch.dot(change, result)) * step
    return result
