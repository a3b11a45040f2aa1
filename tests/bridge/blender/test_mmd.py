"""A model as mmd_tools imports it: Japanese names, upper and lower body on a centre, legs held by IK, hardly a bone
that may be moved."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.match import NAMES, match
from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig, make_rig
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

MODEL = (
    PRELUDE
    + """
sides, spec, path, options = arguments
figure = make_rig(spec, "Miku")
spelt = lambda side, name: f"{side}{name}" if sides[0] == "左" else f"{name}.{side}"
bones = figure.pose.bones
for bone in bones:
    bone.lock_location = [bone.name not in ("全ての親", "センター", "グルーブ") and "ＩＫ" not in bone.name] * 3
for side in sides:
    for name, target, count in (("ひざ", "足ＩＫ", 2), ("足首", "つま先ＩＫ", 1)):
        held = bones[spelt(side, name)].constraints.new("IK")
        held.target, held.subtarget, held.chain_count, held.iterations = figure, spelt(side, target), count, 200
    bones[spelt(side, "ひざ")].use_ik_limit_x = True
    for name in ("足", "ひざ", "足首"):
        shown = bones[spelt(side, name + "D")].constraints.new("COPY_ROTATION")
        shown.target, shown.subtarget = figure, spelt(side, name)
        shown.owner_space = shown.target_space = "LOCAL"
motion = Motion.load(Path(path))
rig = read_rig(figure)
found = choose(rig)
result["family"] = found.family
result["roles"] = {role: list(names) for role, names in found.rig_map.bones.items()}
result["notes"] = list(animate(figure, motion, choose, RetargetOptions(place="filmed", **options), "walk").notes)
roles = {role: names[0] for role, names in found.rig_map.bones.items()}
roles["pelvis"] = "下半身"
for side, ours in zip(sides, ("left", "right")):
    roles |= {f"{ours}_{part}_shown": spelt(side, f"{name}D") for part, name in
              (("hip", "足"), ("knee", "ひざ"), ("ankle", "足首"))}
frames = range(0, len(motion), 7)
result["frames"] = list(frames)
result["heads"] = {role: [] for role in roles}
for frame in frames:
    for role, point in zip(roles, seen(figure, roles.values(), 1 + frame)):
        result["heads"][role].append(point.tolist())
result["moved"] = sorted({curve.data_path.split('"')[1] for curve in curves(figure.animation_data.action)
                          if curve.data_path.endswith("location")})
"""
)


def apart(points: Array) -> Array:
    """Lengths (F,)."""
    lengths: Array = np.linalg.norm(points, axis=-1)
    return lengths


def model(preset: Preset, rig_of: Callable[..., Rig], sides: tuple[str, str]) -> dict[str, Any]:
    """The bones of a model that hang together as MMD's do."""

    def spelt(side: str, name: str) -> str:
        return f"{side}{name}" if sides[0] == "左" else f"{name}.{side}"

    spec = spec_of(rig_of(preset, A_POSE))
    bones = {bone[0]: bone for bone in spec["bones"]}
    hips = bones["下半身"][2]
    centre = bones["センター"]
    centre[2] = [0.0, 0.02, 0.5 * hips[2]]
    for name, parent in (("グルーブ", "センター"), ("腰", "グルーブ")):
        bones[name] = [name, parent, hips, centre[3], 0.05]
    bones["下半身"][1] = bones["上半身"][1] = "腰"
    for side in sides:
        foot, toe, shin, thigh = (bones[spelt(side, name)] for name in ("足首", "つま先", "ひざ", "足"))
        for name, at, parent in (("足ＩＫ", foot, "全ての親"), ("つま先ＩＫ", toe, spelt(side, "足ＩＫ"))):
            bones[spelt(side, name)] = [spelt(side, name), parent, at[2], np.eye(3).tolist(), 0.1]
        above = "下半身"
        for bone in (thigh, shin, foot):
            name = spelt(side, bone[0].strip(".LR左右") + "D")
            bones[name] = [name, above, *bone[2:]]
            above = name
    order = ["全ての親", "センター", "グルーブ", "腰"]
    return {**spec, "bones": [bones[name] for name in [*order, *(name for name in bones if name not in order)]]}


@pytest.mark.parametrize(("family", "sides"), [("mmd", ("L", "R")), ("mmd_original", ("左", "右"))])
def test_a_model_goes_as_the_person(
    in_blender: Callable[..., Any],
    walk: Motion,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
    tmp_path: Path,
    family: str,
    sides: tuple[str, str],
) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    seen = in_blender(MODEL, sides, model(presets[family], rig_of, sides), tmp_path / "walk.motion.npz", {})
    assert seen["family"] == family
    assert all(seen["roles"].get(f"{side}_toe") and seen["roles"].get(f"{side}_thumb_3") for side in ("left", "right"))
    assert seen["roles"]["pelvis"] == ["センター", "下半身"]
    assert not seen["notes"]
    assert set(seen["moved"]) == {"センター", *(f"{s}足ＩＫ" if s in "左右" else f"足ＩＫ.{s}" for s in sides)}
    heads = {role: np.array(points) for role, points in seen["heads"].items()}
    frames = np.array(seen["frames"])
    joint = {name: walk.joint_positions[frames, index] for index, name in enumerate(walk.joint_names)}
    # Nothing is torn: the trunk stands on the pelvis, limbs keep their lengths.
    assert np.ptp(apart(heads["spine"] - heads["pelvis"])) < 1e-3
    for side in ("left", "right"):
        for upper, lower in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
            bone = heads[f"{side}_{lower}"] - heads[f"{side}_{upper}"]
            true = joint[f"{side}_{lower}"] - joint[f"{side}_{upper}"]
            assert np.ptp(apart(bone)) < 1e-3
            cosines = (bone * true).sum(-1) / apart(bone) / apart(true)
            assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < 5, (side, lower)
        for part in ("hip", "knee", "ankle"):
            assert apart(heads[f"{side}_{part}_shown"] - heads[f"{side}_{part}"]).max() < 5e-3


ENGLISH = {"センター": "Center", "グルーブ": "Groove", "腰": "Waist", "下半身": "LowerBody", "上半身": "UpperBody",
           "首": "Neck", "頭": "Head", "肩": "Shoulder", "腕": "Arm", "ひじ": "Elbow", "手首": "Wrist", "足": "Leg",
           "ひざ": "Knee", "足首": "Ankle", "つま先": "Toe", "親指": "ThumbFinger", "人指": "IndexFinger",
           "中指": "MiddleFinger", "薬指": "RingFinger", "小指": "LittleFinger", "足ＩＫ": "LegIK",
           "つま先ＩＫ": "ToeTipIK", "全ての親": "ParentNode"}  # fmt: skip


def test_translated_names_are_read_alike(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    """As mmd_tools translates them; for these there is no preset."""
    bones = model(presets["mmd"], rig_of, ("L", "R"))["bones"]

    def english(name: str) -> str:
        stem, dot, side = name.partition(".")
        number = stem[-1] if stem[-1] in "2０１２３" else ""
        twin = "D" if stem.endswith("D") else ""
        return ENGLISH[stem.removesuffix(number or twin)] + unicodedata.normalize("NFKC", number) + twin + dot + side

    names = [bone[0] for bone in bones]
    points = np.array([bone[2] for bone in bones])
    parents = [names.index(bone[1]) if bone[1] else -1 for bone in bones]
    found = match(make_rig([english(name) for name in names], parents, points, points), presets)
    assert found.family == NAMES
    wanted = {role: tuple(map(english, bones)) for role, bones in presets["mmd"].rig_map(names).bones.items()}
    assert found.rig_map.bones == {role: bones for role, bones in wanted.items() if role != "root"}
