"""Balance: the mean zero-moment point lies within the feet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionlift.core.rotation import from_axis_angle
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.solving.balance import GRAVITY, balance_term, mass_shares, upright
from motionlift.core.solving.body import Body, Placed, matrices

UP = np.array([0.0, 0.0, 1.0])
FRAMES = 60
TIMES = np.arange(FRAMES) / 30


def leaning(degrees: float) -> Placed:
    """A T-pose leaning forward about its ankles."""
    lean = from_axis_angle(np.array([1.0, 0, 0]), np.radians(degrees))
    rotations = np.broadcast_to(lean, (FRAMES, len(ANIMATION_21), 4)).copy()
    for side in ("left", "right"):
        rotations[:, ANIMATION_21.indices(f"{side}_ankle", f"{side}_toe")] = [1.0, 0, 0, 0]
    return Body.of(*reference_rest()).placed(matrices(rotations))


def cost(figure: Placed, path: torch.Tensor, planted: float = 1.0, stands: float = 1.0) -> float:
    contacts = np.full((FRAMES, 4), planted)
    term = balance_term(TIMES, contacts, np.full(FRAMES, stands), UP, 0.01)
    return float(term(figure, path))


def test_masses_add_up_and_the_centre_is_near_the_pelvis() -> None:
    shares = mass_shares()
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= 0).all()
    figure = leaning(0.0)
    height = float(figure.points[2, 0].double().numpy() @ shares)
    assert -0.05 < height < 0.25


def test_who_leans_over_the_middle_of_the_feet_is_balanced_best() -> None:
    still = torch.zeros(3, FRAMES, 1)
    angles = np.arange(-20.0, 21.0, 1.0)
    costs = [cost(leaning(angle), still) for angle in angles]
    assert 1.0 <= angles[int(np.argmin(costs))] <= 8.0


def test_who_speeds_up_leans_forward() -> None:
    """With z = c - (h / g) a a runner who accelerates by a is balanced when leaning by a / g more."""
    gain = 1.5
    path = torch.zeros(3, FRAMES, 1)
    path[1, :, 0] = torch.from_numpy(-0.5 * gain * TIMES**2).float()
    angles = np.arange(-20.0, 41.0, 1.0)

    def best(way: torch.Tensor) -> float:
        return float(angles[int(np.argmin([cost(leaning(angle), way) for angle in angles]))])

    assert best(path) - best(torch.zeros(3, FRAMES, 1)) == pytest.approx(np.degrees(np.arctan(gain / GRAVITY)), abs=2.5)


def test_nothing_is_said_in_the_air_or_on_a_chair() -> None:
    still = torch.zeros(3, FRAMES, 1)
    assert cost(leaning(30.0), still, planted=0.0) == 0.0
    assert cost(leaning(30.0), still, stands=0.0) == 0.0
    assert upright(np.array([0.45, 0.62, 0.88]), 0.9) == pytest.approx([0.0, 0.0, 1.0], abs=0.01)
