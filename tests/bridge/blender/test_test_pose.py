"""The test pose in Blender: arms to the sides, whatever the rest pose, and everything back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

InBlender = Callable[..., Any]
SAMPLE = Path(__file__).resolve().parents[3] / "samples/walk_wave_squat.truth.motion.npz"

POSED = """
import addon_utils
import numpy as np
import motionlift
from pathlib import Path
from motionlift.bridge import match as matching
from motionlift.bridge.blender.rigs import read_rig, read_tree
from motionlift.bridge.blender.test_pose import leave_test_pose, take_test_pose

addon_utils.enable("rigify", default_set=True)
scene = bpy.context.scene
bpy.ops.object.armature_human_metarig_add()
figure = bpy.context.view_layer.objects.active
figure.location, figure.rotation_euler = (1, 2, 0.5), (0, 0, 0.7)
figure.pose.bones["upper_arm.L"].rotation_mode = "XYZ"
figure.pose.bones["upper_arm.L"].rotation_euler = (0.3, 0.2, 0.1)
figure.pose.bones["thigh.R"].rotation_quaternion = (0.9, 0.3, 0.3, 0.1)
bpy.context.view_layer.update()

def channels():
    return {bone.name: [list(bone.location), list(bone.rotation_euler), list(bone.rotation_quaternion),
                        list(bone.rotation_axis_angle), list(bone.scale), bone.rotation_mode]
            for bone in figure.pose.bones}

def heads():
    bpy.context.view_layer.update()
    return {bone.name: list(bone.head) for bone in figure.pose.bones}

tree, rig = read_tree(figure), read_rig(figure)
result["tree"] = [tree.names == rig.names, tree.parents.tolist() == rig.parents.tolist()]
found = matching.chosen(rig, "auto")
result["same"] = matching.chosen(tree, "auto").rig_map == found.rig_map
before = channels()
stored = take_test_pose(figure, found.rig_map, scene.frame_current)
result["posed"] = heads()
result["actions"] = len(bpy.data.actions)
leave_test_pose(scene, figure, stored)
after = channels()
result["back"] = all(np.allclose(a, b, atol=1e-6) if not isinstance(a, str) else a == b
                     for name in before for a, b in zip(before[name], after[name]))
# A bone that is gone meanwhile is passed over.
stored = take_test_pose(figure, found.rig_map, scene.frame_current)
bpy.ops.object.mode_set(mode="EDIT")
figure.data.edit_bones.remove(figure.data.edit_bones["toe.L"])
bpy.ops.object.mode_set(mode="OBJECT")
leave_test_pose(scene, figure, stored)
result["without_toe"] = list(figure.pose.bones["upper_arm.L"].rotation_euler)
"""


def test_a_rig_stands_in_the_t_pose_and_goes_back(in_blender: InBlender) -> None:
    seen = in_blender(POSED)
    assert seen["tree"] == [True, True]
    assert seen["same"]
    assert seen["actions"] == 0
    heads = {name: np.array(head) for name, head in seen["posed"].items()}
    for side, way in (("L", 1.0), ("R", -1.0)):
        arm = heads[f"hand.{side}"] - heads[f"upper_arm.{side}"]
        np.testing.assert_allclose(arm / np.linalg.norm(arm), (way, 0, 0), atol=0.02)
        leg = heads[f"foot.{side}"] - heads[f"thigh.{side}"]
        assert leg[2] / np.linalg.norm(leg) < -0.99
        elbow = heads[f"forearm.{side}"] - heads[f"upper_arm.{side}"]
        assert abs(elbow[2]) < 0.01
    assert seen["back"]
    np.testing.assert_allclose(seen["without_toe"], (0.3, 0.2, 0.1), atol=1e-6)


CONTROLS = """
import motionlift
from motionlift.bridge import match as matching
from motionlift.bridge.blender.rigs import read_rig
from motionlift.bridge.blender.test_pose import leave_test_pose, take_test_pose

bpy.ops.wm.open_mainfile(filepath=arguments[0])
figure = bpy.data.objects["rig"]
stretches = lambda: {bone.name: bone.ik_stretch for bone in figure.pose.bones if bone.ik_stretch}
before = stretches()
switches = {bone.name: dict(bone.items()) for bone in figure.pose.bones if "IK_FK" in bone}

def heads():
    bpy.context.view_layer.update()
    return {bone.name: list(bone.head) for bone in figure.pose.bones if bone.name.startswith("DEF-")}

result["rest"] = heads()
found = matching.chosen(read_rig(figure), "auto")
result["title"] = found.title
stored = take_test_pose(figure, found.rig_map, bpy.context.scene.frame_current)
result["posed"] = heads()
result["stretch"] = stretches() == before
leave_test_pose(bpy.context.scene, figure, stored)
result["back"] = heads()
after = {bone.name: dict(bone.items()) for bone in figure.pose.bones if "IK_FK" in bone}
result["switches"] = [after == switches and stretches() == before, len(switches)]
"""


def test_a_control_rigs_deforming_bones_stand_in_the_t_pose(in_blender: InBlender, rigify_file: Path) -> None:
    seen = in_blender(CONTROLS, rigify_file)
    assert not seen["stretch"]
    assert seen["title"] == "Rigify"
    heads = {name: np.array(head) for name, head in seen["posed"].items()}
    for side, way in (("L", 1.0), ("R", -1.0)):
        arm = heads[f"DEF-hand.{side}"] - heads[f"DEF-upper_arm.{side}"]
        np.testing.assert_allclose(arm / np.linalg.norm(arm), (way, 0, 0), atol=0.02)
        leg = heads[f"DEF-foot.{side}"] - heads[f"DEF-thigh.{side}"]
        assert leg[2] / np.linalg.norm(leg) < -0.99
    for name, head in seen["rest"].items():
        np.testing.assert_allclose(seen["back"][name], head, atol=1e-4)
    assert seen["switches"][0]
    assert seen["switches"][1] >= 4
