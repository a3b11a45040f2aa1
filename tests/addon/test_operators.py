"""Every operator and property of ours: what is said of it, and that asking whether it can be used never fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

POLLED = """
import motionlift
from motionlift.addon import _classes
entry = bpy.context.preferences.addons.new()
entry.module = "motionlift"
motionlift.register()
import atexit
atexit.register(motionlift.unregister)
ops = [cls for cls in _classes() if issubclass(cls, bpy.types.Operator)]
result["operators"] = sorted(cls.bl_idname for cls in ops)

def operator(cls):
    group, _, verb = cls.bl_idname.partition(".")
    return getattr(getattr(bpy.ops, group), verb)

def polls():
    return {cls.bl_idname: operator(cls).poll() for cls in ops}

# With nothing, with an object of another kind, an armature in each of its modes, and several objects.
result["polls"] = {"empty": polls()}
scene = bpy.context.scene
mesh = bpy.data.objects.new("Mesh", bpy.data.meshes.new("Mesh"))
rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
for thing in (mesh, rig):
    scene.collection.objects.link(thing)
bpy.context.view_layer.objects.active = mesh
result["polls"]["mesh"] = polls()
bpy.context.view_layer.objects.active = rig
for mode in ("OBJECT", "EDIT", "POSE", "OBJECT"):
    bpy.ops.object.mode_set(mode=mode)
    result["polls"][mode] = polls()
rig.animation_data_create().action = bpy.data.actions.new("somebody's")
result["polls"]["action"] = polls()

# What is told of each: in tooltips.
silent = []
for cls in ops:
    told = operator(cls).get_rna_type()
    if not told.description or told.description.endswith("."):
        silent.append(cls.bl_idname)
    for prop in told.properties:
        mine = prop.identifier in cls.__annotations__ or any(
            prop.identifier in getattr(base, "__annotations__", {}) for base in cls.__mro__
            if base.__module__.startswith("motionlift"))
        if mine and not prop.is_hidden and not prop.description:
            silent.append(f"{cls.bl_idname}.{prop.identifier}")
shown = {"LiftProperties", "TakeProperties", "RigProperties", "MotionLiftPreferences", "BatchProperties"}
for cls in _classes():
    if cls.__name__ not in shown:
        continue
    for prop in cls.bl_rna.properties:
        if prop.is_runtime and prop.type not in ("POINTER", "COLLECTION") and not prop.description:
            silent.append(f"{cls.__name__}.{prop.identifier}")
result["silent"] = silent
"""


def test_all_can_be_asked_and_say_what_they_do(in_blender: Callable[..., Any]) -> None:
    seen = in_blender(POLLED)
    operators = seen["operators"]
    assert len(operators) > 40
    for polled in seen["polls"].values():
        assert sorted(polled) == operators
    can = {name: {operator for operator, may in polled.items() if may} for name, polled in seen["polls"].items()}
    # Without an engine nothing is lifted, without a take nothing cleaned, wherever one is.
    for allowed in can.values():
        assert not allowed & {"motionlift.lift_video", "motionlift.clean_up", "motionlift.check_next"}
    assert {"motionlift.import_motion", "motionlift.batch_add", "motionlift.choose_video"} <= can["empty"]
    assert "motionlift.import_motion" not in can["EDIT"] | can["POSE"]
    assert can["mesh"] == can["empty"]
    assert not seen["silent"], "\n".join(seen["silent"])
