"""Frames of an Action and of the scene, against what Blender shows of strips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SCRIPT = """
import bpy
from motionlift.bridge.blender import nla, versions
from motionlift.bridge.blender.strip_time import timing, timings
scene = bpy.context.scene
figure = bpy.data.objects.new("Figure", None)
scene.collection.objects.link(figure)

def ramp(name, aside=0.0):
    action = bpy.data.actions.new(name)
    curve = versions.assign_action(figure, action).fcurves.new("location", index=0)
    curve.keyframe_points.add(2)
    curve.keyframe_points.foreach_set("co", [11, 11 + aside, 111, 111 + aside])
    for key in curve.keyframe_points:
        key.interpolation = "LINEAR"
    curve.update()
    return action, getattr(figure.animation_data, "action_slot", None)

def shown(frame):
    scene.frame_set(frame)
    return figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).location.x

def differing(frames):
    return [[frame, shown(frame), timing(figure, action, frame).to_action(frame)] for frame in frames
            if abs(shown(frame) - timing(figure, action, frame).to_action(frame)) > 1e-3]

animation = figure.animation_data_create()
action, slot = ramp("walk")
alone = timing(figure, action, 40)
result["alone"] = [alone.to_scene(40), alone.to_action(40), alone.covers(-5000), alone.part(3, 7)]
result["nobody"] = timing(None, action, 40) == alone
track = animation.nla_tracks.new()
animation.action = None
strip = track.strips.new("walk", 11, action)
if slot is not None:
    strip.action_slot = slot
result["moved"] = []
for change in ({"frame_start_ui": -30}, {"scale": 1.5}, {"repeat": 2.5}, {"use_reverse": True},
               {"action_frame_start": 31}, {"use_reverse": False}, {"repeat": 1.0}, {"scale": 0.5}):
    for name, value in change.items():
        setattr(strip, name, value)
    start, end = round(strip.frame_start), int(strip.frame_end)
    found = timing(figure, action, start)
    result["moved"].append([differing(range(start, end, 7)), abs(found.to_action(found.to_scene(50)) - 50) < 1e-9,
                            found.covers(start), found.covers(end + 2), found.covers(start - 1)])

# Cut in two, which then lie apart.
strip.scale, strip.action_frame_start, strip.action_frame_end = 1.0, 11, 60
second = track.strips.new("rest", 300, action)
if slot is not None:
    second.action_slot = slot
second.action_frame_start, second.action_frame_end = 61, 111
strip.frame_start_ui, second.frame_start_ui = 100, 300
result["cut"] = [[t.part(80, 90) for t in timings(figure, action, now)] for now in (110, 310)]
result["across"] = timing(figure, action, 110).part(50, 80)
result["at"] = [timing(figure, action, now).to_action(now) for now in (110, 310, 20)]
strip.mute = True
result["muted"] = timing(figure, action, 110).to_action(310)
strip.mute = False

# A track that plays solo is what is seen, whatever lies above it.
above, _ = ramp("above", 5000.0)
result["own"] = [played.name for played in nla.played_actions(figure)][:2]
track.is_solo = True
result["solo"] = [[played.name for played in nla.played_actions(figure)][0], shown(110)]
track.is_solo = False

# The Action of a strip that is edited in place.
animation.action = None
animation.nla_tracks.active = track
second.select, strip.select = False, True
scene.frame_set(110)
animation.use_tweak_mode = True
found = timing(figure, action, 110)
result["tweaked"] = [animation.use_tweak_mode, animation.action == action, round(found.to_scene(21), 3),
                     round(found.to_action(110), 3)]
"""


def test_frames_are_found_where_blender_shows_them(in_blender: Callable[..., Any]) -> None:
    seen = in_blender(SCRIPT)
    assert seen["alone"] == [40, 40, True, [3, 7]]
    assert seen["nobody"]
    for differing, back, covered, after, before in seen["moved"]:
        assert differing == []
        assert (back, covered, after, before) == (True, True, False, False)
    assert seen["cut"] == [[None, [319, 329]], [[319, 329], None]]
    assert seen["across"] == [139, 149]
    assert seen["at"] == [21, 71, -69]
    assert seen["muted"] == 71
    assert seen["own"] == ["above", "walk"]
    assert seen["solo"] == ["walk", 21]
    tweaked, same, scene, action = seen["tweaked"]
    assert tweaked
    assert same
    assert (scene, action) == (110, 21)
