"""What tests of exports share: a script that writes every format and reads it again, and what holds for all of them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from .test_actions import PRELUDE

ANIMATE = (
    PRELUDE
    + """
from motionlift.bridge.blender.export import animate_and_export

def sampled(figure, first, last, names):
    out = []
    for frame in range(first, last + 1, (last - first) // 8):
        scene = bpy.context.scene
        scene.frame_set(frame)
        posed = figure.evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append([list((posed.matrix_world @ posed.pose.bones[name].matrix).translation) for name in names])
    return out

def export(motion, place, folder, suffixes, names, options=RetargetOptions()):
    \"\"\"Write every format and read it again: heads of `names` by suffix.\"\"\"
    found = {}
    for suffix in suffixes:
        path = Path(folder) / f"take{suffix}"
        done = animate_and_export(motion, place, choose, options, path, None, "walk")
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.scene.render.fps = 30
        read = {".blend": lambda: bpy.ops.wm.open_mainfile(filepath=str(path)),
                ".fbx": lambda: bpy.ops.import_scene.fbx(filepath=str(path)),
                ".glb": lambda: bpy.ops.import_scene.gltf(filepath=str(path)),
                ".usd": lambda: bpy.ops.wm.usd_import(filepath=str(path)),
                ".bvh": lambda: bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01)}[suffix]
        read()
        figure = [item for item in bpy.data.objects if item.type == "ARMATURE" and item.name != "metarig"][0]
        clean = (lambda name: name.replace(".", "_").replace("-", "_")) if suffix == ".usd" else (lambda name: name)
        action = figure.animation_data.action
        ranges = [float(value) for value in action.frame_range]
        found[suffix] = {
            "heads": sampled(figure, int(ranges[0]), int(ranges[1]), [clean(name) for name in names]),
            "action": action.name, "actions": len(bpy.data.actions),
            "roots": len([b for b in figure.data.bones if b.parent is None]),
            "bones": len(figure.data.bones), "scale": list(figure.scale), "range": ranges, "notes": done.notes,
            "blender": list(bpy.app.version[:2])}
    return found
"""
)


def check(found: dict[str, Any], frames: int) -> None:
    """All formats hold the pose of the .blend to 1 mm, one root, one action, whole frames, no scale."""
    truth = np.array(found[".blend"]["heads"])
    for suffix, seen in found.items():
        assert np.abs(np.array(seen["heads"]) - truth).max() < 1e-3, suffix
        assert seen["range"][1] - seen["range"][0] == frames - 1, suffix
        assert seen["range"][0] == round(seen["range"][0]), suffix
        np.testing.assert_allclose(seen["scale"], 1, atol=1e-5)
        assert seen["actions"] == 1, suffix
        if suffix != ".blend":
            assert seen["roots"] == 1, suffix
        # BVH has no name of a take, and the USD importer of 4.2 gives one of its own.
        nameless = suffix == ".bvh" or (suffix == ".usd" and seen["blender"] < [4, 5])
        assert "walk" in seen["action"] or nameless, suffix


def in_glb(path: Path) -> dict[str, Any]:
    """What a binary glTF says is in it."""
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    read: dict[str, Any] = json.loads(data[20 : 20 + length])
    return read
