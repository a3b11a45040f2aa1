"""Floor height, tilt and scale of a take: clean-up without another solve, with the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.adjusting import Adjustment, adjusted, leaned
from motionlift.core.motion import Motion, resample
from motionlift.core.rotation import rotate

from .scripts import LIFTED, WITH_SAMPLE

InBlender = Callable[..., Any]

OWN = (
    LIFTED
    + """
from math import radians
blend = folder / "my shots" / "shot.blend"
blend.parent.mkdir()
bpy.ops.wm.save_as_mainfile(filepath=str(blend))

def seen():
    return [heads(figure, 11 + frame) for frame in range(0, 36, 5)]

def rest():
    return {bone.name: list(bone.head_local) for bone in figure.data.bones}

result["plain"], result["rest"] = seen(), rest()
shown, started = act().motionlift.shown, session().queue.client.alive
ops.add_camera()
camera = lambda: next(item for item in bpy.data.objects if item.type == "CAMERA")
result["camera"] = list(camera().matrix_world.translation)
take = act().motionlift
take.floor_height, take.tilt_forward, take.tilt_sideways, take.scale = 0.25, radians(5), radians(-3), 1.1
result["differs"] = take.differs
result["done"] = sorted(ops.clean_up(wait=True))
result["same_solve"] = act().motionlift.shown == shown
result["after"], result["rest_after"] = seen(), rest()
result["settled"] = [act().motionlift.differs, len(act().motionlift.places), act().motionlift.headline]
ops.add_camera()
bpy.context.view_layer.update()
result["camera_after"] = list(camera().matrix_world.translation)
ops.export_bvh(filepath=str(folder / "out.bvh"))

# Saved, closed and opened again; a slider of the solve beside them.
bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=str(blend))
figure = bpy.context.view_layer.objects.active
take = act().motionlift
result["reopened"] = [take.differs, round(take.floor_height, 4), round(take.scale, 4)]
take.scale = 1.0
ops.clean_up(wait=True)
result["small_again"] = rest()
act().motionlift.smoothing = 0.9
ops.clean_up(wait=True)
result["solved"] = [act().motionlift.shown, seen()]
for name in ("floor_height", "tilt_forward", "tilt_sideways"):
    setattr(act().motionlift, name, 0.0)
act().motionlift.smoothing = 0.5
result["undone"] = sorted(ops.clean_up(wait=True))
result["back"] = seen()

# Never over edits by hand, and these stay on top of it.
for point in curve(ROOT, 0).keyframe_points:
    point.co[1] += 0.5
act().motionlift.floor_height = 0.1
result["refused"] = refusal(ops.clean_up, wait=True)
result["kept"] = sorted(ops.keep_edits(wait=True))
result["edited"] = seen()
act().motionlift.tilt_forward = radians(4)
ops.reset_choices()
result["reset"] = [act().motionlift.differs, round(act().motionlift.floor_height, 4), act().motionlift.tilt_forward]
# Contacts that are moved by hand, then tilted.
ops.clean_up(new_action=True, wait=True)
ops.show_contacts()
ops.apply_contacts(wait=True)
shown = act().motionlift.shown
act().motionlift.tilt_sideways = radians(6)
result["with_contacts"] = [sorted(ops.clean_up(wait=True)), act().motionlift.shown == shown]
# Without a file to take it from.
(Path(bpy.path.abspath(shown))).unlink()
act().motionlift.tilt_sideways = radians(2)
result["solved_again"] = sorted(ops.clean_up(wait=True))
"""
)


def test_height_tilt_and_scale_on_an_armature_of_its_own(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(OWN, sample_video, engine_python, tmp_path)
    (lifted,) = (path for path in (tmp_path / "my shots/motionlift").rglob("*.motion.npz") if "clean-" not in path.name)
    motion = resample(Motion.load(lifted), 30.0)

    def expected(motion: Motion, adjustment: Adjustment) -> Any:
        return adjusted(motion, adjustment).joint_positions[::5]

    def found(frames: list[dict[str, list[float]]]) -> Any:
        return np.array([[heads[name] for name in motion.joint_names] for heads in frames])

    chosen = Adjustment(0.25, 5.0, -3.0, 1.1)
    np.testing.assert_allclose(found(seen["plain"]), expected(motion, Adjustment()), atol=1e-4)
    assert seen["differs"]
    assert seen["done"] == ["FINISHED"]
    assert seen["same_solve"]
    np.testing.assert_allclose(found(seen["after"]), expected(motion, chosen), atol=2e-3)
    for name, head in seen["rest"].items():
        np.testing.assert_allclose(seen["rest_after"][name], 1.1 * np.array(head), atol=2e-3)
        np.testing.assert_allclose(seen["small_again"][name], head, atol=2e-3)
    differs, _, headline = seen["settled"]
    assert not differs
    assert headline
    for place, adjustment in (("camera", Adjustment()), ("camera_after", chosen)):
        at = adjusted(motion, adjustment).world_from_camera[0, :3, 3]
        np.testing.assert_allclose(seen[place], at, atol=1e-3)
    text = (tmp_path / "out.bvh").read_text().splitlines()
    offsets = [np.linalg.norm(np.array(line.split()[1:], float)) for line in text if "OFFSET" in line]
    assert max(offsets) == pytest.approx(110 * np.linalg.norm(motion.rest_offsets[1:], axis=-1).max(), rel=0.01)
    assert seen["reopened"] == [False, 0.25, 1.1]
    shown, frames = seen["solved"]
    assert "clean-" in shown
    solved = resample(Motion.load(tmp_path / "my shots" / shown.removeprefix("//")), 30.0)
    np.testing.assert_allclose(found(frames), expected(solved, Adjustment(0.25, 5.0, -3.0)), atol=3e-3)
    assert seen["undone"] == ["FINISHED"]
    # A solve of the take alone begins from elsewhere than the lift did, by a little.
    np.testing.assert_allclose(found(seen["back"]), found(seen["plain"]), atol=0.02)
    assert "edited by hand" in seen["refused"]
    assert seen["kept"] == ["FINISHED"]
    moved = found(seen["edited"]) - found(seen["back"])
    # The pelvis' own X is the world's; half a metre aside by hand and a tenth up by the slider.
    np.testing.assert_allclose(np.abs(moved), np.broadcast_to([0.5, 0.0, 0.1], moved.shape), atol=2e-3)
    assert seen["reset"] == [False, 0.1, 0.0]
    assert seen["with_contacts"] == [["FINISHED"], True]
    assert seen["solved_again"] == ["FINISHED"]


ON_A_RIG = (
    WITH_SAMPLE
    + """
import numpy as np
from math import radians
from motionlift.addon import results
from motionlift.bridge.blender.armature import add_figure
from motionlift.bridge.standing import t_pose_motion
video = sample_as("walk.mp4")
scene.render.fps, scene.frame_start = 30, 1
rig = add_figure(bpy.context, t_pose_motion(), "Hero")
bpy.data.actions.remove(rig.animation_data.action)
rig.data.transform(__import__("mathutils").Matrix.Scale(150, 4))
rig.scale = (0.01,) * 3
bpy.context.view_layer.objects.active = rig
choices.use_trim, choices.trim_end, choices.target = True, 1.2, "ACTIVE"
ops.lift_video(filepath=str(video), wait=True)

def seen():
    frames = []
    for frame in range(1, 37, 5):
        scene.frame_set(frame)
        frames.append({bone.name: list(rig.matrix_world @ bone.head) for bone in rig.pose.bones})
    return frames

def take():
    return results.required_action(bpy.context).motionlift

result["plain"] = seen()
take().floor_height = 0.25
ops.clean_up(wait=True)
result["high"] = seen()
take().floor_height, take().scale = 0.0, 1.2
ops.clean_up(wait=True)
result["wide"] = seen()
take().scale, take().tilt_forward = 1.0, radians(6)
ops.clean_up(wait=True)
result["leans"] = seen()
take().floor = False
ops.clean_up(wait=True)
result["steep"] = sorted(ops.clean_up(wait=True))
result["rest"] = [list(bone.head_local) for bone in rig.data.bones][:3]
result["actions"] = sorted(bpy.data.actions.keys())
"""
)


def test_height_tilt_and_scale_on_a_rig(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(ON_A_RIG, sample_video, engine_python, tmp_path)
    names = ("pelvis", "head", "left_wrist", "left_ankle", "right_toe")
    plain, high, wide, leans = (
        np.array([[heads[name] for name in names] for heads in seen[key]]) for key in ("plain", "high", "wide", "leans")
    )
    # Metres of the scene, though the rig is half as large again and its object a hundredth.
    np.testing.assert_allclose(high - plain, np.broadcast_to([0.0, 0.0, 0.25], plain.shape), atol=1e-4)
    ways = [np.linalg.norm(frames[-1, 0, :2] - frames[0, 0, :2]) for frames in (plain, wide)]
    assert ways[1] == pytest.approx(1.2 * ways[0], rel=0.02)
    # Longer steps take the hips down.
    np.testing.assert_allclose(wide[:, 0, 2], plain[:, 0, 2], atol=0.06)
    # The head goes over, the feet do not.
    assert np.min(np.linalg.norm(leans[:, 1] - plain[:, 1], axis=-1)) > 0.15
    assert np.median(np.linalg.norm(leans[:, 3:] - plain[:, 3:], axis=-1)) < 0.03
    assert seen["steep"] == ["FINISHED"]
    assert seen["actions"] == ["walk"]


def test_the_camera_of_a_take_that_leans(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion()
    adjustment = Adjustment(tilt_forward=5.0)
    before, after = motion.world_from_camera[0], leaned(motion, adjustment).world_from_camera[0]
    np.testing.assert_allclose(after[:3, 2], rotate(adjustment.turn, before[:3, 2]), atol=1e-9)
