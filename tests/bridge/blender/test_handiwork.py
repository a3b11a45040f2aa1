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


def test_two_characters_in_one_action(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """From 4.4 on an Action may hold several characters of the same bones, each in a slot: one take is ours, what the
    other does is nobody's edit, and stays."""
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        PRELUDE
        + """
from motionlift.bridge.blender.edits import apply_edits, hand_edits
from motionlift.bridge.blender.hand_work import hand_work
motion = Motion.load(Path(arguments[0]))
figures = {name: make_rig(arguments[1], name) for name in ("Villain", "Hero")}
if "slots" in bpy.types.Action.bl_rna.properties:
    duet = bpy.data.actions.new("Duet")
    for name, figure in figures.items():
        animation = figure.animation_data_create()
        animation.action = duet
        animation.action_slot = duet.slots.new("OBJECT", name)
        for bone in figure.pose.bones:
            bone.keyframe_insert("rotation_quaternion", frame=500)
            bone.keyframe_insert("location", frame=500)
    hero = figures["Hero"]

    def others():
        bag, = [bag for bag in versions.curve_owners(hero.animation_data.action) if bag.slot.identifier == "OBVillain"]
        return [[c.data_path, c.array_index, [list(k.co) for k in c.keyframe_points]] for c in bag.fcurves]

    before = others()
    animate(hero, motion, choose, RetargetOptions(), "take")
    action = hero.animation_data.action
    result["as_written"] = [is_as_written(action), hand_edits(action).paths(), hand_work(action).names()]
    ours = versions.current_curves(hero.animation_data)
    arm = ours.fcurves.find('pose.bones["LeftArm"].rotation_quaternion', index=1)
    arm.keyframe_points[7].co[1] += 0.2
    arm.update()
    edits = hand_edits(action)
    result["edited"] = [is_as_written(action), edits.paths(), hand_work(action).names()]
    animate(hero, motion, choose, RetargetOptions(), "take", edits=edits)
    result["others"] = others() == before
    result["again"] = hand_edits(hero.animation_data.action).paths()
"""
    )
    found = in_blender(script, tmp_path / "walk.motion.npz", spec_of(rig_of(presets["mixamo"], A_POSE)))
    arm = 'pose.bones["LeftArm"]'
    assert not found or found == {
        "as_written": [True, [], []],
        "edited": [False, [arm], ["LeftArm"]],
        "others": True,
        "again": [arm],
    }
