"""Rigs of makers for whom there is no preset, read by how they name their bones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from motionlift.bridge.bone_names import read_name, roles_of
from motionlift.bridge.humanoid import SIDES
from motionlift.bridge.match import NAMES, match
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import Rig, pose_rig
from motionlift.core.motion import Motion

from .conftest import A_POSE, T_POSE

SIDE_PARTS = ("clavicle", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
MAKERS: dict[str, tuple[str, str, tuple[str, str]]] = {
    "xsens": (
        "Hips Chest Chest2 Chest3 Neck Head",
        "{s}Collar {s}Shoulder {s}Elbow {s}Wrist {s}Hip {s}Knee {s}Ankle {s}Toe", ("Left", "Right"),
    ),
    "second_life": (
        "mPelvis mTorso mSpine mChest mNeck mHead",
        "mCollar{s} mShoulder{s} mElbow{s} mWrist{s} mHip{s} mKnee{s} mAnkle{s} mToe{s}", ("Left", "Right"),
    ),
    "advanced_skeleton": (
        "Root_M Spine1_M Spine2_M Chest_M Neck_M Head_M",
        "Scapula_{s} Shoulder_{s} Elbow_{s} Wrist_{s} Hip_{s} Knee_{s} Ankle_{s} Toes_{s}", ("L", "R"),
    ),
    "smpl_like": (
        "Pelvis Spine1 Spine2 Spine3 Neck Head",
        "{s}_Collar {s}_Shoulder {s}_Elbow {s}_Wrist {s}_Hip {s}_Knee {s}_Ankle {s}_Foot", ("Lft", "Rgt"),
    ),
    "vrchat": (
        "Hips Spine Chest Upper-Chest Neck Head",
        "{s}-shoulder {s}-arm {s}-elbow {s}-wrist {s}-leg {s}-knee {s}-ankle {s}-toe", ("Left", "Right"),
    ),
    "life_forms": (
        "Hips Spine Spine1 Chest Neck Head",
        "{s}Collar {s}UpArm {s}LowArm {s}Hand {s}UpLeg {s}LowLeg {s}Foot {s}Toe", ("Left", "Right"),
    ),
    "skyrim": (
        "NPC-Pelvis-[Pelv] NPC-Spine-[Spn0] NPC-Spine1-[Spn1] NPC-Spine2-[Spn2] NPC-Neck-[Neck] NPC-Head-[Head]",
        "NPC-{s}-Clavicle-[{s}Clv] NPC-{s}-UpperArm-[{s}Uar] NPC-{s}-Forearm-[{s}Lar] NPC-{s}-Hand-[{s}Hnd] "
        "NPC-{s}-Thigh-[{s}Thg] NPC-{s}-Calf-[{s}Clf] NPC-{s}-Foot-[{s}ft-] NPC-{s}-Toe0-[{s}Toe]", ("L", "R"),
    ),
    "maya": (
        "C_pelvis_jnt C_spine_01_jnt C_spine_02_jnt C_spine_03_jnt C_neck_jnt C_head_jnt",
        "{s}_clavicle_jnt {s}_upperArm_jnt {s}_lowerArm_jnt {s}_hand_jnt {s}_thigh_jnt {s}_shin_jnt {s}_foot_jnt "
        "{s}_toe_jnt", ("L", "R"),
    ),
    "german": (
        "Becken Bauch Brust Brustkorb Hals Kopf",
        "Schulter.{s} Oberarm.{s} Unterarm.{s} Hand.{s} Oberschenkel.{s} Unterschenkel.{s} Fuß.{s} Zehen.{s}",
        ("L", "R"),
    ),
    "german_in_words": (
        "Hüfte Wirbelsäule1 Wirbelsäule2 Wirbelsäule3 Nacken Kopf",
        "Schlüsselbein_{s} Oberarm_{s} Ellbogen_{s} Handgelenk_{s} Oberschenkel_{s} Schienbein_{s} Fuss_{s} Zeh_{s}",
        ("links", "rechts"),
    ),
    "mmd_in_english": (
        "LowerBody UpperBody UpperBody2 UpperBody3 Neck Head",
        "Shoulder_{s} Arm_{s} Elbow_{s} Wrist_{s} Leg_{s} Knee_{s} Ankle_{s} Toe_{s}", ("L", "R"),
    ),
}  # fmt: skip
"""By maker the trunk from the pelvis up (three spine bones), a side's bones from collarbone to toes, and what sides are
called; - is a space."""


def named(maker: str, presets: Mapping[str, Preset], rig: Rig) -> tuple[Rig, dict[str, tuple[str, ...]]]:
    """The body of a Mixamo `rig`, called as a maker does, and which bone is which."""
    middle, side, sides = MAKERS[maker]
    trunk = [name.replace("-", " ") for name in middle.split()]
    truth = {"pelvis": (trunk[0],), "spine": tuple(trunk[1:4]), "neck": (trunk[4],), "head": (trunk[5],)}
    for ours, theirs in zip(SIDES, sides, strict=True):
        for part, name in zip(SIDE_PARTS, side.replace("{s}", theirs).split(), strict=True):
            truth[f"{ours}_{part}"] = (name.replace("-", " "),)
    known = presets["mixamo"].rig_map(rig.names).bones
    names = {old: new for role, bones in truth.items() for old, new in zip(known[role], bones, strict=True)}
    return dataclasses.replace(rig, names=tuple(names.get(name, f"q{i}") for i, name in enumerate(rig.names))), truth


@pytest.mark.parametrize("maker", MAKERS)
def test_every_bone_of_a_body_is_found(presets: dict[str, Preset], rig_of: Callable[..., Rig], maker: str) -> None:
    rig, truth = named(maker, presets, rig_of(presets["mixamo"], A_POSE))
    found = match(rig, presets)
    assert found.family == NAMES
    assert {role: bones for role, bones in found.rig_map.bones.items() if role != "root"} == truth


def test_a_trunk_beside_the_pelvis_is_found(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    """As in MMD's models: legs hang on the lower body, arms on the upper, and both on the centre."""
    rig, truth = named("vrchat", presets, rig_of(presets["mixamo"], A_POSE))
    parents = rig.parents.copy()
    parents[rig.index("Spine")] = rig.parents[rig.index("Hips")]
    found = match(dataclasses.replace(rig, parents=parents), presets)
    assert parents[rig.index("Spine")] >= 0
    assert found.rig_map.bones["spine"] == truth["spine"]
    assert found.rig_map.bones["pelvis"] == ("Hips",)


def test_what_carries_pelvis_and_trunk_goes_with_them(
    presets: dict[str, Preset], rig_of: Callable[..., Rig], walk: Motion
) -> None:
    """As in Daz Genesis 2: on the hip stand the pelvis, which has the legs, and the abdomen."""
    rig, truth = named("vrchat", presets, rig_of(presets["mixamo"], A_POSE))
    parents, carrier, hips = rig.parents.copy(), int(rig.parents[rig.index("Hips")]), rig.heads[rig.index("Hips")]
    parents[rig.index("Spine")] = carrier
    names = {rig.names[carrier]: "hip", "Hips": "pelvis", "Spine": "abdomen"}
    heads = rig.heads.copy()
    heads[carrier] = hips - [0.0, 0.0, 0.02]
    rig = dataclasses.replace(
        rig, parents=parents, heads=heads, names=tuple(names.get(name, name) for name in rig.names)
    )
    found = match(rig, presets).rig_map
    assert found.bones["pelvis"] == ("hip", "pelvis")
    assert found.bones["spine"] == ("abdomen", *truth["spine"][1:])
    done = retarget(walk, rig, found)
    posed = pose_rig(rig, done.rotations, done.locations, len(done))[0]
    for joint in ("pelvis", "abdomen"):
        apart = np.linalg.norm(posed[:, rig.index(joint)] - posed[:, rig.index("hip")], axis=-1)
        assert np.allclose(apart, np.linalg.norm(rig.heads[rig.index(joint)] - rig.heads[rig.index("hip")]), atol=1e-6)


def test_a_hip_above_a_thigh_is_no_thigh(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig, truth = named("maya", presets, rig_of(presets["mixamo"], A_POSE))
    names = {"L_thigh_jnt": "L_hip_jnt", "R_thigh_jnt": "R_hip_jnt", "L_shin_jnt": "L_thigh_jnt",
             "R_shin_jnt": "R_thigh_jnt", "L_foot_jnt": "L_shin_jnt", "R_foot_jnt": "R_shin_jnt",
             "L_toe_jnt": "L_foot_jnt", "R_toe_jnt": "R_foot_jnt"}  # fmt: skip
    found = match(dataclasses.replace(rig, names=tuple(names.get(name, name) for name in rig.names)), presets)
    for role in ("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle"):
        assert found.rig_map.bones[role] == truth[role]


def test_collarbones_are_not_turned_as_upper_arms(
    presets: dict[str, Preset], rig_of: Callable[..., Rig], walk: Motion
) -> None:
    rig, _ = named("xsens", presets, rig_of(presets["mixamo"], T_POSE))
    done = retarget(walk, rig, match(rig, presets).rig_map, RetargetOptions())
    heads = pose_rig(rig, done.rotations, done.locations, len(done))[0]
    left, right = (rig.index(f"{side}Shoulder") for side in ("Left", "Right"))
    width = np.linalg.norm(heads[:, left] - heads[:, right], axis=-1)
    assert width.min() > 0.8 * np.linalg.norm(rig.heads[left] - rig.heads[right])


def test_shins_without_thighs_are_retargeted(
    presets: dict[str, Preset], rig_of: Callable[..., Rig], walk: Motion
) -> None:
    rig = rig_of(presets["mixamo"], A_POSE)
    whole = match(rig, presets).rig_map
    bones = {role: names for role, names in whole.bones.items() if not role.endswith("_hip")}
    done = retarget(walk, rig, dataclasses.replace(whole, bones=bones))
    assert len(done) == len(walk)
    assert any("left thigh" in note for note in done.notes)


@pytest.mark.parametrize(
    ("name", "role"),
    [("LeftIndexProximal", "left_index_1"), ("LeftFinger_Ring_Medial", "left_ring_2"),
     ("R_Thumb_Distal", "right_thumb_3"), ("LeftIndexMetacarpal", ""), ("spine_x", "spine"),
     ("leftThumbMetacarpal", "left_thumb_0"),
     ("mixamorig:LeftHandIndex2.001", "left_index_2"), ("Genesis8Female_neckLower", "neck"),
     ("hero_CC_Base_NeckTwist02", "neck"), ("CC_Base_L_UpperarmTwist01", ""), ("左腕", "left_shoulder"),
     ("腕捩.L", ""), ("左足", "left_hip"), ("左足ＩＫ", ""), ("右ひざD", ""), ("足首.R", "right_ankle"),
     ("上半身２", "spine"), ("親指０.L", "left_thumb_0"), ("LeftThumb", ""), ("左人指３", "left_index_3"),
     ("Linker Zeigefinger 2", "left_index_2"), ("グルーブ", ""), ("lForearmBend", "left_elbow"), ("Bone", "")],
)  # fmt: skip
def test_what_a_name_means(name: str, role: str) -> None:
    assert roles_of(*read_name(name)) == ([role] if role else [])


@pytest.mark.parametrize(
    ("names", "found"),
    [(("Proximal", "Intermediate", "Distal"), (1, 2, 3)), (("Metacarpal", "Proximal", "Distal"), (1, 2, 3)),
     (("0", "1", "2"), (1, 2, 3)), (("Metacarpal", "1", "2", "3"), (None, 1, 2, 3)), (("1", "2"), (1, 2))],
)  # fmt: skip
def test_thumbs_however_they_are_counted(
    presets: dict[str, Preset], rig_of: Callable[..., Rig], names: tuple[str, ...], found: tuple[int | None, ...]
) -> None:
    """VRM 1.0 has a metacarpal, a proximal and a distal one, MMD counts from 0."""
    rig, _ = named("vrchat", presets, rig_of(presets["mixamo"], A_POSE))
    spare = [
        place
        for place, name in enumerate(rig.names)
        if name.startswith("q") and rig.is_below(place, rig.index("Left wrist"))
    ]
    calling = dict(zip(spare, (f"leftThumb{name}" for name in names), strict=False))
    parents = rig.parents.copy()
    for above, place in zip((rig.index("Left wrist"), *spare), spare[: len(names)], strict=False):
        parents[place] = above
    called = tuple(calling.get(place, name) for place, name in enumerate(rig.names))
    bones = match(dataclasses.replace(rig, names=called, parents=parents), presets).rig_map.bones
    wanted = {
        f"left_thumb_{number}": (f"leftThumb{name}",) for name, number in zip(names, found, strict=True) if number
    }
    assert {role: bone for role, bone in bones.items() if "left_thumb" in role} == wanted
