"""Rigs to retarget onto: built from the presets' names in any rest pose, and the real rest skeletons where they lie
beside the repository."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge.humanoid import FINGERS, SIDES
from motionlift.bridge.preset import Preset
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.rig import Rig, checked_rig, make_rig
from motionlift.core.motion import Motion
from motionlift.core.rotation import (
    IDENTITY,
    Array,
    from_axis_angle,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
    to_matrix,
)
from motionlift.core.skeleton import ANIMATION_21, reference_rest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
REAL_RIGS = REPOSITORY.parent / "shared/data/rigs"


@dataclass(frozen=True)
class Build:
    """How a test rig is made. Angles in degrees; legs, arms: lengths against the reference body's."""

    seed: int = 0
    legs: float = 1.0
    thigh_share: float = 0.5
    arms: float = 1.0
    arms_down: float = 45.0
    arms_forward: float = 0.0
    arm_roll: float = 0.0
    elbow: float = 18.0
    palm_roll: float = 0.0
    toes_out: float = 6.0
    legs_apart: float = 4.0
    turned: bool = False
    any_axes: bool = False
    floor: float = 0.0


PREFIXES = {"biped": "Bip01 ", "character_creator": "CC_Base_", "smpl": "m_avg_"}
"""What stands before every name of some families."""

A_POSE, T_POSE = Build(), Build(arms_down=0, elbow=0, toes_out=0, legs_apart=0)
FORWARD = Build(arms_down=0, arms_forward=90, elbow=0)


def axis(x: float, y: float, z: float, degrees: float) -> Array:
    return from_axis_angle(normalise(np.array([x, y, z], float)), np.radians(degrees))


def build_rig(preset: Preset, how: Build) -> Rig:
    """A rig with a preset's names: those of its bones, and what else its fingerprint needs."""
    random = np.random.default_rng(how.seed)
    joints = _joints(how)
    ends = {**joints, "head": joints["head"] + [0, 0, 0.19]}
    bones: list[tuple[str, str, Array, Array]] = []
    last: dict[str, str] = {}
    order = [("root", ""), ("pelvis", "root"), ("spine", "pelvis"), ("neck", "spine"), ("head", "neck")]
    for side in SIDES:
        order += [(f"{side}_clavicle", "spine"), (f"{side}_shoulder", f"{side}_clavicle")]
        order += [(f"{side}_elbow", f"{side}_shoulder"), (f"{side}_wrist", f"{side}_elbow"), (f"{side}_hip", "pelvis")]
        order += [(f"{side}_{b}", f"{side}_{a}") for a, b in (("hip", "knee"), ("knee", "ankle"), ("ankle", "toe"))]
        order += [(f"{side}_{finger}", f"{side}_wrist") for finger in FINGERS]
    fallback = {"root": "", "pelvis": "root", "spine": "pelvis", "neck": "spine", "head": "neck"}
    for role, above in order:
        side = role.partition("_")[0] if role.startswith(("left_", "right_")) else ""
        key = role.removeprefix(f"{side}_")
        names = [name.replace("{side}", preset.sides.get(side, "")) for name in preset.bones.get(key, ())]
        parent = above
        while parent and parent not in last:
            parent = fallback.get(
                parent, fallback.get(parent.partition("_")[2], "spine" if "shoulder" in role else "pelvis")
            )
        for name, (start, end) in zip(names, _segments(key, role, len(names), joints, ends), strict=True):
            bones.append((name, last.get(parent, ""), start, end))
            last[role] = name
            parent = role
    known = {name for name, *_ in bones}
    marks = [name for name in preset.spelt(preset.needed) if name not in known]
    bones += [(name, last["pelvis"], joints["pelvis"], joints["spine"]) for name in marks]
    names = [name for name, *_ in bones]
    parents = [names.index(parent) if parent else -1 for _, parent, *_ in bones]
    names = [PREFIXES.get(preset.family, "") + name for name in names]
    heads, tails = np.array([b[2] for b in bones]), np.array([b[3] for b in bones])
    rise = np.array([0.0, 0.0, how.floor])
    heads, tails = heads + rise, tails + rise
    rotations = multiply(
        minimal_rotation(np.array([0.0, 1, 0]), tails - heads),
        from_axis_angle(np.array([0.0, 1, 0]), random.uniform(-3, 3, len(bones))),
    )
    world = np.eye(4)
    if how.any_axes:
        rotations = normalise(random.normal(size=(len(bones), 4)))
    if how.turned:
        # The object is turned, moved and scaled, and its bones lie in it so that the figure still stands in the world.
        turn = multiply(axis(0, 0, 1, 90), axis(1, 0, 0, 90))
        world[:3, :3] = 0.01 * to_matrix(turn)
        world[:3, 3] = [1.0, -2.0, 0.0]
        back = turn * [1, -1, -1, -1]
        facing = axis(0, 0, 1, 90)
        heads, tails = (100 * rotate(back, rotate(facing, points)) for points in (heads, tails))
        rotations = multiply(back, multiply(facing, rotations))
    return make_rig(names, parents, heads, tails, rotations, world, np.full(len(bones), not how.any_axes))


def _joints(how: Build) -> dict[str, Array]:
    """Where the joints of the figure are at rest, the soles at Z = 0."""
    offsets, tails = reference_rest()
    offsets, tails = offsets.copy(), tails.copy()
    turns = dict.fromkeys(ANIMATION_21.joints, IDENTITY)
    for index, name in enumerate(ANIMATION_21.joints):
        if name.endswith(("_knee", "_ankle")):
            share = how.thigh_share if name.endswith("_knee") else 1 - how.thigh_share
            offsets[index] *= 2 * how.legs * share
        if name.endswith(("_elbow", "_wrist")):
            offsets[index] *= how.arms
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = multiply(axis(0, 1, 0, sign * how.arms_down), axis(0, 0, 1, -sign * how.arms_forward))
        turns[f"{side}_shoulder"] = multiply(swing, axis(1, 0, 0, how.arm_roll))
        turns[f"{side}_elbow"] = axis(0, 0, 1, -sign * how.elbow)
        turns[f"{side}_wrist"] = axis(1, 0, 0, how.palm_roll)
        turns[f"{side}_hip"] = axis(0, 1, 0, -sign * how.legs_apart)
        turns[f"{side}_ankle"] = multiply(axis(0, 0, 1, sign * how.toes_out), axis(0, 1, 0, sign * how.legs_apart))
    world: dict[str, Array] = {}
    joints: dict[str, Array] = {}
    for index, name in enumerate(ANIMATION_21.joints):
        parent = ANIMATION_21.parents[index]
        above = ANIMATION_21.joints[parent] if parent >= 0 else ""
        joints[name] = joints[above] + rotate(world[above], offsets[index]) if above else np.zeros(3)
        world[name] = multiply(world[above], turns[name]) if above else IDENTITY
        joints[f"{name}_end"] = joints[name] + rotate(world[name], tails[index])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for number, finger in enumerate(FINGERS):
            along = np.array([sign * (0.09 if finger != "thumb" else 0.03), -0.045 + 0.018 * number, 0.0])
            for phalanx in range(4):
                joints[f"{side}_{finger}_{phalanx}"] = joints[f"{side}_wrist"] + rotate(
                    world[f"{side}_wrist"], along + np.array([sign * 0.027 * phalanx, 0, 0])
                )
    low = min(joints[f"{side}_toe_end"][2] for side in SIDES)
    return {name: point - [0, 0, low] for name, point in joints.items()}


def _segments(
    key: str, role: str, count: int, joints: dict[str, Array], ends: dict[str, Array]
) -> list[tuple[Array, Array]]:
    """Start and end of each of `count` bones of a role."""
    side = role.partition("_")[0]
    if key in FINGERS:
        return [(joints[f"{role}_{i}"], joints[f"{role}_{i + 1}"]) for i in range(count)]
    if key == "root":
        return [(np.zeros(3), np.array([0.0, 0.3, 0.0]))] * count
    if key == "pelvis":
        return [(joints["pelvis"], joints["spine"])] * count
    if key == "spine":
        points = np.linspace(joints["spine"], joints["neck"], count + 1)
    elif key == "neck":
        points = np.linspace(joints["neck"], joints["head"], count + 1)
    elif key == "head":
        points = np.linspace(joints["head"], ends["head"], count + 1)
    else:
        following = {"clavicle": "shoulder", "shoulder": "elbow", "elbow": "wrist", "hip": "knee", "knee": "ankle",
                     "ankle": "toe"}.get(key)  # fmt: skip
        end = joints[f"{side}_{following}"] if following else joints[f"{role}_end"]
        points = np.linspace(joints[role], end, count + 1)
    return list(pairwise(points))


@pytest.fixture(scope="session")
def presets() -> dict[str, Preset]:
    return load_presets()


@pytest.fixture(scope="session")
def walk() -> Motion:
    """The committed truth: walks, waves, squats."""
    path = REPOSITORY / "samples/walk_wave_squat.truth.motion.npz"
    if not path.is_file():
        pytest.skip("the sample's truth is not there")
    return Motion.load(path)


def read_real_rig(path: Path) -> Rig:
    """A rig from the reduced files of the data folder; Blender's roll is about the bone, from the shortest turn."""
    bones = json.loads(path.read_text())["bones"]
    names = [bone["name"] for bone in bones]
    heads, tails, roll = (np.array([bone[key] for bone in bones]) for key in ("head", "tail", "roll"))
    along = normalise(tails - heads)
    rotations = multiply(from_axis_angle(along, roll), minimal_rotation(np.array([0.0, 1, 0]), along))
    parents = np.array([names.index(bone["parent"]) if bone["parent"] else -1 for bone in bones])
    connected = np.array([bone["use_connect"] for bone in bones])
    rig = make_rig(names, np.full(len(names), -1), heads, tails, rotations)
    return checked_rig(Rig(**{**rig.__dict__, "parents": parents, "connected": connected}))


@pytest.fixture(scope="session")
def real_rigs() -> dict[str, Rig]:
    """The rest skeletons beside the repository; skips where there are none."""
    found = {path.stem: read_real_rig(path) for path in sorted(REAL_RIGS.glob("*.json"))}
    if not found:
        pytest.skip("no rest skeletons beside the repository")
    return found


@pytest.fixture(scope="session")
def rig_of() -> Callable[[Preset, Build], Rig]:
    return build_rig
