"""*Keep my edits*: what an animator changed in one take is there in the next, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

EDITS = (
    PRELUDE
    + """
from mathutils import Euler, Quaternion
from motionlift.bridge.blender.edits import hand_edits

motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
scene.frame_start = 11

def curve_of(path, index=0):
    (found,) = [c for c in curves(figure.animation_data.action) if c.data_path == path and c.array_index == index]
    return found

def bone_path(bone, name):
    return f'pose.bones["{bone}"].{name}'

def poses(bones, frames):
    out = []
    for frame in frames:
        scene.frame_set(frame)
        posed = figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        out.append([np.array(posed[b].matrix_basis) for b in bones])
    return np.array(out)

def take(**options):
    return animate(figure, motion, choose, RetargetOptions(), "walk", **options).action

def current_edits():
    return hand_edits(figure.animation_data.action)
"""
)


@pytest.fixture
def edited(
    in_blender: Callable[..., Any],
    walk: Motion,
    tmp_path: Path,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
) -> Callable[..., Any]:
    """A function that runs a script with a rig and a take to put on it."""
    path = tmp_path / "walk.motion.npz"
    walk.save(path)
    return lambda script: in_blender(EDITS + script, path, spec_of(rig_of(presets["mixamo"], A_POSE)))


def test_edits_are_found_and_kept(edited: Callable[..., Any]) -> None:
    """A turned arm, a raised hip, Euler angles with a locked axis, a key set to nothing, a deleted curve."""
    result = edited("""
figure.pose.bones["LeftLeg"].rotation_mode = "XYZ"
figure.pose.bones["RightLeg"].rotation_mode = "AXIS_ANGLE"
figure.pose.bones["Head"].rotation_mode = "ZYX"
figure.pose.bones["Head"].lock_rotation = (False, True, False)
bones, frames = ["LeftArm", "LeftLeg", "RightLeg", "Head", "Hips", "RightArm", "Neck"], [11, 40, 61, 64, 100, 310]
take()
clean = poses(bones, frames)
result["as written"] = [bool(current_edits()), is_as_written(figure.animation_data.action)]
arm = bone_path("LeftArm", "rotation_quaternion")
turn = Quaternion((0, 0, 1), 0.5)
for key in range(45, 60):
    points = [curve_of(arm, index).keyframe_points[key] for index in range(4)]
    for point, value in zip(points, Quaternion([p.co[1] for p in points]) @ turn):
        point.co[1] = value
for point in curve_of(bone_path("LeftLeg", "rotation_euler"), 0).keyframe_points:
    point.co[1] += 0.3
for point in curve_of(bone_path("RightLeg", "rotation_axis_angle"), 0).keyframe_points[20:40]:
    point.co[1] += 0.2
for point in curve_of(bone_path("Head", "rotation_euler"), 0).keyframe_points:
    point.co[1] += 0.25
for point in curve_of(bone_path("Hips", "location"), 1).keyframe_points[10:60]:
    point.co[1] += 0.05
for curve in [c for c in curves(figure.animation_data.action) if '"Neck"' in c.data_path]:
    for owner in versions.curve_owners(figure.animation_data.action):
        owner.fcurves.remove(curve)
by_hand = poses(bones, frames)
edits = current_edits()
result["paths"] = edits.paths()
result["touched"] = not is_as_written(figure.animation_data.action)
first = figure.animation_data.action
result["name"] = take(edits=edits, overwrite=True)
kept = poses(bones, frames)
result["first"] = [first.name, first.use_fake_user, len(bpy.data.actions)]
result["changed"] = float(np.abs(by_hand - clean).max(axis=(0, 2, 3))[:6].min())
result["same"] = np.abs(kept - by_hand).max(axis=(0, 2, 3)).tolist()
result["still"] = [current_edits().paths() == edits.paths(), is_as_written(figure.animation_data.action)]
take(edits=current_edits())
result["twice"] = np.abs(poses(bones, frames) - by_hand).max(axis=(0, 2, 3)).tolist()
take()
result["new"] = np.abs(poses(bones, frames) - clean).max(axis=(0, 2, 3))[:6].tolist()
""")
    assert result["as written"] == [False, True]
    assert result["paths"] == [
        'pose.bones["Head"]', 'pose.bones["Hips"].location', 'pose.bones["LeftArm"]', 'pose.bones["LeftLeg"]',
        'pose.bones["Neck"].rotation_quaternion', 'pose.bones["RightLeg"]',
    ]  # fmt: skip
    assert result["touched"]
    assert result["name"] == "walk_t02"
    assert result["first"] == ["walk", True, 2]
    assert np.max(result["same"]) < 1e-5
    assert result["still"] == [True, False]
    assert np.max(result["twice"]) < 1e-5
    assert np.max(result["new"]) < 1e-5


def test_edits_on_another_motion(edited: Callable[..., Any]) -> None:
    """The same difference, seen from the bone, at the same time after the start, whatever rate and start are now."""
    result = edited("""
import dataclasses
take()
arm = bone_path("LeftArm", "rotation_quaternion")
turn = Quaternion((0, 0, 1), 0.5)
for key in range(30, 60):
    points = [curve_of(arm, index).keyframe_points[key] for index in range(4)]
    for point, value in zip(points, Quaternion([p.co[1] for p in points]) @ turn):
        point.co[1] = value
edits = current_edits()
turned = motion.local_rotations[::-1].copy()
motion = dataclasses.replace(motion, local_rotations=turned)
scene.frame_start, scene.render.fps = 101, 60
take()
before = poses(["LeftArm", "RightArm"], range(101, 301))
take(edits=edits)
after = poses(["LeftArm", "RightArm"], range(101, 301))
relative = np.linalg.inv(before) @ after
result["angle"] = [float(Matrix(m[0].tolist()).to_quaternion().angle) for m in relative]
result["axis"] = list(Matrix(relative[80, 0].tolist()).to_quaternion().axis)
result["other"] = float(np.abs(relative[:, 1] - np.eye(4)).max())
""")
    angles = np.array(result["angle"])
    np.testing.assert_allclose(angles[60:119], 0.5, atol=1e-3)
    np.testing.assert_allclose(angles[[*range(59), *range(120, 200)]], 0.0, atol=2e-3)
    np.testing.assert_allclose(np.abs(result["axis"]), [0, 0, 1], atol=1e-3)
    assert result["other"] < 1e-5


def test_edits_of_reduced_keys_and_switches(edited: Callable[..., Any]) -> None:
    result = edited("""
figure.pose.bones["Hips"]["IK_FK"] = 0.0
switch = 'pose.bones["Hips"]["IK_FK"]'
from motionlift.bridge.reduce import reduce_keys
done = retarget(motion, read_rig(figure), choose(read_rig(figure)).rig_map)
reduced = reduce_keys(done)
write = lambda: apply_keys(figure, done, "walk", 11, {switch: 1.0}, reduced=reduced)
from motionlift.bridge.blender.edits import apply_edits
write()
result["as written"] = [bool(current_edits()), is_as_written(figure.animation_data.action)]
for index in range(4):
    curve = curve_of(bone_path("LeftArm", "rotation_quaternion"), index)
    point = curve.keyframe_points[len(curve.keyframe_points) // 2]
    frame = int(point.co[0])
    point.handle_left[1] += 0.1
    point.handle_right[1] += 0.1
    point.co[1] += 0.1
curve_of(switch).keyframe_points.insert(50, 0.0).interpolation = "CONSTANT"
edits = current_edits()
result["paths"] = edits.paths()
sample = sorted({frame, frame - 3, frame + 3, 11, 200})
by_hand = poses(["LeftArm", "RightArm"], sample)
write()
clean = poses(["LeftArm", "RightArm"], sample)
apply_edits(figure, edits)
result["same"] = float(np.abs(poses(["LeftArm", "RightArm"], sample) - by_hand).max())
result["changed"] = float(np.abs(clean - by_hand).max())
result["switch"] = [[list(p.co), p.interpolation] for p in curve_of(switch).keyframe_points]
curve_of(bone_path("RightArm", "rotation_quaternion"), 1).keyframe_points[2].handle_right[1] += 0.2
write()
curve_of(bone_path("RightArm", "rotation_quaternion"), 1).keyframe_points[2].handle_right[1] += 0.2
result["handle"] = [is_as_written(figure.animation_data.action), current_edits().paths()]
idle = bpy.data.actions.new("idle")
result["idle"] = hand_edits(idle) is None
write()
bpy.ops.wm.save_as_mainfile(filepath=arguments[0] + ".blend")
bpy.ops.wm.open_mainfile(filepath=arguments[0] + ".blend")
figure = bpy.data.objects["Hero"]
action = figure.animation_data.action
result["again"] = [bool(hand_edits(action)), is_as_written(action)]
""")
    assert result["as written"] == [False, True]
    assert result["paths"] == ['pose.bones["Hips"]["IK_FK"]', 'pose.bones["LeftArm"]']
    assert result["same"] < 1e-5
    assert result["changed"] > 0.02
    assert result["switch"] == [[[11, 1], "CONSTANT"], [[50, 0], "CONSTANT"]]
    assert result["handle"] == [False, ['pose.bones["RightArm"]']]
    assert result["idle"]
    assert result["again"] == [False, True]
