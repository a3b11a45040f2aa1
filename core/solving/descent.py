"""L-BFGS (Nocedal & Wright, Numerical Optimization, algorithms 7.4 and 7.5) with Armijo's backtracking, on one tensor.

Torch's own imports its compiler with the first step, half a second; scipy's spends as long on bounds that we do not
have as the terms take, and neither starts from a curvature that is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

MEMORY = 12
"""Steps remembered."""
ARMIJO = 1e-4
STALE = 0.25
"""The share of a step below which the curvature is asked for again, which costs as much as ten steps."""
SHORTEST = 1e-4
"""The step below which a direction is given up."""

Objective = Callable[[Tensor], tuple[float, Tensor]]
Solve = Callable[[Tensor], Tensor]
"""The step whose gradient that is."""
Curvature = Callable[[Tensor], Solve]


def minimise(
    objective: Objective, start: Tensor, iterations: int, curvature: Curvature | None = None, settled: float = 0.0
) -> Tensor:
    """The best point found from `start` (D,) on; `objective` gives the value and the gradient (D,) at a point.

    `curvature`: what is known of it at a point; asked again wherever a step turns out far too long. It ends where a
    step lowers the value, or by that curvature would lower it, by less than its share `settled`.
    """
    point, (value, gradient) = start, objective(start)
    solve = curvature(start) if curvature else None
    steps: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=MEMORY)
    for _ in range(iterations):
        direction = -_times_inverse(gradient, steps, solve)
        slope = float(gradient @ direction)
        if not slope < 0:
            if not steps:
                break
            steps.clear()
            direction = -_times_inverse(gradient, steps, solve)
            slope = float(gradient @ direction)
        if -slope / 2 < settled * value:
            break
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
        bend = float(step @ change)
        if bend > 1e-10 * float(change @ change):
            steps.append((step, change, 1 / bend))
        before, point, value, gradient = value, there, new_value, new_gradient
        if before - value < settled * before:
            break
        if length < STALE and curvature is not None:
            # Two of them at once would be the most that a solve takes.
            solve = None
            solve = curvature(point)
            steps.clear()
    return point


def _times_inverse(gradient: Tensor, steps: deque[tuple[Tensor, Tensor, float]], solve: Solve | None) -> Tensor:
    """The inverse Hessian that the steps tell of, times the gradient: the two-loop recursion."""
    result, shares = gradient.clone(), []
    for step, change, inverse in reversed(steps):
        shares.append(inverse * torch.dot(step, result))
        result -= shares[-1] * change
    if solve is not None:
        result = solve(result)
    elif steps:
        _, change, inverse = steps[-1]
        result /= inverse * torch.dot(change, change)
    for (step, change, inverse), share in zip(steps, reversed(shares), strict=True):
        result += (share - inverse * torch.dot(change, result)) * step
    return result
