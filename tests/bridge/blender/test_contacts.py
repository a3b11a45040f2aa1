"""Contacts as keys: what is shown is read back, what is moved, deleted or added is what counts, and nothing stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

CONTACTS = (
    PRELUDE
    + """
import dataclasses
from motionlift.bridge.blender import contacts
from motionlift.bridge.bvh import evenly_sampled

scene.render.fps, scene.frame_start = 24, 11
motion = evenly_sampled(Motion.load(Path(arguments[0])), 24.0)
figure = make_rig(arguments[1])
animate(figure, motion, choose, RetargetOptions(), "walk")
action = figure.animation_data.action
before = sorted((curve.data_path, curve.array_index) for curve in curves(action))

def read():
    return contacts.with_edges(motion, contacts.read_edges(figure, 11, 24.0)) > 0.5

def changed(where):
    now = read()
    different = now != where
    return {motion.contact_names[c]: [int(f) for f in np.flatnonzero(different[:, c])]
            for c in np.flatnonzero(different.any(0))}, now

contacts.write_edges(figure, contacts.edges_of(motion), 11, 24.0)
shown = read()
result["same"] = bool((shown == (motion.contacts > 0.5)).all())
result["names"] = contacts.shown_names(figure)
(heel,) = [c for c in curves(action) if c.data_path == contacts.data_path("left_heel")]
result["kinds"] = sorted({key.interpolation for key in heel.keyframe_points})
result["group"] = heel.group.name

# Moved: from frame 20 of the take on the heel holds four frames longer, or shorter, than it did.
key = next(key for key in heel.keyframe_points if key.co[0] > 11)
at = int(key.co[0]) - 11
key.co[0] += 4
result["moved"], result["at"] = changed(shown)[0], at
key.co[0] -= 4
# Added and deleted.
here = next(f for f in range(30, 60) if shown[f : f + 6, 0].all())
result["toggled"] = [contacts.toggle(figure, "left_heel", 11 + here), contacts.holds_at(figure, "left_heel", 11 + here)]
contacts.toggle(figure, "left_heel", 11 + here + 3)
result["hole"], result["here"] = changed(shown)[0], here
scene.frame_set(11 + here + 1)
result["property"] = bool(figure[contacts.property_name("left_heel")])
heel.keyframe_points.clear()
heel.keyframe_points.insert(11, 0.0)
result["cleared"] = bool(read()[:, 0].any())
# At another rate they are where they were in time.
contacts.write_edges(figure, contacts.edges_of(motion), 11, 24.0)
edges = contacts.read_edges(figure, 11, 24.0)
faster = evenly_sampled(Motion.load(Path(arguments[0])), 48.0)
contacts.write_edges(figure, edges, 11, 48.0)
again = contacts.with_edges(faster, contacts.read_edges(figure, 11, 48.0)) > 0.5
result["rate"] = bool((again[::2][: len(shown)] == shown).all())
contacts.remove(figure)
result["left"] = sorted((c.data_path, c.array_index) for c in curves(action)) == before
result["properties"] = [name for name in figure.keys() if name.startswith("contact")]
try:
    contacts.toggle(figure, "left_heel", 20)
except MotionLiftError as error:
    result["refused"] = error.code
"""
)


def test_contacts_are_shown_edited_and_removed(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    seen = in_blender(CONTACTS, tmp_path / "walk.motion.npz", spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert seen["same"]
    assert set(seen["names"]) >= {"left_heel", "left_toe_tip", "right_heel", "right_toe_tip"}
    assert seen["kinds"] == ["CONSTANT"]
    assert seen["group"] == "MotionLift contacts"
    assert seen["moved"] == {"left_heel": list(range(seen["at"], seen["at"] + 4))}
    assert seen["toggled"] == [False, False]
    assert seen["hole"] == {"left_heel": list(range(seen["here"], seen["here"] + 3))}
    assert not seen["property"]
    assert not seen["cleared"]
    assert seen["rate"]
    assert seen["left"]
    assert seen["properties"] == []
    assert seen["refused"] == "no_contacts"
