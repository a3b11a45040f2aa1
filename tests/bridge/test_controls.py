"""Where a limb's pole goes."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.bridge.controls import pole_direction
from motionlift.core.rotation import Array, from_axis_angle, normalise, rotate

HINT = np.array([0.0, -1.0, 0.0])
DOWN = np.array([0.0, 0.0, -1.0])


def leg(bend_degrees: Array, away_degrees: Array) -> tuple[Array, Array, Array]:
    """Hip, knee and ankle (F, 3) of a leg that hangs down, its knee `away_degrees` about the vertical from HINT."""
    bend, away = np.broadcast_arrays(np.radians(bend_degrees), np.radians(away_degrees))
    half = from_axis_angle(np.array([-1.0, 0, 0]), 0.5 * bend)
    about = from_axis_angle(np.array([0.0, 0, 1]), away)
    knee = rotate(about, rotate(half, 0.4 * DOWN))
    return np.zeros_like(knee), knee, knee + rotate(about, rotate(half * [1, -1, -1, -1], 0.4 * DOWN))


@pytest.mark.parametrize("away", [-80.0, -20.0, 0.0, 60.0, 89.0])
def test_a_bent_limbs_pole_is_on_its_joints_side(away: float) -> None:
    start, middle, end = leg(np.array([12.0, 60, 150]), np.array([away]))
    direction = pole_direction(start, middle, end, np.broadcast_to(HINT, middle.shape))
    line = normalise(end - start)
    np.testing.assert_allclose(np.sum(direction * line, -1), 0, atol=1e-9)
    out = middle - start
    out = normalise(out - line * np.sum(out * line, -1, keepdims=True))
    np.testing.assert_allclose(direction, out, atol=1e-6)


def test_a_straight_limbs_pole_is_where_the_upper_bone_looks() -> None:
    start, middle, end = leg(np.array([0.0, 1, 2.9]), np.array([75.0]))
    direction = pole_direction(start, middle, end, np.broadcast_to(HINT + 0.3 * DOWN, middle.shape))
    np.testing.assert_allclose(direction, np.broadcast_to(HINT, middle.shape), atol=1e-9)


def test_a_pole_never_leaps() -> None:
    """Neither while a bent limb's plane turns all the way round, nor while one that is bent backwards straightens."""
    round_about = np.linspace(-360, 360, 2881)
    for bends, aways in ((np.full(2881, 70.0), round_about), (np.linspace(0, 30, 600), np.full(600, 179.0))):
        start, middle, end = leg(bends, aways)
        direction = pole_direction(start, middle, end, np.broadcast_to(HINT, middle.shape))
        steps = np.degrees(np.arccos(np.clip(np.sum(direction[1:] * direction[:-1], -1), -1, 1)))
        assert steps.max() < 0.5
