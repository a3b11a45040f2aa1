"""Contacts of hands, knees and seat on targets of other proportions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.match import with_preset
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import Retargeted, RetargetOptions, retarget
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, forward_kinematics, from_axis_angle
from motionlift.core.skeleton import SUPPORT_NAMES, support_points

from .conftest import A_POSE, Build
from .judging import Judged, own_rig, source_jump

FREE_HANDS = RetargetOptions(hands="free")
TARGETS = [
    Build(1, legs=0.6, thigh_share=0.45, turned=True),
    Build(2, legs=1.5, thigh_share=0.55, arms=0.8, any_axes=True),
    Build(3, legs=1.2, arms=1.3, floor=-0.5),
]
SITS = slice(60, 120)


def with_supports(motion: Motion, holds: Array) -> Motion:
    """The motion with contacts (F, 5) of `SUPPORT_NAMES`."""
    parents, offsets = support_points(motion.rest_offsets)
    return dataclasses.replace(
        motion,
        contact_names=(*motion.contact_names, *SUPPORT_NAMES),
        contact_parents=np.append(motion.contact_parents, parents),
        contact_offsets=np.concatenate([motion.contact_offsets, offsets]),
        contacts=np.concatenate([motion.contacts, holds], 1),
    ).check()


def turned(motion: Motion, turns: dict[str, Array], root: Array | None = None) -> Motion:
    """The resting figure with some joints turned by angles (F,) about the axis to the left; its left ankle stays."""
    local = np.zeros_like(motion.local_rotations)
    local[..., 0] = 1.0
    for name, angles in turns.items():
        local[:, motion.joint(name)] = from_axis_angle(np.array([1.0, 0, 0]), angles)
    at_origin, _ = forward_kinematics(motion.parents, motion.rest_offsets, np.zeros((len(motion), 3)), local)
    ankle = at_origin[:, motion.joint("left_ankle")]
    if root is None:
        root = ankle[0] * [1.0, 1.0, 0.0] + [0.0, 0.0, 0.08] - ankle
    joints, _ = forward_kinematics(motion.parents, motion.rest_offsets, root, local)
    return dataclasses.replace(motion, root_translation=root, local_rotations=local, joint_positions=joints)


@pytest.fixture
def sitting(make_motion: Callable[..., Motion]) -> Motion:
    """Two seconds to stand and sit down, two on a chair, leaning forward and back, and up again."""
    motion = make_motion(frames=180, swing=0.0)
    frames = np.arange(180)
    down = np.clip(np.minimum(frames - 20, 160 - frames) / 40, 0, 1)
    bend = np.radians(88) * down * down * (3 - 2 * down)
    lean = 0.15 * np.sin(frames / 9) * (down == 1)
    turns = {f"{side}_{joint}": sign * bend for side in ("left", "right") for joint, sign in (("hip", -1), ("knee", 1))}
    motion = turned(motion, {**turns, "spine": 0.4 * bend + lean})
    holds = np.zeros((180, 5))
    holds[SITS, 4] = 1.0
    stands = dataclasses.replace(motion, contacts=np.ones_like(motion.contacts))
    return with_supports(stands, holds)


def hips_of(judged: Judged) -> Array:
    """The middle of the hips in the world (F, 3)."""
    both = [judged.heads[:, judged.bones[f"{side}_hip"][0]] for side in ("left", "right")]
    return np.asarray(judged.rig.to_world(np.mean(both, 0)))


def put(motion: Motion, presets: dict[str, Preset], rig: Rig, options: RetargetOptions | None = None) -> Retargeted:
    return retarget(motion, rig, with_preset(rig, presets["mixamo"]).rig_map, options)


@pytest.mark.parametrize("build", TARGETS, ids=range(3))
def test_who_sits_stays_on_the_seat(
    sitting: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], build: Build
) -> None:
    """The chair is as high as the legs ask for, and the hips as far above it as the trunk does, which is as big as the
    source's here."""
    judged = Judged(sitting, put(sitting, presets, rig_of(presets["mixamo"], build)))
    hips = hips_of(judged)
    source = 0.5 * (
        sitting.joint_positions[:, sitting.joint("left_hip")] + sitting.joint_positions[:, sitting.joint("right_hip")]
    )
    seat = sitting.contact_positions()[:, sitting.contact_names.index("seat")]
    above = (source - seat)[SITS, 2]
    scale = float(np.cbrt(np.linalg.det(judged.done.world_from_motion[:3, :3])))
    assert np.linalg.norm(np.diff(hips[SITS], axis=0), axis=-1).max() < 1e-3
    np.testing.assert_allclose(judged.height(hips)[SITS] - scale * seat[SITS, 2], above, atol=0.01)
    for path, holds in judged.contacts():
        assert holds.all()
        assert np.linalg.norm(np.diff(path, axis=0), axis=-1).max() < 1e-3
        assert np.abs(judged.height(path)).max() < 5e-3
    assert judged.jump() < 1.5 * source_jump(sitting)
    speed = np.linalg.norm(np.diff(hips, axis=0), axis=-1)
    assert speed.max() < 1.5 * scale * np.linalg.norm(np.diff(source, axis=0), axis=-1).max()


def test_who_sits_on_the_floor_with_straight_legs(
    make_motion: Callable[..., Motion], presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Feet out of reach do not pull the hips through the floor."""
    motion = make_motion(frames=60, swing=0.0)
    straight = {f"{side}_hip": np.full(60, np.radians(-90)) for side in ("left", "right")}
    root = np.tile([0.0, 0.0, 0.095], (60, 1))
    motion = turned(motion, straight, root)
    holds = np.zeros((60, 5))
    holds[:, 4] = 1.0
    heels = np.tile([1.0, 0.0, 1.0, 0.0], (60, 1))
    motion = with_supports(dataclasses.replace(motion, contacts=heels), holds)
    for build in TARGETS:
        judged = Judged(motion, put(motion, presets, rig_of(presets["mixamo"], build)))
        height = judged.height(hips_of(judged))
        assert np.ptp(height) < 1e-3
        assert 0.04 < height.mean() < 0.12


def test_sitting_changes_little_on_the_own_skeleton(sitting: Motion) -> None:
    rig, rig_map = own_rig(sitting)
    sits = Judged(sitting, retarget(sitting, rig, rig_map))
    silent = dataclasses.replace(sitting, contacts=sitting.contacts * ([1.0] * 8 + [0.0]))
    stands = Judged(silent, retarget(silent, rig, rig_map))
    np.testing.assert_allclose(hips_of(sits), hips_of(stands), atol=1e-3)


@pytest.mark.parametrize("build", [A_POSE, *TARGETS], ids=range(4))
def test_knees_change_nothing(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], build: Build
) -> None:
    random = np.random.default_rng(4).uniform(size=(len(walk), 5)).round() * [0, 0, 1, 1, 0]
    rig = rig_of(presets["mixamo"], build)
    with_knees, without = (put(motion, presets, rig) for motion in (with_supports(walk, random), walk))
    assert_same(with_knees, without)


@pytest.mark.parametrize("build", [A_POSE, *TARGETS], ids=range(4))
def test_free_hands_are_not_held(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], build: Build
) -> None:
    """Whatever the contacts of hands say; by default they hold."""
    holds = np.zeros((len(walk), 5))
    holds[100:180, :2] = 1.0
    rig, motion = rig_of(presets["mixamo"], build), with_supports(walk, holds)
    free, without = put(motion, presets, rig, FREE_HANDS), put(walk, presets, rig)
    assert_same(free, without)
    arm = without.bones["left_elbow"][0]
    assert np.abs(put(motion, presets, rig).rotations[arm] - without.rotations[arm]).max() > 0.05


@pytest.mark.parametrize("build", TARGETS, ids=range(3))
def test_any_supports_break_nothing(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], build: Build
) -> None:
    """Contacts at random, all at once, in single frames, and on rigs without arms or legs: finite keys, whole bones."""
    random = np.random.default_rng(5)
    rig = rig_of(presets["mixamo"], build)
    some = [name for name in rig.names if not name.startswith(("LeftArm", "LeftForeArm", "RightLeg"))]
    for holds in (random.uniform(size=(len(walk), 5)), np.ones((len(walk), 5)), np.eye(len(walk), 5)):
        motion = with_supports(walk, holds)
        for options in (None, FREE_HANDS, RetargetOptions(hands="world"), RetargetOptions(travel="in_place")):
            done = put(motion, presets, rig, options)
            assert all(np.isfinite(keys).all() for keys in (*done.rotations.values(), *done.locations.values()))
        mapped = with_preset(rig, presets["mixamo"]).rig_map
        fewer = dataclasses.replace(
            mapped,
            bones={
                role: kept for role, names in mapped.bones.items() if (kept := tuple(n for n in names if n in some))
            },
        )
        done = retarget(motion, rig, fewer)
        assert all(np.isfinite(keys).all() for keys in (*done.rotations.values(), *done.locations.values()))


def assert_same(one: Retargeted, other: Retargeted) -> None:
    for mine, theirs in ((one.rotations, other.rotations), (one.locations, other.locations)):
        assert mine.keys() == theirs.keys()
        for bone, keys in mine.items():
            np.testing.assert_array_equal(keys, theirs[bone])
