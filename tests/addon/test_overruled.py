"""A rig with constraints and drivers of its own on the bones that are keyed: what does not show is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .scripts import PLACED

OVERRULED = (
    PLACED
    + """
figure = armature(person())
goal = bpy.data.objects.new("Goal", None)
scene.collection.objects.link(goal)
bones = figure.pose.bones
leg = bones["LeftLeg"].constraints.new("IK")
leg.chain_count = 2
bones["RightHand"].constraints.new("LIMIT_ROTATION")
switched = bones["LeftForeArm"].constraints.new("COPY_ROTATION")
switched.target, switched.subtarget = figure, "RightForeArm"
switched.driver_add("influence").driver.expression = "0"
place()
result["free"] = state.message
# What has a target, and what is driven.
leg.target = goal
bones["RightLeg"].driver_add("rotation_quaternion", 1).driver.expression = "0.5"
place()
result["held"] = state.message
leg.mute = True
figure.animation_data.drivers.find('pose.bones["RightLeg"].rotation_quaternion', index=1).mute = True
place()
result["muted"] = state.message
"""
)


def test_bones_that_do_not_show_their_keys_are_told(
    in_blender: Callable[..., Any], tmp_path: Path, make_motion: Callable[..., Motion]
) -> None:
    make_motion(swing=0.3).save(tmp_path / "walk.motion.npz")
    found = in_blender(OVERRULED, tmp_path / "walk.motion.npz", sys.executable)
    told = "These bones do not show their keys until you mute what holds them: LeftLeg (IK), RightLeg (driver)."
    assert told in found["held"]
    assert "mute" not in found["free"] + found["muted"]
