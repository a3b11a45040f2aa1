"""Rotations: algebra, agreement with scipy, round trips, limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    conjugate,
    continuous,
    continuous_euler,
    cross,
    forward_kinematics,
    frame_from_axes,
    from_axis_angle,
    from_euler,
    from_matrix,
    from_scaled,
    local_from_world,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
    slerp,
    to_euler,
    to_matrix,
    twist_angle,
)

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]


def _quaternions(*shape: int, seed: int = 0) -> Array:
    return normalise(np.random.default_rng(seed).normal(size=(*shape, 4)))


def _vectors(*shape: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=(*shape, 3))


def _same(a: Array, b: Array, atol: float = 1e-7) -> None:
    np.testing.assert_allclose(angle_between(a, b), 0, atol=atol)


def _scipy(q: Array) -> Rotation:
    return Rotation.from_quat(np.roll(q, -1, -1))


def test_product_and_rotation_agree_with_scipy_and_with_matrices() -> None:
    a, b, v = _quaternions(50), _quaternions(50, seed=2), _vectors(50)
    np.testing.assert_allclose(to_matrix(multiply(a, b)), to_matrix(a) @ to_matrix(b), atol=1e-12)
    np.testing.assert_allclose(to_matrix(a), _scipy(a).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(rotate(a, v), _scipy(a).apply(v), atol=1e-12)
    _same(multiply(a, conjugate(a)), np.broadcast_to(IDENTITY, (50, 4)))


def test_cross_products_are_numpys_to_the_bit() -> None:
    q, a, b = _quaternions(40, 3), _vectors(40, 3), _vectors(3, seed=4)
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
    turned = 2.0 * np.cross(q[..., 1:], a)
    np.testing.assert_array_equal(rotate(q, a), a + q[..., :1] * turned + np.cross(q[..., 1:], turned))
    assert cross(a.astype(np.float32), b.astype(np.float32)).dtype == np.float32


def test_leading_axes_broadcast() -> None:
    q, v = _quaternions(5, 1), _vectors(1, 7)
    assert rotate(q, v).shape == (5, 7, 3)
    np.testing.assert_allclose(rotate(q, v)[3, 2], rotate(q[3, 0], v[0, 2]))


def test_matrices_and_back_also_near_half_turns() -> None:
    axes = normalise(_vectors(300))
    angles = np.concatenate([np.random.default_rng(3).uniform(-np.pi, np.pi, 200), np.full(100, np.pi - 1e-9)])
    q = from_axis_angle(axes, angles)
    back = from_matrix(to_matrix(q))
    _same(back, q)
    assert np.all(back[:, 0] >= 0)
    np.testing.assert_allclose(np.linalg.norm(back, axis=-1), 1, atol=1e-12)


def test_axis_and_angle() -> None:
    np.testing.assert_allclose(rotate(from_axis_angle(np.eye(3)[2], np.pi / 2), np.eye(3)[0]), np.eye(3)[1], atol=1e-12)
    angles = np.linspace(0.01, 3.1, 20)
    q = from_axis_angle(normalise(_vectors(20)), angles)
    np.testing.assert_allclose(angle_between(np.broadcast_to(IDENTITY, (20, 4)), q), angles, atol=1e-9)
    np.testing.assert_allclose(angle_between(q, -q), 0, atol=1e-9)


def test_normalise_leaves_zero() -> None:
    np.testing.assert_array_equal(normalise(np.zeros((2, 3))), 0)
    np.testing.assert_allclose(np.linalg.norm(normalise(_vectors(9)), axis=-1), 1)


def test_continuous_changes_signs_only() -> None:
    smooth = from_axis_angle(normalise(_vectors(4)), np.linspace(0, 20, 100)[:, None])
    flipped = smooth * np.random.default_rng(0).choice([-1, 1], (100, 4, 1))
    result = continuous(flipped)
    assert np.all(np.sum(result[1:] * result[:-1], -1) > 0)
    _same(result, smooth)


def test_slerp_ends_middle_and_short_way() -> None:
    a, b = _quaternions(40), _quaternions(40, seed=5)
    _same(slerp(a, b, np.zeros(40)), a)
    _same(slerp(a, b, np.ones(40)), b)
    _same(slerp(a, -b, np.full(40, 0.3)), slerp(a, b, np.full(40, 0.3)))
    whole = angle_between(a, b)
    np.testing.assert_allclose(angle_between(a, slerp(a, b, np.full(40, 0.25))), whole / 4, atol=1e-9)
    _same(slerp(a, a, np.full(40, 0.5)), a)


def test_minimal_rotation_is_minimal_and_survives_opposites() -> None:
    a, b = _vectors(60), _vectors(60, seed=8)
    a[:3], b[:3] = np.eye(3), -np.eye(3)
    a[3], b[3] = a[4], a[4]
    q = minimal_rotation(a, b)
    np.testing.assert_allclose(rotate(q, normalise(a)), normalise(b), atol=1e-7)
    between = np.arccos(np.clip(np.sum(normalise(a) * normalise(b), -1), -1, 1))
    np.testing.assert_allclose(angle_between(np.broadcast_to(IDENTITY, q.shape), q), between, atol=1e-6)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(range(3), 2)))
def test_frames_from_axes(first: int, second: int) -> None:
    a, b = _vectors(20), _vectors(20, seed=4)
    frames = frame_from_axes(a, b, first, second)
    np.testing.assert_allclose(frames @ np.swapaxes(frames, -1, -2), np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(frames), 1, atol=1e-9)
    np.testing.assert_allclose(frames[..., first], normalise(a), atol=1e-12)
    third = frames[..., 3 - first - second]
    np.testing.assert_allclose(np.sum(third * b, -1), 0, atol=1e-9)
    assert np.all(np.sum(frames[..., second] * b, -1) > 0)


def test_a_frame_of_parallel_axes_is_zero_in_part() -> None:
    assert not frame_from_axes(np.eye(3)[0], np.eye(3)[0], 0, 1)[:, 1:].any()


def test_twist_is_what_turns_about_the_axis() -> None:
    axis = normalise(_vectors(30))
    angles = np.random.default_rng(1).uniform(-3, 3, 30)
    aside = normalise(np.cross(axis, _vectors(30, seed=6)))
    swing = from_axis_angle(aside, 0.8)
    np.testing.assert_allclose(twist_angle(multiply(swing, from_axis_angle(axis, angles)), axis), angles, atol=1e-9)
    np.testing.assert_allclose(twist_angle(swing, axis), 0, atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_round_trip_and_scipy(order: str) -> None:
    q = _quaternions(200)
    angles = to_euler(to_matrix(q), order)
    _same(from_euler(angles, order), q)
    assert np.all(np.abs(angles[:, 1]) <= np.pi / 2)
    first, second, third = (
        Rotation.from_rotvec(angles[:, i, None] * np.eye(3)["XYZ".index(axis)]) for i, axis in enumerate(order)
    )
    np.testing.assert_allclose((first * second * third).as_matrix(), to_matrix(q), atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", [np.pi / 2, -np.pi / 2])
def test_euler_where_it_is_singular(order: str, middle: float) -> None:
    random = np.random.default_rng(0)
    q = from_euler(np.stack([random.uniform(-3, 3, 20), np.full(20, middle), random.uniform(-3, 3, 20)], -1), order)
    angles = to_euler(to_matrix(q), order)
    assert np.all(np.isfinite(angles))
    _same(from_euler(angles, order), q, atol=1e-5)


def test_an_order_that_is_none() -> None:
    with pytest.raises(ValueError, match="XYX"):
        to_euler(np.eye(3), "XYX")


@pytest.mark.parametrize("order", ORDERS)
def test_continuous_angles_turn_on_and_mean_the_same(order: str) -> None:
    times = np.linspace(0, 6, 400)[:, None]
    turns = np.concatenate([7 * times, 1.2 * np.sin(3 * times), -9 * times], -1)[:, None]
    q = from_euler(turns, order)
    angles = continuous_euler(to_euler(to_matrix(q), order))
    _same(from_euler(angles, order), q)
    assert np.max(np.abs(np.diff(angles, axis=0))) < 0.3
    np.testing.assert_allclose(angles - angles[0], turns - turns[0], atol=1e-6)


def _tree() -> tuple[list[int], Array]:
    return [-1, 0, 1, 1, 0, 4], _vectors(6)


def test_forward_kinematics_agrees_with_a_plain_loop() -> None:
    parents, offsets = _tree()
    local, root = _quaternions(5, 6), _vectors(5, seed=9)
    positions, rotations = forward_kinematics(parents, offsets, root, local)
    for frame in range(5):
        matrices: list[Array] = []
        for joint, parent in enumerate(parents):
            matrix = np.eye(4)
            matrix[:3, :3] = to_matrix(local[frame, joint])
            matrix[:3, 3] = root[frame] if parent < 0 else offsets[joint]
            matrices.append(matrix if parent < 0 else matrices[parent] @ matrix)
            np.testing.assert_allclose(positions[frame, joint], matrices[joint][:3, 3], atol=1e-9)
            np.testing.assert_allclose(to_matrix(rotations[frame, joint]), matrices[joint][:3, :3], atol=1e-9)


def test_bones_keep_their_lengths_and_sliding_offsets_are_followed() -> None:
    parents, offsets = _tree()
    local, root = _quaternions(5, 6), _vectors(5, seed=9)
    positions, _ = forward_kinematics(parents, offsets, root, local)
    lengths = np.linalg.norm(positions[:, 1:] - positions[:, parents[1:]], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(np.linalg.norm(offsets[1:], axis=-1), lengths.shape))
    moving = np.repeat(offsets[None], 5, 0)
    np.testing.assert_allclose(forward_kinematics(parents, moving, root, local)[0], positions)


def test_local_and_world_rotations_are_inverse() -> None:
    parents, offsets = _tree()
    local = _quaternions(5, 6)
    _, world = forward_kinematics(parents, offsets, np.zeros((5, 3)), local)
    _same(local_from_world(parents, world), local)


def test_rotations_are_found_in_matrices_that_scale() -> None:
    turns = _quaternions(20)
    scales = np.random.default_rng(3).uniform(0.01, 100.0, (20, 1, 3))
    _same(from_scaled(to_matrix(turns) * scales), turns)
