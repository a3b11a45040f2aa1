"""The hand's T-pose, its angles and their mirror image."""

from __future__ import annotations

import numpy as np

from motionlift.core.hand_skeleton import (
    ANIMATION_51,
    CHAINS,
    FINGER_JOINTS,
    FINGERS,
    HAND_21,
    HIGHEST,
    JOINTS_A_HAND,
    LOWEST,
    RELAXED,
    finger_rotations,
    mirrored_rotations,
    rest_hand,
    rest_with_fingers,
)
from motionlift.core.rotation import (
    IDENTITY,
    Array,
    forward_kinematics,
    from_axis_angle,
    multiply,
    normalise,
    rotate,
)
from motionlift.core.skeleton import ANIMATION_21, attachment, reference_rest


def posed(angles: Array, side: str) -> Array:
    """Finger tips (5, 3) m from the wrist of a hand lying as in the T-pose."""
    offsets, tails = rest_with_fingers(*reference_rest())
    local = np.tile(IDENTITY, (len(ANIMATION_51), 1))
    wrist = ANIMATION_51.index(f"{side}_wrist")
    first = ANIMATION_51.index(f"{side}_thumb_1")
    local[first : first + JOINTS_A_HAND] = finger_rotations(angles, side)
    joints, rotations = forward_kinematics(ANIMATION_51.parents, offsets, np.zeros(3), local)
    last = [ANIMATION_51.index(f"{side}_{finger}_3") for finger in FINGERS]
    tips: Array = joints[last] + rotate(rotations[last], tails[last]) - joints[wrist]
    return tips


def test_names_and_parents() -> None:
    assert ANIMATION_51.joints[:21] == ANIMATION_21.joints
    assert ANIMATION_51.parents[:21] == ANIMATION_21.parents
    assert FINGER_JOINTS[:3] == ("left_thumb_1", "left_thumb_2", "left_thumb_3")
    assert len(FINGER_JOINTS) == 30
    for joint, parent in zip(FINGER_JOINTS, ANIMATION_51.parents[21:], strict=True):
        side, finger, number = joint.split("_")
        expected = f"{side}_wrist" if number == "1" else f"{side}_{finger}_{int(number) - 1}"
        assert ANIMATION_51.joints[parent] == expected


def test_landmarks_follow_each_finger() -> None:
    assert len(HAND_21) == 21
    np.testing.assert_array_equal(CHAINS, np.arange(1, 21).reshape(5, 4))


def test_at_rest_fingers_lie_along_x_and_knuckles_where_the_body_has_them() -> None:
    for side, sign in (("left", 1.0), ("right", -1.0)):
        offsets, tails = rest_hand(side)
        assert np.all(tails[3:, 0] * sign > 0)
        np.testing.assert_allclose(tails[3:, 1:], 0.0, atol=1e-12)
        np.testing.assert_allclose(offsets[3 * FINGERS.index("index")], attachment(f"{side}_index")[1])
        assert max(offsets[0][1], tails[0][1]) < 0  # the thumb to the front
        reach = offsets[[6, 7, 8]].sum(0) + tails[8]
        tail = reference_rest()[1][ANIMATION_21.index(f"{side}_wrist")]
        assert abs(reach[0] - tail[0]) < 0.01


def test_bending_closes_the_hand_below_the_palm_on_both_sides() -> None:
    bent = np.zeros((5, 4))
    bent[:, [0, 2, 3]] = np.radians(60)
    bent[0, [0, 2, 3]] = np.radians(30)
    straight, closed = posed(np.zeros((5, 4)), "left"), posed(bent, "left")
    assert np.all(closed[:, 2] < straight[:, 2] - 0.01)
    assert np.all(np.linalg.norm(closed[1:], axis=-1) < np.linalg.norm(straight[1:], axis=-1))
    np.testing.assert_allclose(posed(bent, "right"), closed * (-1, 1, 1), atol=1e-12)


def test_spreading_turns_to_the_little_finger() -> None:
    spread = np.zeros((5, 4))
    spread[:, 1] = 0.2
    assert np.all(posed(spread, "left")[:, 1] > posed(np.zeros((5, 4)), "left")[:, 1])


def test_the_relaxed_hand_keeps_the_limits() -> None:
    assert np.all((RELAXED >= LOWEST) & (RELAXED <= HIGHEST))


def test_mirroring_rotations_is_a_reflection() -> None:
    random = np.random.default_rng(0)
    a, b = (from_axis_angle(normalise(random.normal(size=(9, 3))), random.uniform(-3, 3, 9)) for _ in range(2))
    points = random.normal(size=(9, 3))
    flip = np.array([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(rotate(mirrored_rotations(a), points * flip), rotate(a, points) * flip, atol=1e-12)
    np.testing.assert_allclose(
        multiply(mirrored_rotations(a), mirrored_rotations(b)), mirrored_rotations(multiply(a, b)), atol=1e-12
    )
