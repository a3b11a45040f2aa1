"""A rig given a person's proportions: lengths, places, soles on the floor, and the person's motion on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.body_fit import fitted
from motionlift.bridge.humanoid import FINGERS, SIDES, RigMap
from motionlift.bridge.match import with_preset
from motionlift.bridge.planting import rest_joints
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import Rig, pose_rig
from motionlift.core.hand_skeleton import ANIMATION_51, REFERENCE_LENGTHS
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, forward_kinematics, minimal_rotation, normalise, rotate

from .conftest import A_POSE, FORWARD, Build

BUILDS = [
    A_POSE,
    FORWARD,
    Build(1, legs=0.6, thigh_share=0.45, arms=1.2, arms_down=55, arm_roll=20),
    Build(2, legs=1.5, thigh_share=0.56, arms=0.8, arms_down=30, legs_apart=9),
]
LIMBS = [("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("ankle", "toe")]
KEPT = LIMBS[:4]
"""Those that keep the directions they were built with."""


@pytest.fixture(params=range(len(BUILDS)), ids=str)
def built(request: pytest.FixtureRequest, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> Rig:
    return rig_of(presets["rigify_meta"], BUILDS[request.param])


def person(motion: Motion, legs: float = 1.0, arms: float = 1.0, trunk: float = 1.0) -> Motion:
    """The same motion of somebody with other proportions."""
    offsets, tails = motion.rest_offsets.copy(), motion.rest_tails.copy()
    for joint, name in enumerate(motion.joint_names):
        part = name.partition("_")[2] or name
        size = legs if part in ("knee", "ankle") else arms if part in ("elbow", "wrist") else trunk
        offsets[joint] *= size if joint else 1.0
    ankles = [motion.joint("left_knee"), motion.joint("left_ankle")]
    offsets[0, 2] += motion.rest_offsets[ankles, 2].sum() * (1 - legs)
    root = motion.root_translation * [1, 1, offsets[0, 2] / motion.rest_offsets[0, 2]]
    positions = forward_kinematics(motion.parents, offsets, root, motion.local_rotations)[0]
    return dataclasses.replace(
        motion, rest_offsets=offsets, rest_tails=tails, root_translation=root, joint_positions=positions
    )


def with_fingers(motion: Motion) -> Motion:
    """The motion with fingers as long as a child's, at rest."""
    added = len(ANIMATION_51) - len(motion.joint_names)
    offsets, tails = np.zeros((added, 3)), np.zeros((added, 3))
    for number, name in enumerate(ANIMATION_51.joints[-added:]):
        side, finger, phalanx = name.split("_")
        sign, at = (1.0 if side == "left" else -1.0), FINGERS.index(finger)
        lengths = 0.7 * REFERENCE_LENGTHS[at]
        first = np.array([sign * (0.02 if finger == "thumb" else 0.07), -0.02 + 0.01 * at, 0.0])
        offsets[number] = first if phalanx == "1" else [sign * lengths[int(phalanx) - 2], 0.0, 0.0]
        tails[number] = [sign * lengths[int(phalanx) - 1], 0.0, 0.0]
    still = np.tile([1.0, 0, 0, 0], (len(motion), added, 1))
    offsets, tails = np.concatenate([motion.rest_offsets, offsets]), np.concatenate([motion.rest_tails, tails])
    rotations = np.concatenate([motion.local_rotations, still], 1)
    parents = np.array(ANIMATION_51.parents)
    positions = forward_kinematics(parents, offsets, motion.root_translation, rotations)[0]
    return dataclasses.replace(
        motion, joint_names=ANIMATION_51.joints, parents=parents, rest_offsets=offsets, rest_tails=tails,
        local_rotations=rotations, joint_positions=positions,
        confidence=np.pad(motion.confidence, ((0, 0), (0, added)), constant_values=1.0),
    ).check()  # fmt: skip


def fit(rig: Rig, motion: Motion, presets: dict[str, Preset]) -> tuple[Rig, RigMap]:
    rig_map = with_preset(rig, presets["rigify_meta"]).rig_map
    return fitted(rig, rig_map, motion), rig_map


def line(rig: Rig, rig_map: RigMap, role: str, following: str) -> Array:
    first, second = (rig.index(rig_map.bones[name][0]) for name in (role, following))
    return np.asarray(rig.heads[second] - rig.heads[first])


def test_lengths_are_the_persons_and_directions_the_rigs(built: Rig, walk: Motion, presets: dict[str, Preset]) -> None:
    motion = person(walk, legs=1.15, arms=0.9, trunk=1.05)
    rig, rig_map = fit(built, motion, presets)
    for side in SIDES:
        for part, following in LIMBS:
            role, below = f"{side}_{part}", f"{side}_{following}"
            way = line(rig, rig_map, role, below)
            wanted = motion.rest_offsets[motion.joint(below)]
            np.testing.assert_allclose(np.linalg.norm(way), np.linalg.norm(wanted), atol=1e-9)
            if (part, following) in KEPT:
                np.testing.assert_allclose(normalise(way), normalise(line(built, rig_map, role, below)), atol=1e-9)
    joints = dict(zip(motion.joint_names, rest_joints(motion), strict=True))
    moved = rig.heads[rig.index(rig_map.bones["neck"][0])] - joints["neck"]
    np.testing.assert_allclose(moved[:2], 0, atol=1e-9)
    for role in ("left_clavicle", "right_shoulder", "left_hip", "head", "spine"):
        place = rig.heads[rig.index(rig_map.bones[role][0])]
        np.testing.assert_allclose(place - moved, joints[role], atol=1e-9)
    np.testing.assert_allclose(rig.heads[rig.index("spine.003")] - moved, joints["chest"], atol=1e-9)


def test_the_person_stands_on_the_floor(built: Rig, walk: Motion, presets: dict[str, Preset]) -> None:
    motion = person(walk, legs=1.2)
    rig, rig_map = fit(built, motion, presets)
    for side in SIDES:
        for role in (f"{side}_ankle", f"{side}_toe"):
            height = rig.heads[rig.index(rig_map.bones[role][0]), 2]
            np.testing.assert_allclose(height, rest_joints(motion)[motion.joint(role), 2], atol=1e-9)


def test_bones_stay_joined_and_along_their_own_axis(built: Rig, walk: Motion, presets: dict[str, Preset]) -> None:
    rig, _ = fit(built, person(walk, legs=0.9, arms=1.1), presets)
    along = rotate(rig.rotations, np.array([0.0, 1, 0]))
    np.testing.assert_allclose(along, normalise(rig.tails - rig.heads), atol=1e-9)
    joined = np.linalg.norm(built.heads[1:] - built.tails[built.parents[1:]], axis=-1) < 1e-9
    assert joined.sum() > 10
    apart = np.linalg.norm(rig.heads[1:] - rig.tails[rig.parents[1:]], axis=-1)
    np.testing.assert_allclose(apart[joined], 0, atol=1e-9)
    # The least turn that brings the old direction onto the new one: no roll of its own.
    turned = rotate(
        minimal_rotation(normalise(built.tails - built.heads), along), rotate(built.rotations, np.eye(3)[2])
    )
    kept = [number for number, name in enumerate(rig.names) if "arm" in name or "thigh" in name or "spine" in name]
    np.testing.assert_allclose(rotate(rig.rotations, np.eye(3)[2])[kept], turned[kept], atol=1e-6)


def test_fitting_again_changes_nothing(built: Rig, walk: Motion, presets: dict[str, Preset]) -> None:
    motion = person(walk, legs=1.1, trunk=0.95)
    once, _ = fit(built, motion, presets)
    twice, _ = fit(once, motion, presets)
    for name in ("heads", "tails"):
        np.testing.assert_allclose(getattr(twice, name), getattr(once, name), atol=1e-9)


def test_fingers_get_their_lengths(built: Rig, walk: Motion, presets: dict[str, Preset]) -> None:
    motion = with_fingers(walk)
    rig, rig_map = fit(built, motion, presets)
    for side in SIDES:
        for finger in FINGERS:
            bones = [rig.index(rig_map.bones[f"{side}_{finger}_{number}"][0]) for number in (1, 2, 3)]
            lengths = np.linalg.norm(rig.tails[bones] - rig.heads[bones], axis=-1)
            np.testing.assert_allclose(lengths, 0.7 * REFERENCE_LENGTHS[FINGERS.index(finger)], atol=1e-9)


def test_the_motion_on_it_is_the_persons(built: Rig, walk: Motion, presets: dict[str, Preset]) -> None:
    """Legs exactly; above them as far as a spine and a neck of more joints allow."""
    motion = person(walk, legs=1.1, arms=0.93, trunk=1.04)
    rig, rig_map = fit(built, motion, presets)
    done = retarget(motion, rig, rig_map, RetargetOptions(place="filmed", plant_feet=False))
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(motion))
    for role in ("left_hip", "right_knee", "left_ankle", "right_toe", "left_clavicle", "right_shoulder", "left_elbow",
                 "right_wrist", "head"):  # fmt: skip
        away = heads[:, done.rig.index(rig_map.bones[role][0])] - motion.joint_positions[:, motion.joint(role)]
        legs = role.rpartition("_")[2] in ("hip", "knee", "ankle", "toe")
        assert np.abs(away).max() < (1e-6 if legs else 5e-3 if role == "head" else 2e-3), role
