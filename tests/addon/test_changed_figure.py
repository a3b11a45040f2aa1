"""Clean-up on an armature that was made for its motion and that an animator has changed since."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .scripts import PLACED

CHANGED = (
    PLACED
    + """
place("NEW", "")
figure = bpy.context.object
bones = figure.data.edit_bones
bpy.ops.object.mode_set(mode="EDIT")
if arguments[2] == "removed":
    for name in ("left_toe", "left_clavicle"):
        bones.remove(bones[name])
elif arguments[2] == "hung elsewhere":
    root = bones.new("root")
    root.tail = (0.0, 0.2, 0.0)
    bones["pelvis"].parent = root
elif arguments[2] == "renamed":
    bones["left_elbow"].name = "forearm.L"
bpy.ops.object.mode_set(mode="OBJECT")
if arguments[2] == "another rest pose":
    # Blender throws away what the Action showed.
    scene.frame_set(1)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.armature_apply()
    bpy.ops.object.mode_set(mode="OBJECT")
result["told"] = clean(keep=arguments[2] == "renamed", floor_height=0.1)
lifted, result["off"] = evenly_sampled(Motion.load(path), 24.0), 0.0
for frame in (1, 40, 100, 200):
    scene.frame_set(frame)
    for joint in ("pelvis", "head", "left_shoulder", "left_wrist", "right_ankle"):
        at = lifted.joint_positions[frame - 1, lifted.joint_names.index(joint)] + [0.0, 0.0, 0.1]
        result["off"] = max(result["off"], float(np.linalg.norm(at - figure.pose.bones[joint].head)))
"""
)


@pytest.mark.parametrize("change", ["removed", "hung elsewhere", "renamed", "another rest pose"])
def test_it_moves_as_the_take_does(in_blender: Callable[..., Any], tmp_path: Path, change: str) -> None:
    take = Path(__file__).resolve().parents[2] / "samples/walk_wave_squat.truth.motion.npz"
    seen = in_blender(CHANGED, take, "no engine", change)
    assert seen["told"].startswith("walk_wave_squat.truth: cleaned up."), seen["told"]
    assert seen["off"] < 0.04
