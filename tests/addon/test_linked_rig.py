"""A linked character with a library override, its bone map corrected by hand: here, or in its own file already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.motion import Motion

from .scripts import WITH_PERSON

STRANGE = (
    WITH_PERSON
    + """
from motionlift.addon import rig_map, targets
from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.motion import Motion
folder, motion_file, corrected_there = Path(arguments[0]), Path(arguments[1]), arguments[2]

def strange(name):
    side = {"L": "l", "R": "r"}[name[0]] + "_" if name.startswith(("Left", "Right")) else ""
    name = name.removeprefix("Left").removeprefix("Right").replace("UpLeg", "UpPin").replace("Leg", "Pin")
    return "q" + side + name.replace("Hips", "Zero").replace("Shoulder", "Blob").replace("Arm", "Wing")

roles = {"Zero": "pelvis", "Spine": "spine", "Neck": "neck", "Head": "head"}
parts = {"Blob": "clavicle", "Wing": "shoulder", "ForeWing": "elbow", "Hand": "wrist", "UpPin": "hip", "Pin": "knee",
         "Foot": "ankle", "ToeBase": "toe"}
for part, role in parts.items():
    roles |= {f"{side[0]}_{part}": f"{side}_{role}" for side in ("left", "right")}

def correct(figure, left_out=()):
    bpy.context.view_layer.objects.active = figure
    assert ops.correct_bones() == {"FINISHED"}
    for name, role in roles.items():
        if role not in left_out:
            next(row for row in rig_map.properties_of(figure).rows if row.role == role).bone = "q" + name

def mapped(figure):
    return {role: list(names) for role, names in rig_map.match_of(figure).rig_map.bones.items()}

# The character's own file.
hero = armature(person(strange))
hero.name = "Hero"
collection = bpy.data.collections.new("Character")
scene.collection.children.link(collection)
scene.collection.objects.unlink(hero)
collection.objects.link(hero)
if corrected_there:
    correct(hero, left_out=("left_toe", "right_toe"))
    next(row for row in rig_map.properties_of(hero).rows if row.role == "head").bone = "qNeck"
result["there"] = len(rig_map.properties_of(hero).rows)
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "hero.blend"))

# The shot.
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
scene = bpy.context.scene
with bpy.data.libraries.load(str(folder / "hero.blend"), link=True) as (there, here):
    here.collections = ["Character"]
(collection,) = here.collections
holder = bpy.data.objects.new("Character", None)
holder.instance_type, holder.instance_collection = "COLLECTION", collection
scene.collection.objects.link(holder)
collection.override_hierarchy_create(scene, bpy.context.view_layer, reference=holder, do_fully_editable=True)
find = lambda: next(item for item in bpy.context.scene.objects if item.type == "ARMATURE")
figure = find()
bpy.context.view_layer.objects.active = figure
result["override"] = [figure.override_library is not None, figure.library is None]
result["before"] = [targets.target_trouble("ACTIVE", figure), len(rig_map.properties_of(figure).rows)]
if corrected_there:
    for role in ("left_toe", "right_toe"):
        row = next(row for row in rig_map.properties_of(figure).rows if row.role == role)
        row.bone = "q" + role[0] + "_ToeBase"
    next(row for row in rig_map.properties_of(figure).rows if row.role == "head").bone = "qHead"
else:
    correct(figure)
result["trouble"] = targets.target_trouble("ACTIVE", figure)
result["map"] = mapped(figure)
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
figure = find()
bpy.context.view_layer.objects.active = figure
result["reopened"] = [mapped(figure) == result["map"], len(rig_map.properties_of(figure).rows),
                      targets.target_words("ACTIVE", figure)]

# A take onto it, kept with the file.
motion = evenly_sampled(Motion.load(motion_file), 24.0)
rig = targets.target_named("ACTIVE", figure.name)
rig.write(bpy.context, motion, "take")
bpy.context.scene.frame_set(10)
result["keyed"] = [figure.animation_data.action.name, len(curves_of(figure.animation_data.action))]
result["moves"] = list(figure.pose.bones["ql_Wing"].matrix_basis.to_quaternion())
# The test pose, which is kept on the object, there and back.
result["test"] = [sorted(ops.test_pose()), bool(rig_map.properties_of(figure).test_pose), sorted(ops.test_pose())]
bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
figure = find()
bpy.context.view_layer.objects.active = figure
bpy.context.scene.frame_set(10)
result["moves_again"] = list(figure.pose.bones["ql_Wing"].matrix_basis.to_quaternion())
result["again"] = mapped(figure) == result["map"]

# Forgotten here, for good.
result["forgotten"] = sorted(ops.forget_corrections())
result["rows"] = len(rig_map.properties_of(figure).said())
bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
figure = find()
result["rows_again"] = len(rig_map.properties_of(figure).said())
result["trouble_again"] = targets.target_trouble("ACTIVE", figure)
"""
)


@pytest.mark.parametrize("corrected_there", [False, True])
def test_a_map_corrected_on_an_override(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], tmp_path: Path, corrected_there: bool
) -> None:
    path = tmp_path / "walk.motion.npz"
    make_motion(frames=24, swing=0.5).save(path)
    seen = in_blender(STRANGE, tmp_path, path, corrected_there)
    assert seen["override"] == [True, True]
    assert seen["trouble"] == ""
    assert seen["map"]["head"] == ["qHead"]
    assert seen["map"]["left_toe"] == ["ql_ToeBase"]
    same, rows, words = seen["reopened"]
    assert same
    assert "corrected" in words
    assert seen["keyed"][0] == "take"
    assert seen["keyed"][1] > 60
    assert seen["moves"] == pytest.approx(seen["moves_again"], abs=1e-5)
    assert abs(seen["moves"][0]) < 0.9999
    assert seen["test"] == [["FINISHED"], True, ["FINISHED"]]
    assert seen["again"]
    assert rows > 15
    # Forgotten in the shot, it stays forgotten, whatever the character's own file says.
    assert seen["forgotten"] == ["FINISHED"]
    assert (seen["rows"], seen["rows_again"]) == (0, 0)
    assert "no bone found" in seen["trouble_again"]
