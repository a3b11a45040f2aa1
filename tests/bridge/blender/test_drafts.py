"""Actions that are written little by little: unseen until they are whole, and thrown away where something is in the
way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion, resample

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

SCRIPT = (
    PRELUDE
    + """
from motionlift.bridge.blender.drafts import Draft, DraftLost, Keys, MARK, discard_lost
from motionlift.bridge.blender.handiwork import Fingerprinting, fingerprint
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
done = retarget(motion, read_rig(figure), choose(read_rig(figure)).rig_map)

def keys(action):
    return sorted([curve.data_path, curve.array_index, [list(key.co) for key in curve.keyframe_points]]
                  for curve in curves(action))

def names():
    return sorted(bpy.data.actions.keys())

plain = apply_keys(figure, done, "plain", 5)
figure.pose.bones["Head"].scale = (1, 1, 2)
figure.pose.bones["Head"].keyframe_insert("scale", frame=7)
draft = Draft(figure, Keys.on_rig(figure, done), 5)
seen = []
while not draft.advance():
    seen.append((figure.animation_data.action.name, figure.animation_data.action == plain))
result["steps"], result["unseen"] = len(seen), set(seen) == {("plain", True)}
result["users"] = [(action.users, action.use_fake_user) for action in bpy.data.actions if MARK in action]
action = apply_keys(figure, done, "written", 5, draft=draft)
result["same"] = [item for item in keys(action) if "scale" not in item[0]] == [
    item for item in keys(plain) if "scale" not in item[0]]
result["scale"] = sum("scale" in item[0] for item in keys(action))
result["names"], result["marked"] = names(), MARK in action
result["range"] = [action.use_frame_range, action.frame_start, action.frame_end, action.use_fake_user]

# What does not fit is written anew, and its draft is no more.
def other(change, undo=lambda: None):
    draft = Draft(figure, Keys.on_rig(figure, done), 5, {})
    draft.advance()
    change()
    fits = draft.fits(figure, done, 5, {})
    undo()
    draft.discard()
    return fits

key = next(c for c in curves(action) if "scale" in c.data_path).keyframe_points[0]
result["fits"] = [other(lambda: None), other(lambda: setattr(key, "co", (7, 9))),
                  other(lambda: setattr(figure.animation_data, "action", plain),
                        lambda: setattr(figure.animation_data, "action", action)),
                  other(lambda: setattr(figure, "name", "Other"))]
result["left"] = names()
draft = Draft(figure, Keys.on_rig(figure, done), 5)
draft.advance()
discard_lost()
try:
    draft.advance()
except DraftLost:
    result["lost"] = True
draft.discard()
result["left_again"] = names()

# While a strip is tweaked Blender takes no other Action.
animation = figure.animation_data
track = animation.nla_tracks.new()
track.strips.new("plain", 1, plain)
track.select, animation.nla_tracks.active = True, track
animation.use_tweak_mode = True
draft = Draft(figure, Keys.on_rig(figure, done), 5)
try:
    draft.show(figure)
except AttributeError:
    result["tweaked"] = names()
animation.use_tweak_mode = False

# The print, curve by curve.
reading = Fingerprinting(action)
steps = 0
while not reading.advance():
    steps += 1
result["print"] = [steps > 20, reading.result == fingerprint(action)]
reading = Fingerprinting(action)
reading.advance()
bpy.data.actions.remove(action)
result["gone"] = [reading.advance(), reading.result]
"""
)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, walk: Motion) -> Path:
    path = tmp_path_factory.mktemp("motion") / "short.motion.npz"
    resample(walk, 10.0).save(path)
    return path


def test_a_draft_is_seen_when_it_is_whole(
    in_blender: Callable[..., Any], short: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    seen = in_blender(SCRIPT, short, spec_of(rig_of(presets["mixamo"], A_POSE)))
    assert seen["steps"] > 10
    assert seen["unseen"]
    assert seen["users"] == [[0, False]]
    assert seen["same"]
    assert seen["scale"] == 3
    assert seen["names"] == ["plain", "written"]
    assert not seen["marked"]
    assert seen["range"][0]
    assert seen["range"][3]
    assert seen["fits"] == [True, False, False, False]
    assert seen["left"] == seen["left_again"] == ["plain", "written"]
    assert seen["lost"]
    assert seen["tweaked"] == ["plain", "written"]
    assert seen["print"] == [True, True]
    assert seen["gone"] == [True, ""]
