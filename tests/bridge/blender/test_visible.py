"""Figures that are hidden or cannot be selected go out as any other, and stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion, resample

from ..conftest import A_POSE
from .exporting import in_glb
from .test_actions import PRELUDE, spec_of

HIDE = (
    PRELUDE
    + """
from motionlift.bridge.blender.shown import export_shown
folder = Path(arguments[2])
motion = Motion.load(Path(arguments[0]))
scene.render.fps = 6
lair = bpy.data.collections.new("Lair")
scene.collection.children.link(lair)
figure = make_rig(arguments[1])
mesh = bpy.data.meshes.new("Body")
mesh.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [(0, 1, 2)])
body = bpy.data.objects.new("Body", mesh)
lair.objects.link(body)
body.parent = figure
body.vertex_groups.new(name="Hips").add([0, 1, 2], 1.0, "REPLACE")
body.modifiers.new("Armature", "ARMATURE").object = figure
lair.objects.link(figure)
bpy.context.collection.objects.unlink(figure)
animate(figure, motion, choose, RetargetOptions(), "walk")
layer = bpy.context.view_layer.layer_collection.children["Lair"]

WAYS = {
    "shown": lambda: None,
    "mesh select": lambda: setattr(body, "hide_select", True),
    "mesh viewport": lambda: setattr(body, "hide_viewport", True),
    "mesh eye": lambda: body.hide_set(True),
    "rig select": lambda: setattr(figure, "hide_select", True),
    "rig viewport": lambda: setattr(figure, "hide_viewport", True),
    "rig eye": lambda: figure.hide_set(True),
    "rig at rest": lambda: setattr(figure.data, "pose_position", "REST"),
    "collection select": lambda: setattr(lair, "hide_select", True),
    "collection viewport": lambda: setattr(lair, "hide_viewport", True),
    "collection eye": lambda: setattr(layer, "hide_viewport", True),
    "collection excluded": lambda: setattr(layer, "exclude", True),
}

def state():
    found = bpy.context.view_layer.objects
    return [[item.hide_select, item.hide_viewport, item.name in found and item.hide_get(), item.name in found,
             item.name in scene.collection.objects] for item in (figure, body)] + [
            figure.data.pose_position, lair.hide_select, lair.hide_viewport, layer.hide_viewport, layer.exclude]

for way, hide in WAYS.items():
    hide()
    before = state()
    for kind in ("glb", "fbx", "bvh"):
        export_shown(figure, figure.animation_data.action, folder / f"{way}.{kind}")
    result[way] = state() == before
    for item in (figure, body):
        item.hide_select = item.hide_viewport = False
    figure.data.pose_position = "POSE"
    lair.hide_select = lair.hide_viewport = layer.hide_viewport = layer.exclude = False
    figure.hide_set(False)
    body.hide_set(False)
"""
)


@pytest.fixture
def short_walk(walk: Motion, tmp_path: Path) -> Path:
    resample(walk, 6.0).save(tmp_path / "walk.motion.npz")
    return tmp_path / "walk.motion.npz"


def counts(path: Path) -> dict[str, int]:
    read = in_glb(path)
    return {kind: len(read.get(kind, [])) for kind in ("meshes", "skins", "animations", "nodes")}


def test_nothing_is_lost_because_it_is_hidden(
    in_blender: Callable[..., Any],
    tmp_path: Path,
    short_walk: Path,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
) -> None:
    found = in_blender(HIDE, short_walk, spec_of(rig_of(presets["mixamo"], A_POSE)), tmp_path)
    assert all(found.values()), found
    whole = counts(tmp_path / "shown.glb")
    assert (whole["meshes"], whole["skins"], whole["animations"]) == (1, 1, 1)
    for way in found:
        assert counts(tmp_path / f"{way}.glb") == whole, way
        fbx = (tmp_path / f"{way}.fbx").read_bytes()
        assert (fbx.count(b"Geometry") > 1, fbx.count(b"LimbNode") > 1) == (True, True), way
        assert (tmp_path / f"{way}.bvh").read_text() == (tmp_path / "shown.bvh").read_text(), way
