"""Keys on armatures as Blender evaluates them: every family's names, rotation modes, Actions, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion
from motionlift.core.rotation import to_matrix

from ..conftest import A_POSE, Build

PRELUDE = """
import bpy, numpy as np
from mathutils import Matrix
from pathlib import Path
from motionlift.core.motion import Motion
from motionlift.core.jobs import MotionLiftError
from motionlift.bridge.match import match
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import pose_rig
from motionlift.bridge.blender.actions import apply_keys, push_to_nla
from motionlift.bridge.blender.export import animate
from motionlift.bridge.blender.handiwork import fingerprint, is_as_written
from motionlift.bridge.blender.rigs import read_rig
from motionlift.bridge.blender import versions

presets = load_presets()
choose = lambda rig: match(rig, presets)
scene = bpy.context.scene
scene.render.fps = 30

def make_rig(spec, name="Hero"):
    armature = bpy.data.armatures.new(name)
    figure = bpy.data.objects.new(name, armature)
    bpy.context.collection.objects.link(figure)
    bpy.context.view_layer.objects.active = figure
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, parent, head, rotation, length in spec["bones"]:
        made = armature.edit_bones.new(bone)
        made.length = length
        matrix = Matrix(rotation).to_4x4()
        matrix.translation = head
        made.matrix = matrix
        made.parent = armature.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    figure.matrix_world = Matrix(spec["world"])
    bpy.context.view_layer.update()
    return figure

def seen(figure, names, frame):
    scene.frame_set(frame)
    posed = figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([posed[name].matrix.translation for name in names])

def curves(action):
    return [curve for owner in versions.curve_owners(action) for curve in owner.fcurves]
"""


def spec_of(rig: Rig) -> dict[str, Any]:
    """A rig as JSON that the scripts make an armature of."""
    lengths = np.maximum(np.linalg.norm(rig.tails - rig.heads, axis=-1), 0.01 / rig.world_scale)
    return {
        "world": rig.world.tolist(),
        "bones": [
            [name, rig.names[parent] if parent >= 0 else "", head.tolist(), to_matrix(rotation).tolist(), float(length)]
            for name, parent, head, rotation, length in zip(
                rig.names, rig.parents, rig.heads, rig.rotations, lengths, strict=True
            )
        ],
    }


@pytest.fixture
def short_walk(walk: Motion, tmp_path: Path) -> Path:
    path = tmp_path / "walk.motion.npz"
    walk.save(path)
    return path


def test_blender_poses_what_we_keyed(
    in_blender: Callable[..., Any], short_walk: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Heads in Blender's evaluated pose against our own forward kinematics, on turned, scaled and oddly rolled rigs,
    with every rotation mode and locks."""
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
modes = ["QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE"]
for family, spec in arguments[1].items():
    figure = make_rig(spec, family)
    for number, bone in enumerate(figure.pose.bones):
        bone.rotation_mode = modes[number % len(modes)]
        bone.lock_rotation = [(number + axis) % 7 < 2 for axis in range(3)]
    rig = read_rig(figure)
    found = choose(rig)
    done = retarget(motion, rig, found.rig_map)
    apply_keys(figure, done, family, 1)
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(motion))
    worst = max(
        np.abs(seen(figure, done.rig.names, 1 + frame) - heads[frame]).max() for frame in range(0, 300, 23)
    )
    result[family] = [found.family, float(worst) * rig.world_scale]
"""
    )
    builds = {"mixamo": A_POSE, "unreal": Build(1, turned=True), "makehuman": Build(2, any_axes=True),
              "daz_genesis_8": Build(3, turned=True, any_axes=True), "vrm": Build(4, legs=0.7)}  # fmt: skip
    specs = {family: spec_of(rig_of(presets[family], build)) for family, build in builds.items()}
    for family, (found, metres) in in_blender(script, short_walk, specs).items():
        assert found == family
        assert metres < 1e-4, family


def test_location_axes(
    in_blender: Callable[..., Any], short_walk: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Bones that do not inherit rotation, and whose locations are not in their own axes."""
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
for local, inherits in [(True, True), (False, True), (True, False), (False, False)]:
    figure = make_rig(arguments[1], f"Hero{local}{inherits}")
    figure.data.bones["pelvis"].use_local_location = local
    figure.data.bones["pelvis"].use_inherit_rotation = inherits
    figure.data.bones["head"].use_inherit_rotation = inherits
    done = retarget(motion, read_rig(figure), choose(read_rig(figure)).rig_map, RetargetOptions(travel="root"))
    apply_keys(figure, done, "walk", 1)
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(motion))
    worst = max(np.abs(seen(figure, done.rig.names, 1 + f) - heads[f]).max() for f in range(0, 300, 37))
    result[f"{local} {inherits}"] = float(worst)
"""
    )
    result = in_blender(script, short_walk, spec_of(rig_of(presets["unreal"], Build(6))))
    assert max(result.values()) < 1e-4, result


def test_actions(
    in_blender: Callable[..., Any], short_walk: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
scene.frame_start, scene.frame_end = 101, 110
scene.frame_set(105)
# What the animator had: a finger, an arm, and a property of the object.
idle = bpy.data.actions.new("idle")
old = versions.assign_action(figure, idle)
for path, index in [('pose.bones["LeftHandIndex1"].rotation_quaternion', 1), ("hide_render", 0),
                    ('pose.bones["LeftArm"].rotation_euler', 0), ('pose.bones["LeftArm"].rotation_quaternion', 2)]:
    curve = old.fcurves.new(path, index=index)
    curve.keyframe_points.add(2)
    curve.keyframe_points.foreach_set("co", [1, 0.25, 20, 0.5])
figure.select_set(False)
first = animate(figure, motion, choose, RetargetOptions(), "walk")
action = figure.animation_data.action
result["name"] = [first.action, action.name, first.frames, list(action.frame_range)]
result["scene"] = [scene.frame_start, scene.frame_end, scene.frame_current, figure.mode, figure.select_get(),
                   scene.render.fps]
paths = {curve.data_path: curve for curve in curves(action)}
result["carried"] = [paths[path].keyframe_points[1].co[1] for path in (
    'pose.bones["LeftHandIndex1"].rotation_quaternion', "hide_render") if path in paths]
result["gone"] = [path for path in paths if path.endswith('["LeftArm"].rotation_euler')]
result["idle"] = [idle.use_fake_user, len(curves(idle)), action.use_fake_user]
result["slot"] = not hasattr(action, "slots") or figure.animation_data.action_slot is not None
located = sorted(path for path in paths if path.endswith("location"))
keys = paths['pose.bones["Hips"].location'].keyframe_points
group = paths['pose.bones["Hips"].location'].group.name
result["keys"] = [located, len(keys), keys[5].interpolation, keys[5].type, group]
result["scale"] = [path for path in paths if path.endswith("scale")]
result["as_written"] = is_as_written(action)
# Again: another take, unless what is there may be replaced and nobody has touched it.
result["second"] = animate(figure, motion, choose, RetargetOptions(), "walk").action
figure.animation_data.action = None
result["again"] = animate(figure, motion, choose, RetargetOptions(), "walk", True).action
curves(bpy.data.actions["walk"])[3].keyframe_points[7].co[1] += 0.125
result["touched"] = is_as_written(bpy.data.actions["walk"])
result["kept"] = animate(figure, motion, choose, RetargetOptions(), "walk", True).action
strip = push_to_nla(figure)
result["strip"] = [strip.name, strip.frame_start, figure.animation_data.action is None]
before = seen(figure, ["Hips"], 150)[0]
result["plays"] = float(abs(before - np.array(figure.data.bones["Hips"].head_local)).max())
"""
    )
    result = in_blender(script, short_walk, spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert result["name"] == ["walk", "walk", 300, [101, 400]]
    assert result["scene"] == [101, 400, 105, "OBJECT", False, 30]
    assert result["carried"] == [0.5, 0.5]
    assert result["gone"] == []
    assert result["idle"] == [True, 4, True]
    assert result["slot"]
    assert result["keys"] == [['pose.bones["Hips"].location'], 300, "LINEAR", "GENERATED", "Hips"]
    assert result["scale"] == []
    assert result["as_written"]
    assert not result["touched"]
    assert (result["second"], result["again"], result["kept"]) == ("walk_t02", "walk", "walk_t03")
    assert result["strip"] == ["walk_t03", 101, True]
    assert result["plays"] > 0.3


def test_locks_rates_and_refusals(
    in_blender: Callable[..., Any], short_walk: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
figure.pose.bones["Head"].lock_rotation = (True, True, True)
figure.pose.bones["LeftLeg"].rotation_mode = "XYZ"
figure.pose.bones["LeftLeg"].lock_rotation = (False, True, False)
figure.pose.bones["Hips"].lock_location = (True, False, False)
figure.lock_location = (False, False, True)
figure.pose.bones["RightArm"].constraints.new("COPY_ROTATION").target = bpy.data.objects.new("Lead", None)
scene.render.fps, scene.render.fps_base = 24, 1
done = animate(figure, motion, choose, RetargetOptions(), "walk")
action = figure.animation_data.action
found = sorted((curve.data_path, curve.array_index) for curve in curves(action))
result["found"] = [item for item in found if any(word in item[0] for word in ('"Head"', '"LeftLeg"', "location"))]
result["frames"] = done.frames
result["notes"] = done.notes
result["object"] = animate(figure, motion, choose, RetargetOptions(travel="object"), "walk").notes

def code(change):
    before = (len(bpy.data.actions), figure.animation_data.action.name, scene.frame_end)
    try:
        change()
        animate(figure, motion, choose, RetargetOptions(), "walk")
        return "nothing"
    except MotionLiftError as error:
        assert (len(bpy.data.actions), figure.animation_data.action.name, scene.frame_end) == before
        return error.code

def edit():
    bpy.context.view_layer.objects.active = figure
    bpy.ops.object.mode_set(mode="EDIT")
result["edit"] = code(edit)
bpy.ops.object.mode_set(mode="OBJECT")
result["negative"] = code(lambda: setattr(figure, "scale", (-1, 1, 1)) or bpy.context.view_layer.update())
figure.scale = (1, 1, 1)
bpy.context.view_layer.update()
result["names"] = code(lambda: [setattr(b, "name", f"qx{i}") for i, b in enumerate(figure.data.bones)])
try:
    read_rig(bpy.data.objects.new("Empty", None))
except MotionLiftError as error:
    result["empty"] = error.code
"""
    )
    result = in_blender(script, short_walk, spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert result["found"] == [
        ['pose.bones["Hips"].location', 1],
        ['pose.bones["Hips"].location', 2],
        ['pose.bones["LeftLeg"].rotation_euler', 0],
        ['pose.bones["LeftLeg"].rotation_euler', 2],
    ]
    assert result["frames"] == 240
    assert any("RightArm (Copy Rotation)" in note for note in result["notes"])
    hips, hero = (f"Location {axis} of {name} is locked" for axis, name in (("X", "Hips"), ("Z", "Hero")))
    assert [sum(hips in note or hero in note for note in result[name]) for name in ("notes", "object")] == [1, 2]
    assert [result[name] for name in ("edit", "negative", "names", "empty")] == [
        "edit_mode", "negative_scale", "not_humanoid", "no_armature",
    ]  # fmt: skip


def test_keying_is_fast(
    in_blender: Callable[..., Any], short_walk: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Ten thousand frames on a rig of Unreal's bones."""
    script = (
        PRELUDE
        + """
import dataclasses, time
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
done = retarget(motion, read_rig(figure), choose(read_rig(figure)).rig_map)
many = np.resize(np.arange(300), 10000)
long = dataclasses.replace(
    done, times=np.arange(10000) / 30, rotations={bone: values[many] for bone, values in done.rotations.items()},
    locations={bone: values[many] for bone, values in done.locations.items()})
began = time.monotonic()
apply_keys(figure, long, "long", 1)
result = [time.monotonic() - began, sum(len(curve.keyframe_points) for curve in curves(figure.animation_data.action))]
"""
    )
    seconds, keys = in_blender(script, short_walk, spec_of(rig_of(presets["makehuman"], A_POSE)))
    assert keys > 1_000_000
    assert seconds < 4


def test_reduced_keys_play_the_same(
    in_blender: Callable[..., Any], short_walk: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Wrists and ankles within 2 mm in Blender's pose, with a fraction of the keys."""
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
names = ["LeftHand", "RightHand", "LeftFoot", "RightFoot"]
poses, counts = [], []
for reduce in (False, True):
    animate(figure, motion, choose, RetargetOptions(), "walk", reduce=reduce)
    poses.append([seen(figure, names, 1 + frame) for frame in range(0, 300, 7)])
    counts.append(sum(len(curve.keyframe_points) for curve in curves(figure.animation_data.action)))
kinds = {key.interpolation for curve in curves(figure.animation_data.action) for key in curve.keyframe_points}
result = [float(np.linalg.norm(np.array(poses[0]) - poses[1], axis=-1).max()), counts, sorted(kinds)]
"""
    )
    worst, counts, kinds = in_blender(script, short_walk, spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert worst < 0.0021
    assert counts[1] < 0.4 * counts[0]
    assert kinds == ["BEZIER"]
