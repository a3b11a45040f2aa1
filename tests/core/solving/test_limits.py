"""Joint limits: free within, dear beyond, the same on both sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionlift.core.rotation import Array, forward_kinematics, from_euler
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.solving.body import Body, matrices
from motionlift.core.solving.evidence import Sigmas
from motionlift.core.solving.limits import LIMITS, Limits
from motionlift.core.solving.terms import State

BODY = Body.of(*reference_rest())


def value(rotations: torch.Tensor) -> torch.Tensor:
    still = torch.zeros(3, rotations.shape[2], 1)
    return Limits(Sigmas(limit=0.06)).value(State(rotations, torch.zeros_like(still), BODY.placed(rotations), still))


def cost(angles: dict[str, tuple[float, float, float]], turn: Array | None = None) -> float:
    local = np.zeros((1, len(ANIMATION_21), 4))
    local[..., 0] = 1.0
    for joint, degrees in angles.items():
        local[:, ANIMATION_21.index(joint)] = from_euler(np.radians(degrees), "XYZ")
    if turn is not None:
        local[:, 0] = turn
    _, world = forward_kinematics(ANIMATION_21.parents, reference_rest()[0], np.zeros((1, 3)), local)
    return float(value(matrices(world)))


@pytest.mark.parametrize(
    "pose",
    [
        {},
        {"left_knee": (140.0, 0.0, 0.0), "left_hip": (-110.0, 0.0, 0.0)},
        {"right_elbow": (0.0, 0.0, 145.0), "right_shoulder": (0.0, 60.0, 40.0)},
        {"head": (20.0, 0.0, 50.0), "neck": (15.0, 0.0, 20.0), "chest": (20.0, 5.0, 15.0)},
        {"left_ankle": (40.0, 0.0, 0.0), "right_ankle": (-25.0, 0.0, 0.0)},
    ],
)
def test_what_people_do_is_free(pose: dict[str, tuple[float, float, float]]) -> None:
    assert cost(pose) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    "pose",
    [
        {"left_knee": (40.0, 0.0, 60.0)},
        {"left_knee": (0.0, 40.0, 0.0)},
        {"right_elbow": (0.0, 50.0, 0.0)},
        {"left_hip": (80.0, 0.0, 0.0)},
        {"head": (100.0, 0.0, 0.0)},
        {"spine": (0.0, 0.0, 60.0)},
    ],
)
def test_what_nobody_can_is_dear_whichever_way_they_face(pose: dict[str, tuple[float, float, float]]) -> None:
    turned = from_euler(np.radians([50.0, -20.0, 130.0]), "XYZ")
    assert cost(pose) > 1.0
    assert cost(pose, turned) == pytest.approx(cost(pose), rel=1e-3)


def test_both_sides_have_the_same_limits() -> None:
    random = np.random.default_rng(0)
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "clavicle"):
        for x, y, z in random.uniform(-120, 120, (10, 3)):
            left = cost({f"left_{joint}": (x, y, z)})
            # Reflected in x: turns about y and z change their sign.
            assert cost({f"right_{joint}": (x, -y, -z)}) == pytest.approx(left, rel=1e-3, abs=1e-3)


def test_gradients_lead_back() -> None:
    local = np.zeros((1, len(ANIMATION_21), 4))
    local[..., 0] = 1.0
    local[:, ANIMATION_21.index("left_knee")] = from_euler(np.radians([0.0, 40.0, 0.0]), "XYZ")
    _, world = forward_kinematics(ANIMATION_21.parents, reference_rest()[0], np.zeros((1, 3)), local)
    rotations = matrices(world).requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(rotations), rotations)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0
    assert len(LIMITS) > 20
