"""Keys that an animator adds to the bones of a take, where we wrote none: clean-up leaves them, in every way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.motion import Motion

from .scripts import PLACED

InBlender = Callable[..., Any]


@pytest.fixture
def swinging(make_motion: Callable[..., Motion], tmp_path: Path) -> Path:
    path = tmp_path / "walk.motion.npz"
    make_motion(frames=60, swing=0.5).save(path)
    return path


ADDED = (
    PLACED
    + """
figure = armature(person())
place()
arm = figure.pose.bones["LeftArm"]
ARM = 'pose.bones["LeftArm"].'
for frame, aside in ((5, 0.0), (10, 0.1), (90, 0.25)):
    arm.location = (aside, 0, 0)
    arm.keyframe_insert("location", frame=frame)
expected = keys(ARM + "location")
result["count"] = len(expected)

def seen(told):
    return [told, keys(ARM + "location") == expected, len(keys(ARM + "rotation_quaternion"))]

result["cleaned"] = seen(clean(floor_height=0.1))
curves_of(act()).find(ARM + "rotation_quaternion", index=1).keyframe_points[3].co[1] += 0.3
result["refused"] = clean(floor_height=0.2)
result["kept"] = seen(clean(keep=True))
first = act().name
result["anew"] = seen(clean(anew=True, floor_height=0.3)) + [act().name != first]
# A modifier is not made anew: the Action is copied whole.
curves_of(act()).find(ARM + "location", index=0).modifiers.new("NOISE")
result["copied"] = seen(clean(floor_height=0.4))
result["modifiers"] = len(curves_of(act()).find(ARM + "location", index=0).modifiers)
# Another take on the rig has its bones to itself, as the Action before stays.
before = act().name
place()
result["lifted"] = [keys(ARM + "location"), before in bpy.data.actions, act().name != before]
# On an armature of its own.
place("NEW", "")
figure = bpy.context.view_layer.objects.active
shoulder = figure.pose.bones["left_shoulder"]
shoulder.location = (0, 0.2, 0)
shoulder.keyframe_insert("location", frame=5)
result["own"] = [clean(floor_height=0.2), keys('pose.bones["left_shoulder"].location', 1)]
"""
)


def test_locations_stay_on_bones_that_we_turn(in_blender: InBlender, swinging: Path) -> None:
    seen = in_blender(ADDED, swinging, sys.executable)
    keyed = seen["cleaned"][2]
    assert seen["cleaned"] == ["walk: cleaned up. Nothing to check.", True, keyed]
    assert seen["refused"] == "edited"
    assert seen["kept"] == ["walk: cleaned up. Your edits are kept: LeftArm. Nothing to check.", True, keyed]
    assert seen["anew"][1:] == [True, keyed, True]
    assert seen["copied"][1:] == [True, keyed]
    assert seen["modifiers"] == 1
    assert seen["lifted"] == [None, True, True]
    assert "cleaned up" in seen["own"][0]
    assert seen["own"][1] == [[5.0, 0.2]]


MODES = (
    PLACED
    + """
figure = armature(person())
place()
arm = figure.pose.bones["LeftArm"]
ARM = 'pose.bones["LeftArm"].'
whole = len(keys(ARM + "rotation_quaternion"))

def turns():
    found = []
    for frame in range(1, whole + 1):
        scene.frame_set(frame)
        found.append(list(figure.pose.bones["LeftArm"].matrix_basis.to_quaternion()))
    return found

# Another mode, and no keys: the take is written in that.
ours = turns()
arm.rotation_mode = "ZXY"
result["untouched"] = [edited.edited(act()), clean(floor_height=0.05)]
result["ours"], result["in_euler"] = ours, turns()
result["paths"] = sorted({c.data_path for c in curves_of(act()) if "LeftArm" in c.data_path})
arm.rotation_mode = "XYZ"
clean(floor_height=0.0)
arm.rotation_mode = "QUATERNION"
clean(floor_height=0.01)
arm.rotation_mode = "XYZ"
for frame, turned in ((1, 0.0), (20, 1.0), (40, 0.2), (whole + 30, 0.7)):
    arm.rotation_euler = (turned, 0, 0)
    arm.keyframe_insert("rotation_euler", frame=frame)
mine = keys(ARM + "rotation_euler")
result["by_hand"] = turns()
result["edited"] = edited.edited(act())
result["refused"] = [clean(floor_height=0.1), keys(ARM + "rotation_euler") == mine]
result["kept"] = [clean(keep=True), turns(), keys(ARM + "rotation_euler")[-1]]
result["again"] = [edited.edited(act()), clean(keep=True, floor_height=0.2), turns()]
"""
)


def test_keys_in_another_rotation_mode_are_edits(in_blender: InBlender, swinging: Path) -> None:
    seen = in_blender(MODES, swinging, sys.executable)
    edited, told = seen["untouched"]
    assert not edited
    assert "cleaned up" in told
    assert seen["paths"] == ['pose.bones["LeftArm"].rotation_euler']
    assert _apart(seen["ours"], seen["in_euler"]) < 1e-3
    assert _apart(seen["ours"], seen["by_hand"]) > 0.1
    assert seen["edited"]
    assert seen["refused"] == ["edited", True]
    told, turns, last = seen["kept"]
    assert "Your edits are kept: LeftArm." in told
    assert _apart(turns, seen["by_hand"]) < 1e-3
    assert last[1] == pytest.approx(0.7)
    edited, told, turns = seen["again"]
    assert edited
    assert "Your edits are kept: LeftArm." in told
    assert _apart(turns, seen["by_hand"]) < 1e-3


def _apart(ones: list[list[float]], others: list[list[float]]) -> float:
    """The largest angle between rotations, in radians."""
    cosine = np.abs(np.sum(np.array(ones) * np.array(others), -1))
    return float(2 * np.arccos(np.clip(cosine, 0, 1)).max())


MAPPED = (
    PLACED
    + """
from motionlift.addon import rig_map
figure = armature(person())
ops.correct_bones()
row = lambda: next(row for row in rig_map.properties_of(figure).rows if row.role == "head")
HEAD = 'pose.bones["Head"].rotation_quaternion'
row().bone = ""
place()
result["left_out"] = keys(HEAD)
head = figure.pose.bones["Head"]
head.rotation_quaternion = (0.9, 0.1, 0.1, 0.4)
head.keyframe_insert("rotation_quaternion", frame=7)
mine = keys(HEAD, 3)
row().bone = "Head"
result["theirs"] = [clean(floor_height=0.1), keys(HEAD, 3) == mine]
result["and_again"] = [clean(floor_height=0.2), keys(HEAD, 3) == mine]
for index in range(4):
    curves_of(act()).remove(curves_of(act()).find(HEAD, index=index))
result["ours"] = [clean(floor_height=0.3), len(keys(HEAD, 3)) > 20]
# What we wrote goes with the bone's part in the take; not so what was edited.
row().bone = ""
result["gone"] = [clean(floor_height=0.4), keys(HEAD)]
row().bone = "Head"
result["back"] = [clean(floor_height=0.5), len(keys(HEAD)) > 20]
curves_of(act()).find(HEAD, index=1).keyframe_points[3].co[1] += 0.3
mine = keys(HEAD, 1)
row().bone = ""
result["edited"] = [clean(floor_height=0.6), clean(keep=True), keys(HEAD, 1) == mine]
"""
)


def test_a_bone_that_was_keyed_before_it_had_a_part_stays_theirs(in_blender: InBlender, swinging: Path) -> None:
    seen = in_blender(MAPPED, swinging, sys.executable)
    assert seen["left_out"] is None
    for name in ("theirs", "and_again"):
        assert seen[name] == ["walk: cleaned up. Your edits are kept: Head. Nothing to check.", True]
    assert seen["ours"] == ["walk: cleaned up. Nothing to check.", True]
    assert seen["gone"][1] is None
    assert seen["back"][1]
    assert seen["edited"][0] == "edited"
    assert "Your edits are kept: Head." in seen["edited"][1]
    assert seen["edited"][2]


RATES = (
    PLACED
    + """
figure = armature(person())
place()
TURN = 'pose.bones["Head"].rotation_quaternion'
last = len(keys(TURN, 1))
def curve():
    return curves_of(act()).find(TURN, index=1)
inside = round(curve().evaluate(last), 4)
for frame, value in ((-9, 0.8), (last + 2, 0.9), (last + 10, 0.7)):
    curve().keyframe_points.insert(frame, value)
curve().update()
arm = figure.pose.bones["LeftArm"]
for frame, aside in ((5, 0.0), (9, 0.1), (last + 2, 0.3)):
    arm.location = (aside, 0, 0)
    arm.keyframe_insert("location", frame=frame)
    for key in curves_of(act()).find('pose.bones["LeftArm"].location', index=0).keyframe_points:
        key.handle_left_type = key.handle_right_type = "FREE"
ASIDE = 'pose.bones["LeftArm"].location'
act().pose_markers.new("here").frame = 9
slow = [curves_of(act()).find(ASIDE, index=0).evaluate(float(frame)) for frame in range(1, last)]
result["last"] = last
scene.render.fps = 48
result["told"] = clean(keep=True)
result["now"] = [round(act().frame_end), [key for key in keys(TURN, 1) if not 1 <= key[0] <= act().frame_end]]
result["during"] = [round(curve().evaluate(act().frame_end), 4), inside]
result["aside"] = keys(ASIDE)
quick = [curves_of(act()).find(ASIDE, index=0).evaluate(2.0 * frame - 1) for frame in range(1, last)]
result["apart"] = float(np.abs(np.array(slow) - quick).max())
result["marker"] = act().pose_markers["here"].frame
scene.render.fps = 24
clean(keep=True)
outside = [key for key in keys(TURN, 1) if not 1 <= key[0] <= last]
result["back"] = [outside, keys(ASIDE), act().pose_markers["here"].frame]
# An armature of its own is written over in its place.
place("NEW", "")
figure = bpy.context.view_layer.objects.active
shoulder = figure.pose.bones["left_shoulder"]
shoulder.location = (0, 0.2, 0)
shoulder.keyframe_insert("location", frame=5)
scene.render.fps = 48
clean()
result["own"] = keys('pose.bones["left_shoulder"].location', 1)
"""
)


def test_keys_go_along_when_the_rate_changes(in_blender: InBlender, swinging: Path) -> None:
    seen = in_blender(RATES, swinging, sys.executable)
    last = seen["last"]
    assert "Your edits are kept: Head." in seen["told"]
    now, outside = seen["now"]
    assert 2 * last - 1 <= now <= 2 * last
    # As far behind the take as before, in seconds.
    assert outside == [[-19.0, 0.8], [now + 4.0, 0.9], [now + 20.0, 0.7]]
    assert seen["during"][0] == pytest.approx(seen["during"][1], abs=1e-3)
    assert seen["aside"] == [[9.0, 0.0], [17.0, 0.1], [now + 4.0, 0.3]]
    assert seen["apart"] < 1e-2
    assert seen["marker"] == 17
    outside, aside, marker = seen["back"]
    assert outside == [[-9.0, 0.8], [last + 2.0, 0.9], [last + 10.0, 0.7]]
    assert aside == [[5.0, 0.0], [9.0, 0.1], [last + 2.0, 0.3]]
    assert marker == 9
    assert seen["own"] == [[9.0, 0.2]]


ASSETS = (
    PLACED
    + """
def seen():
    told = act().asset_data
    pixels = np.array(act().preview.image_pixels) if act().preview else np.zeros(0)
    return [told and [told.description, told.author, [tag.name for tag in told.tags], told.catalog_id, told.get("own")],
            [int(np.sum(pixels == 77)), len(pixels)], act().use_fake_user]

def window():
    return [act().use_frame_range, act().frame_start, act().frame_end]

figure = armature(person())
place()
result["at_first"] = window()
name = act().name
act().asset_mark()
told = act().asset_data
told.description, told.author, told.catalog_id = "hello", "me", "c5a8f4c2-4f9e-4b44-9d7c-0ee0d0a6a5ab"
told.tags.new("walk")
told.tags.new("cycle")
told["own"] = 3
picture = act().preview_ensure()
picture.image_size = (4, 4)
picture.image_pixels.foreach_set(np.full(16, 77, np.int32))
result["told"] = clean(floor_height=0.1)
result["after"] = seen()
# Copied whole, for the modifier.
arm = figure.pose.bones["LeftArm"]
arm.keyframe_insert("location", frame=5)
curves_of(act()).find('pose.bones["LeftArm"].location', index=0).modifiers.new("NOISE")
clean(floor_height=0.2)
result["copied"] = seen()
# A new Action is another, and no asset.
clean(anew=True, floor_height=0.3)
result["anew"] = [act().asset_data is None, bpy.data.actions[name].asset_data.description]
result["still_ours"] = window() == result["at_first"]
scene.render.fps = 48
clean()
result["follows"] = window()
scene.render.fps = 24
clean()

# A range by hand.
act().frame_start, act().frame_end = 10, 30
clean(floor_height=0.1)
result["by_hand"] = window()
scene.render.fps = 48
clean()
result["in_time"] = window()
scene.render.fps = 24
clean()
result["and_back"] = window()
act().use_frame_range = False
clean(floor_height=0.2)
result["off"] = window()
place("NEW", "")
act().frame_end = 30
clean(floor_height=0.2)
result["own"] = window()
place()
result["another"] = window() == result["at_first"]
"""
)


def test_an_asset_and_a_range_by_hand_stay(in_blender: InBlender, swinging: Path) -> None:
    seen = in_blender(ASSETS, swinging, sys.executable)
    assert "cleaned up" in seen["told"]
    told = ["hello", "me", ["walk", "cycle"], "c5a8f4c2-4f9e-4b44-9d7c-0ee0d0a6a5ab", 3]
    assert seen["after"] == seen["copied"] == [told, [16, 16], True]
    assert seen["anew"] == [True, "hello"]
    used, first, last = seen["at_first"]
    assert used
    assert seen["still_ours"]
    assert seen["follows"][:2] == [True, first]
    assert 2 * last - 1 <= seen["follows"][2] <= 2 * last
    assert seen["by_hand"] == seen["and_back"] == [True, 10.0, 30.0]
    assert seen["in_time"] == [True, 19.0, 59.0]
    assert seen["off"] == [False, 10.0, 30.0]
    assert seen["own"] == [True, 1.0, 30.0]
    assert seen["another"]
