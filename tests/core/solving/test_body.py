"""The figure as turned vectors agrees with the contract's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionlift.core.rotation import Array, forward_kinematics, from_rotation_vector, multiply, normalise, rotate
from motionlift.core.skeleton import (
    ANIMATION_21,
    BODY_26,
    CONTACT_NAMES,
    body_points,
    contact_points,
    landmark_offsets,
    reference_rest,
)
from motionlift.core.solving.body import HINGES, Body, turned

FRAMES = 7
REST, TAILS = (values * 1.1 for values in reference_rest())


def random_rotations(seed: int) -> Array:
    return normalise(np.random.default_rng(seed).normal(size=(FRAMES, len(ANIMATION_21), 4)))


def test_points_and_contacts_are_those_of_forward_kinematics() -> None:
    local = random_rotations(0)
    joints, world = forward_kinematics(ANIMATION_21.parents, REST, np.zeros((FRAMES, 3)), local)
    body = Body.of(REST, TAILS)
    placed = body.placed(body.carried(world))
    np.testing.assert_allclose(placed.points.numpy(), body_points(joints, world, REST), atol=1e-5)
    parents, offsets = contact_points(TAILS, REST)
    feet = joints[:, parents] + rotate(world[:, parents], offsets)
    assert feet.shape[1] == len(CONTACT_NAMES)
    np.testing.assert_allclose(placed.contacts.numpy(), feet, atol=1e-5)


def test_landmarks_sit_beside_the_points_and_turn_with_them() -> None:
    world = random_rotations(1)
    body = Body.of(REST, TAILS)
    placed = body.placed(body.carried(world))
    off = (placed.landmarks - placed.points).norm(dim=-1).numpy()
    np.testing.assert_allclose(off, np.tile(1.1 * np.linalg.norm(landmark_offsets(), axis=-1), (FRAMES, 1)), atol=1e-5)


def test_turning_on_is_multiplying() -> None:
    world, angles = random_rotations(2), np.random.default_rng(3).normal(size=(FRAMES, len(ANIMATION_21), 3))
    body = Body.of(REST, TAILS)
    on = turned(body.carried(world), torch.from_numpy(angles).float()[:, body.carriers])
    after = body.carried(multiply(from_rotation_vector(angles), world))
    np.testing.assert_allclose(on.numpy(), after.numpy(), atol=1e-5)


@pytest.mark.parametrize("size", [0.0, 1e-5, 1e-3, 0.1, 3.0])
def test_turning_is_smooth_at_and_near_rest(size: float) -> None:
    angles = torch.tensor([[size, 0.0, 0.0]], dtype=torch.double, requires_grad=True)
    vectors = torch.tensor([[0.1, 0.2, 0.3]], dtype=torch.double)
    assert torch.autograd.gradcheck(lambda a: turned(vectors, a), angles)
    np.testing.assert_allclose(turned(vectors, angles).detach().norm(), vectors.norm())


@pytest.mark.parametrize("hinge", HINGES)
def test_bends_are_positive_the_way_people_bend(hinge: str) -> None:
    # Shins go back (+Y), forearms of a T-pose forward (-Y).
    axis = {"left_elbow": (0, 0, -1), "right_elbow": (0, 0, 1)}.get(hinge, (1, 0, 0))
    local = np.tile([1.0, 0, 0, 0], (1, len(ANIMATION_21), 1))
    local[0, ANIMATION_21.index(hinge)] = from_rotation_vector(np.radians(30) * np.array(axis, float))
    _, world = forward_kinematics(ANIMATION_21.parents, REST, np.zeros((1, 3)), local)
    body = Body.of(REST, TAILS)
    bends = body.placed(body.carried(world)).bends[0].numpy()
    expected = np.where(np.array(HINGES) == hinge, np.sin(np.radians(30)), 0)
    np.testing.assert_allclose(bends, expected, atol=1e-5)


def test_lengths_are_those_at_rest() -> None:
    lengths = Body.of(REST, TAILS).lengths()
    assert lengths[0] == 0
    assert float(lengths[BODY_26.index("left_knee")]) == pytest.approx(0.41 * 1.1)
