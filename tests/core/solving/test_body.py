"""The figure as a matrix product agrees with the contract's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionlift.core.rotation import (
    Array,
    forward_kinematics,
    from_rotation_vector,
    multiply,
    normalise,
    rotate,
    to_matrix,
)
from motionlift.core.skeleton import (
    ANIMATION_21,
    BODY_26,
    CONTACT_NAMES,
    body_points,
    contact_points,
    landmark_offsets,
    reference_rest,
)
from motionlift.core.solving.body import HINGES, Body, matrices, quaternions, turned

FRAMES = 7
REST, TAILS = (values * 1.1 for values in reference_rest())


def random_rotations(seed: int) -> Array:
    return normalise(np.random.default_rng(seed).normal(size=(FRAMES, len(ANIMATION_21), 4)))


def along_frames(components: torch.Tensor) -> Array:
    result: Array = components.permute(1, 2, 0).numpy()
    return result


def test_points_and_contacts_are_those_of_forward_kinematics() -> None:
    local = random_rotations(0)
    joints, world = forward_kinematics(ANIMATION_21.parents, REST, np.zeros((FRAMES, 3)), local)
    body = Body.of(REST, TAILS)
    placed = body.placed(matrices(world))
    np.testing.assert_allclose(along_frames(placed.points), body_points(joints, world, REST), atol=1e-5)
    parents, offsets = contact_points(TAILS, REST)
    feet = joints[:, parents] + rotate(world[:, parents], offsets)
    assert feet.shape[1] == len(CONTACT_NAMES)
    np.testing.assert_allclose(along_frames(placed.contacts), feet, atol=1e-5)


def test_landmarks_sit_beside_the_points_and_turn_with_them() -> None:
    world = random_rotations(1)
    body = Body.of(REST, TAILS)
    placed = body.placed(matrices(world))
    off = (placed.landmarks - placed.points).norm(dim=0).numpy()
    np.testing.assert_allclose(off, np.tile(1.1 * np.linalg.norm(landmark_offsets(), axis=-1), (FRAMES, 1)), atol=1e-5)


def test_bones_join_points_to_their_parents() -> None:
    placed = Body.of(REST, TAILS).placed(matrices(random_rotations(4)))
    for point, parent in enumerate(BODY_26.parents):
        if parent >= 0:
            bone = placed.points[..., point] - placed.points[..., parent]
            np.testing.assert_allclose(placed.bones[..., point].numpy(), bone.numpy(), atol=1e-6)


def test_turning_on_is_multiplying() -> None:
    world, turns = random_rotations(2), np.random.default_rng(3).normal(size=(FRAMES, len(ANIMATION_21), 3))
    on = turned(matrices(world), torch.from_numpy(turns.transpose(2, 0, 1)).float())
    np.testing.assert_allclose(on.numpy(), matrices(multiply(quaternions(turns), world)).numpy(), atol=1e-5)


def test_small_turns_are_rotation_vectors_and_large_ones_tangents() -> None:
    axis = normalise(np.array([1.0, -2.0, 0.5]))
    np.testing.assert_allclose(quaternions(1e-3 * axis), from_rotation_vector(1e-3 * axis), atol=1e-9)
    np.testing.assert_allclose(quaternions(2 * np.tan(0.6) * axis), from_rotation_vector(1.2 * axis), atol=1e-12)


@pytest.mark.parametrize("size", [0.0, 1e-5, 1e-3, 0.1, 3.0])
def test_turning_is_smooth_at_and_near_rest(size: float) -> None:
    turns = torch.tensor([size, 0.0, 0.0], dtype=torch.double).view(3, 1, 1).requires_grad_(True)
    rotation = torch.from_numpy(to_matrix(random_rotations(5)[0, 0])).view(3, 3, 1, 1)
    assert torch.autograd.gradcheck(lambda t: turned(rotation, t), turns)


@pytest.mark.parametrize("hinge", HINGES)
def test_bends_are_positive_the_way_people_bend(hinge: str) -> None:
    # Shins go back (+Y), forearms of a T-pose forward (-Y).
    axis = {"left_elbow": (0, 0, -1), "right_elbow": (0, 0, 1)}.get(hinge, (1, 0, 0))
    local = np.tile([1.0, 0, 0, 0], (1, len(ANIMATION_21), 1))
    local[0, ANIMATION_21.index(hinge)] = from_rotation_vector(np.radians(30) * np.array(axis, float))
    _, world = forward_kinematics(ANIMATION_21.parents, REST, np.zeros((1, 3)), local)
    body = Body.of(REST, TAILS)
    bends = body.placed(matrices(world)).bends[0].numpy()
    expected = np.where(np.array(HINGES) == hinge, np.sin(np.radians(30)), 0)
    np.testing.assert_allclose(bends, expected, atol=1e-5)


def test_lengths_are_those_at_rest() -> None:
    lengths = Body.of(REST, TAILS).lengths
    assert lengths[0] == 0
    assert float(lengths[BODY_26.index("left_knee")]) == pytest.approx(0.41 * 1.1)
