"""Rotations as Blender keys them: right in every mode, without jumps; and the rig's own arithmetic."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from motionlift.bridge.channels import (
    free_columns,
    from_axis_angle_channels,
    nearest_angles,
    rotation_channels,
    rotation_property,
    rotations_of,
    running_euler,
)
from motionlift.bridge.rig import make_rig, pose_rig
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import (
    Array,
    angle_between,
    continuous_euler,
    from_axis_angle,
    from_euler,
    from_rotation_vector,
    multiply,
    normalise,
    to_euler,
    to_matrix,
)

ORDERS = ["".join(order) for order in permutations("XYZ")]


def tumbling(frames: int = 300) -> Array:
    """A rotation that turns about everything, several times, and starts at none."""
    t = np.linspace(0, 8, frames)
    x, y, z = np.eye(3)
    return multiply(multiply(from_axis_angle(z, 2 * t), from_axis_angle(x, np.sin(t))), from_axis_angle(y, 1.5 * t))


@pytest.mark.parametrize("order", ORDERS)
def test_euler_orders(order: str) -> None:
    rotations = tumbling()
    values = rotation_channels(rotations, order)
    # In Blender's XYZ, X turns first.
    listed = values[:, ["XYZ".index(letter) for letter in order[::-1]]]
    np.testing.assert_allclose(angle_between(from_euler(listed, order[::-1]), rotations), 0, atol=1e-6)
    assert rotation_property(order) == "rotation_euler"


@pytest.mark.parametrize("order", ORDERS)
def test_running_angles_agree_with_the_frame_by_frame_version(order: str) -> None:
    for seed in range(3):
        steps = np.random.default_rng(seed).normal(scale=0.2, size=(500, 3))
        rotations = [from_axis_angle(np.array([1.0, 0, 0]), 0.0)]
        for step in steps:
            rotations.append(multiply(from_rotation_vector(step), rotations[-1]))
        angles = to_euler(to_matrix(np.array(rotations)), order)
        np.testing.assert_allclose(running_euler(angles), continuous_euler(angles), atol=1e-9)


def test_euler_angles_run_on() -> None:
    turns = from_axis_angle(np.array([0.0, 0, 1]), np.linspace(0, 20, 200))
    values = rotation_channels(turns, "XYZ")
    np.testing.assert_allclose(values[:, 2] - values[0, 2], np.linspace(0, 20, 200), atol=1e-6)


def test_quaternions_and_axis_angles_do_not_jump() -> None:
    rotations = tumbling()
    flipped = rotations * np.where(np.arange(len(rotations)) % 7 == 0, -1, 1)[:, None]
    quaternions = rotation_channels(flipped, "QUATERNION")
    assert np.abs(np.diff(quaternions, axis=0)).max() < 0.1
    through_zero = from_axis_angle(np.array([0.0, 0, 1]), np.linspace(-1, 1, 101))
    for turns in (rotations, through_zero):
        values = rotation_channels(turns, "AXIS_ANGLE")
        np.testing.assert_allclose(angle_between(from_axis_angle_channels(values), turns), 0, atol=1e-6)
    values = rotation_channels(through_zero, "AXIS_ANGLE")
    assert np.abs(np.diff(values, axis=0)).max() < 0.03


def test_locked_columns() -> None:
    locked = np.array([False, True, False, False])
    assert free_columns("XYZ", locked) == [1, 2]
    assert free_columns("QUATERNION", np.array([True, False, True, False])) == [1, 3]


LOCKS = [np.array(locked) for locked in product([False, True], repeat=3) if any(locked)]


@pytest.mark.parametrize("order", ORDERS)
def test_free_axes_come_as_near_as_they_can(order: str) -> None:
    """No rotation about the axes that are left is nearer, and one that is about them alone stays what it is."""
    rotations = normalise(np.random.default_rng(0).normal(size=(200, 4)))
    for locked in LOCKS:
        angles = nearest_angles(rotations, order, locked)
        assert not angles[:, locked].any()
        away = angle_between(rotations_of(angles, order), rotations)
        for change in np.random.default_rng(1).normal(scale=0.3, size=(50, 3)) * ~locked:
            assert np.all(angle_between(rotations_of(angles + change, order), rotations) > away - 1e-6)
        reached = rotations_of(angles, order)
        again = rotations_of(nearest_angles(reached, order, locked), order)
        np.testing.assert_allclose(angle_between(again, reached), 0, atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_a_hinge_bends_as_it_should_however_far_its_bone_is_twisted(order: str) -> None:
    """An elbow that bends about X, with Y and Z locked, while the palm turns once around about the bone."""
    t = np.linspace(0, 1, 100)
    bend = np.radians(60) * np.sin(2 * np.pi * t)
    x, y, _ = np.eye(3)
    twist = np.where(t < 0.5, 2.9 * np.sin(2 * np.pi * t), 0.0)
    turned = multiply(from_axis_angle(x, bend), from_axis_angle(y, twist))
    values = rotation_channels(turned, order, np.array([False, False, True, True]))
    np.testing.assert_allclose(values, bend[:, None] * x, atol=1e-6)
    through = rotation_channels(from_axis_angle(x, 20 * t), order, np.array([False, False, True, True]))
    np.testing.assert_allclose(through, 20 * t[:, None] * x, atol=1e-6)


def test_objects_that_cannot_be_animated_are_refused() -> None:
    for matrix, code in [
        (np.diag([-1.0, 1, 1, 1]), "negative_scale"),
        (np.diag([1.0, 2, 1, 1]), "uneven_scale"),
        (np.diag([0.0, 0, 0, 1]), "no_scale"),
    ]:
        with pytest.raises(MotionLiftError) as caught:
            make_rig(["a"], [-1], np.zeros((1, 3)), np.ones((1, 3)), world=matrix)
        assert caught.value.code == code
        assert caught.value.hint
    with pytest.raises(MotionLiftError) as caught:
        make_rig([], [], np.zeros((0, 3)), np.zeros((0, 3)))
    assert caught.value.code == "no_bones"
    with pytest.raises(MotionLiftError) as caught:
        make_rig(["a", "b"], [1, 0], np.zeros((2, 3)), np.ones((2, 3)))
    assert caught.value.code == "looped_bones"


def test_bones_are_sorted_and_rest_without_keys() -> None:
    random = np.random.default_rng(0)
    heads = random.normal(size=(4, 3))
    rig = make_rig(
        ["toe", "root", "foot", "leg"], [2, -1, 3, 1], heads, heads + 1, normalise(random.normal(size=(4, 4)))
    )
    assert rig.names == ("root", "leg", "foot", "toe")
    posed, turned = pose_rig(rig, {}, {}, 2)
    np.testing.assert_allclose(posed, np.broadcast_to(rig.heads, (2, 4, 3)), atol=1e-12)
    np.testing.assert_allclose(angle_between(turned, rig.rotations), 0, atol=1e-7)
    assert rig.following({"toe": "root"}).parents[3] == 0
