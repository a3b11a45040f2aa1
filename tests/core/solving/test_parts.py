"""Bones, ground, contacts, trust and rotations, each on figures whose truth is known."""

import numpy as np
import pytest

from motionlift.core.keypoints import Keypoints2D
from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    forward_kinematics,
    from_axis_angle,
    from_euler,
    multiply,
    rotate,
    to_matrix,
)
from motionlift.core.skeleton import ANIMATION_21, BODY_26, CONTACT_NAMES, body_points, reference_rest
from motionlift.core.solving.bones import fit_rest
from motionlift.core.solving.contacts import find_contacts, find_supports, runs, speeds
from motionlift.core.solving.ground import (
    LEVEL_UP,
    LIFTED_PITCH,
    LIFTED_SHARE,
    UNKNOWN,
    Stance,
    as_stood,
    fit_ground,
    resting_places,
    standing_up,
)
from motionlift.core.solving.orientation import align, limit, solve_rotations
from motionlift.core.solving.outliers import trust

CAMERA_FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
FRAMES = 90
NOWHERE = np.zeros((0, 3)), np.zeros(0)
LEVEL = Stance(LEVEL_UP, 1.0)
TIMES = np.arange(FRAMES) / 30


def posed(angles: dict[str, tuple[float, float, float]], scale: float = 1.0) -> tuple[Array, Array, Array]:
    """Points (F, 26, 3), orientations (F, 21, 4) and rest offsets of a figure that moves slowly from T-pose
    into a pose of Euler angles (XYZ, degrees)."""
    local = np.tile(IDENTITY, (FRAMES, len(ANIMATION_21), 1))
    share = 0.5 - 0.5 * np.cos(np.pi * TIMES / TIMES[-1])
    for joint, values in angles.items():
        local[:, ANIMATION_21.index(joint)] = from_euler(np.radians(values) * share[:, None], "XYZ")
    offsets = reference_rest()[0] * scale
    joints, world = forward_kinematics(ANIMATION_21.parents, offsets, np.zeros((FRAMES, 3)), local)
    return body_points(joints, world, offsets), world, offsets


POSE = {
    "pelvis": (10.0, 5.0, 30.0),
    "chest": (15.0, 0.0, -10.0),
    "head": (10.0, 5.0, 20.0),
    "left_shoulder": (20.0, 50.0, -30.0),
    "left_elbow": (0.0, 0.0, -80.0),
    "right_shoulder": (10.0, -60.0, 20.0),
    "right_elbow": (0.0, 0.0, 90.0),
    "right_wrist": (0.0, 20.0, 10.0),
    "left_hip": (-60.0, 5.0, 10.0),
    "left_knee": (80.0, 0.0, 0.0),
    "left_ankle": (-15.0, 0.0, 5.0),
    "right_hip": (-20.0, -5.0, 0.0),
    "right_knee": (40.0, 0.0, 0.0),
}


def test_rotations_of_a_known_pose_are_found() -> None:
    points, world, offsets = posed(POSE)
    found = solve_rotations(points, np.ones((FRAMES, 26)), offsets, TIMES)
    error = np.degrees(angle_between(found, world))[-15:]
    for joint in ("pelvis", "chest", "head", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee"):
        assert error[:, ANIMATION_21.index(joint)].max() < 5, joint
    for joint in ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "right_wrist"):
        assert error[:, ANIMATION_21.index(joint)].max() < 12, joint


def test_limbs_lie_along_the_points_and_knees_never_turn_inside_out() -> None:
    points, _, offsets = posed(POSE)
    found = solve_rotations(points, np.ones((FRAMES, 26)), offsets, TIMES)
    for joint, child in (("left_shoulder", "left_elbow"), ("right_hip", "right_knee"), ("left_knee", "left_ankle")):
        aimed = rotate(found[:, ANIMATION_21.index(joint)], offsets[ANIMATION_21.index(child)])
        bone = points[:, BODY_26.index(child)] - points[:, BODY_26.index(joint)]
        assert aimed == pytest.approx(bone, abs=1e-6)
    for side in ("left", "right"):
        hinge = rotate(found[:, ANIMATION_21.index(f"{side}_hip")], np.array([1.0, 0, 0]))
        across = rotate(found[:, 0], np.array([1.0, 0, 0]))
        assert np.sum(hinge * across, -1).min() > 0.3


def test_turning_the_world_turns_the_rotations() -> None:
    points, _, offsets = posed(POSE)
    turn = from_axis_angle(np.array([0.6, 0.0, 0.8]), 2.0)
    straight = solve_rotations(points, np.ones((FRAMES, 26)), offsets, TIMES)
    turned = solve_rotations(rotate(turn, points), np.ones((FRAMES, 26)), offsets, TIMES)
    assert np.degrees(angle_between(turned, multiply(turn, straight))).max() < 1e-3


def test_mirrored_points_give_mirrored_rotations() -> None:
    points, _, offsets = posed(POSE)
    flipped = points[:, BODY_26.mirror] * np.array([-1.0, 1, 1])
    found = solve_rotations(points, np.ones((FRAMES, 26)), offsets, TIMES)
    other = solve_rotations(flipped, np.ones((FRAMES, 26)), offsets, TIMES)
    expected = found[:, ANIMATION_21.mirror] * np.array([1.0, 1, -1, -1])
    assert np.degrees(angle_between(other, expected)).max() < 1e-3


def test_align_and_limit() -> None:
    turn = from_euler(np.array([0.4, -0.8, 2.0]), "ZXY")
    a, b = np.array([1.0, 2, 0.5]), np.array([-1.0, 0.3, 1])
    assert angle_between(align(rotate(turn, a), rotate(turn, b), a, b), turn) < 1e-6
    axis = np.array([0.0, 0, 1])
    small = multiply(from_axis_angle(np.array([1.0, 0, 0]), 0.3), from_axis_angle(axis, 0.5))
    assert angle_between(limit(small, axis, 0.4, 0.6), small) < 1e-6
    held = limit(multiply(from_axis_angle(np.array([1.0, 0, 0]), 1.2), from_axis_angle(axis, -2.0)), axis, 0.4, 0.6)
    assert (
        angle_between(held, multiply(from_axis_angle(np.array([1.0, 0, 0]), 0.4), from_axis_angle(axis, -0.6))) < 1e-6
    )


def test_bones_of_a_known_body_are_found() -> None:
    points, _, offsets = posed(POSE)
    found, _ = fit_rest(points, np.ones((FRAMES, 26)), 1.70)
    assert found == pytest.approx(offsets, abs=2e-3)
    taller, _ = fit_rest(points, np.ones((FRAMES, 26)), 1.87)
    assert taller == pytest.approx(found * 1.1)


def test_bones_are_symmetric_and_average_where_nothing_was_seen() -> None:
    rng = np.random.default_rng(0)
    points, _, _ = posed(POSE)
    found, _ = fit_rest(points + rng.normal(scale=0.02, size=points.shape), np.ones((FRAMES, 26)), 1.70)
    assert found[ANIMATION_21.mirror] * np.array([-1.0, 1, 1]) == pytest.approx(found, abs=1e-9)
    unseen, _ = fit_rest(np.full_like(points, np.nan), np.zeros((FRAMES, 26)), 1.70)
    assert unseen == pytest.approx(reference_rest()[0], abs=1e-9)


@pytest.mark.parametrize("pitch", [-10.0, 0.0, 20.0])
def test_up_is_seen_in_who_stands_before_a_tilted_camera(pitch: float) -> None:
    points, _, _ = posed({"left_shoulder": (0.0, 70.0, 0.0), "right_shoulder": (0.0, -70.0, 0.0)})
    tilt = to_matrix(from_axis_angle(np.array([1.0, 0, 0]), np.radians(pitch)))
    seen = points @ (tilt @ CAMERA_FROM_WORLD).T
    feet = seen[:, BODY_26.indices(*CONTACT_NAMES)]
    stance = standing_up(seen, feet, np.ones((FRAMES, 26)), 0.9, np.zeros(FRAMES))
    assert stance.certainty > 0.9
    # A T-pose stands on its ankles, people on the middle of their feet: 7 cm further, and up to 7 degrees.
    assert np.degrees(np.arccos(stance.up @ (tilt @ LEVEL_UP))) < 7.0
    ground, usual = (fit_ground(known, *NOWHERE).normal for known in (stance, UNKNOWN))
    # Between what is seen and how cameras are usually held.
    assert min(stance.up[2], usual[2]) < ground[2] < max(stance.up[2], usual[2])


def up_of(pitch: float) -> Array:
    """Up (3,) before a camera that looks up by so many degrees."""
    return np.array([0.0, -np.cos(np.radians(pitch)), np.sin(np.radians(pitch))])


@pytest.mark.parametrize("pitch", [-60.0, -35.0, -10.0, 8.0])
def test_lifted_people_stand_less_steeply_than_they_were_filmed(pitch: float) -> None:
    lifted = Stance(up_of(np.degrees(LIFTED_PITCH) + LIFTED_SHARE * pitch), 0.7)
    filmed = as_stood(lifted)
    assert filmed.up == pytest.approx(up_of(pitch))
    assert filmed.certainty == 0.7
    rolled = np.array([0.1, *up_of(pitch)[1:]]) / np.hypot(1, 0.1)
    turned = as_stood(Stance(rolled, 1.0)).up
    assert np.linalg.norm(turned) == pytest.approx(1.0)
    assert turned[0] / turned[1] == pytest.approx(rolled[0] / rolled[1])


@pytest.mark.parametrize("roll", [-25.0, 3.0, 15.0])
def test_a_camera_that_is_rolled_by_much_is_believed_by_little_is_a_lean(roll: float) -> None:
    rolled = np.array([np.sin(np.radians(roll)), -np.cos(np.radians(roll)), 0.0])
    found = fit_ground(Stance(rolled, 1.0), *NOWHERE).normal
    share = np.degrees(np.arctan2(found[0], -found[1])) / roll
    assert share > 0.6 if abs(roll) > 10 else 0 < share < 0.4


def test_a_steep_camera_is_doubted_less_and_less() -> None:
    """A camera that is put up on purpose is not a usual one: people who stand tell, not what is usual."""
    off = []
    for pitch in (-15.0, -30.0, -45.0, -60.0):
        found = fit_ground(Stance(up_of(pitch), 1.0), *NOWHERE).normal
        off.append(np.degrees(np.arcsin(found[2])) - pitch)
    assert all(0 < each < 4 for each in off)
    assert off[3] < max(off)


def test_nobody_who_sits_tells_where_up_is() -> None:
    sides = ("left", "right")
    bends = {f"{s}_hip": (-90.0, 0.0, 0.0) for s in sides} | {f"{s}_knee": (90.0, 0.0, 0.0) for s in sides}
    points, _, _ = posed(bends)
    seen = points[-20:] @ CAMERA_FROM_WORLD.T
    feet = seen[:, BODY_26.indices(*CONTACT_NAMES)]
    assert standing_up(seen, feet, np.ones((20, 26)), 0.9, np.zeros(20)) is UNKNOWN


def test_who_runs_tells_little_of_where_up_is() -> None:
    points, _, _ = posed({"left_shoulder": (0.0, 70.0, 0.0), "right_shoulder": (0.0, -70.0, 0.0)})
    seen = points[-20:] @ CAMERA_FROM_WORLD.T
    feet = seen[:, BODY_26.indices(*CONTACT_NAMES)]
    times = np.arange(20) / 30
    calm, walking, running = (
        standing_up(seen, feet, np.ones((20, 26)), 0.9, speeds(np.outer(times, [speed, 0.0, 0.0]), times)).certainty
        for speed in (0.0, 1.2, 4.0)
    )
    assert calm > walking > 0.7 * calm
    assert running < 0.1 * calm


@pytest.mark.parametrize("seed", range(3))
def test_a_plant_is_one_place_however_long_it_lasts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    contacts = np.zeros((100, 4))
    contacts[:10, :2] = contacts[20:90, :2] = contacts[:, 2:] = 1.0
    feet = np.zeros((100, 4, 3))
    standing = rng.normal(size=(3, 2, 3))
    feet[:15, :2], feet[15:, :2], feet[:, 2:] = standing

    places = resting_places(feet, contacts)

    assert places == pytest.approx(standing.mean(1))
    assert resting_places(np.repeat(feet, 2, 0), np.repeat(contacts, 2, 0)) == pytest.approx(places)
    assert resting_places(feet[:, [2, 3, 0, 1]], contacts[:, [2, 3, 0, 1]]) == pytest.approx(places[[2, 0, 1]])
    assert resting_places(feet, np.zeros((100, 4))).shape == (0, 3)
    # A foot on its tips stands where they are.
    contacts[:, [0, 2]] = 0.0
    assert resting_places(feet, contacts) == pytest.approx(standing[:, 1])


def test_the_floor_goes_through_the_contacts_and_ignores_another_storey() -> None:
    rng = np.random.default_rng(1)
    floor = np.stack([rng.uniform(-2, 2, 200), np.full(200, 1.2), rng.uniform(3, 7, 200)], 1)
    floor[:20, 1] -= 1.5
    ground = fit_ground(LEVEL, floor, np.ones(200))
    assert ground.offset == pytest.approx(-1.2, abs=0.02)
    assert np.degrees(np.arccos(ground.normal @ LEVEL_UP)) < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_feet_that_are_seen_at_wrong_depths_do_not_tilt_the_floor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # In one row before the camera: nothing tells a slope.
    row = np.stack([rng.uniform(-0.5, 0.5, 40), np.full(40, 1.2), np.full(40, 4.0)], 1)
    deep = row * (1 + rng.normal(0, 0.05, (40, 1)))

    level = fit_ground(LEVEL, row, np.ones(40)).normal
    found = fit_ground(LEVEL, deep, np.ones(40)).normal

    assert np.degrees(np.arccos(found @ level)) < 4
    # A plane through them goes along the rays.
    through = np.linalg.svd(deep - deep.mean(0))[2][2]
    assert np.degrees(np.arccos(abs(through @ level))) > 15


def test_feet_near_and_far_tell_how_the_floor_slopes() -> None:
    rng = np.random.default_rng(2)
    floor = np.stack([rng.uniform(-1, 1, 60), np.full(60, 1.4), rng.uniform(3, 8, 60)], 1)
    seen = floor * (1 + rng.normal(0, 0.03, (60, 1)))
    tilt = to_matrix(from_axis_angle(np.array([1.0, 0, 0]), np.radians(-15.0)))

    ground = fit_ground(UNKNOWN, seen @ tilt.T, np.ones(60))

    assert np.degrees(np.arccos(ground.normal @ (tilt @ LEVEL_UP))) < 1.5


def tilted_row(pitch: float, height: float) -> Array:
    """Places (40, 3) in one row across the floor, 5 m before a camera `height` m above it that looks up by `pitch`."""
    places = np.stack([np.linspace(-2, 2, 40), np.full(40, height), np.full(40, 5.0)], 1)
    seen: Array = places @ to_matrix(from_axis_angle(np.array([1.0, 0, 0]), np.radians(-pitch))).T
    return seen


def test_where_nothing_tells_the_tilt_cameras_are_as_high_as_people_hold_them() -> None:
    """Feet low in the picture, all as far away: a camera that is high, or one that looks up."""
    rng = np.random.default_rng(4)
    row = tilted_row(8.0, 1.4) * (1 + rng.normal(0, 0.02, (40, 1)))
    ground = fit_ground(UNKNOWN, row, np.ones(40))
    assert -ground.offset == pytest.approx(1.4, abs=0.35)
    assert np.degrees(np.arcsin(ground.normal[2])) == pytest.approx(8.0, abs=4.0)


def test_a_camera_high_above_the_floor_is_found_there_where_feet_tell() -> None:
    rng = np.random.default_rng(5)
    floor = np.stack([rng.uniform(-2, 2, 200), np.full(200, 3.5), rng.uniform(4, 12, 200)], 1)
    ground = fit_ground(LEVEL, floor * (1 + rng.normal(0, 0.02, (200, 1))), np.ones(200))
    assert -ground.offset == pytest.approx(3.5, abs=0.2)


def test_who_is_taller_than_taken_for_does_not_tilt_the_floor() -> None:
    """Two rows of one floor, one 3 m and one 6 m away, all seen a twelfth too near and too far."""
    rng = np.random.default_rng(6)
    whose = np.repeat([0, 1], 30)
    x, z = rng.uniform(-1, 1, 60), np.where(whose == 0, rng.uniform(3, 5, 60), rng.uniform(4, 6, 60))
    floor = np.stack([x, np.full(60, 1.4), z], 1)
    seen = floor * np.where(whose == 0, 0.92, 1.08)[:, None]
    off = [
        np.degrees(np.arccos(fit_ground(UNKNOWN, seen, np.ones(60), who).normal @ LEVEL_UP)) for who in (None, whose)
    ]
    assert off[1] < 0.5 * off[0]
    np.testing.assert_array_equal(
        fit_ground(UNKNOWN, seen, np.ones(60), np.zeros(60, int)).normal,
        fit_ground(UNKNOWN, seen, np.ones(60)).normal,
    )


@pytest.mark.parametrize("toward", [np.array([0.0, 1, 0]), np.array([0.6, 0.8, 0])])
def test_a_small_step_parts_two_stances_whichever_way_it_goes(toward: Array) -> None:
    """A foot that hardly leaves the floor, 20 cm in a third of a second; depths that jitter part nothing."""
    rng = np.random.default_rng(7)
    feet = np.zeros((FRAMES, 1, 3))
    feet[:, 0] = 0.2 * np.clip((TIMES - 1.3) / 0.33, 0, 1)[:, None] * toward
    still = np.zeros((FRAMES, 1, 3))
    still[:, 0, 1] = 0.02 * np.sin(2 * np.pi * 3.0 * TIMES) + rng.normal(scale=0.002, size=FRAMES)
    sure = np.ones((FRAMES, 1))
    stepped, stood = (runs(find_contacts(points, sure, TIMES)[:, 0] > 0.5) for points in (feet, still))
    assert len(stepped) == 2
    assert len(stood) == 1


def test_contacts_of_a_stepping_foot() -> None:
    feet = np.zeros((FRAMES, 1, 3))
    swing = (TIMES % 1.0) > 0.6
    phase = np.clip(((TIMES % 1.0) - 0.6) / 0.4, 0, 1)
    feet[:, 0, 1] = -0.7 * (np.floor(TIMES) + phase)
    feet[:, 0, 2] = 0.12 * np.sin(np.pi * phase)
    contacts = find_contacts(feet, np.ones((FRAMES, 1)), TIMES)[:, 0] > 0.5
    assert np.mean(contacts == ~swing) > 0.9
    assert not find_contacts(feet, np.zeros((FRAMES, 1)), TIMES).any()


def test_a_jumping_keypoint_is_doubted_and_a_fast_hand_is_not() -> None:
    pixels = np.random.default_rng(0).uniform(0, 400, (1, 26, 2)).repeat(FRAMES, 0)
    pixels[:, 7, 0] += 80 * np.sin(2 * np.pi * 2 * TIMES)
    pixels[40, 10] += 150
    keypoints = Keypoints2D(TIMES, pixels, np.ones((FRAMES, 26)), np.ones(FRAMES, bool), (640, 480))
    weights = trust(keypoints)
    assert weights[40, 10] < 0.1
    assert weights[:, 7].min() > 0.5
    assert np.delete(weights, 40, 0)[:, 10].min() > 0.99


def test_hands_knees_and_seat_carry_where_they_rest() -> None:
    points = np.zeros((FRAMES, 5, 3))
    points[..., 2] = [0.9, 0.03, 0.05, 0.5, 0.5]
    points[:, 1, 0] = np.maximum(TIMES - 2.0, 0.0)
    hips = np.where(TIMES < 1.5, 0.45, 0.9)
    points[:, 4, 2] = hips - 0.05
    found = find_supports(points, hips, np.ones((FRAMES, 5)), TIMES, 0.9) > 0.5
    assert not found[:, [0, 3]].any()
    # The right hand slides away after two seconds, the left knee stays.
    assert found[TIMES < 1.9, 1].all()
    assert not found[TIMES > 2.2, 1].any()
    assert found[:, 2].all()
    # Sitting ends where the hips rise.
    assert found[TIMES < 1.3, 4].all()
    assert not found[TIMES > 1.6, 4].any()
    assert not find_supports(points, hips, np.zeros((FRAMES, 5)), TIMES, 0.9)[:, :4].any()
    # Nor where the floor is far above: it is the floor that is wrong there.
    points[..., 2] -= 1.5
    assert not find_supports(points, hips, np.ones((FRAMES, 5)), TIMES, 0.9)[:, :4].any()
