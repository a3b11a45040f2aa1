"""Feet and hands that hold on the target's own proportions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge.bvh_rig import motion_of_bvh, rig_of_bvh, sized
from motionlift.bridge.humanoid import SIDES
from motionlift.bridge.match import match, with_preset
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import Rig, pose_rig
from motionlift.core.bvh import read_bvh
from motionlift.core.motion import Motion
from motionlift.core.rotation import forward_kinematics, from_axis_angle, normalise
from motionlift.core.solving.contacts import RECORDED, find_contacts

from .conftest import A_POSE, Build
from .judging import BUILDS, FREE, RIGS, Judged, picked, source_jump


@pytest.mark.parametrize(("family", "build"), RIGS)
def test_feet_stand_still(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str, build: Build
) -> None:
    rig = rig_of(presets[family], build)
    judged = Judged(walk, retarget(walk, rig, with_preset(rig, presets[family]).rig_map))
    contacts = judged.contacts()
    assert len(contacts) == 4
    assert judged.slide() < 1e-3
    for path, holds in contacts:
        assert (holds[1:] & holds[:-1]).sum() > 100
        assert np.abs(judged.height(path)[holds]).max() < 5e-3
        # A foot without toes cannot bend them where it lands.
        assert judged.height(path).min() > (-5e-3 if "left_toe" in judged.bones else -1.5e-2)
    assert judged.jump() <= 1.02 * source_jump(walk)


def test_large_feet_on_short_legs_do_not_fold_them(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """A toon's: feet three times as long as its legs ask for, tilted as the source's, folded the legs."""
    rig = rig_of(presets["mixamo"], dataclasses.replace(A_POSE, legs=0.35))
    judged = Judged(walk, retarget(walk, rig, with_preset(rig, presets["mixamo"]).rig_map))
    assert judged.direction_error() < 18
    assert judged.slide() < 1e-3


def test_a_foot_in_one_piece_ends_at_its_toes(
    walk: Motion, real_rigs: dict[str, Rig], presets: dict[str, Preset]
) -> None:
    """Without toe bones the foot's tail is the tip of the toes: feet taken for longer lifted their heels too far."""
    rig = real_rigs["openpose"]
    judged = Judged(walk, retarget(walk, rig, with_preset(rig, presets["openpose"]).rig_map))
    assert judged.direction_error() < 9


@pytest.mark.parametrize("number", range(4))
def test_motion_capture_with_found_contacts(
    mocap_files: list[Path], presets: dict[str, Preset], rig_of: Callable[..., Rig], number: int
) -> None:
    """Real movement with contacts as they are found: feet hold, and no knee pops."""
    clip = read_bvh(mocap_files[number * len(mocap_files) // 6])
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    motion = motion_of_bvh(clip, sized(raw, rig_map), rig_map, partial(find_contacts, limits=RECORDED))
    rig = rig_of(presets["mixamo"], BUILDS[number + 3])
    target = with_preset(rig, presets["mixamo"]).rig_map
    assert Judged(motion, retarget(motion, rig, target, FREE)).direction_error() < 1.0
    judged = Judged(motion, retarget(motion, rig, target))
    assert judged.slide() < 1e-3
    assert judged.jump() < 1.2 * source_jump(motion)


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
    squat = picked(walk, range(170, 230))
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


def test_long_arms_do_not_go_through_the_floor(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """An ape's, over short legs, while it squats."""
    rig = rig_of(presets["mixamo"], dataclasses.replace(A_POSE, arms=2.25, legs=0.6))
    rig_map = with_preset(rig, presets["mixamo"]).rig_map
    lowest = []
    for hands in ("free", "hold"):
        judged = Judged(walk, retarget(walk, rig, rig_map, RetargetOptions(hands=hands)))
        wrists = [judged.rig.to_world(judged.heads[:, judged.bones[f"{side}_wrist"][0]]) for side in SIDES]
        lowest.append(min(float(judged.height(wrist).min()) for wrist in wrists))
    assert lowest[0] < -0.05
    assert lowest[1] > -1e-3
    assert judged.jump() < 1.3 * source_jump(walk)
