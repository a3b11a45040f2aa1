"""A control rig baked to the skeleton that it deforms with, and what becomes of the rig."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .test_actions import PRELUDE

DEFORM = (
    PRELUDE
    + """
from motionlift.bridge.blender.deform import baked_skeleton, drop_controls

def control_rig(name):
    bones = [[bone, parent, [0, 0, height], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0.3]
             for bone, parent, height in (("root", "", 0), ("control", "root", 0.5), ("DEF-arm", "control", 1.0))]
    figure = make_rig({"world": np.eye(4).tolist(), "bones": bones}, name)
    for bone in figure.data.bones:
        bone.use_deform = bone.name.startswith("DEF-")
    control = figure.pose.bones["control"]
    for frame, x in ((1, 0.0), (5, 1.0)):
        control.location.x = x
        control.keyframe_insert("location", frame=frame)
    mesh = bpy.data.objects.new(f"{name} mesh", bpy.data.meshes.new(name))
    scene.collection.objects.link(mesh)
    mesh.modifiers.new("Armature", "ARMATURE").object = figure
    return figure, mesh
"""
)


def test_the_skeleton_takes_the_rigs_place(in_blender: Callable[..., Any]) -> None:
    """It moves as the rig did; the rig goes, unless a driver looks at it."""
    script = (
        DEFORM
        + """
for name in ("alone", "watched"):
    figure, mesh = control_rig(name)
    if name == "watched":
        mesh.shape_key_add(name="Basis")
        key = mesh.shape_key_add(name="corrective")
        driver = key.driver_add("value").driver
        target = driver.variables.new().targets[0]
        target.id, target.data_path = figure, 'pose.bones["control"].location.x'
    wanted = [seen(figure, ["DEF-arm"], frame)[0].tolist() for frame in range(1, 6)]
    skeleton = baked_skeleton(figure, 1, 5)
    controls = figure.name
    drop_controls(figure)
    result[name] = {
        "there": controls in bpy.data.objects, "listed": None in list(bpy.context.view_layer.objects),
        "name": skeleton.name, "bones": [bone.name for bone in skeleton.data.bones],
        "deforms": mesh.modifiers[0].object == skeleton, "wanted": wanted,
        "seen": [seen(skeleton, ["DEF-arm"], frame)[0].tolist() for frame in range(1, 6)]}
"""
    )
    found = in_blender(script)
    for name, made in found.items():
        assert made["there"] == (name == "watched")
        assert not made["listed"]
        assert made["name"] == name
        assert made["bones"] == ["DEF-arm"]
        assert made["deforms"]
        for seen, wanted in zip(made["seen"], made["wanted"], strict=True):
            assert all(abs(a - b) < 1e-5 for a, b in zip(seen, wanted, strict=True))
