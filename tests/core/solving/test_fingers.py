"""Fingers from landmarks: known bends come back, sides mirror, limits hold, gaps relax, bones keep their lengths."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core.camera import apply, intrinsics, inverse, project
from motionlift.core.hand_skeleton import (
    ANIMATION_51,
    FINGER_JOINTS,
    FINGERS,
    HAND_21,
    HIGHEST,
    HINGES,
    JOINTS_A_HAND,
    LOWEST,
    REFERENCE_LENGTHS,
    RELAXED,
    SIDES,
    finger_rotations,
    rest_hand,
    rest_with_fingers,
)
from motionlift.core.keypoints import HandKeypoints
from motionlift.core.motion import Motion
from motionlift.core.rotation import (
    Array,
    angle_between,
    conjugate,
    forward_kinematics,
    from_axis_angle,
    from_matrix,
    multiply,
    rotate,
    twist_angle,
)
from motionlift.core.solving import stretches
from motionlift.core.solving.fingers import append_fingers, finger_lengths, with_fingers
from motionlift.core.solving.hand_reading import finger_angles, hand_points, palm_rotations

FRAMES = 60
MotionMaker = Callable[..., Motion]


def gestures(frames: int = FRAMES, seed: int = 0) -> Array:
    """Angles (F, 2, 5, 4) that open and close slowly, well inside the limits."""
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 6, (2, 5, 1)) + np.array([0.0, 1.0, 0.0, 0.0])
    share = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames)[:, None, None, None] / 60 + phase)
    low, high = np.maximum(LOWEST, np.radians(-12)), np.minimum(HIGHEST, np.radians((60, 10, 70, 42)))
    low[:, 2:] = 0.0
    angles: Array = low + share * (high - low)
    return angles


def seen(motion: Motion) -> HandKeypoints:
    """What a perfect detector reports of a motion of `ANIMATION_51`."""
    joints, rotations = forward_kinematics(
        motion.parents, motion.rest_offsets, motion.root_translation, motion.local_rotations
    )
    points = np.empty((len(motion), 2, len(HAND_21), 3))
    for number, side in enumerate(SIDES):
        points[:, number, 0] = joints[:, motion.joint(f"{side}_wrist")]
        for finger, name in enumerate(FINGERS):
            chain = [motion.joint(f"{side}_{name}_{joint}") for joint in (1, 2, 3)]
            points[:, number, 1 + 4 * finger : 4 + 4 * finger] = joints[:, chain]
            tip = joints[:, chain[2]] + rotate(rotations[:, chain[2]], motion.rest_tails[chain[2]])
            points[:, number, 4 + 4 * finger] = tip
    in_camera = apply(inverse(motion.world_from_camera[0]), points)
    pixels = project(in_camera, motion.camera_K[0])
    # The detector's 3D is as a camera sees it that looks straight at the hand.
    world = np.empty_like(in_camera)
    for frame in range(len(motion)):
        for number in range(2):
            ray = in_camera[frame, number, 0] / np.linalg.norm(in_camera[frame, number, 0])
            axis = np.cross(ray, (0.0, 0.0, 1.0))
            angle = np.arcsin(np.linalg.norm(axis))
            turn = from_axis_angle(axis / np.linalg.norm(axis), angle)
            world[frame, number] = rotate(turn, in_camera[frame, number] - in_camera[frame, number].mean(0))
    left = np.tile([0.95, 0.05], (len(motion), 1))
    return HandKeypoints(pixels.astype(np.float32), world.astype(np.float32), np.ones((len(motion), 2)), left)


@pytest.fixture(scope="module")
def body(make_motion: MotionMaker) -> Motion:
    """A figure whose forearms are not twisted against the hands, far from the camera."""
    motion = make_motion(frames=FRAMES, swing=0.4)
    local = np.array(motion.local_rotations)
    for side in SIDES:
        local[:, motion.joint(f"{side}_wrist")] = (1.0, 0.0, 0.0, 0.0)
    world_from_camera = np.array(motion.world_from_camera)
    world_from_camera[0, :3, 3] += (0.0, -8.0, 0.0)
    positions, _ = forward_kinematics(motion.parents, motion.rest_offsets, motion.root_translation, local)
    return dataclasses.replace(
        motion,
        local_rotations=local,
        joint_positions=positions,
        world_from_camera=world_from_camera,
        camera_K=intrinsics(motion.image_size, 10.0)[None],
        detected=np.ones(FRAMES, bool),
    )


def solved_angles(motion: Motion) -> Array:
    """Bends (F, 2, 5, 2) of the second and third joint of every finger, and nothing else turns there."""
    result = np.empty((len(motion), 2, 5, 2))
    for number, side in enumerate(SIDES):
        for finger, name in enumerate(FINGERS):
            axis = HINGES[finger] * (1.0 if side == "left" else np.array([1.0, -1.0, -1.0]))
            for joint in (2, 3):
                turned = motion.local_rotations[:, motion.joint(f"{side}_{name}_{joint}")]
                angle = twist_angle(turned, axis)
                np.testing.assert_allclose(np.abs(np.sum(turned * from_axis_angle(axis, angle), -1)), 1.0, atol=1e-9)
                result[:, number, finger, joint - 2] = angle
    return result


def test_known_bends_come_back(body: Motion) -> None:
    truth = append_fingers(body, gestures(), np.ones((FRAMES, 2)))
    solved = with_fingers(body, seen(truth), smoothing=0.0)
    error = np.abs(solved_angles(solved) - solved_angles(truth))
    # The last joints are held near what their neighbours say.
    assert np.degrees(np.median(error[..., 0])) < 4
    assert np.degrees(np.median(error[..., 1])) < 8
    for side in SIDES:
        knuckles = [truth.joint(f"{side}_{finger}_1") for finger in FINGERS]
        off = angle_between(solved.world_rotations()[:, knuckles], truth.world_rotations()[:, knuckles])
        assert np.degrees(np.median(off)) < 8


def test_single_hands_are_read_exactly_but_for_the_priors() -> None:
    random = np.random.default_rng(1)
    angles = gestures(12)[:, 0]
    turn = from_axis_angle(np.array([0.6, 0.0, 0.8]), random.uniform(-3, 3, 12))
    for side in SIDES:
        points = rigid_hand(angles, side, turn)
        palm = palm_rotations(points, side)
        assert np.degrees(np.max(angle_between(palm, turn))) < 1e-3
        found, _ = finger_angles(points, palm, side)
        assert np.degrees(np.median(np.abs(found - angles))) < 3
        assert np.degrees(np.max(np.abs(found - angles)[..., [0, 2]])) < 12


def rigid_hand(angles: Array, side: str, turn: Array) -> Array:
    """Landmarks (F, 21, 3) m of a hand at the origin turned by `turn` (F, 4)."""
    offsets, tails = rest_hand(side)
    rotations = finger_rotations(angles, side)
    points = np.zeros((len(angles), 21, 3))
    for finger in range(5):
        at, orientation = np.zeros((len(angles), 3)), turn
        for joint in range(3):
            index = 3 * finger + joint
            at = at + rotate(orientation, offsets[index])
            orientation = multiply(orientation, rotations[:, index])
            points[:, 1 + 4 * finger + joint] = at
        points[:, 4 + 4 * finger] = at + rotate(orientation, tails[3 * finger + 2])
    return points


def test_left_and_right_mirror_each_other() -> None:
    angles = gestures(10)[:, 0]
    turn = from_axis_angle(np.array([0.0, 0.6, 0.8]), np.linspace(-2, 2, 10))
    left = rigid_hand(angles, "left", turn) + np.random.default_rng(0).normal(scale=0.004, size=(10, 21, 3))
    right = left * np.array([-1.0, 1.0, 1.0])
    palms = palm_rotations(left, "left"), palm_rotations(right, "right")
    assert np.max(angle_between(palms[0] * (1, 1, -1, -1), palms[1])) < 1e-6
    np.testing.assert_allclose(
        finger_angles(left, palms[0], "left")[0], finger_angles(right, palms[1], "right")[0], atol=1e-6
    )


def test_limits_hold_whatever_is_seen(body: Motion) -> None:
    random = np.random.default_rng(0)
    hands = seen(append_fingers(body, gestures(), np.ones((FRAMES, 2))))
    wild = dataclasses.replace(
        hands,
        pixels=hands.pixels + random.normal(scale=15, size=hands.pixels.shape),
        world=hands.world + random.normal(scale=0.05, size=hands.world.shape),
    )
    solved = with_fingers(body, wild, smoothing=0.0)
    bends = solved_angles(solved)
    assert np.all(bends >= LOWEST[:, 2:] - 1e-9)
    assert np.all(bends <= HIGHEST[:, 2:] + 1e-9)
    for side in SIDES:
        elbow, wrist = solved.joint(f"{side}_elbow"), solved.joint(f"{side}_wrist")
        axis = solved.rest_offsets[wrist] / np.linalg.norm(solved.rest_offsets[wrist])
        assert np.degrees(np.max(np.abs(twist_angle(solved.local_rotations[:, wrist], axis)))) <= 90
        total = twist_angle(solved.local_rotations[:, elbow], axis) + twist_angle(
            solved.local_rotations[:, wrist], axis
        )
        assert np.degrees(np.max(np.abs(total))) <= 91


def test_where_no_hand_was_seen_fingers_relax_and_say_so(body: Motion) -> None:
    hands = seen(append_fingers(body, gestures(), np.ones((FRAMES, 2))))
    hidden = np.zeros(FRAMES, bool)
    hidden[20:45] = True
    gap = HandKeypoints.nothing(FRAMES)
    for name in ("pixels", "world", "confidence", "left"):
        getattr(gap, name)[~hidden] = getattr(hands, name)[~hidden]
    solved = with_fingers(body, gap)
    middle = solved_angles(solved)[32]
    np.testing.assert_allclose(middle, np.broadcast_to(RELAXED[:, 2:], middle.shape), atol=np.radians(8))
    fingers = [solved.joint(name) for name in FINGER_JOINTS]
    np.testing.assert_array_equal(solved.confidence[hidden][:, fingers], 0.0)
    assert np.all(solved.confidence[~hidden][:, fingers] > 0.9)
    step = angle_between(solved.local_rotations[1:], solved.local_rotations[:-1])
    assert np.degrees(np.max(step[:, fingers])) < 15


def test_no_hand_at_all_leaves_the_body_alone(body: Motion) -> None:
    solved = with_fingers(body, HandKeypoints.nothing(FRAMES))
    np.testing.assert_allclose(solved.joint_positions[:, :21], body.joint_positions, atol=1e-9)
    np.testing.assert_allclose(
        np.abs(np.sum(solved.local_rotations[:, :21] * body.local_rotations, -1)), 1.0, atol=1e-9
    )
    assert with_fingers(body, None) is body


def test_joints_are_appended_and_bones_keep_their_lengths(body: Motion) -> None:
    truth = append_fingers(body, gestures(), np.ones((FRAMES, 2)))
    solved = with_fingers(body, seen(truth))
    assert solved.joint_names == ANIMATION_51.joints
    np.testing.assert_array_equal(solved.parents, ANIMATION_51.parents)
    bones = np.linalg.norm(solved.joint_positions[:, 21:] - solved.joint_positions[:, solved.parents[21:]], axis=-1)
    np.testing.assert_allclose(bones, np.broadcast_to(bones[:1], bones.shape), atol=1e-9)
    np.testing.assert_allclose(bones[:, :JOINTS_A_HAND], bones[:, JOINTS_A_HAND:], rtol=1e-6)
    np.testing.assert_allclose(solved.joint_positions[:, :21], body.joint_positions, atol=1e-9)
    assert np.all(np.sum(solved.local_rotations[1:] * solved.local_rotations[:-1], -1) > 0)
    offsets, _ = rest_with_fingers(body.rest_offsets, body.rest_tails)
    np.testing.assert_allclose(solved.rest_offsets[:21], offsets[:21])


def test_measured_lengths_are_drawn_to_the_average_and_bounded(body: Motion) -> None:
    hands = seen(append_fingers(body, gestures(), np.ones((FRAMES, 2))))
    np.testing.assert_allclose(finger_lengths(hands), REFERENCE_LENGTHS, rtol=1e-3)
    np.testing.assert_array_equal(finger_lengths(HandKeypoints.nothing(5)), REFERENCE_LENGTHS)
    odd = dataclasses.replace(hands, world=hands.world * np.linspace(1, 3, 21)[:, None])
    assert np.all(finger_lengths(odd) <= 1.25 * REFERENCE_LENGTHS + 1e-12)


def test_a_hand_taken_for_the_other_one_is_read_reflected(body: Motion) -> None:
    truth = append_fingers(body, gestures(), np.ones((FRAMES, 2)))
    hands = seen(truth)
    wrong = np.zeros(FRAMES, bool)
    wrong[10:30:3] = True
    world, left = hands.world.copy(), hands.left.copy()
    world[wrong, ..., 2] *= -1
    left[wrong] = 1 - left[wrong]
    solved = with_fingers(body, dataclasses.replace(hands, world=world, left=left))
    right = with_fingers(body, hands)
    apart = angle_between(solved.local_rotations[:, 21:], right.local_rotations[:, 21:])
    assert np.degrees(np.max(apart)) < 3


def test_the_palm_turns_the_wrist(body: Motion) -> None:
    """A body whose wrists are turned wrongly about the forearm is put right by the palms."""
    truth = append_fingers(body, gestures(), np.ones((FRAMES, 2)))
    turned = np.array(body.local_rotations)
    for side in SIDES:
        wrist = body.joint(f"{side}_wrist")
        axis = body.rest_offsets[wrist] / np.linalg.norm(body.rest_offsets[wrist])
        turned[:, wrist] = multiply(turned[:, wrist], from_axis_angle(axis, np.full(FRAMES, 0.7)))
    solved = with_fingers(dataclasses.replace(body, local_rotations=turned), seen(truth))
    for side in SIDES:
        wrist = truth.joint(f"{side}_wrist")
        off = angle_between(solved.world_rotations()[:, wrist], truth.world_rotations()[:, wrist])
        assert np.degrees(np.median(off)) < 10


def test_points_are_metric_and_in_the_cameras_frame(body: Motion) -> None:
    truth = append_fingers(body, gestures(), np.ones((FRAMES, 2)))
    hands = seen(truth)
    points = hand_points(hands.pixels[:, 0].astype(float), hands.world[:, 0].astype(float), truth.camera_K)
    turn = conjugate(from_matrix(truth.world_from_camera[0, :3, :3]))
    wrist, knuckle = truth.joint("left_wrist"), truth.joint("left_middle_1")
    expected = rotate(turn, truth.joint_positions[:, knuckle] - truth.joint_positions[:, wrist])
    np.testing.assert_allclose(points[:, HAND_21.index("middle_mcp")], expected, atol=0.004)


def test_an_hour_of_fingers_takes_a_few_kilobytes_a_frame(
    make_motion: MotionMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes on top with length, beside what is given, of which half is the motion itself."""
    monkeypatch.setattr(stretches, "STRETCH", 64)
    peaks = []
    for frames in (400, 800):
        body = make_motion(frames=frames, swing=0.3)
        hands = seen(append_fingers(body, gestures(frames), np.ones((frames, 2))))
        tracemalloc.start(1)
        with_fingers(body, hands)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 400 < 5500
