"""Two-bone limbs, paths that hold, twist and shared rotations, on made-up motion."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.bridge.feet import End, Touch, bridged, eased, held, rotation_vectors, runs
from motionlift.bridge.limbs import Limb, moved_end, reach
from motionlift.bridge.reaching import Leg, hip_drop, smooth_cover
from motionlift.bridge.twist import shared_rotations, twist_along, untwisted
from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    conjugate,
    from_axis_angle,
    from_rotation_vector,
    multiply,
    normalise,
    rotate,
)

X, Y, Z = np.eye(3)


def leg(bend: Array) -> Limb:
    """A leg under the origin whose knee is bent by (F,) radians, its shin to the back."""
    thigh = np.broadcast_to([0.0, 0, -0.4], (len(bend), 3))
    shin = rotate(from_axis_angle(X, bend), np.array([0.0, 0, -0.45]))
    still = np.broadcast_to(IDENTITY, (len(bend), 4))
    start = np.zeros((len(bend), 3))
    return Limb(start, thigh, thigh + shin, still, from_axis_angle(X, bend))


def test_the_end_gets_where_it_shall_and_bones_keep_their_length() -> None:
    random = np.random.default_rng(0)
    before = leg(random.uniform(0, 2, 200))
    goal = normalise(random.normal(size=(200, 3))) * random.uniform(0.1, 0.84, (200, 1))
    after = moved_end(before, goal, np.broadcast_to(X, (200, 3)))
    np.testing.assert_allclose(after.end, goal, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(after.middle - after.start, axis=-1), 0.4, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(after.end - after.middle, axis=-1), 0.45, atol=1e-12)
    # The turns that come back take the bones where they are.
    np.testing.assert_allclose(rotate(after.upper, np.array([0, 0, -0.4])), after.middle, atol=1e-9)
    np.testing.assert_allclose(after.middle + rotate(after.lower, np.array([0, 0, -0.45])), after.end, atol=1e-9)


def test_what_is_right_already_is_not_touched() -> None:
    before = leg(np.linspace(0, 2.5, 50))
    after = moved_end(before, before.end, np.broadcast_to(X, (50, 3)))
    np.testing.assert_allclose(angle_between(after.upper, before.upper), 0, atol=1e-7)
    np.testing.assert_allclose(angle_between(after.lower, before.lower), 0, atol=1e-7)


def test_knees_go_forward_and_do_not_pop() -> None:
    before = leg(np.full(100, 0.001))
    goal = np.linspace([0, 0, -0.8499], [0.0, 0, -0.7], 100)
    after = moved_end(before, goal, np.broadcast_to(X, (100, 3)))
    assert np.all(after.middle[:, 1] <= 1e-9)
    steps = np.degrees(angle_between(after.upper[1:], after.upper[:-1]))[3:]
    assert steps.max() < 2.0


def test_straight_legs_with_noise_bend_forward() -> None:
    """A leg that a measurement left straight to rounding, or bent a little the wrong way."""
    bends = np.random.default_rng(5).normal(scale=1e-7, size=100)
    bends[::7] = -0.03
    before = leg(bends)
    goal = np.tile([0.0, 0.1, -0.8], (100, 1))
    after = moved_end(before, goal, np.broadcast_to(X, (100, 3)))
    assert np.ptp(after.middle, axis=0).max() < 2e-3
    assert np.all(after.middle[:, 1] < -0.05)
    np.testing.assert_allclose(after.end, goal, atol=1e-9)


def test_out_of_reach_is_straight() -> None:
    after = moved_end(leg(np.array([0.5])), np.array([[0.0, 2.0, 0.0]]), X[None])
    np.testing.assert_allclose(after.end, [[0, reach(after), 0]], atol=1e-4)


def test_eased_values_are_kept_and_smooth() -> None:
    known = np.zeros(200, bool)
    known[20:40] = known[48:60] = known[120:140] = True
    values = np.where(known[:, None], np.array([0.1, -0.2]), 99.0)
    values[48:60] *= 2
    smooth = eased(values, known, 8)
    np.testing.assert_array_equal(smooth[known], values[known])
    np.testing.assert_allclose(smooth[:8], 0, atol=1e-12)
    np.testing.assert_allclose(smooth[75:105], 0, atol=1e-12)
    assert np.all(np.abs(smooth[40:48, 0]) >= 0.1 - 1e-12)
    assert np.abs(np.diff(smooth, axis=0)).max() < 0.2 * 2 * 1.6 / 8


def test_smooth_cover_covers() -> None:
    random = np.random.default_rng(1)
    values = np.maximum(random.normal(size=300) - 1, 0)
    cover = smooth_cover(values, 6)
    assert np.all(cover >= values - 1e-12)
    assert np.abs(np.diff(cover)).max() < 0.35 * values.max()


def test_hips_come_down_just_enough() -> None:
    hip = np.tile([0.0, 0.0, 0.9], (60, 1))
    goal = np.tile([0.0, 0.5, 0.05], (60, 1))
    holding = np.zeros(60, bool)
    holding[20:40] = True
    drop = hip_drop([Leg(hip, goal, 0.85, np.full(60, 0.7), holding)], 1 / 30)
    way = hip - np.outer(drop, Z) - goal
    assert np.linalg.norm(way, axis=-1)[holding].max() <= 0.85
    assert drop[30] == pytest.approx(0.9 - 0.05 - np.sqrt((0.998 * 0.85) ** 2 - 0.25), abs=1e-9)
    assert drop[0] == drop[-1] == 0


@pytest.mark.parametrize("toes_bend", [False, True])
def test_a_heel_that_rises_leaves_the_ankle_where_it_is(toes_bend: bool) -> None:
    """The tip of the toes stands while the foot rolls up by forty degrees, in one piece as lifted feet do, or over the
    ball; the ankle is where it should be already."""
    heel, ball, tip = np.array([0, 0.05, -0.08]), np.array([0, -0.12, -0.06]), np.array([0, -0.08, -0.02])
    pitch = np.radians(np.clip(np.arange(30.0) - 9, 0, 10) * 4)
    foot = from_axis_angle(X, pitch)
    toes = from_axis_angle(X, np.zeros(30) if toes_bend else pitch)
    path = -(rotate(foot, ball) + rotate(toes, tip))
    holds = np.arange(30) < 20
    touches = [
        Touch(np.arange(30) < 10, heel, False, path[:, 2] + rotate(foot, heel)[:, 2]),
        Touch(holds, tip, True, np.zeros(30)),
    ]
    end = held(End(path, foot, toes, ball), touches, 1 / 30)
    assert np.linalg.norm(end.path - path, axis=-1).max() < 0.01
    np.testing.assert_allclose(end.points(touches[1])[holds], 0, atol=1e-9)
    assert end.tip_turns is not None
    assert np.degrees(angle_between(end.tip_turns, toes)).max() < 6


@pytest.mark.parametrize(("moved", "plants"), [(0.01, 1), (0.04, 2)])
def test_two_plants_are_one_only_where_they_are_in_one_place(moved: float, plants: int) -> None:
    """A contact that is lost for a twentieth of a second, and a shuffle by four centimetres, each held where it is."""
    holds = np.ones(40, bool)
    holds[20:22] = False
    points = np.zeros((40, 3))
    points[21:, 0] = moved
    assert len(runs(bridged(holds, points, 1 / 30))) == plants


def test_runs() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, bool)) == []


def test_rotation_vectors_are_inverse() -> None:
    vectors = np.random.default_rng(2).normal(size=(50, 3))
    vectors *= np.minimum(1, 3 / np.linalg.norm(vectors, axis=-1))[:, None]
    np.testing.assert_allclose(rotation_vectors(from_rotation_vector(vectors)), vectors, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_shared_rotations_end_where_the_knots_end(count: int) -> None:
    random = np.random.default_rng(3)
    knots = [normalise(random.normal(size=(10, 4)) + 3 * IDENTITY) for _ in range(3)]
    shared = shared_rotations(knots, count)
    assert len(shared) == count
    np.testing.assert_allclose(shared[-1], knots[-1])
    if count == 2:
        np.testing.assert_allclose(shared[0], knots[1])
    steps = [angle_between(a, b) for a, b in zip([knots[0], *shared[:-1]], shared, strict=True)]
    whole = angle_between(knots[0], knots[1]) + angle_between(knots[1], knots[2])
    assert np.all(np.sum(steps, 0) <= whole + 1e-9)


def test_twist_is_found_and_taken_away() -> None:
    angle = np.linspace(-2, 4, 100)
    swing = from_axis_angle(normalise(np.array([0.0, 1, 1])), 0.8 * np.sin(angle))
    carrier = from_axis_angle(Y, angle)
    turn = multiply(carrier, multiply(swing, from_axis_angle(X, angle - 1)))
    found = twist_along(turn, carrier, 2 * X)
    np.testing.assert_allclose(np.diff(found), np.diff(angle), atol=1e-6)
    rest = multiply(conjugate(carrier), untwisted(turn, X, found))
    np.testing.assert_allclose(twist_along(rest, np.broadcast_to(IDENTITY, (100, 4)), X), 0, atol=1e-6)
    np.testing.assert_allclose(rotate(untwisted(turn, X, found), X), rotate(turn, X), atol=1e-9)
