"""A take whose NLA strip was moved: what is said and done about it is where the scene shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.core.motion import Motion

from .scripts import ON_STRIP

MOVED = (
    ON_STRIP
    + """
action, strip = placed()
take = action.motionlift
for start, words in ((30, "right foot slides"), (20, "left foot slides")):
    place = take.places.add()
    place.start, place.end, place.words = start, start + 5, words
marked = lambda: [[mark.frame, mark.name] for mark in scene.timeline_markers]

def told():
    scene.frame_set(1)
    found = []
    for backwards in (False, False, True, True):
        ops.check_next(backwards=backwards)
        found.append(scene.frame_current)
    ops.mark_places()
    found.append([mark.frame for mark in scene.timeline_markers])
    ops.mark_places()
    return [found, take_operators.report_lines(bpy.context)[-2:]]

result["still"] = told()
strip.frame_start_ui = 101
result["moved"] = told()
strip.scale = 2.0
result["stretched"] = told()
strip.use_reverse = True
result["backwards"] = told()
strip.scale, strip.use_reverse, strip.action_frame_start = 1.0, False, 28
strip.frame_start_ui = 101
result["cut"] = told()
strip.action_frame_start = 1
strip.frame_start_ui = 101
ops.show_contacts()
keys = lambda: {key.co[0] for c in curves_of(action) if "left heel" in c.data_path for key in c.keyframe_points}
before = keys()
scene.frame_set(150)
ops.toggle_contact(point="left_heel")
result["key"] = sorted(keys() - before)
"""
)


def test_places_and_contacts_follow_the_strip(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    make_motion(frames=96, fps=24.0).save(tmp_path / "walk.motion.npz")
    seen = in_blender(MOVED, tmp_path / "walk.motion.npz", tmp_path / "walk.mp4")
    assert seen["still"][0] == [20, 30, 20, 30, [20, 30]]
    assert seen["still"][1] == ["Frames 20 to 25: left foot slides", "Frames 30 to 35: right foot slides"]
    assert seen["moved"][0] == [120, 130, 120, 130, [120, 130]]
    assert seen["moved"][1] == ["Frames 120 to 125: left foot slides", "Frames 130 to 135: right foot slides"]
    assert seen["stretched"][0] == [139, 159, 139, 159, [139, 159]]
    # The Action's 96th frame comes first.
    assert seen["backwards"][0] == [223, 243, 223, 243, [223, 243]]
    assert seen["backwards"][1] == ["Frames 223 to 233: right foot slides", "Frames 243 to 253: left foot slides"]
    assert seen["cut"][0] == [103, 103, 103, 103, [103]]
    assert seen["key"] == [50]


CAMERA = (
    ON_STRIP
    + """
action, strip = placed()
take = action.motionlift
take.clip_fps = 30.0
ours = lambda where=scene: [item for item in where.objects if item.type == "CAMERA"]

def filmed(camera=None):
    camera = camera or scene.camera
    user = camera.data.background_images[0].image_user
    keys = next(c for c in curves_of(camera.animation_data.action) if c.data_path == "location")
    return [user.frame_start, user.frame_duration, user.frame_offset,
            [[round(key.co[0], 3), round(key.co[1], 3)] for key in (keys.keyframe_points[0], keys.keyframe_points[-1])]]

ops.add_camera()
result["still"] = filmed()
strip.frame_start_ui = 101
ops.add_camera()
result["moved"] = [filmed(), len(ours())]
strip.scale = 2.0
ops.add_camera()
result["stretched"] = filmed()
strip.use_reverse = True
result["backwards"] = [refusal(ops.add_camera), len(ours())]
strip.use_reverse, strip.scale = False, 1.0
# What was made meanwhile comes to where it was asked for, unless the strip plays otherwise now.
filming = camera.begin(bpy.context, action, video)
filming._future.result()
strip.frame_start_ui = -40
action.name, scene.name = "run", "Shot"
camera.place(bpy.context, filming.plan, filming.result())
action.name, scene.name = "walk", "Scene"
result["later"] = filmed()
strip.scale = 1.5
session().filming = None
try:
    camera.place(bpy.context, filming.plan, filming.result())
except Exception as error:
    result["changed"] = error.code
strip.scale = 1.0

# The animator's own copy, a marker and a constraint; and other scenes.
own = scene.camera.copy()
own.name = "close-up"
scene.collection.objects.link(own)
shelf = bpy.data.collections.new("Cameras")
scene.collection.children.link(shelf)
shelf.objects.link(scene.camera)
scene.collection.objects.unlink(scene.camera)
marker = scene.timeline_markers.new("cut", frame=5)
marker.camera = scene.camera
figure.constraints.new("TRACK_TO").target = scene.camera
bpy.ops.scene.new(type="FULL_COPY")
copied = bpy.context.scene
bpy.context.window.scene = scene
for _ in range(2):
    ops.add_camera()
result["kept"] = [scene.camera.name, sorted(item.name for item in ours()), marker.camera == scene.camera,
                  figure.constraints[0].target == scene.camera, shelf.objects.keys(),
                  "close-up" in scene.collection.objects, len(own.data.background_images)]
result["copied"] = [copied.camera is not None, len(ours(copied)), filmed(copied.camera)]
scene.collection.objects.link(scene.camera)
shelf.objects.unlink(scene.camera)
bpy.data.objects.remove(own)
bpy.ops.scene.new(type="LINK_COPY")
linked = bpy.context.scene
before = linked.camera
bpy.context.window.scene = scene
for _ in range(2):
    ops.add_camera()
result["linked"] = [linked.camera == before, scene.camera != before, len(ours()), before in ours()]
# A take that has other files by now is the same take.
other = path.parent.parent / "copied" / path.parent.name
other.mkdir(parents=True)
take.take = take.shown = str(shutil.copy(path, other))
count = len(ours())
ops.add_camera()
result["same"] = len(ours()) == count
"""
)


def test_the_camera_follows_the_strip_and_takes_no_other_ones_place(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], sample_video: Path, tmp_path: Path
) -> None:
    """The video as it is, for there is no engine; it was trimmed to begin after 2 s."""
    motion = make_motion(frames=96, times=2.0 + np.arange(96) / 24, fps=24.0)
    turned = np.repeat(motion.world_from_camera[:1], 96, axis=0)
    turned[:, 0, 3] = np.linspace(0.0, 1.0, 96)
    folder = tmp_path / "walk"
    folder.mkdir()
    dataclasses.replace(motion, world_from_camera=turned).save(folder / "walk.motion.npz")
    seen = in_blender(CAMERA, folder / "walk.motion.npz", sample_video)
    still, (moved, count), stretched = seen["still"], seen["moved"], seen["stretched"]
    assert still[:3] == [1, 96, 60]
    assert [key[0] for key in still[3]] == [1, 96]
    assert moved == [101, 96, 60, [[frame + 100, at] for frame, at in still[3]]]
    assert count == 1
    assert stretched == [101, 191, 60, [[101, still[3][0][1]], [291, still[3][1][1]]]]
    told, count = seen["backwards"]
    assert "Turn Reverse off" in told
    assert count == 1
    assert seen["later"][0] == -40
    assert seen["changed"] == "take_changed"
    name, cameras, marked, followed, shelf, own, pictures = seen["kept"]
    assert cameras == ["close-up", name]
    assert name == "walk camera"
    assert marked
    assert followed
    assert shelf == [name]
    assert own
    assert pictures == 1
    assert seen["copied"] == [True, 2, seen["later"]]
    assert seen["linked"] == [True, True, 1, False]
    assert seen["same"]


RATE = (
    ON_STRIP
    + """
entry.preferences.engine_python = arguments[2]
scene.frame_end = 50
action, strip = placed()
strips = lambda: [[round(found, 2) for found in (strip.frame_start, strip.frame_end, strip.action_frame_start,
                  strip.action_frame_end)] for strip in figure.animation_data.nla_tracks[0].strips]
result["lifted"] = [strips(), scene.frame_end]
action.motionlift.clip_fps = 48.0
result["used"] = [sorted(ops.use_clip_rate(wait=True)), strips(), scene.frame_end]
# Cut to the second half, and back.
strip = figure.animation_data.nla_tracks[0].strips[0]
strip.action_frame_start = 96
strip.frame_start_ui = 301
scene.frame_end = 200
result["cut"] = strips()
results.shown_action(bpy.context).motionlift.clip_fps = 24.0
result["back"] = [sorted(ops.use_clip_rate(wait=True)), strips(), scene.frame_end]
"""
)


def test_a_strip_shows_the_same_part_at_another_rate(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    make_motion(frames=96, fps=24.0).save(tmp_path / "walk.motion.npz")
    seen = in_blender(RATE, tmp_path / "walk.motion.npz", tmp_path / "walk.mp4", engine_python)
    assert seen["lifted"] == [[[1, 96, 1, 96]], 96]
    assert seen["used"] == [["FINISHED"], [[1, 191, 1, 191]], 191]
    assert seen["cut"] == [[301, 396, 96, 191]]
    assert seen["back"] == [["FINISHED"], [[301, 348.5, 48.5, 96]], 200]
