"""The descent finds minima, as scipy's does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import minimize, rosen, rosen_der
from torch import Tensor

from motionlift.core.rotation import Array
from motionlift.core.solving.descent import minimise


def quadratic(point: Tensor) -> tuple[float, Tensor]:
    """Curvatures from 0.1 to 10, the lowest point at 1."""
    scale = torch.logspace(-1, 1, len(point), dtype=point.dtype)
    off = point - 1
    return float((scale * off * off).sum() / 2), scale * off


def valley(point: Tensor) -> tuple[float, Tensor]:
    values: Array = point.numpy()
    return float(rosen(values)), torch.from_numpy(np.asarray(rosen_der(values)))


def test_a_quadratic_is_solved() -> None:
    found = minimise(quadratic, torch.zeros(20, dtype=torch.double), 80)
    torch.testing.assert_close(found, torch.ones(20, dtype=torch.double), atol=1e-3, rtol=0)


def test_a_bent_valley_is_followed_as_far_as_scipy_does() -> None:
    start = np.full(6, -1.2)
    ours = minimise(valley, torch.from_numpy(start), 60)
    theirs = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"maxiter": 60, "maxcor": 12})
    assert valley(ours)[0] < max(2 * float(theirs.fun), 1e-6)


def test_values_only_fall() -> None:
    values: list[float] = []

    def watched(point: Tensor) -> tuple[float, Tensor]:
        value, gradient = valley(point)
        values.append(value)
        return value, gradient

    best = [valley(minimise(watched, torch.full((4,), -1.2, dtype=torch.double), n))[0] for n in range(12)]
    assert best == sorted(best, reverse=True)


def test_the_lowest_point_stays_and_no_iterations_change_nothing() -> None:
    lowest = torch.ones(5, dtype=torch.double)
    torch.testing.assert_close(minimise(quadratic, lowest, 10), lowest)
    start = torch.zeros(5, dtype=torch.double)
    torch.testing.assert_close(minimise(quadratic, start, 0), start)


def test_a_curvature_that_is_known_makes_one_step_of_a_quadratic() -> None:
    scale = torch.logspace(-1, 1, 20, dtype=torch.double)
    found = minimise(quadratic, torch.zeros(20, dtype=torch.double), 1, lambda point: lambda gradient: gradient / scale)
    torch.testing.assert_close(found, torch.ones(20, dtype=torch.double))


def test_a_curvature_is_asked_again_where_steps_are_too_long() -> None:
    asked: list[Tensor] = []

    def curvature(point: Tensor) -> Callable[[Tensor], Tensor]:
        asked.append(point)
        return lambda gradient: gradient * 0.02

    minimise(valley, torch.full((4,), -1.2, dtype=torch.double), 10, curvature)
    assert len(asked) > 1


def test_it_ends_where_steps_gain_little() -> None:
    start = torch.zeros(20, dtype=torch.double)
    soon, late = (minimise(quadratic, start, 80, settled=share) for share in (0.5, 1e-9))
    assert quadratic(soon)[0] > quadratic(late)[0]
