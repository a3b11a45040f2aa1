"""Footprints, legs and acts: properties that every performance has."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import forward_kinematics, rotate, to_matrix, twist_angle
from motionlift.core.skeleton import ANIMATION_21, contact_points, reference_rest
from motionlift.core.synthesis.footsteps import FootstepPlan
from motionlift.core.synthesis.performance import Performance, Squat, Wave, perform


def _walk(height: float = 1.70, fps: float = 30.0, heading: float = 0.0, length: float = 0.5) -> Performance:
    plan = FootstepPlan.stand(0.0, 0.0, heading)
    plan.pause(0.3)
    plan.walk(6, length)
    return perform(plan.prints, (), np.arange(round(3.5 * fps)) / fps, reference_rest(height))


@pytest.mark.parametrize("height", [1.2, 1.55, 1.95])
def test_feet_are_planted_whatever_the_body(height: float) -> None:
    performance = _walk(height, length=0.5 * height / 1.7)
    joints, rotations = forward_kinematics(
        ANIMATION_21.parents, performance.rest_offsets, performance.root_translation, performance.local_rotations
    )
    parents, offsets = contact_points(performance.rest_tails, performance.rest_offsets)
    points = joints[:, parents] + rotate(rotations[:, parents], offsets)
    planted = performance.contacts > 0.5
    still = planted[1:] & planted[:-1]
    assert np.linalg.norm(np.diff(points, axis=0), axis=-1)[still].max() < 1e-9
    assert points[..., 2].min() > -1e-9
    assert planted.any(1).all(), "a walk always has a foot on the floor"


def test_it_walks_where_it_faces_and_knees_bend_backwards() -> None:
    performance = _walk(heading=0.7)
    travel = performance.root_translation[-1] - performance.root_translation[0]
    forward = np.array([np.sin(0.7), -np.cos(0.7)])
    assert travel[:2] @ forward > 2.0
    assert abs(travel[0] * forward[1] - travel[1] * forward[0]) < 0.1
    for side in ("left", "right"):
        knee = performance.local_rotations[:, ANIMATION_21.index(f"{side}_knee")]
        bend = twist_angle(knee, np.array([1.0, 0.0, 0.0]))
        assert bend.min() > 0.0
        assert bend.max() < np.radians(80)
        # Knees are hinges: what is left beside the bend is small.
        assert np.degrees(np.arccos(np.clip(to_matrix(knee)[:, 0, 0], -1, 1))).max() < 1e-3


def test_arms_swing_against_their_legs() -> None:
    performance = _walk()
    joints, _ = forward_kinematics(
        ANIMATION_21.parents, performance.rest_offsets, performance.root_translation, performance.local_rotations
    )
    ahead = {name: -joints[:, ANIMATION_21.index(name), 1] + joints[:, 0, 1] for name in ANIMATION_21.joints}
    for side in ("left", "right"):
        assert np.corrcoef(ahead[f"{side}_wrist"], ahead[f"{side}_ankle"])[0, 1] < -0.5


def test_the_rate_only_samples_the_same_motion() -> None:
    slow, fast = _walk(fps=30.0), _walk(fps=60.0)
    np.testing.assert_allclose(slow.root_translation, fast.root_translation[::2], atol=0.015)


def test_a_squat_goes_as_deep_as_it_is_told_and_comes_back() -> None:
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    times = np.arange(90) / 30
    still, squat = (perform(plan.prints, acts, times) for acts in ((), (Squat(0.5, 2.5, 0.3),)))
    drop = still.root_translation[:, 2] - squat.root_translation[:, 2]
    assert drop.max() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_allclose(drop[[0, -1]], 0.0, atol=1e-9)
    np.testing.assert_array_equal(squat.contacts, 1.0)


def test_a_wave_moves_one_arm_and_the_other_side_mirrors_it() -> None:
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    times = np.arange(90) / 30
    left, right = (perform(plan.prints, (Wave(0.2, 2.8, side),), times) for side in ("left", "right"))
    positions = [
        forward_kinematics(ANIMATION_21.parents, p.rest_offsets, p.root_translation, p.local_rotations)[0]
        for p in (left, right)
    ]
    mirrored = positions[1][:, ANIMATION_21.mirror] * [-1.0, 1.0, 1.0]
    np.testing.assert_allclose(positions[0], mirrored, atol=1e-9)
    hand, head = ANIMATION_21.indices("left_wrist", "head")
    assert np.max(positions[0][:, hand, 2] - positions[0][:, head, 2]) > 0.0


def test_a_step_beyond_the_leg_is_refused() -> None:
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    plan.step("left", 2.5)
    with pytest.raises(MotionLiftError) as error:
        perform(plan.prints, (), np.arange(60) / 30)
    assert error.value.code == "leg_out_of_reach"
