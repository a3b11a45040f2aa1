"""Camera, footage, confidence and contacts around a take, as Blender has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.camera import apply, inverse, project
from motionlift.core.motion import Motion

from ..conftest import A_POSE, Build
from .test_actions import PRELUDE, spec_of

SCENE = (
    PRELUDE
    + """
from bpy_extras.object_utils import world_to_camera_view
from motionlift.bridge.blender.scene import add_camera, with_edited_contacts, write_review
"""
)


def test_the_figure_stands_on_the_actor(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Points of the motion, moved with the take, in the camera's picture: the same pixels as in the footage."""
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        SCENE
        + """
from mathutils import Vector
motion = Motion.load(Path(arguments[0]))
for name, spec, place in [("a", arguments[1], "rest"), ("b", arguments[2], "rest"), ("c", arguments[2], "filmed")]:
    figure = make_rig(spec, name)
    done = retarget(motion, read_rig(figure), choose(read_rig(figure)).rig_map, RetargetOptions(place=place))
    camera = add_camera(motion, done.world_from_motion, 1, name)
    scene.render.resolution_x, scene.render.resolution_y = motion.image_size
    bpy.context.view_layer.update()
    pixels = []
    for frame in (0, 100, 299):
        for joint in motion.joint_positions[frame]:
            moved = done.world_from_motion[:3, :3] @ joint + done.world_from_motion[:3, 3]
            x, y, _ = world_to_camera_view(scene, camera, Vector(moved))
            pixels.append([x * motion.image_size[0], (1 - y) * motion.image_size[1]])
    result[name] = pixels
    assert scene.camera is None
"""
    )
    rigs = [spec_of(rig_of(presets["mixamo"], build)) for build in (A_POSE, Build(1, legs=1.3, turned=True))]
    found = in_blender(script, tmp_path / "walk.motion.npz", *rigs)
    joints = walk.joint_positions[[0, 100, 299]].reshape(-1, 3)
    wanted = project(apply(inverse(walk.world_from_camera[0]), joints), walk.camera_K[0])
    for pixels in found.values():
        np.testing.assert_allclose(pixels, wanted, atol=0.1)


def test_a_camera_sees_as_near_and_far_whatever_the_rig_is_built_in(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path
) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        SCENE
        + """
motion = Motion.load(Path(arguments[0]))
for scale in (1.0, 100.0, 0.01):
    data = add_camera(motion, np.diag([scale, scale, scale, 1.0]), 1, "film").data
    result[str(scale)] = [data.clip_start, data.clip_end]
"""
    )
    found = in_blender(script, tmp_path / "walk.motion.npz")
    for scale, seen in found.items():
        np.testing.assert_allclose(seen, np.array([0.1, 1000.0]) * float(scale), rtol=1e-5)


def test_review_and_edited_contacts(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        SCENE
        + """
import dataclasses
motion = Motion.load(Path(arguments[0]))
confidence = np.ones_like(motion.confidence)
confidence[40:60, motion.joint("left_wrist")] = confidence[40:60, motion.joint("left_elbow")] = 0.1
motion = dataclasses.replace(motion, confidence=confidence)
figure = make_rig(arguments[1])
scene.timeline_markers.new("the user's", frame=3)
animate(figure, motion, choose, RetargetOptions(), "walk")
action = figure.animation_data.action
result["places"] = [write_review(figure, motion, 1), write_review(figure, motion, 1)]
result["markers"] = sorted([marker.name, marker.frame] for marker in scene.timeline_markers)
result["as_written"] = is_as_written(action)
scene.frame_set(1 + 50)
result["confidence"] = [figure["confidence left arm"], figure["confidence head"]]
same = with_edited_contacts(figure, motion, 1)
result["same"] = bool(((same.contacts > 0.5) == (motion.contacts > 0.5)).all())
curve = [curve for curve in curves(action) if curve.data_path == '["contact left heel"]'][0]
first_lift = curve.keyframe_points[1].co[0]
curve.keyframe_points[1].co[0] = first_lift + 4
edited = with_edited_contacts(figure, motion, 1)
changed = np.flatnonzero((edited.contacts > 0.5) != (motion.contacts > 0.5))
result["changed"] = [int(first_lift) - 1, sorted({int(index) // 4 for index in changed})]
"""
    )
    found = in_blender(script, tmp_path / "walk.motion.npz", spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert found["places"] == [1, 1]
    assert found["markers"] == [["ML: check left arm", 41], ["the user's", 3]]
    assert found["as_written"]
    np.testing.assert_allclose(found["confidence"], [0.1, 1.0], atol=1e-6)
    assert found["same"]
    lift, frames = found["changed"]
    assert frames == list(range(lift, lift + 4))
