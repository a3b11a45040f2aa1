"""One fingerprint of an Action: taken from what was written it is what is read back, and every edit changes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of


def test_edits_are_seen_and_nothing_else(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
modes = ["QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"]
for number, bone in enumerate(figure.pose.bones):
    bone.rotation_mode = modes[number % len(modes)]
result["unknown"] = is_as_written(bpy.data.actions.new("theirs"))
for reduce in (False, True):
    animate(figure, motion, choose, RetargetOptions(), f"walk {reduce}", reduce=reduce)
    action = figure.animation_data.action
    seen_as = {"at first": is_as_written(action)}
    one = curves(action)[5]
    key = one.keyframe_points[7]

    def tried(name, change, undo):
        change()
        seen_as[name] = is_as_written(action)
        undo()
        seen_as[name + " undone"] = is_as_written(action)

    before, kind = list(key.co), key.interpolation
    tried("moved", lambda: setattr(key, "co", [before[0], before[1] + 0.01]), lambda: setattr(key, "co", before))
    tried("joined", lambda: setattr(key, "interpolation", "CONSTANT"), lambda: setattr(key, "interpolation", kind))
    tried("muted", lambda: setattr(one, "mute", True), lambda: setattr(one, "mute", False))
    tried("modified", lambda: one.modifiers.new("NOISE"), lambda: one.modifiers.remove(one.modifiers[0]))
    # What is the animator's own is not at stake.
    owner = versions.curve_owners(action)[0]
    own = owner.fcurves.new(["hide_render", "hide_viewport"][reduce], index=0)
    own.keyframe_points.insert(3, 1.0)
    seen_as["own undone"] = is_as_written(action)
    path = one.data_path
    owner.fcurves.remove(one)
    seen_as["deleted"] = is_as_written(action)
    result[str(reduce)] = seen_as
"""
    )
    found = in_blender(script, tmp_path / "walk.motion.npz", spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert not found.pop("unknown")
    for seen in found.values():
        for name, as_written in seen.items():
            assert as_written == (name == "at first" or name.endswith("undone")), name
