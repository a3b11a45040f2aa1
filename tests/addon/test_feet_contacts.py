"""Contacts that are moved on the timeline, with the real engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.bridge.replant import replanted
from motionlift.core.motion import Motion, resample

from .scripts import LIFTED

InBlender = Callable[..., Any]

CONTACTS = (
    LIFTED
    + """
take = act().motionlift
result["unshown"] = [refusal(ops.apply_contacts, wait=True), refusal(ops.toggle_contact, point="left_heel"),
                     refusal(ops.remove_contacts)]
ops.show_contacts()
result["points"] = contacts.shown_names(figure)
result["edited"] = edited.edited(act())
result["none"] = refusal(ops.toggle_contact, point="left_ear")
# The left foot is let go from the sixth frame on, and the right one stands from the tenth to the twentieth.
for point, frames in (("left_heel", (16, None)), ("left_toe_tip", (16, None)),
                      ("right_heel", (20, 30)), ("right_toe_tip", (20, 30))):
    keys = curve(contacts.data_path(point), 0).keyframe_points
    keys.clear()
    for frame, value in [(11, point.startswith("left")), (frames[0], point.startswith("right")), (frames[1], 0)]:
        if frame is not None:
            keys.insert(frame, float(value)).interpolation = "CONSTANT"
result["applied"] = sorted(ops.apply_contacts(wait=True))
result["shown"] = take.shown
result["held"] = take.own_contacts
result["heads"] = [heads(figure, 11 + frame) for frame in range(36)]
result["edges"] = contacts.read_edges(figure, 11, 30.0)
result["message"] = session().message
take.smoothing = 0.9
ops.clean_up(wait=True)
result["smooth"] = [act().motionlift.shown, contacts.read_edges(figure, 11, 30.0) == result["edges"]]
result["smooth_heads"] = [heads(figure, 11 + frame) for frame in range(36)]
# At another rate they are where they were in time.
scene.render.fps = 60
act().motionlift.smoothing = 0.8
ops.clean_up(wait=True)
result["at_60"] = sorted(key.co[0] for key in curve(contacts.data_path("right_heel"), 0).keyframe_points)
scene.render.fps = 30
act().motionlift.foot_lock = False
result["unplanted"] = refusal(ops.apply_contacts, wait=True)
act().motionlift.foot_lock = True
ops.show_contacts()
result["put_back"] = contacts.read_edges(figure, 11, act().motionlift.fps) != result["edges"]
ops.remove_contacts()
result["removed"] = contacts.shown_names(figure)
ops.clean_up(wait=True)
result["by_itself"] = [act().motionlift.own_contacts, act().motionlift.shown]
"""
)


def test_feet_stand_where_contact_keys_say(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(CONTACTS, sample_video, engine_python, tmp_path)
    assert all("Show the contacts first" in told for told in seen["unshown"])
    assert set(seen["points"]) >= {"left_heel", "left_toe_tip", "right_heel", "right_toe_tip"}
    assert not seen["edited"]
    assert "left ear" in seen["none"]
    assert seen["applied"] == ["FINISHED"]
    assert seen["held"]
    assert "feet planted" in seen["message"]
    motion = resample(Motion.load(Path(seen["shown"])), 30.0)
    assert not motion.source["settings"]["foot_lock"]
    wanted = np.zeros_like(motion.contacts)
    names = motion.contact_names
    for point in ("left_heel", "left_toe_tip"):
        wanted[:5, names.index(point)] = 1
    for point in ("right_heel", "right_toe_tip"):
        wanted[9:19, names.index(point)] = 1
    expected = replanted(dataclasses.replace(motion, contacts=wanted))
    found = np.array([[heads[name] for name in motion.joint_names] for heads in seen["heads"]])
    np.testing.assert_allclose(found, expected.joint_positions[: len(found)], atol=1e-4)
    # The right foot stands still while its keys say so, whatever smoothing is chosen later.
    for frames in (seen["heads"], seen["smooth_heads"]):
        ankle = np.array([heads["right_ankle"] for heads in frames])[9:19]
        assert np.max(np.linalg.norm(np.diff(ankle, axis=0), axis=-1)) < 1e-4
    assert seen["smooth"][0] != seen["shown"]
    assert seen["smooth"][1]
    assert seen["at_60"] == [11, 29, 49]
    assert "Turn Plant Feet on" in seen["unplanted"]
    assert seen["put_back"]
    assert seen["removed"] == []
    own, shown = seen["by_itself"]
    assert not own
    assert Motion.load(Path(shown)).source["settings"].get("foot_lock", True)
