"""The extension in a real Blender: it registers twice, imports motions, and checks the engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.core.hand_skeleton import HIGHEST, LOWEST
from motionlift.core.motion import Motion, resample
from motionlift.core.rotation import Array, rotate
from motionlift.core.solving.fingers import append_fingers

InBlender = Callable[..., Any]
MotionMaker = Callable[..., Motion]
SAMPLE = Path(__file__).resolve().parents[2] / "samples/walk_wave_squat.truth.motion.npz"

SCENE = """
def state():
    scene = bpy.context.scene
    return {
        "fps": scene.render.fps / scene.render.fps_base,
        "range": [scene.frame_start, scene.frame_end, scene.frame_current],
        "selected": sorted(o.name for o in bpy.context.selected_objects),
        "active": bpy.context.view_layer.objects.active and bpy.context.view_layer.objects.active.name,
        "mode": bpy.context.mode,
        "objects": {o.name: [v for row in o.matrix_world for v in row] for o in scene.objects},
        "data": {kind: sorted(getattr(bpy.data, kind).keys())
                 for kind in ("objects", "armatures", "actions", "meshes", "collections", "scenes")},
    }

def ends(figure, frames, end):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        found.append({b.name: list(figure.matrix_world @ getattr(b, end)) for b in figure.pose.bones})
    return found

def refusal(operator, **options):
    try:
        operator(**options)
    except RuntimeError as error:
        return str(error)
"""

REGISTER = """
import motionlift

def entries():
    menu = bpy.types.TOPBAR_MT_file_import
    return sum("motionlift" in draw.__module__ for draw in menu._dyn_ui_initialize())

def known():
    return [hasattr(bpy.types, "MOTIONLIFT_OT_" + name) for name in ("check_engine", "import_motion")]

result["steps"] = []
for step in (motionlift.register, motionlift.register, motionlift.unregister, motionlift.unregister,
             motionlift.register, motionlift.unregister):
    step()
    result["steps"].append([entries(), *known()])
"""

IMPORT = (
    SCENE
    + """
import atexit
import motionlift
motionlift.register()
atexit.register(motionlift.unregister)
path, fps, probes = arguments
scene = bpy.context.scene
scene.render.fps, scene.render.fps_base = round(fps), round(fps) / fps
scene.frame_start, scene.frame_end, scene.frame_current = 11, 20, 13
away = bpy.data.collections.new("Away")
scene.collection.children.link(away)
bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection.children["Away"]
for name in ("Hero", "Stone"):
    thing = bpy.data.objects.new(name, None)
    scene.collection.objects.link(thing)
    thing.location.x = 3
    thing.select_set(name == "Stone")
bpy.context.view_layer.objects.active = bpy.data.objects["Hero"]
bpy.context.view_layer.update()
result["before"] = state()
bpy.ops.motionlift.import_motion(filepath=path)
result["after"] = state()
name = (set(result["after"]["data"]["objects"]) - set(result["before"]["data"]["objects"])).pop()
figure = bpy.data.objects[name]
action = figure.animation_data.action
result["name"], result["armature"], result["action"] = name, figure.data.name, action.name
result["action_range"], result["fake_user"] = list(action.frame_range), action.use_fake_user
result["collections"] = [c.name for c in figure.users_collection]
result["rest"] = {b.name: [list(b.head_local), list(b.tail_local)] for b in figure.data.bones}
result["parents"] = {b.name: b.parent and b.parent.name for b in figure.data.bones}
curves = action.layers[0].strips[0].channelbags[0].fcurves if hasattr(action, "layers") else action.fcurves
result["curves"] = len(curves)
result["kinds"] = sorted({(k.interpolation, k.type) for c in curves for k in c.keyframe_points})
result["keys"] = sorted({tuple(k.co[0] for k in c.keyframe_points) for c in curves})
result["heads"], result["tails"] = [ends(figure, [11 + p for p in probes], end) for end in ("head", "tail")]
result["bend"] = list(figure.data.bones["left_knee"].x_axis)
bpy.ops.motionlift.import_motion(filepath=path)
result["second"] = sorted(set(bpy.data.actions.keys()))
"""
)


def _positions(frames: list[dict[str, list[float]]], motion: Motion) -> Array:
    return np.array([[frame[name] for name in motion.joint_names] for frame in frames])


def test_registering_twice_in_a_row_changes_nothing(in_blender: InBlender) -> None:
    steps = in_blender(REGISTER)["steps"]
    there, gone = [1, True, True], [0, False, False]
    assert steps == [there, there, gone, gone, there, gone]


def test_the_sample_moves_as_it_was_lifted(in_blender: InBlender) -> None:
    motion = Motion.load(SAMPLE)
    probes = [0, 1, len(motion) // 3, len(motion) // 2, len(motion) - 1]
    seen = in_blender(IMPORT, SAMPLE, motion.fps, probes)
    # Blender stores single precision; the tolerance is a tenth of a millimetre.
    np.testing.assert_allclose(_positions(seen["heads"], motion), motion.joint_positions[probes], atol=1e-4)
    names = dict(enumerate(motion.joint_names))
    assert seen["parents"] == {
        name: names.get(int(parent)) for name, parent in zip(motion.joint_names, motion.parents, strict=True)
    }
    spans = np.array([np.subtract(*seen["rest"][name][::-1]) for name in motion.joint_names])
    np.testing.assert_allclose(spans, motion.rest_tails, atol=1e-5)
    np.testing.assert_allclose(seen["rest"]["pelvis"][0], motion.rest_offsets[0], atol=1e-6)
    assert abs(seen["bend"][0]) > 0.99


def test_fingers_move_as_they_were_lifted(in_blender: InBlender, make_motion: MotionMaker, tmp_path: Path) -> None:
    motion = make_motion(frames=30)
    share = 0.5 - 0.5 * np.cos(5 * motion.times)[:, None, None, None]
    angles = np.repeat(LOWEST + share * (HIGHEST - LOWEST), 2, 1)
    motion = append_fingers(motion, angles, np.ones((30, 2)))
    motion.save(tmp_path / "hands.motion.npz")
    seen = in_blender(IMPORT, tmp_path / "hands.motion.npz", motion.fps, [0, 14, 29])
    np.testing.assert_allclose(_positions(seen["heads"], motion), motion.joint_positions[[0, 14, 29]], atol=1e-4)
    assert seen["parents"]["left_index_2"] == "left_index_1"
    assert seen["parents"]["right_thumb_1"] == "right_wrist"
    spans = np.array([np.subtract(*seen["rest"][name][::-1]) for name in motion.joint_names])
    np.testing.assert_allclose(spans, motion.rest_tails, atol=1e-5)


def test_the_action_is_clean_and_the_rest_of_the_scene_as_it_was(in_blender: InBlender) -> None:
    motion = Motion.load(SAMPLE)
    seen = in_blender(IMPORT, SAMPLE, motion.fps, [0])
    before, after = seen["before"], seen["after"]
    for key in ("fps", "range", "selected", "active", "mode"):
        assert after[key] == before[key], key
    assert {name: after["objects"][name] for name in before["objects"]} == before["objects"]
    new = {kind: sorted(set(after["data"][kind]) - set(before["data"][kind])) for kind in before["data"]}
    name = "walk_wave_squat.truth"
    assert new == {
        "objects": [name],
        "armatures": [name],
        "actions": [name],
        "meshes": [],
        "collections": [],
        "scenes": [],
    }
    assert seen["name"] == seen["armature"] == seen["action"] == name
    assert seen["collections"] == ["Away"]
    assert seen["fake_user"]
    assert seen["action_range"] == [11, 10 + len(motion)]
    assert seen["curves"] == 3 + 4 * len(motion.joint_names)
    assert [kind[0] for kind in seen["kinds"]] == ["LINEAR"]
    assert seen["keys"] == [[11.0 + i for i in range(len(motion))]]
    assert seen["second"] == [name, f"{name}_t02"]


def test_other_rates_are_resampled_to_the_scene(
    in_blender: InBlender, tmp_path: Path, make_motion: MotionMaker
) -> None:
    motion = make_motion(frames=31, fps=30.0)
    path = tmp_path / "läufer.motion.npz"
    motion.save(path)
    slower = resample(motion, 24.0)
    seen = in_blender(IMPORT, path, 24.0, [0, 7, len(slower) - 1])
    assert seen["keys"] == [[11.0 + i for i in range(len(slower))]]
    expected = slower.joint_positions[[0, 7, len(slower) - 1]]
    np.testing.assert_allclose(_positions(seen["heads"], motion), expected, atol=1e-4)
    tips = slower.joint_positions + rotate(slower.world_rotations(), slower.rest_tails)
    seen_tips = _positions(seen["tails"], motion)
    np.testing.assert_allclose(seen_tips, tips[[0, 7, len(slower) - 1]], atol=1e-4)


REFUSALS = (
    SCENE
    + """
import atexit
import motionlift
motionlift.register()
atexit.register(motionlift.unregister)
path, missing = arguments
before = state()
ops = bpy.ops.motionlift
result["not_ours"] = refusal(ops.import_motion, filepath=path)
result["missing"] = refusal(ops.import_motion, filepath=missing)
thing = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
bpy.context.scene.collection.objects.link(thing)
bpy.context.view_layer.objects.active = thing
bpy.ops.object.mode_set(mode="EDIT")
result["mode"] = refusal(ops.import_motion, filepath=path)
bpy.ops.object.mode_set(mode="OBJECT")
bpy.data.objects.remove(thing)
bpy.data.armatures.remove(bpy.data.armatures["Rig"])
result["unchanged"] = before["data"] == state()["data"]
result["no_engine"] = refusal(ops.check_engine)
"""
)


def test_what_cannot_be_imported_is_refused_in_words(in_blender: InBlender, tmp_path: Path) -> None:
    path = tmp_path / "notes.motion.npz"
    path.write_text("not a motion")
    seen = in_blender(REFUSALS, path, tmp_path / "gone.motion.npz")
    assert "Not a motion file of ours" in seen["not_ours"]
    assert "There is no file" in seen["missing"]
    assert "Object Mode" in seen["mode"]
    assert "preferences" in seen["no_engine"]
    assert seen["unchanged"]


FAILING = (
    SCENE
    + """
import atexit
import motionlift
from motionlift.bridge.blender import drafts
motionlift.register()
atexit.register(motionlift.unregister)
before = state()
def fail(*_):
    raise RuntimeError("the disk is full")
drafts.write_curves = fail
result["error"] = refusal(bpy.ops.motionlift.import_motion, filepath=arguments[0])
after = state()
result["unchanged"] = before == after
"""
)


def test_a_failure_halfway_leaves_nothing(in_blender: InBlender) -> None:
    seen = in_blender(FAILING, SAMPLE)
    assert "the disk is full" in seen["error"]
    assert seen["unchanged"]


INSTALL = (
    SCENE
    + """
from bl_pkg import bl_extension_cli
import pathlib
package, sample, fps, python, wrong, nothing, whole = arguments
result["installed"] = bl_extension_cli.cli_extension_handler(["install-file", "-r", "user_default", "-e", package])
result["packages"] = [name for name in bpy.context.preferences.addons.keys() if name.endswith("motionlift")]
bpy.context.scene.render.fps = round(fps)
bpy.ops.motionlift.import_motion(filepath=sample)
result["heads"] = ends(bpy.data.objects["walk_wave_squat.truth"], [1, 51], "head")
preferences = bpy.context.preferences.addons[result["packages"][0]].preferences
preferences.engine_python = python
if whole:
    result["worker"] = list(bpy.ops.motionlift.check_engine())
    from bl_ext.user_default.motionlift.addon.preferences import engine_state, engine_folder
    result["state"] = engine_state.remembered(pathlib.Path(python), engine_folder()).lines(10**9)
preferences.engine_python = wrong
result["refused"] = refusal(bpy.ops.motionlift.check_engine)
preferences.engine_python = nothing
result["incapable"] = refusal(bpy.ops.motionlift.check_engine)
user = pathlib.Path(bpy.utils.resource_path("USER"))
result["engine_folder"] = [str(found.relative_to(user)) for found in user.rglob("engine/motionlift/__init__.py")]
"""
)


def test_the_installed_extension_works(in_blender: InBlender, extension_zip: Path, tmp_path: Path) -> None:
    motion = Motion.load(SAMPLE)
    nothing = tmp_path / "python"
    nothing.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('No module named numpy')\n")
    nothing.chmod(0o755)
    # Not every Python that Blender's versions are tried with has the engine.
    whole = all(map(find_spec, ("av", "mediapipe", "torch", "typer")))
    seen = in_blender(INSTALL, extension_zip, SAMPLE, motion.fps, sys.executable, "/no/such/python", nothing, whole)
    assert seen["installed"] == 0
    assert seen["packages"] == ["bl_ext.user_default.motionlift"]
    np.testing.assert_allclose(_positions(seen["heads"], motion), motion.joint_positions[[0, 50]], atol=1e-4)
    if whole:
        assert seen["worker"] == ["FINISHED"]
        state = dict(seen["state"])
        assert "torch" in state["Versions"]
        assert "cpu" in state["Computes on"]
    assert f"{Path('/no/such/python')} does not start" in seen["refused"]
    # Windows starts no scripts.
    assert ("does not run the video engine" if os.name == "posix" else "does not start") in seen["incapable"]
    assert "No module named numpy" in seen["incapable"]
    assert seen["engine_folder"] == ["extensions/.user/user_default/motionlift/engine/motionlift/__init__.py"]


def test_a_user_folder_that_cannot_be_made_is_not_the_one_that_blender_happens_to_be_in(in_blender: InBlender) -> None:
    found = in_blender(
        """
import os
from pathlib import Path
from motionlift.bridge.blender.versions import user_folder
user = Path(os.environ["BLENDER_USER_RESOURCES"])
(user / "datafiles").write_text("in the way")
(user / "extensions").mkdir(exist_ok=True)
(user / "extensions/.user").write_text("in the way")
result["places"] = [
    user_folder(package, "engine").is_relative_to(user) for package in ("motionlift", "bl_ext.user_default.motionlift")
]
"""
    )
    assert found["places"] == [True, True]
