"""What an armature did and where it stood before a lift: none of it gets into the take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion, resample

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

InBlender = Callable[..., Any]

HERO = (
    PRELUDE
    + """
motion = Motion.load(Path(arguments[0]))
last = len(motion)

def lifted(figure, travel="hips", at=1):
    # Where the hips go, in the first frame and the last one, seen in the world.
    scene.render.fps = 10
    scene.frame_set(at)
    animate(figure, motion, choose, RetargetOptions(travel=travel), "take")
    return [[float(value) for value in figure.matrix_world @ Matrix.Translation(seen(figure, ["Hips"], frame)[0])
             .translation] for frame in (1, last)]
"""
)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, walk: Motion) -> Path:
    path = tmp_path_factory.mktemp("motion") / "short.motion.npz"
    resample(walk, 10.0).save(path)
    return path


@pytest.fixture
def hero(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> dict[str, Any]:
    return spec_of(rig_of(presets["mixamo"], A_POSE))


def test_an_action_that_moves_nothing_is_in_nobodys_way(
    in_blender: InBlender, short: Path, hero: dict[str, Any]
) -> None:
    """*New* in the Action Editor makes an empty Action; one that was made for another object moves nothing here."""
    script = (
        HERO
        + """
result["plain"] = lifted(make_rig(hero := arguments[1]))

def empty(figure, action):
    figure.animation_data_create().action = action

def only_a_slot(figure, action):
    empty(figure, action)
    figure.animation_data.action_slot = action.slots.new("OBJECT", figure.name)

def only_a_layer(figure, action):
    action.layers.new("Layer")
    empty(figure, action)

def of_another(figure, action):
    other = bpy.data.objects.new("Other", None)
    other.animation_data_create().action = action
    other.keyframe_insert("location", frame=1)
    empty(figure, action)
    assert figure.animation_data.action_slot is None

slotted = "slots" in bpy.types.Action.bl_rna.properties
for before in (empty, only_a_slot, only_a_layer, of_another) if slotted else (empty,):
    figure, action = make_rig(hero, before.__name__), bpy.data.actions.new(before.__name__)
    before(figure, action)
    result[before.__name__] = lifted(figure)
    made = figure.animation_data.action
    assert action.use_fake_user and made != action
    assert not slotted or [slot.identifier for slot in made.slots] == ["OB" + figure.name]
"""
    )
    found = in_blender(script, short, hero)
    plain = found.pop("plain")
    assert found
    assert found == dict.fromkeys(found, plain)


def test_a_take_does_not_carry_on_the_one_before(in_blender: InBlender, short: Path, hero: dict[str, Any]) -> None:
    """Whatever carried the way before, and wherever the playhead is: the take is that of an untouched rig."""
    script = (
        HERO
        + """
hero = arguments[1]
for travel in ("hips", "object", "root"):
    result[travel] = lifted(make_rig(hero), travel)
for first, at, then in [("object", 1, "hips"), ("object", 20, "hips"), ("object", 20, "object"), ("root", 9, "hips"),
                        ("root", 1, "object"), ("hips", 20, "object"), ("object", 20, "root")]:
    figure = make_rig(hero)
    lifted(figure, first)
    scene.frame_set(at)
    bpy.context.view_layer.update()
    result[f"{first}, at {at} {then}"] = lifted(figure, then, at)
# What is worked out beforehand holds until it is written, while the take plays.
figure = make_rig(hero)
figure.location = (0.1, 0.7, -3.3)
bpy.context.view_layer.update()
where = read_rig(figure).world.tolist()
lifted(figure, "object")
worlds = []
for frame in range(1, last):
    scene.frame_set(frame)
    worlds.append(read_rig(figure).world.tolist())
result["plays"] = [world == where for world in worlds]
"""
    )
    found = in_blender(script, short, hero)
    assert all(found.pop("plays"))
    plain = found.pop("hips")
    assert abs(plain[1][1] - plain[0][1]) > 1
    for name, seen in found.items():
        assert np.allclose(seen, plain, atol=1e-4), name


def test_what_a_dropped_curve_had_set_is_at_rest(in_blender: InBlender, short: Path, hero: dict[str, Any]) -> None:
    """A forearm that was keyed away from its arm, and a leg about an axis that is locked; a bone that we do not key
    keeps what it does."""
    script = (
        HERO
        + """
names = ["LeftForeArm", "LeftHand", "LeftLeg", "LeftFoot"]
for name in ("plain", "moved"):
    figure = make_rig(arguments[1], name)
    leg = figure.pose.bones["LeftLeg"]
    leg.rotation_mode, leg.lock_rotation = "XYZ", (False, True, False)
    if name == "moved":
        arm, finger = figure.pose.bones["LeftForeArm"], figure.pose.bones["LeftHandIndex1"]
        for frame, value in (1, 0.0), (20, 0.3):
            arm.location, leg.rotation_euler, finger.location = (value, 0, 0), (0, value, 0), (0, value, 0)
            for bone, path in (arm, "location"), (leg, "rotation_euler"), (finger, "location"):
                bone.keyframe_insert(path, frame=frame)
    lifted(figure, at=20)
    result[name] = [seen(figure, names, frame).tolist() for frame in (1, last)]
scene.frame_set(20)
result["finger"] = finger.location[1]
"""
    )
    found = in_blender(script, short, hero)
    assert np.allclose(found["moved"], found["plain"], atol=1e-5)
    assert abs(found["finger"] - 0.3) < 1e-5


def test_the_object_travels_alike_wherever_it_hangs(in_blender: InBlender, short: Path, hero: dict[str, Any]) -> None:
    """On a parent that is moved, turned and scaled, on a bone, under *Child Of*, with delta transforms: in the world
    it goes as an object that hangs on nothing, from where it stands."""
    script = (
        HERO
        + """
hero = arguments[1]
holder = bpy.data.objects.new("Holder", None)
bpy.context.collection.objects.link(holder)
holder.location, holder.rotation_euler, holder.scale = (2, 1, 0.5), (0.2, 0.1, 1.0), (2, 2, 2)
skeleton = make_rig(hero, "Skeleton")
skeleton.location = (-3, 2, 1)
bpy.context.view_layer.update()

def parented(figure):
    figure.parent = holder

def kept(figure):
    figure.parent, figure.matrix_parent_inverse = holder, holder.matrix_world.inverted()

def on_bone(figure):
    figure.parent, figure.parent_type, figure.parent_bone = skeleton, "BONE", "Head"

def child_of(figure):
    figure.constraints.new("CHILD_OF").target = holder

def delta(figure):
    figure.delta_location, figure.delta_rotation_euler, figure.delta_scale = (0, 3, 0.2), (0.3, 0, 1), (2, 2, 2)

def moved(figure):
    figure.location, figure.scale = (1, 2, 3), (0.5, 0.5, 0.5)

for hung in (parented, kept, on_bone, child_of, delta, moved):
    figures = [make_rig(hero, hung.__name__) for _ in range(2)]
    for figure in figures:
        hung(figure)
    bpy.context.view_layer.update()
    ways = [lifted(figures[0])]
    ways += [lifted(figures[1], travel, at) for travel, at in (("object", 1), ("object", 15), ("hips", 15))]
    result[hung.__name__] = ways
"""
    )
    for hung, (plain, *others) in in_blender(script, short, hero).items():
        assert all(np.allclose(seen, plain, atol=1e-3) for seen in others), hung
