"""Edits by hand that clean-up carries over, with the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.rotation import conjugate, multiply, normalise

from .scripts import LIFTED

InBlender = Callable[..., Any]

KEEP = (
    LIFTED
    + """
from mathutils import Quaternion
take = act().motionlift
turn = Quaternion((0, 0, 1), 0.5)
for key in range(10, 20):
    points = [curve(ARM, index).keyframe_points[key] for index in range(4)]
    for point, value in zip(points, Quaternion([p.co[1] for p in points]) @ turn):
        point.co[1] = value
for point in curve(ROOT, 2).keyframe_points:
    point.co[1] += 0.25
curve(ROOT, 0).keyframe_points.insert(3, 7.0)
curve('pose.bones["head"].rotation_quaternion', 1).mute = True
figure.pose.bones["neck"].scale = (1, 1, 1)
figure.pose.bones["neck"].keyframe_insert("scale", frame=12)
result["before"] = [clean(ARM), values(ARM), clean(ROOT), values(ROOT)]
take.smoothing = 0.95
result["refused"] = refusal(ops.clean_up, wait=True)
result["done"] = sorted(ops.keep_edits(wait=True))
result["after"] = [clean(ARM), values(ARM), clean(ROOT), values(ROOT)]
result["message"] = session().message
outside = [key for key in curve(ROOT, 0).keyframe_points if key.co[0] < 11]
result["outside"] = [[key.co[0], key.co[1]] for key in outside]
result["mute"] = curve('pose.bones["head"].rotation_quaternion', 1).mute
result["scale"] = len(curve('pose.bones["neck"].scale', 0).keyframe_points)
result["smoothing"], result["still_edited"] = act().motionlift.smoothing, edited.edited(act())
result["actions"] = sorted(bpy.data.actions.keys())
# Once more, and into another Action, which leaves this one alone.
act().motionlift.smoothing = 0.2
ops.keep_edits(wait=True)
result["again"] = [clean(ROOT), values(ROOT)]
left = values(ARM)
act().motionlift.smoothing = 0.6
first = act()
ops.keep_edits(new_action=True, wait=True)
result["new"] = [first.name, act().name, values(ARM) != left]
versions.reuse_action(figure, first)
result["left_alone"] = values(ARM) == left
act().motionlift.smoothing = 0.1
ops.reset_choices()
result["reset"] = [act().motionlift.differs, act().motionlift.smoothing]
"""
)


def test_edits_by_hand_are_carried_over(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(KEEP, sample_video, engine_python, tmp_path)
    assert "Keep My Edits" in seen["refused"]
    assert seen["done"] == ["FINISHED"]
    arms = [np.array(seen[when][:2]) for when in ("before", "after")]
    # The arm is turned by the same half radian in its own axes, on whatever the new solve does there.
    turns = [multiply(conjugate(normalise(ours)), normalise(theirs)) for ours, theirs in arms]
    turns = [turn * np.sign(turn[:, :1]) for turn in turns]
    np.testing.assert_allclose(turns[1], turns[0], atol=1e-5)
    assert np.max(np.abs(turns[0][12] - [np.cos(0.25), 0, 0, np.sin(0.25)])) < 1e-5
    assert np.max(np.abs(arms[1][0] - arms[0][0])) > 1e-4
    ours, theirs = np.array(seen["after"][2:])
    np.testing.assert_allclose(theirs - ours, np.tile([0, 0, 0.25], (len(ours), 1)), atol=1e-5)
    assert seen["outside"] == [[3.0, 7.0]]
    assert seen["mute"]
    assert seen["scale"] == 1
    assert seen["smoothing"] == pytest.approx(0.95)
    assert seen["still_edited"]
    assert seen["actions"] == ["läufer im park"]
    assert "Your edits are kept: left_shoulder, pelvis and head" in seen["message"].replace(", head", " and head")
    ours, theirs = np.array(seen["again"])
    np.testing.assert_allclose(theirs - ours, np.tile([0, 0, 0.25], (len(ours), 1)), atol=1e-5)
    first, new, differs = seen["new"]
    assert (first, new) == ("läufer im park", "läufer im park_t02")
    assert differs
    assert seen["left_alone"]
    assert seen["reset"] == [False, pytest.approx(0.2)]
