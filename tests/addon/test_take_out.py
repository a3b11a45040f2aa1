"""Takes that go out: to files, and before the camera that filmed them, with the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .scripts import LIFTED

InBlender = Callable[..., Any]

OUT = (
    LIFTED
    + """
def state():
    return [scene.name, scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps,
            sorted(o.name for o in bpy.context.selected_objects), bpy.context.view_layer.objects.active.name, data()]

# A mesh that the figure deforms, and something else that is selected.
mesh = bpy.data.meshes.new("Body")
mesh.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [(0, 1, 2)])
body = bpy.data.objects.new("Body", mesh)
scene.collection.objects.link(body)
body.parent = figure
body.modifiers.new("Armature", "ARMATURE").object = figure
scene.frame_set(17)
before = state()
for kind in ("bvh", "fbx", "glb"):
    operator = getattr(ops, f"export_{kind}")
    path = folder / f"out put.{kind}"
    result[kind] = [sorted(operator(filepath=str(path))), path.stat().st_size]
    result[f"{kind}_again"] = refusal(operator, filepath=str(path))
    result[f"{kind}_kept"] = path.stat().st_size
    operator(filepath=str(path), overwrite=True)
ops.export_fbx(filepath=str(folder / "named"))
result["named"] = (folder / "named.fbx").is_file()
result["no_folder"] = refusal(ops.export_glb, filepath=str(folder / "nowhere" / "a.glb"))
result["same"] = state() == before
# By hand: what is written is what the Action shows.
for point in curve(ROOT, 0).keyframe_points:
    point.co[1] += 1.0
ops.export_bvh(filepath=str(folder / "edited.bvh"))
bpy.ops.object.mode_set(mode="EDIT")
result["mode"] = refusal(ops.export_bvh, filepath=str(folder / "edited.bvh"))
# Who poses goes on posing.
bpy.ops.object.mode_set(mode="POSE")
ops.export_glb(filepath=str(folder / "posed.glb"))
result["posing"] = [bpy.context.mode, figure.mode, (folder / "posed.glb").is_file()]
choices.target = "ACTIVE"
ops.lift_video(filepath=str(video), wait=True)
result["still_posing"] = [bpy.context.mode, bpy.context.view_layer.objects.active.name, act().name]
choices.target = "NEW"
ops.lift_video(filepath=str(video), wait=True)
result["made"] = [bpy.context.mode, bpy.context.view_layer.objects.active != figure]
bpy.ops.object.select_all(action="DESELECT")
figure.select_set(True)
bpy.context.view_layer.objects.active = figure

# The camera that filmed it, once.
result["camera"] = sorted(ops.add_camera())
ops.add_camera()
cameras = [item for item in bpy.data.objects if item.type == "CAMERA"]
result["cameras"] = [[camera.name, len(camera.data.background_images)] for camera in cameras]
result["scene_camera"] = scene.camera.name
result["film"] = Path(bpy.path.abspath(cameras[0].data.background_images[0].image.filepath)).name
# Stopped while its proxy is made: nothing comes of it, on the disk neither.
from motionlift.addon import camera as filming_camera, taking
scene.render.fps, act().motionlift.smoothing = 24, 0.45
ops.clean_up(wait=True)
takes = lambda: sorted(str(path) for path in results.take_file(act().motionlift.take).parent.iterdir())
objects, files = sorted(bpy.data.objects.keys()), takes()
filming = filming_camera.begin(bpy.context, act(), video)
while not filming.fraction and not filming.finished:
    pass
result["at_work"] = [filming.words, ops.cancel_lift.poll(), sorted(ops.cancel_footage())]
taking.take_filmed(bpy.context, session())
result["stopped"] = [session().message, sorted(bpy.data.objects.keys()) == objects, takes() == files, session().busy]
filming = filming_camera.begin(bpy.context, act(), video)
act().motionlift.first_frame += 1
taking.take_filmed(bpy.context, session())
result["changed"] = [str(session().error), sorted(bpy.data.objects.keys()) == objects]
act().motionlift.first_frame -= 1
ops.add_camera()
result["proxy"] = Path(bpy.path.abspath(next(
    item for item in bpy.data.objects if item.type == "CAMERA").data.background_images[0].image.filepath)).name
scene.render.fps, act().motionlift.smoothing = 30, 0.5
ops.clean_up(wait=True)
video.rename(folder / "elsewhere.mp4")
result["no_footage"] = refusal(ops.add_camera)
ops.add_camera(filepath=str(folder / "elsewhere.mp4"))
result["moved"] = Path(act().motionlift.video).name
result["left"] = len([item for item in bpy.data.objects if item.type == "CAMERA"])
"""
)


def test_a_take_goes_out_and_the_scene_stays(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(OUT, sample_video, engine_python, tmp_path)
    for kind in ("bvh", "fbx", "glb"):
        finished, size = seen[kind]
        assert finished == ["FINISHED"]
        assert size > 1000
        assert "exists already" in seen[f"{kind}_again"]
        assert seen[f"{kind}_kept"] == size
    assert seen["named"]
    assert "does not exist" in seen["no_folder"]
    assert seen["same"]
    plain, edited = ((tmp_path / name).read_text().splitlines() for name in ("out put.bvh", "edited.bvh"))
    assert plain[0] == edited[0] == "HIERARCHY"
    frames = [next(int(line.split()[1]) for line in lines if line.startswith("Frames:")) for lines in (plain, edited)]
    assert frames[0] == frames[1] == 36
    # A metre aside, in centimetres, whatever the axes.
    roots = [np.array(lines[-1].split()[:3], float) for lines in (plain, edited)]
    assert np.linalg.norm(roots[1] - roots[0]) == pytest.approx(100.0, abs=2.0)
    assert "Object Mode" in seen["mode"]
    assert seen["posing"] == ["POSE", "POSE", True]
    assert seen["still_posing"] == ["POSE", "läufer im park", "läufer im park_t02"]
    assert seen["made"] == ["OBJECT", True]
    assert seen["camera"] == ["FINISHED"]
    assert seen["cameras"] == [["läufer im park_t02 camera", 1]]
    assert seen["scene_camera"] == "läufer im park_t02 camera"
    assert seen["film"] == "läufer im park.mp4"
    words, stoppable, cancelled = seen["at_work"]
    assert words.startswith("Preparing the footage ")
    assert stoppable
    assert cancelled == ["FINISHED"]
    assert seen["stopped"] == ["läufer im park_t02: footage cancelled", True, True, False]
    told, same = seen["changed"]
    assert "has changed meanwhile" in told
    assert same
    assert "footage_24" in seen["proxy"]
    assert "Choose the video" in seen["no_footage"]
    assert seen["moved"] == "elsewhere.mp4"
    assert seen["left"] == 1
