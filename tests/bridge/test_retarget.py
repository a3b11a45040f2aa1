"""What retargeting promises, measured on rigs of every preset, with any rest pose, and on real rest skeletons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge import planting
from motionlift.bridge.bvh_rig import motion_of_bvh, rig_of_bvh, sized
from motionlift.bridge.humanoid import SIDES, RigMap
from motionlift.bridge.match import match, with_preset
from motionlift.bridge.posing import Pose
from motionlift.bridge.preset_files import Preset, load_presets
from motionlift.bridge.retarget import Retargeted, RetargetOptions, retarget
from motionlift.bridge.rig import Rig, make_rig, pose_rig
from motionlift.bridge.source import place, placement_of, rest_across, rest_directions
from motionlift.bridge.tpose import FRONT, UP, alignments, role_ends, stand
from motionlift.core.bvh import read_bvh
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Bools, Motion
from motionlift.core.rotation import (
    Array,
    angle_between,
    conjugate,
    from_axis_angle,
    from_matrix,
    multiply,
    normalise,
    rotate,
)
from motionlift.core.solving.contacts import find_contacts

from .conftest import A_POSE, FORWARD, T_POSE, Build

FREE = RetargetOptions(plant_feet=False)
BUILDS = [
    A_POSE,
    T_POSE,
    FORWARD,
    Build(1, legs=0.6, thigh_share=0.45, arms=1.2, arms_down=55, arm_roll=20, palm_roll=-40, turned=True),
    Build(2, legs=1.6, thigh_share=0.56, arms=0.8, arms_down=30, arm_roll=-25, palm_roll=35, any_axes=True),
    Build(3, legs=0.8, thigh_share=0.55, arms_down=70, elbow=25, toes_out=20, turned=True, any_axes=True),
    Build(4, legs=1.25, thigh_share=0.47, arms_down=-10, arms_forward=30, floor=-0.9),
]
FAMILIES = sorted(load_presets())
RIGS = [(family, BUILDS[(number + turn) % len(BUILDS)]) for number, family in enumerate(FAMILIES) for turn in (0, 3)]
RIGS += [("mixamo", build) for build in BUILDS]
"""Every family in two rest poses, one in all."""


class Judged:
    """The pose that keys make on a rig, in the world, and how it compares to the source."""

    def __init__(self, motion: Motion, done: Retargeted) -> None:
        self.motion, self.done, self.rig, self.bones = motion, done, done.rig, done.bones
        self.heads, self.orientations = pose_rig(done.rig, done.rotations, done.locations, len(motion))
        similarity = done.world_from_motion[:3, :3]
        self.turn = from_matrix(similarity / np.cbrt(np.linalg.det(similarity)))
        self.stage = stand(self.rig, self.bones)
        self.ends = role_ends(self.rig, self.stage, self.bones)

    def moved(self, bone: int, rest_point_stage: Array) -> Array:
        """Where a point that moves with a bone is in the world (F, 3)."""
        turn = multiply(self.orientations[:, bone], conjugate(self.rig.rotations[bone]))
        offset = self.stage.to_armature(rest_point_stage) - self.rig.heads[bone]
        return self.rig.to_world(self.heads[:, bone] + rotate(turn, offset))

    def direction(self, role: str) -> Array:
        start = self.rig.to_world(self.heads[:, self.bones[role][0]])
        return normalise(self.moved(self.bones[role][-1], self.ends[role]) - start)

    def wanted(self, role: str, following: str) -> Array:
        joints = self.motion.joint_positions
        way = joints[:, self.motion.joint(following)] - joints[:, self.motion.joint(role)]
        return normalise(rotate(self.turn, way))

    def direction_error(self) -> float:
        """Degrees, the worst of all limbs and frames."""
        worst = 0.0
        for side in SIDES:
            for role, following in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
                if f"{side}_{role}" in self.ends:
                    seen, wanted = (
                        self.direction(f"{side}_{role}"),
                        self.wanted(f"{side}_{role}", f"{side}_{following}"),
                    )
                    worst = max(worst, float(np.degrees(np.max(_angle(seen, wanted)))))
        return worst

    def axis_error(self, role: str, axis_stage: Array, axis_source: Array) -> float:
        """Degrees between an axis that a bone has at rest on the stage, and the source's axis in the T-pose."""
        bone = self.bones[role][-1]
        turn = multiply(self.orientations[:, bone], conjugate(self.rig.rotations[bone]))
        seen = rotate(self.rig.world_rotation, rotate(turn, rotate(conjugate(self.stage.turn), axis_stage)))
        source = rotate(self.turn, rotate(self.motion.world_rotations()[:, self.motion.joint(role)], axis_source))
        return float(np.degrees(np.max(_angle(seen, source))))

    def jump(self) -> float:
        """Degrees a frame that the fastest mapped bone turns in the world."""
        mapped = [bone for chain in self.bones.values() for bone in chain if bone in self.done.rotations]
        return float(np.degrees(np.max(angle_between(self.orientations[1:, mapped], self.orientations[:-1, mapped]))))

    def contacts(self) -> list[tuple[Array, Bools]]:
        """For each contact its point's path (F, 3) m in the world, and where it holds (F,)."""
        source = place(self.motion, placement_of(self.motion, False))
        aligned = alignments(self.rig, self.stage, self.bones, rest_directions(self.motion), rest_across(self.motion))
        pose = Pose(self.rig, self.stage, len(self.motion), [])
        scale = float(np.cbrt(np.linalg.det(self.done.world_from_motion[:3, :3])))
        result = []
        for side in SIDES:
            for touch in planting.foot_touches(pose, self.bones, aligned, source, side, scale):
                bone = self.bones[f"{side}_toe" if touch.on_tip else f"{side}_ankle"][0]
                result.append((self.moved(bone, self.stage.heads[bone] + touch.offset), touch.holds))
        return result

    def height(self, points: Array) -> Array:
        """Of points (F, 3) in the world above the floor under the rig."""
        floor = self.rig.to_world(self.stage.to_armature(np.zeros(3)))
        height: Array = (points - floor) @ rotate(conjugate(self.stage.world_turn), UP)
        return height


def _angle(a: Array, b: Array) -> Array:
    angle: Array = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, -1))
    return angle


def source_jump(motion: Motion) -> float:
    turns = motion.world_rotations()
    return float(np.degrees(np.max(angle_between(turns[1:], turns[:-1]))))


def own_rig(motion: Motion) -> tuple[Rig, RigMap]:
    rest = planting.rest_joints(motion)
    rig = make_rig(motion.joint_names, motion.parents, rest, rest + motion.rest_tails)
    return rig, with_preset(rig, load_presets()["motionlift"]).rig_map


@pytest.mark.parametrize("options", [RetargetOptions(), FREE, RetargetOptions(place="filmed")])
def test_identity(walk: Motion, options: RetargetOptions) -> None:
    rig, rig_map = own_rig(walk)
    done = retarget(walk, rig, rig_map, options)
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
    placed = walk.joint_positions @ done.world_from_motion[:3, :3].T + done.world_from_motion[:3, 3]
    assert np.max(np.linalg.norm(heads - placed, axis=-1)) < 1e-4
    if options.place == "filmed":
        np.testing.assert_allclose(done.world_from_motion, np.eye(4), atol=1e-9)


def test_identity_of_wild_motion(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion(frames=60)
    rig, rig_map = own_rig(motion)
    done = retarget(motion, rig, rig_map, dataclasses.replace(FREE, place="filmed"))
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(motion))
    np.testing.assert_allclose(heads, motion.joint_positions, atol=1e-4)


@pytest.mark.parametrize(("family", "build"), RIGS)
def test_limbs_point_where_the_source_points(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str, build: Build
) -> None:
    rig = rig_of(presets[family], build)
    judged = Judged(walk, retarget(walk, rig, with_preset(rig, presets[family]).rig_map, FREE))
    assert judged.direction_error() < 1.0
    assert judged.jump() <= source_jump(walk) + 1e-6


@pytest.mark.parametrize(("family", "build"), RIGS)
def test_feet_stand_still(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str, build: Build
) -> None:
    rig = rig_of(presets[family], build)
    judged = Judged(walk, retarget(walk, rig, with_preset(rig, presets[family]).rig_map))
    contacts = judged.contacts()
    assert len(contacts) == 4
    for path, holds in contacts:
        both = holds[1:] & holds[:-1]
        assert both.sum() > 100
        assert np.linalg.norm(np.diff(path, axis=0), axis=-1)[both].max() < 1e-3
        assert np.abs(judged.height(path)[holds]).max() < 5e-3
        # A foot without toes cannot bend them where it lands.
        assert judged.height(path).min() > (-5e-3 if "left_toe" in judged.bones else -1.5e-2)
    assert judged.jump() <= 1.02 * source_jump(walk)


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: f"rig{BUILDS.index(build)}")
def test_palms_and_feet_and_elbows_face_the_right_way(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], build: Build
) -> None:
    preset = presets["mixamo"]
    rig = rig_of(preset, build)
    judged = Judged(walk, retarget(walk, rig, with_preset(rig, preset).rig_map, FREE))
    whole = {
        role: (rig.index(name),) for role, names in with_preset(rig, preset).rig_map.bones.items() for name in names
    }
    heads = judged.stage.heads
    for side, sign in (("left", 1.0), ("right", -1.0)):
        across = normalise(heads[whole[f"{side}_index_1"][0]] - heads[whole[f"{side}_pinky_1"][0]])
        assert judged.axis_error(f"{side}_wrist", across, FRONT) < 5
        assert judged.axis_error(f"{side}_ankle", UP, UP) < 5
        toes = heads[whole[f"{side}_toe"][0]] - heads[whole[f"{side}_ankle"][0]]
        assert judged.axis_error(f"{side}_ankle", normalise(toes * [1, 1, 0]), FRONT) < 5
        if build.elbow > 10:
            upper = heads[whole[f"{side}_elbow"][0]] - heads[whole[f"{side}_shoulder"][0]]
            lower = heads[whole[f"{side}_wrist"][0]] - heads[whole[f"{side}_elbow"][0]]
            hinge = normalise(np.cross(upper, lower))
            assert judged.axis_error(f"{side}_shoulder", hinge, -sign * UP) < 5


def test_real_rigs(walk: Motion, presets: dict[str, Preset], real_rigs: dict[str, Rig]) -> None:
    for name, rig in real_rigs.items():
        rig_map = match(rig, presets).rig_map
        assert Judged(walk, retarget(walk, rig, rig_map, FREE)).direction_error() < 1.0, name
        judged = Judged(walk, retarget(walk, rig, rig_map))
        for path, holds in judged.contacts():
            both = holds[1:] & holds[:-1]
            assert np.linalg.norm(np.diff(path, axis=0), axis=-1)[both].max() < 1e-3, name
            assert np.abs(judged.height(path)[holds]).max() < 5e-3, name
        assert judged.jump() <= 1.02 * source_jump(walk), name


@pytest.mark.parametrize("number", range(4))
def test_motion_capture_with_found_contacts(
    mocap_files: list[Path], presets: dict[str, Preset], rig_of: Callable[..., Rig], number: int
) -> None:
    """Real movement with contacts as they are found: feet hold, and no knee pops."""
    clip = read_bvh(mocap_files[number * len(mocap_files) // 6])
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    motion = motion_of_bvh(clip, sized(raw, rig_map), rig_map, find_contacts)
    rig = rig_of(presets["mixamo"], BUILDS[number + 3])
    target = with_preset(rig, presets["mixamo"]).rig_map
    assert Judged(motion, retarget(motion, rig, target, FREE)).direction_error() < 1.0
    judged = Judged(motion, retarget(motion, rig, target))
    for path, holds in judged.contacts():
        both = holds[1:] & holds[:-1]
        assert np.linalg.norm(np.diff(path, axis=0), axis=-1)[both].max(initial=0.0) < 1e-3
    assert judged.jump() < 1.2 * source_jump(motion)


def test_rolls_and_axes_change_nothing(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    preset = presets["unreal"]
    poses = []
    for seed in range(2):
        rig = rig_of(preset, dataclasses.replace(A_POSE, seed=seed))
        done = retarget(walk, rig, with_preset(rig, preset).rig_map)
        poses.append(pose_rig(done.rig, done.rotations, done.locations, len(walk))[0])
    np.testing.assert_allclose(poses[0], poses[1], atol=1e-9)


def test_travel(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(presets["unreal"], Build(5, turned=True))
    rig_map = with_preset(rig, presets["unreal"]).rig_map
    seen = {}
    for travel in ("hips", "root", "object", "in_place"):
        done = retarget(walk, rig, rig_map, RetargetOptions(travel=travel))
        heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
        seen[travel] = done.rig.to_world(heads)
        if travel == "object":
            assert done.object_location is not None
            moved = (done.object_location - done.rig.world[:3, 3])[:, None]
            np.testing.assert_allclose(moved[..., 2], 0, atol=1e-9)
            seen[travel] = seen[travel] + moved
        else:
            assert done.object_location is None
    root, pelvis = (rig.index(name) for name in ("root", "pelvis"))
    body = [bone for bone in range(len(rig)) if bone != root]
    for travel in ("root", "object"):
        np.testing.assert_allclose(seen[travel][:, body], seen["hips"][:, body], atol=1e-6)
    np.testing.assert_allclose(np.ptp(seen["root"][:, root, 2]), 0, atol=1e-9)
    assert np.max(np.ptp(seen["root"][:, root], axis=0)) > 2
    np.testing.assert_allclose(np.ptp(seen["hips"][:, root], axis=0), 0, atol=1e-9)
    assert np.max(np.ptp(seen["in_place"][:, pelvis, :2], axis=0)) < 0.1
    np.testing.assert_allclose(seen["in_place"][..., 2], seen["hips"][..., 2], atol=1e-9)


def test_root_travel_without_a_root_is_refused(walk: Motion) -> None:
    rig, rig_map = own_rig(walk)
    with pytest.raises(MotionLiftError, match="object") as caught:
        retarget(walk, rig, rig_map, RetargetOptions(travel="root"))
    assert caught.value.code == "no_root_bone"


def test_scale(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(presets["mixamo"], dataclasses.replace(A_POSE, legs=0.5))
    rig_map = with_preset(rig, presets["mixamo"]).rig_map
    ways = {}
    for scale in ("legs", "hips", "none"):
        done = retarget(walk, rig, rig_map, RetargetOptions(scale=scale))
        heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
        ways[scale] = np.linalg.norm(np.ptp(heads[:, rig.index("Hips"), :2], axis=0))
    source = np.linalg.norm(np.ptp(place(walk, placement_of(walk, False)).joint("pelvis")[:, :2], axis=0))
    assert ways["legs"] / source == pytest.approx(0.5, rel=0.02)
    assert ways["none"] / source == pytest.approx(1.0, rel=0.02)
    assert 0.5 < ways["hips"] / source < 0.65


def test_the_take_begins_where_the_rig_stands(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    rig = rig_of(presets["mixamo"], Build(5, turned=True))
    rig_map = with_preset(rig, presets["mixamo"]).rig_map
    done = retarget(walk, rig, rig_map)
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
    legs = [rig.index(f"{side}UpLeg") for side in ("Left", "Right")]
    start = rig.to_world(heads[0, legs]).mean(0) - rig.to_world(rig.heads[legs]).mean(0)
    np.testing.assert_allclose(start[:2], 0, atol=1e-6)
    # It faces +X, as the rig does at rest; the first half second is a walk straight ahead.
    way = rig.to_world(heads[15, legs]).mean(0) - rig.to_world(heads[0, legs]).mean(0)
    assert way[0] > 0.15
    assert abs(way[1]) < 0.1


def test_locks_connections_and_missing_bones(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    preset = presets["mixamo"]
    rig = rig_of(preset, A_POSE)
    locked, connected = rig.locked_rotation.copy(), rig.connected.copy()
    head, elbow, leg = (rig.index(name) for name in ("Head", "LeftForeArm", "LeftLeg"))
    locked[head] = True
    locked[elbow, 2] = True
    connected[leg] = True
    rig = dataclasses.replace(rig, locked_rotation=locked, connected=connected)
    rig_map = with_preset(rig, preset).rig_map
    lost = dataclasses.replace(
        rig_map, bones={role: b for role, b in rig_map.bones.items() if "right_wrist" not in role}
    )
    done = retarget(walk, rig, lost)
    assert head not in done.rotations
    assert list(done.locations) == [rig.index("Hips")]
    twisted = done.rotations[elbow]
    assert np.allclose(np.linalg.norm(twisted, axis=-1), 1)
    assert any("right hand" in note for note in done.notes)
    assert rig.index("RightHand") not in done.rotations


def test_hands_that_touch_still_touch(
    make_motion: Callable[..., Motion], presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    motion = make_motion(frames=30, swing=0.0)
    rotations = motion.local_rotations.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        front = from_axis_angle(np.array([0.0, 0, 1]), np.full(30, np.radians(-sign * 70)))
        bent = from_axis_angle(np.array([0.0, 0, 1]), np.full(30, np.radians(-sign * 52.3)))
        rotations[:, motion.joint(f"{side}_shoulder")] = front
        rotations[:, motion.joint(f"{side}_elbow")] = bent
    from motionlift.core.rotation import forward_kinematics

    joints, _ = forward_kinematics(motion.parents, motion.rest_offsets, motion.root_translation, rotations)
    motion = dataclasses.replace(motion, local_rotations=rotations, joint_positions=joints)
    apart = np.linalg.norm(joints[:, motion.joint("left_wrist")] - joints[:, motion.joint("right_wrist")], axis=-1)
    for build in (A_POSE, dataclasses.replace(A_POSE, arms=1.3)):
        rig = rig_of(presets["mixamo"], build)
        done = retarget(motion, rig, with_preset(rig, presets["mixamo"]).rig_map, RetargetOptions(hands="body"))
        heads, _ = pose_rig(done.rig, done.rotations, done.locations, 30)
        hands = heads[:, rig.index("LeftHand")] - heads[:, rig.index("RightHand")]
        np.testing.assert_allclose(np.linalg.norm(hands, axis=-1), build.arms * apart, atol=0.03)


def test_hands_that_hold_stay(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    """A hand on a rail while the body squats, and a contact of a joint that is no end of a limb."""
    part = slice(170, 230)
    fields = {
        field.name: getattr(walk, field.name)[part]
        for field in dataclasses.fields(walk)
        if isinstance(getattr(walk, field.name), np.ndarray) and len(getattr(walk, field.name)) == len(walk)
    }
    squat = dataclasses.replace(walk, **fields)
    wrist = squat.joint("left_wrist")
    holds = np.zeros((60, 2))
    holds[16:24] = 1.0
    motion = dataclasses.replace(
        squat,
        contact_names=(*squat.contact_names, "left_hand", "seat"),
        contact_parents=np.append(squat.contact_parents, [wrist, 0]),
        contact_offsets=np.concatenate([squat.contact_offsets, [[0.08, 0, 0], [0, 0.1, 0]]]),
        contacts=np.concatenate([squat.contacts, holds], 1),
    ).check()
    preset = presets["mixamo"]
    rig = rig_of(preset, dataclasses.replace(A_POSE, arms=1.35, legs=0.8))
    judged = Judged(motion, retarget(motion, rig, with_preset(rig, preset).rig_map))
    free = Judged(motion, retarget(motion, rig, with_preset(rig, preset).rig_map, FREE))
    hand = judged.bones["left_wrist"][0]
    along = normalise(judged.stage.heads[rig.index("LeftHandMiddle1")] - judged.stage.heads[hand])
    point = judged.stage.heads[hand] + 1.35 * 0.08 * along
    moved = [np.linalg.norm(np.diff(it.moved(hand, point)[16:24], axis=0), axis=-1).max() for it in (judged, free)]
    assert moved[0] < 1e-3 < 5e-3 < moved[1]
    assert judged.jump() < 1.3 * source_jump(motion)


def test_not_a_humanoid(walk: Motion) -> None:
    rig = make_rig(["a", "b"], [-1, 0], np.zeros((2, 3)), np.eye(3)[:2])
    with pytest.raises(MotionLiftError, match="pelvis") as caught:
        retarget(walk, rig, RigMap({}))
    assert caught.value.code == "not_humanoid"


def test_ten_thousand_frames(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    import time

    many = np.tile(np.arange(len(walk)), 34)[:10_000]
    long = dataclasses.replace(
        walk,
        **{
            field.name: getattr(walk, field.name)[many]
            for field in dataclasses.fields(walk)
            if isinstance(getattr(walk, field.name), np.ndarray) and len(getattr(walk, field.name)) == len(walk)
        },
    )
    long = dataclasses.replace(long, times=np.arange(10_000) / 30)
    rig = rig_of(presets["mixamo"], A_POSE)
    began = time.monotonic()
    retarget(long, rig, with_preset(rig, presets["mixamo"]).rig_map)
    assert time.monotonic() - began < 10
