"""Panels as Blender draws them, onto a layout that knows the operators: no button asks for what is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scripts import LIFTED

InBlender = Callable[..., Any]

DRAWN = (
    LIFTED
    + """
import importlib
from motionlift.addon import batch

class Button:
    def __init__(self, kind):
        object.__setattr__(self, "kind", kind)

    def __setattr__(self, name, value):
        assert name in self.kind.properties, (self.kind.identifier, name)

class Layout:
    drawn = []

    def __getattr__(self, name):
        return lambda *arguments, **options: self

    def operator(self, name, **options):
        group, _, verb = name.partition(".")
        Layout.drawn.append(options.get("text") or name)
        return Button(getattr(getattr(bpy.ops, group), verb).get_rna_type())

    def label(self, text="", **options):
        Layout.drawn.append(text)

    def prop(self, owner, name, **options):
        assert name in owner.bl_rna.properties, name
        Layout.drawn.append(name)

    def template_list(self, kind, ident, owner, name, active, index, **options):
        assert hasattr(bpy.types, kind) and name in owner.bl_rna.properties and index in active.bl_rna.properties
        for item in getattr(owner, name):
            panel_of("batch_panel", "VideoList").draw_item(None, bpy.context, Layout(), owner, item, 0, active, index)

def panel_of(module, name):
    return getattr(importlib.import_module(f"motionlift.addon.{module}"), name)

class Self:
    layout = Layout()

def draw(module, name):
    Layout.drawn = []
    panel = panel_of(module, name)
    assert not hasattr(panel, "poll") or panel.poll(bpy.context)
    panel.draw(Self, bpy.context)
    return Layout.drawn

def panels():
    return {name: draw("take_panels", name) for name in ("TakePanel", "CleanUpPanel", "ContactsPanel", "FilesPanel")}

result["placing"] = draw("placing_panel", "PlacingPanel")
result["plain"] = panels()
take = act().motionlift
place = take.places.add()
place.start, place.end, place.words = 8, 30, "left arm hidden"
scene.frame_set(12)
scene.render.fps = 24
take.smoothing = 0.9
ops.show_contacts()
result["busy"] = panels()
curve(ROOT, 0).keyframe_points[3].co[1] += 1.0
result["edited"] = panels()
shutil.rmtree(results.take_file(take.take).parent)
result["missing"] = panels()
result["batch"] = draw("batch_panel", "BatchPanel")
ops.batch_add(filepath=str(video))
failed = bpy.context.scene.motionlift_batch.videos[0]
failed.state, failed.words = "FAILED", "no person"
result["list"] = draw("batch_panel", "BatchPanel")
session().message = "done"
ops.copy_log()
"""
)


def test_every_panel_is_drawn_as_things_stand(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(DRAWN, sample_video, engine_python, tmp_path)
    assert seen["placing"] == ["scene_rate", "scene_range", "use_nla", "use_fake_user", "use_markers"]
    plain, busy, edited = seen["plain"], seen["busy"], seen["edited"]
    assert "Nothing to Check" in plain["TakePanel"]
    assert {"BVH", "FBX", "GLB", "motionlift.add_camera"} <= set(plain["TakePanel"])
    solve = ["smoothing", "foot_lock", "floor", "travel"]
    assert plain["CleanUpPanel"] == [*solve, "floor_height", "tilt_forward", "tilt_sideways", "scale"]
    assert plain["ContactsPanel"] == ["motionlift.show_contacts"]
    assert {"Check These: 1", "left arm hidden", "motionlift.use_clip_rate"} <= set(busy["TakePanel"])
    assert {"motionlift.clean_up", "To a New Action", "motionlift.reset_choices"} <= set(busy["CleanUpPanel"])
    assert {"Left Heel", "Right Toe Tip", "motionlift.apply_contacts"} <= set(busy["ContactsPanel"])
    assert "motionlift.keep_edits" in edited["CleanUpPanel"]
    assert "motionlift.clean_up" not in edited["CleanUpPanel"]
    assert "motionlift.locate_take" in seen["missing"]["TakePanel"]
    assert "motionlift.lift_batch" in seen["batch"] or "Lift All" in seen["batch"]
    assert {"läufer im park.mp4", "no person", "Lift 1 Video"} <= set(seen["list"])
