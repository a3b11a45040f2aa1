"""An Action made anew curve by curve is the one that Blender's own copy would be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SCRIPT = """
from motionlift.bridge.blender import versions
from motionlift.bridge.blender.rebuilding import can_be_rebuilt, copy_curve, copy_rest, names_of

class Place(bpy.types.PropertyGroup):
    start: bpy.props.FloatProperty()
    words: bpy.props.StringProperty()

class Told(bpy.types.PropertyGroup):
    places: bpy.props.CollectionProperty(type=Place)
    kind: bpy.props.EnumProperty(items=[("A", "A", ""), ("B", "B", "")])
    flag: bpy.props.BoolProperty()
    number: bpy.props.FloatProperty(default=3.0)

for cls in (Place, Told):
    bpy.utils.register_class(cls)
bpy.types.Action.told = bpy.props.PointerProperty(type=Told)

thing = bpy.data.objects.new("Thing", None)
bpy.context.scene.collection.objects.link(thing)
for frame, value in ((1, 0.0), (9, 2.0), (14, -1.0)):
    thing.location = (value, value / 2, 0)
    thing.keyframe_insert("location", frame=frame)
    thing.rotation_euler[1] = value
    thing.keyframe_insert("rotation_euler", index=1, frame=frame)
thing.scale = (2, 2, 2)
thing.keyframe_insert("scale", frame=3)
action = thing.animation_data.action
curves = versions.current_curves(thing.animation_data)
for kind, curve in zip(("FREE", "AUTO_CLAMPED", "VECTOR"), curves.fcurves):
    for number, key in enumerate(curve.keyframe_points):
        key.handle_left_type = key.handle_right_type = kind
        key.handle_left[1] += 0.3
        key.interpolation = ("BEZIER", "ELASTIC", "CONSTANT")[number]
        key.type, key.easing = "EXTREME", "EASE_OUT"
        key.amplitude, key.period, key.back = 0.4, 3.5, 1.2
    curve.update()
first = curves.fcurves[0]
first.extrapolation, first.mute, first.lock, first.color_mode, first.color = "LINEAR", True, True, "CUSTOM", (1, 0.5, 0)
group = curves.groups.new("Mine")
group.color_set = "THEME03"
first.group = group
action["note"], action["list"], action["deep"] = "by hand", [1, 2, 3], {"a": {"b": 2.5}}
action.told.kind, action.told.flag, action.told.number = "B", True, 0.25
for start in (1.5, 7.0):
    place = action.told.places.add()
    place.start, place.words = start, f"left {start}"
action.pose_markers.new("here").frame = 6
action.use_cyclic = True

def dump(action, curves, left=()):
    def key(k):
        return [list(k.co), list(k.handle_left), list(k.handle_right), k.handle_left_type, k.handle_right_type,
                k.interpolation, k.type, k.easing, k.amplitude, k.period, k.back]
    found = sorted(
        [c.data_path, c.array_index, [key(k) for k in c.keyframe_points], c.extrapolation, c.mute, c.lock, c.hide,
         c.color_mode, list(c.color), c.auto_smoothing, c.group and [c.group.name, c.group.color_set],
         [c.evaluate(f / 3) for f in range(50)]]
        for c in curves.fcurves if (c.data_path, c.array_index) not in left)
    told = action.told
    return [found, action["note"], list(action["list"]), action["deep"].to_dict(), told.kind, told.flag, told.number,
            [[place.start, place.words] for place in told.places],
            [[marker.name, marker.frame] for marker in action.pose_markers], action.use_cyclic]

dropped = {("scale", axis) for axis in range(3)}
result["can"] = can_be_rebuilt(action, curves, dropped)
copied, slot = versions.detached_action(thing, "copied")
made, made_slot = versions.detached_action(thing, "made", copied=False)
into = versions.curves_in_slot(made, made_slot)
for path, index in names_of(curves, dropped):
    copy_curve(curves.fcurves.find(path, index=index), into)
copy_rest(action, made)
result["slots"] = [slot, made_slot]
expected, got = dump(copied, versions.curves_in_slot(copied, slot), dropped), dump(made, into)
result["differs"] = [number for number, (one, other) in enumerate(zip(expected, got)) if one != other]
names = ["path", "index", "keys", "extrapolation", "mute", "lock", "hide", "color_mode", "color", "smoothing", "group",
         "values"]
result["where"] = [[one[0], one[1], name, a, b] for one, other in zip(expected[0], got[0])
                   for name, a, b in zip(names, one, other) if a != b][:3]
result["left"] = sorted({c.data_path for c in into.fcurves})
versions.show_action(thing, made, made_slot)
bpy.context.scene.frame_set(5)
result["moves"] = abs(thing.location.y) > 1e-3
first.modifiers.new("NOISE")
result["modifiers"] = [can_be_rebuilt(action, curves, dropped), can_be_rebuilt(action, curves, {("location", 0)})]
if hasattr(action, "slots"):
    action.slots.new(id_type="OBJECT", name="Other")
    result["modifiers"][1] = not can_be_rebuilt(action, curves, {("location", 0)})
"""


def test_it_is_what_a_copy_is(in_blender: Callable[..., Any]) -> None:
    seen = in_blender(SCRIPT)
    assert seen["can"]
    assert seen["slots"][0] == seen["slots"][1]
    assert seen["where"] == []
    assert seen["differs"] == []
    assert seen["left"] == ["location", "rotation_euler"]
    assert seen["moves"]
    assert seen["modifiers"] == [False, True]
