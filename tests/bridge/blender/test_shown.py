"""Exporting what a control rig shows from a scene that is worked in: afterwards nothing is different."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion, resample

from .test_actions import PRELUDE

SHOWN = (
    PRELUDE
    + """
from motionlift.bridge.blender import nla
from motionlift.bridge.blender.shown import export_shown
folder = Path(arguments[1])
bpy.ops.wm.open_mainfile(filepath=arguments[2])
scene = bpy.context.scene
figure = bpy.data.objects["rig"]
motion = Motion.load(Path(arguments[0]))
scene.frame_start, scene.render.fps = 5, 6
animate(figure, motion, choose, RetargetOptions(), "walk")
action = figure.animation_data.action
mesh = bpy.data.meshes.new("Body")
mesh.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [(0, 1, 2)])
body = bpy.data.objects.new("Body", mesh)
scene.collection.objects.link(body)
body.parent = figure
body.modifiers.new("Armature", "ARMATURE").object = figure
hat = bpy.data.objects.new("Hat", mesh)
scene.collection.objects.link(hat)
hat.parent, hat.parent_type, hat.parent_bone = figure, "BONE", "head"
for item in scene.objects:
    item.select_set(item == body)
bpy.context.view_layer.objects.active = figure
figure.select_set(True)
bpy.ops.object.mode_set(mode="POSE")
scene.frame_set(9)

def state():
    animation = figure.animation_data
    return [scene.name, scene.frame_start, scene.frame_end, scene.frame_current, bpy.context.mode, figure.mode,
            sorted(o.name for o in scene.objects if o.select_get()), bpy.context.view_layer.objects.active.name,
            {kind: sorted(getattr(bpy.data, kind).keys()) for kind in ("objects", "armatures", "actions", "meshes")},
             [body.parent.name, body.modifiers[0].object.name, figure.data.name, figure.data.pose_position],
             [hat.parent.name, hat.parent_type, hat.parent_bone, [list(row) for row in hat.matrix_world]],
            animation.action and animation.action.name,
            [[strip.name, strip.action.name, strip.mute] for track in animation.nla_tracks for strip in track.strips]]

before = state()
for kind in ("fbx", "bvh"):
    export_shown(figure, action, folder / f"walk.{kind}", controls=True)
result["same"] = [state() == before]
# The same as a strip, of a rig in Rest Position.
bpy.ops.object.mode_set(mode="OBJECT")
push_to_nla(figure)
result["played"] = [item.name for item in nla.played_actions(figure)]
figure.data.pose_position = "REST"
before = state()
export_shown(figure, action, folder / "strip.bvh", controls=True)
result["same"].append(state() == before)
# And where it fails.
try:
    export_shown(figure, action, folder / "walk.xyz", controls=True)
except MotionLiftError as error:
    result["refused"] = error.code
for bone in figure.data.bones:
    bone.use_deform = False
before = state()
try:
    export_shown(figure, action, folder / "none.fbx", controls=True)
except MotionLiftError as error:
    result["no_deform"] = error.code
result["same"].append(state() == before)
result["left"] = sorted(path.name for path in folder.iterdir() if "motionlift" in path.name)
# The exported skeleton is plain.
result["bvh"] = (folder / "walk.bvh").read_text() == (folder / "strip.bvh").read_text()
result["joints"] = [line.strip() for line in (folder / "walk.bvh").read_text().splitlines()
                    if line.strip().startswith(("ROOT", "JOINT"))]
result["told"] = next(line for line in (folder / "walk.bvh").read_text().splitlines() if line.startswith("Frames:"))
"""
)


def test_a_control_rig_goes_out_as_its_skeleton_and_stays_as_it_is(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, rigify_file: Path
) -> None:
    short = resample(walk, 6.0)
    short.save(tmp_path / "walk.motion.npz")
    seen = in_blender(SHOWN, tmp_path / "walk.motion.npz", tmp_path, rigify_file)
    assert seen["same"] == [True, True, True]
    assert seen["played"] == ["walk"]
    assert seen["refused"] == "unknown_suffix"
    assert seen["no_deform"] == "no_deform_bones"
    assert seen["left"] == []
    joints = [line.split()[1] for line in seen["joints"]]
    assert len(joints) == 161
    assert all(name.startswith("DEF-") or name in ("root", "head") for name in joints)
    assert (tmp_path / "walk.fbx").stat().st_size > 10_000
    assert seen["bvh"]
    assert seen["told"].split()[1] == str(len(short))
