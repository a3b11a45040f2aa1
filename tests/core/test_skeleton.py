"""The joint sets: trees, sides, the T-pose, and the maps between the sets."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.rotation import IDENTITY, forward_kinematics, from_axis_angle, multiply, rotate
from motionlift.core.skeleton import (
    ANIMATION_21,
    ATTACHED,
    BODY_26,
    CONTACT_NAMES,
    HUMAN36M_17,
    INTERPOLATED,
    MEDIAPIPE_33,
    REFERENCE_HEIGHT,
    JointSet,
    attachment,
    body_from_mediapipe,
    body_points,
    contact_points,
    interpolate_body,
    mirrored_name,
    reference_rest,
)

SETS = [HUMAN36M_17, BODY_26, ANIMATION_21]
ACROSS = np.array([-1.0, 1.0, 1.0])


@pytest.mark.parametrize("joints", SETS, ids=lambda s: s.name)
def test_sets_are_trees_of_their_size(joints: JointSet) -> None:
    assert len(joints) == int(joints.name.rsplit("_", 1)[1])
    assert len(set(joints.joints)) == len(joints)
    assert joints.parents[0] == -1
    assert all(0 <= parent < index for index, parent in enumerate(joints.parents) if index)
    assert len(joints.edges) == len(joints) - 1
    assert joints.edges == tuple(zip(joints.bone_starts[1:], range(1, len(joints)), strict=True))
    assert joints.bone_starts[0] == 0


@pytest.mark.parametrize("joints", SETS, ids=lambda s: s.name)
def test_mirroring_is_its_own_inverse_and_keeps_the_tree(joints: JointSet) -> None:
    np.testing.assert_array_equal(joints.mirror[joints.mirror], np.arange(len(joints)))
    for index, parent in enumerate(joints.parents):
        if parent >= 0:
            assert joints.parents[joints.mirror[index]] == joints.mirror[parent]
    assert mirrored_name("left_knee") == "right_knee"
    assert mirrored_name("neck") == "neck"


def test_unknown_joints() -> None:
    with pytest.raises(ValueError):
        BODY_26.index("tail")
    with pytest.raises(KeyError):
        attachment("left_knee")


def test_mediapipe_is_mapped_by_means() -> None:
    weights = body_from_mediapipe()
    assert len(MEDIAPIPE_33) == 33
    np.testing.assert_allclose(weights.sum(1), 1)
    points = np.random.default_rng(0).normal(size=(33, 3))
    body = weights @ points
    np.testing.assert_allclose(body[BODY_26.index("left_elbow")], points[MEDIAPIPE_33.index("left_elbow")])
    np.testing.assert_allclose(body[BODY_26.index("right_toe_tip")], points[MEDIAPIPE_33.index("right_foot_index")])
    np.testing.assert_allclose(interpolate_body(body), body)
    disturbed = body.copy()
    disturbed[BODY_26.indices(*INTERPOLATED)] = 9
    np.testing.assert_allclose(interpolate_body(disturbed), body)
    assert (disturbed[BODY_26.indices(*INTERPOLATED)] == 9).all()


def test_the_t_pose_is_symmetric_level_and_as_tall_as_it_says() -> None:
    offsets, tails = reference_rest()
    np.testing.assert_allclose(offsets[ANIMATION_21.mirror], offsets * ACROSS)
    np.testing.assert_allclose(tails[ANIMATION_21.mirror], tails * ACROSS)
    identity = np.broadcast_to(IDENTITY, (21, 4))
    joints, _ = forward_kinematics(ANIMATION_21.parents, offsets, offsets[0], identity)
    ends = joints + tails
    lowest, highest = min(joints[:, 2].min(), ends[:, 2].min()), ends[:, 2].max()
    assert lowest == pytest.approx(0, abs=1e-9)
    assert highest == pytest.approx(REFERENCE_HEIGHT)
    arm = joints[ANIMATION_21.indices("left_shoulder", "left_elbow", "left_wrist")]
    assert np.ptp(arm[:, 1:], axis=0).max() == 0
    assert (np.diff(arm[:, 0]) > 0).all()
    assert tails[ANIMATION_21.index("left_toe"), 1] < 0


def test_tails_end_where_the_next_bone_begins() -> None:
    offsets, tails = reference_rest(1.9)
    for child in (
        "spine",
        "chest",
        "neck",
        "head",
        "left_elbow",
        "left_wrist",
        "right_knee",
        "right_ankle",
        "left_toe",
    ):
        index = ANIMATION_21.index(child)
        np.testing.assert_allclose(tails[ANIMATION_21.parents[index]], offsets[index])


def test_height_scales_the_rest() -> None:
    for unit, doubled in zip(reference_rest(1.0), reference_rest(2.0), strict=True):
        np.testing.assert_allclose(doubled, 2 * unit)


def test_attachments_and_contacts_mirror_and_scale() -> None:
    for joint in ATTACHED:
        parent, offset = attachment(joint)
        other_parent, other = attachment(mirrored_name(joint))
        assert mirrored_name(parent) == other_parent
        np.testing.assert_allclose(offset * (ACROSS if mirrored_name(joint) != joint else 1), other)
    offsets, tails = reference_rest()
    parents, points = contact_points(tails, offsets)
    assert [ANIMATION_21.joints[p].split("_")[0] for p in parents] == [n.split("_")[0] for n in CONTACT_NAMES]
    np.testing.assert_allclose(contact_points(2 * tails, 2 * offsets)[1], 2 * points)
    np.testing.assert_allclose(points[:2] * ACROSS, points[2:])


def test_contacts_stand_on_the_floor_at_rest() -> None:
    offsets, tails = reference_rest()
    joints, _ = forward_kinematics(ANIMATION_21.parents, offsets, offsets[0], np.broadcast_to(IDENTITY, (21, 4)))
    parents, points = contact_points(tails, offsets)
    np.testing.assert_allclose((joints[parents] + points)[:, 2], 0, atol=1e-9)


def test_body_points_move_rigidly_with_the_figure() -> None:
    random = np.random.default_rng(0)
    offsets, _ = reference_rest()
    local = from_axis_angle(np.eye(3)[random.integers(0, 3, 21)], random.uniform(-0.5, 0.5, (4, 21)))
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, random.normal(size=(4, 3)), local)
    points = body_points(joints, rotations, offsets)
    turn, shift = from_axis_angle(np.array([0.0, 0, 1]), 1.3), np.array([1.0, 2, 3])
    moved = body_points(rotate(turn, joints) + shift, multiply(turn, rotations), offsets)
    np.testing.assert_allclose(moved, rotate(turn, points) + shift, atol=1e-9)
    np.testing.assert_allclose(points[:, BODY_26.index("left_knee")], joints[:, ANIMATION_21.index("left_knee")])
    head = joints[:, ANIMATION_21.index("head")]
    reach = np.linalg.norm(points[:, BODY_26.index("nose")] - head, axis=-1)
    np.testing.assert_allclose(reach, np.linalg.norm(attachment("nose")[1]))
