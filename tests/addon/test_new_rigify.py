"""The target *New Rigify Human*: made, written again, taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.motion import Motion

from .scripts import ENABLED, WITH_SAMPLE

SCRIPT = (
    ENABLED
    + """
from motionlift.addon import targets
from motionlift.core.motion import Motion

def counts():
    return {kind: len(getattr(bpy.data, kind)) for kind in
            ("objects", "armatures", "meshes", "collections", "texts", "actions")}

def torso(figure, frame):
    bpy.context.scene.frame_set(frame)
    return list(figure.pose.bones["DEF-spine"].head)

scene = bpy.context.scene
scene.frame_start = 5
motion, other = (Motion.load(Path(path)) for path in arguments)
before = counts()
result["trouble"] = targets.target_trouble(targets.NEW_RIGIFY, None)
target = targets.target_named(targets.NEW_RIGIFY)
figure = target.write(bpy.context, motion, "walk")
result["words"] = target.words(motion)
result["names"] = [figure.name, figure.animation_data.action.name]
result["ways"] = [torso(figure, 5), torso(figure, 24)]
# Clean-up: by another target of the same kind, as after the file was opened again.
made = counts()
targets.target_named(targets.NEW_RIGIFY, figure.name).rewrite(figure, other, 5)
result["rewritten"] = [torso(figure, 5), torso(figure, 24), counts() == made, figure.animation_data.action.name]
target.remove(figure)
result["removed"] = counts() == before
"""
)


def test_a_new_rigify_human(in_blender: Callable[..., Any], tmp_path: Path, make_motion: Callable[..., Motion]) -> None:
    motions = [evenly_sampled(make_motion(frames=20, swing=0.3, seed=seed), 24) for seed in (0, 1)]
    paths = [tmp_path / f"{number}.motion.npz" for number in range(2)]
    for motion, path in zip(motions, paths, strict=True):
        motion.save(path)
    seen = in_blender(SCRIPT, *paths)
    assert seen["trouble"] == ""
    assert "of walk (Rigify)" in seen["words"]
    assert "Rigify was enabled" in seen["words"]
    assert seen["names"] == ["walk", "walk"]
    first, last, same, name = seen["rewritten"]
    assert same
    assert name == "walk"
    assert first != seen["ways"][0]
    assert seen["ways"][0] != seen["ways"][1]
    assert first != last
    assert seen["removed"]


LIFTED = (
    WITH_SAMPLE
    + """
from motionlift.core.motion import Motion
video = sample_as("walk.mp4")
scene.render.fps, scene.frame_start = 24, 5
choices.use_trim, choices.trim_end, choices.target = True, 1.0, "RIGIFY"
ops.lift_video(filepath=str(video), wait=True)
figure = bpy.context.view_layer.objects.active
take = figure.animation_data.action.motionlift
result["bones"] = "torso" in figure.pose.bones
take.travel = "IN_PLACE"
result["cleaned"] = sorted(ops.clean_up(wait=True))
result["camera"] = sorted(ops.add_camera())
(camera,) = [item for item in bpy.data.objects if item.type == "CAMERA"]
bpy.context.view_layer.update()
result["camera_at"] = list(camera.matrix_world.translation)
filmed = Motion.load(Path(bpy.path.abspath(figure.animation_data.action.motionlift.shown)))
result["filmed_from"] = filmed.world_from_camera[0, :3, 3].tolist()
clip = camera.data.background_images[0].image or camera.data.background_images[0].clip
result["behind"] = Path(bpy.path.abspath(clip.filepath)).name
"""
)


def test_lifted_onto_a_new_rigify_human_before_its_footage(
    in_blender: Callable[..., Any], sample_video: Path, engine_python: Path, tmp_path: Path
) -> None:
    seen = in_blender(LIFTED, sample_video, engine_python, tmp_path)
    assert seen["bones"]
    assert seen["cleaned"] == seen["camera"] == ["FINISHED"]
    # People stand as filmed, and so does the camera.
    np.testing.assert_allclose(seen["camera_at"], seen["filmed_from"], atol=0.02)
    # 30 pictures a second would drift in a scene of 24.
    assert "footage_24" in seen["behind"]
