"""Balance: the mean zero-moment point lies within the feet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionlift.core.rotation import Array, from_axis_angle
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.solving.balance import GRAVITY, Balance, mass_shares, upright
from motionlift.core.solving.body import Body, components, matrices
from motionlift.core.solving.evidence import Evidence, Pose, Sigmas
from motionlift.core.solving.terms import State
from motionlift.core.solving.trajectory import Ground

UP = np.array([0.0, 0.0, 1.0])
FRAMES = 60
TIMES = np.arange(FRAMES) / 30
STILL = np.zeros((FRAMES, 3))


def leaning(degrees: float) -> Array:
    """World rotations of a T-pose leaning forward about its ankles."""
    lean = from_axis_angle(np.array([1.0, 0, 0]), np.radians(degrees))
    rotations = np.broadcast_to(lean, (FRAMES, len(ANIMATION_21), 4)).copy()
    for side in ("left", "right"):
        rotations[:, ANIMATION_21.indices(f"{side}_ankle", f"{side}_toe")] = [1.0, 0, 0, 0]
    return rotations


def cost(rotations: Array, path: Array = STILL, planted: float = 1.0) -> float:
    """Of who stands there like this."""
    feet = np.full((FRAMES, 4), planted)
    evidence = Evidence(
        np.zeros((FRAMES, 26, 2)), np.zeros((FRAMES, 26)), np.zeros((FRAMES, 26, 3)), TIMES, Ground(UP, 0.0),
        feet, feet, np.zeros((FRAMES, 5)),
    )  # fmt: skip
    body = Body.of(*reference_rest())
    figure = body.placed(matrices(rotations))
    term = Balance(Pose(rotations, path), body, evidence, Sigmas())
    return float(term.value(State(matrices(rotations), torch.zeros(3, FRAMES, 21), figure, components(path[:, None]))))


def test_masses_add_up_and_the_centre_is_near_the_pelvis() -> None:
    shares = mass_shares()
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= 0).all()
    figure = Body.of(*reference_rest()).placed(matrices(leaning(0.0)))
    height = float(figure.points[2, 0].double().numpy() @ shares)
    assert -0.05 < height < 0.25


def test_who_leans_over_the_middle_of_the_feet_is_balanced_best() -> None:
    angles = np.arange(-20.0, 21.0, 1.0)
    costs = [cost(leaning(angle)) for angle in angles]
    assert 1.0 <= angles[int(np.argmin(costs))] <= 8.0


def test_who_speeds_up_leans_forward() -> None:
    """With z = c - (h / g) a a runner who accelerates by a is balanced when leaning by a / g more."""
    gain = 1.5
    faster = STILL.copy()
    faster[:, 1] = -0.5 * gain * TIMES**2
    angles = np.arange(-20.0, 41.0, 1.0)

    def best(path: Array) -> float:
        return float(angles[int(np.argmin([cost(leaning(angle), path) for angle in angles]))])

    assert best(faster) - best(STILL) == pytest.approx(np.degrees(np.arctan(gain / GRAVITY)), abs=2.5)


def test_nothing_is_said_in_the_air_or_on_a_chair() -> None:
    assert cost(leaning(30.0)) > 0.0
    assert cost(leaning(30.0), planted=0.0) == 0.0
    sitting = leaning(0.0)
    for joint, degrees in (("hip", -90.0), ("knee", 0.0)):
        turn = from_axis_angle(np.array([1.0, 0, 0]), np.radians(degrees))
        sitting[:, ANIMATION_21.indices(f"left_{joint}", f"right_{joint}")] = turn
    assert cost(sitting) == 0.0
    assert upright(np.array([0.45, 0.62, 0.88]), 0.9) == pytest.approx([0.0, 0.0, 1.0], abs=0.01)
