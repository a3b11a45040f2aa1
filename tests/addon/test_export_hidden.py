"""Takes that go out, or are cleaned up, of a rig that is hidden, plays solo or is being edited in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .scripts import ON_STRIP

HIDDEN = (
    ON_STRIP
    + """
def mesh(name):
    data = bpy.data.meshes.new(name)
    data.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [(0, 1, 2)])
    made = bpy.data.objects.new(name, data)
    scene.collection.objects.link(made)
    made.parent = figure
    return made

folder = path.parent
action, strip = placed()
track = figure.animation_data.nla_tracks[0]
body, shirt = mesh("Body"), mesh("Shirt")
body.hide_select = True
bpy.context.view_layer.objects.active = figure

def written():
    found = []
    for kind in ("bvh", "fbx", "glb"):
        out = folder / f"take.{kind}"
        getattr(ops, f"export_{kind}")(filepath=str(out), overwrite=True)
        data = out.read_bytes()
        found.append([len(data), b"Body" in data, b"Shirt" in data])
    lines = (folder / "take.bvh").read_text().splitlines()
    return [found, lines[lines.index(next(line for line in lines if line.startswith("Frame Time"))) + 1:][::10]]

def state():
    return [figure.hide_viewport, figure.hide_get(), figure.hide_select, body.hide_select, shirt.hide_get(),
            sorted(item.name for item in bpy.context.selected_objects), bpy.data.collections.keys(), track.is_solo,
            figure.animation_data.use_tweak_mode, strip.frame_start, strip.action == action]

def tried(name):
    before = state()
    result[name] = [written(), state() == before]

tried("plain")
for name in ("hide_viewport", "hide_select"):
    setattr(figure, name, True)
    tried(name)
    setattr(figure, name, False)
figure.hide_set(True)
tried("eye")
figure.hide_set(False)
closed = bpy.data.collections.new("Rigs")
scene.collection.children.link(closed)
closed.objects.link(figure)
scene.collection.objects.unlink(figure)
closed.hide_viewport = True
tried("collection")
closed.hide_viewport = False
shirt.hide_set(True)
tried("undressed")
shirt.hide_set(False)
strip.frame_start_ui = 300
track.is_solo = True
tried("solo")
track.is_solo = False
figure.animation_data.nla_tracks.active, strip.select = track, True
scene.frame_set(320)
figure.animation_data.use_tweak_mode = True
tried("tweaked")
entry.preferences.engine_python = arguments[2]
action.motionlift.floor_height = 0.1
result["cleaned"] = [refusal(ops.clean_up, wait=True), figure.animation_data.use_tweak_mode, strip.action.name]
"""
)


def test_a_rig_goes_out_however_it_is_shown(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    make_motion(frames=96, fps=24.0).save(tmp_path / "walk.motion.npz")
    seen = in_blender(HIDDEN, tmp_path / "walk.motion.npz", tmp_path / "walk.mp4", engine_python)
    (sizes, frames), same = seen["plain"]
    assert same
    assert len(set(frames)) == len(frames) == 10
    assert [with_body for _, with_body, _ in sizes] == [with_shirt for _, _, with_shirt in sizes] == [False, True, True]
    for name in ("hide_viewport", "hide_select", "eye", "collection", "undressed", "solo", "tweaked"):
        (found, poses), same = seen[name]
        assert same, name
        assert poses == frames, name
        shirt = name != "undressed"
        assert [each[1:] for each in found] == [[False, False], [True, shirt], [True, shirt]], name
    # A script is told at once; in the window the result waits.
    told, *left = seen["cleaned"]
    assert "Tweak Mode" in told
    assert left == [True, "walk"]
