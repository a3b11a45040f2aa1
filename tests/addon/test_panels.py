"""Panels as Blender draws them, onto a layout that knows the operators: no button asks for what is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scripts import DRAWING, LIFTED

InBlender = Callable[..., Any]

DRAWN = (
    LIFTED
    + DRAWING
    + """
from motionlift.addon import batch

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
