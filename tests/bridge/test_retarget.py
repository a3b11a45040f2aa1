"""What retargeting promises of limbs, measured on rigs of every preset in any rest pose and on real skeletons."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.humanoid import SIDES, RigMap
from motionlift.bridge.match import match, with_preset
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import Rig, make_rig, pose_rig
from motionlift.bridge.tpose import bones_of, stand
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion
from motionlift.core.rotation import angle_between, from_axis_angle, multiply, rotate

from .conftest import A_POSE, Build
from .judging import FREE, RIGS, Judged, own_rig, picked, source_jump


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
    """And palms, soles and elbows face where they face."""
    rig = rig_of(presets[family], build)
    rig_map = with_preset(rig, presets[family]).rig_map
    judged = Judged(walk, retarget(walk, rig, rig_map, FREE))
    assert judged.direction_error() < 1.0
    facing = judged.facing_errors(rig_map)
    assert {f"{side}_ankle up" for side in SIDES} <= set(facing)
    assert max(facing.values()) < 5.0, facing
    assert judged.jump() <= source_jump(walk) + 1e-6


def test_real_rigs(walk: Motion, presets: dict[str, Preset], real_rigs: dict[str, Rig]) -> None:
    for name, rig in real_rigs.items():
        found = match(rig, presets)
        free = Judged(walk, retarget(walk, rig, found.rig_map, FREE))
        assert free.direction_error() < 1.0, name
        facing = free.facing_errors(found.rig_map)
        assert max(facing.values()) < 5.0, (name, facing)
        assert free.jump() <= 1.001 * source_jump(walk), name
        judged = Judged(walk, retarget(walk, rig, found.rig_map))
        assert judged.slide() < 1e-3, name
        for path, holds in judged.contacts():
            assert np.abs(judged.height(path)[holds]).max() < 5e-3, name
        assert judged.jump() <= 1.02 * source_jump(walk), name


def test_rolls_and_axes_change_nothing(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    preset = presets["unreal"]
    poses = []
    for seed in range(2):
        rig = rig_of(preset, dataclasses.replace(A_POSE, seed=seed))
        done = retarget(walk, rig, with_preset(rig, preset).rig_map)
        poses.append(pose_rig(done.rig, done.rotations, done.locations, len(walk))[0])
    np.testing.assert_allclose(poses[0], poses[1], atol=1e-9)


@pytest.mark.parametrize("lean", [20.0, 40.0])
def test_who_is_bent_forward_at_rest_stands_upright_on_level_soles(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], lean: float
) -> None:
    """An old man's rig, or a goblin's: the lean is its build, and no slope that it stands on."""
    rig = rig_of(presets["mixamo"], A_POSE)
    rig_map = with_preset(rig, presets["mixamo"]).rig_map
    bones = bones_of(rig, rig_map)
    thighs = [bones[f"{side}_hip"][0] for side in SIDES]
    upper = [b for b in range(len(rig)) if b not in thighs and not any(rig.is_below(b, thigh) for thigh in thighs)]
    pivot, turn = rig.heads[thighs].mean(0), from_axis_angle(np.array([1.0, 0, 0]), np.radians(lean))
    heads, tails, rotations = (np.array(values) for values in (rig.heads, rig.tails, rig.rotations))
    heads[upper] = pivot + rotate(turn, heads[upper] - pivot)
    tails[upper] = pivot + rotate(turn, tails[upper] - pivot)
    rotations[upper] = multiply(turn, rotations[upper])
    bent = dataclasses.replace(rig, heads=heads, tails=tails, rotations=rotations)
    np.testing.assert_allclose(stand(bent, bones).world_turn, stand(rig, bones).world_turn, atol=1e-9)
    judged = Judged(walk, retarget(walk, bent, rig_map))
    for path, holds in judged.contacts():
        assert np.abs(bent.to_world(path)[holds, 2]).max() < 5e-3


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


def test_what_hangs_on_a_locked_bone_makes_up_for_it(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Hands, feet and head are turned as without locks, whatever the bones above them may not do."""
    preset = presets["mixamo"]
    free = rig_of(preset, A_POSE)
    locks = {"LeftForeArm": [2, 3], "RightForeArm": [1, 3], "LeftShoulder": [1, 2, 3], "Neck": [1], "RightLeg": [2, 3]}
    names = [f"{side}{part}" for side in ("Left", "Right") for part in ("Arm", "Hand", "Foot")] + ["Head"]
    locked, modes = free.locked_rotation.copy(), list(free.rotation_modes)
    for name, components in locks.items():
        locked[free.index(name), components] = True
        modes[free.index(name)] = "XYZ" if name.startswith("Left") else "QUATERNION"
    bound = dataclasses.replace(free, locked_rotation=locked, rotation_modes=tuple(modes))
    turns = []
    for rig in (free, bound):
        done = retarget(walk, rig, with_preset(rig, preset).rig_map, FREE)
        turns.append(pose_rig(done.rig, done.rotations, done.locations, len(walk))[1])
    assert free.index("LeftShoulder") not in done.rotations
    for name in names:
        assert angle_between(turns[0][:, free.index(name)], turns[1][:, free.index(name)]).max() < 1e-6, name


def test_not_a_humanoid(walk: Motion) -> None:
    rig = make_rig(["a", "b"], [-1, 0], np.zeros((2, 3)), np.eye(3)[:2])
    with pytest.raises(MotionLiftError, match="pelvis") as caught:
        retarget(walk, rig, RigMap({}))
    assert caught.value.code == "not_humanoid"


def test_ten_thousand_frames(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    long = picked(walk, np.arange(10_000) % len(walk))
    rig = rig_of(presets["mixamo"], A_POSE)
    began = time.monotonic()
    retarget(long, rig, with_preset(rig, presets["mixamo"]).rig_map)
    assert time.monotonic() - began < 10
