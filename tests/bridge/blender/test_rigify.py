"""A Rigify human made for a motion: the person's pose on it, and a scene that is otherwise as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.motion import Motion

from .test_actions import PRELUDE

RIGIFY = (
    PRELUDE
    + """
from motionlift.bridge.blender import rigify
from motionlift.bridge.blender.rigify import add_rigify_human, remove_made
motion = Motion.load(Path(arguments[0]))

def state():
    view = bpy.context.view_layer
    return [view.objects.active.name if view.objects.active else "", view.active_layer_collection.name,
            sorted(o.name for o in bpy.context.selected_objects), bpy.context.mode, scene.frame_current,
            scene.frame_start, scene.frame_end, sorted(c.name for c in scene.collection.children)]

def counts():
    return {kind: len(getattr(bpy.data, kind)) for kind in
            ("objects", "armatures", "meshes", "collections", "texts", "actions")}
"""
)


@pytest.fixture
def short_walk(walk: Motion, tmp_path: Path) -> Path:
    path = tmp_path / "walk.motion.npz"
    walk.save(path)
    return path


def test_a_human_in_the_persons_pose_in_a_scene_that_stays(in_blender: Callable[..., Any], short_walk: Path) -> None:
    """Made while something else is active in a collection of its own; removed, nothing of it remains. Blender's
    evaluated deforming bones against the motion's own joints, posed by FK, by IK legs, by IK."""
    script = (
        RIGIFY
        + """
figures = bpy.data.collections.new("figures")
scene.collection.children.link(figures)
bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection.children["figures"]
bpy.ops.object.empty_add()
bpy.context.object.name = "walk"
scene.frame_set(7)
before, kept = state(), counts()
human = add_rigify_human(bpy.context, motion, "walk")
after = state()
result["children"] = sorted(set(after.pop()) - set(before.pop()))
result["same"] = [before, after]
result["notes"] = human.notes
figure, metarig = human.figure, human.metarig
result["names"] = [figure.name, figure.data.name, metarig.name]
result["where"] = [[c.name for c in item.users_collection] for item in (figure, metarig)]
result["hidden"] = [metarig.hide_get(), figure.hide_get()]
result["bones"] = len(figure.data.bones)
parts = {"left_clavicle": "shoulder.L", "right_shoulder": "upper_arm.R", "left_elbow": "forearm.L",
         "right_wrist": "hand.R", "left_hip": "thigh.L", "right_knee": "shin.R", "left_ankle": "foot.L",
         "right_toe": "toe.R", "neck": "spine.004", "head": "spine.006"}
for limbs in ("fk", "auto", "ik"):
    options = RetargetOptions(place="filmed", limbs=limbs)
    result[limbs + " notes"] = animate(figure, motion, choose, options, "walk").notes
    worst = dict.fromkeys(parts, 0.0)
    for frame in range(0, 300, 23):
        heads = seen(figure, [f"DEF-{bone}" for bone in parts.values()], 1 + frame)
        for part, head in zip(parts, heads):
            away = np.linalg.norm(head - motion.joint_positions[frame, motion.joint(part)])
            worst[part] = max(worst[part], float(away))
    result[limbs] = worst
bpy.data.batch_remove(bpy.data.actions)
remove_made(human.made)
result["removed"] = counts() == kept
"""
    )
    found = in_blender(script, short_walk)
    assert found["children"] == ["WGTS_walk_t02"]
    before, after = found["same"]
    assert before == after
    assert "Rigify was enabled" in found["notes"][0]
    assert found["names"] == ["walk_t02", "walk_t02", "walk_t02_metarig"]
    assert found["where"] == [["figures"], ["figures"]]
    assert found["hidden"] == [True, False]
    assert found["bones"] > 600
    for limbs in ("fk", "auto", "ik"):
        assert found[f"{limbs} notes"] == []
        for part, away in found[limbs].items():
            assert away < 0.003, (limbs, part)
    assert found["removed"]


def test_one_that_another_blender_made_is_the_same(
    in_blender: Callable[..., Any], short_walk: Path, tmp_path: Path
) -> None:
    script = (
        RIGIFY
        + """
import addon_utils
import json
from motionlift.addon.prepared import same_rig
from motionlift.bridge.blender.drafts import DraftLost
from motionlift.bridge.blender.rigify_draft import discard_lost_humans, import_rigify
from motionlift.bridge.rig import Rig
from motionlift.bridge.blender.files import open_nothing
from motionlift.bridge.blender.rigify import write_rigify_human
from motionlift.bridge.blender.rigify_draft import HumanDraft

def described(human):
    figure, metarig = human.figure, human.metarig
    bones = {b.name: [b.parent.name if b.parent else "", b.use_deform, sorted(c.name for c in b.collections),
                      [round(v, 5) for row in b.matrix_local for v in row]] for b in figure.data.bones}
    pose = {b.name: [b.custom_shape.name if b.custom_shape else "", b.rotation_mode, list(b.lock_location),
                     [[c.type, getattr(c, "subtarget", ""), round(c.influence, 4)] for c in b.constraints],
                     [round(v, 5) for row in b.matrix for v in row], sorted(b.keys())] for b in figure.pose.bones}
    drivers = sorted([d.data_path, d.array_index, d.driver.expression] for d in figure.animation_data.drivers)
    layers = bpy.context.view_layer.layer_collection.children
    widgets = metarig.data.rigify_widgets_collection
    panel = metarig.data.rigify_rig_ui
    return [bones, pose, drivers, figure.animation_data.action is None, figure.name, figure.data.name, metarig.name,
            metarig.data.rigify_rig_basename, metarig.data.rigify_target_rig == figure, metarig.hide_get(),
            widgets.name, layers[widgets.name].exclude, widgets.hide_viewport, widgets.hide_render,
            panel.use_module, len(panel.lines), figure.data["rig_id"] in panel.as_string(),
            classes_of(figure.data["rig_id"]), figure.name in scene_of().objects]

def scene_of():
    return bpy.context.scene

# The rig's panel and its buttons, with their options.
def classes_of(rig_id):
    return {name.replace(rig_id, ""): sorted(option.identifier for option in getattr(bpy.types, name).bl_rna.properties)
            for name in dir(bpy.types) if rig_id in name}

file = Path(arguments[1])
rig = write_rigify_human(motion, file, "walk")
result["json"] = same_rig(Rig.from_json(json.loads(json.dumps(rig.to_json()))), rig)
open_nothing()
scene = bpy.context.scene
made = []
steps = 0
for written in (file, None):
    before = counts()
    if written:
        rigs, outside = [], state()
        draft = HumanDraft(written, "walk", motion, lambda figure, read: rigs.append(read))
        while not draft.advance():
            steps += 1
            assert state() == outside and not scene_of().objects[:]
        human = draft.human(bpy.context)
        result["steps"], result["rig"] = steps, same_rig(rigs[0], rig)
        result["marks"] = [key for key in human.figure.keys() if key.startswith("motionlift")]
    else:
        human = add_rigify_human(bpy.context, motion, "walk")
    bpy.context.view_layer.update()
    made.append(described(human))
    human_id = human.figure.data["rig_id"]
    # Rigify leaves an armature that nobody uses, and that is in no file.
    made[-1].append({kind: number - before[kind] for kind, number in counts().items() if kind != "armatures"})
    remove_made(human.made)
    result["classes"] = len(classes_of(human_id))
    result["removed"] = [counts() == before, len(bpy.data.libraries)]
result["differ"] = [n for n, (a, b) in enumerate(zip(*made)) if a != b]
result["shown"] = [[one[number] for number in result["differ"] if number > 2] for one in made]
result["bones"] = len(made[0][0])
# Given up at any step, nothing of it stays; Rigify is enabled as it was.
addon_utils.disable("rigify", default_set=True)
result["given_up"] = []
for count in range(1, steps + 1):
    before = counts()
    draft = HumanDraft(file, "walk", motion, lambda *_: None)
    for _ in range(count):
        draft.advance()
    enabled = addon_utils.check("rigify")[1]
    draft.discard()
    result["given_up"].append([enabled, addon_utils.check("rigify")[1], counts() == before])
# Taken away by undo.
draft = HumanDraft(file, "walk", motion, lambda *_: None)
while not draft.advance():
    pass
discard_lost_humans()
try:
    draft.human(bpy.context)
except DraftLost:
    result["lost"] = counts() == before
# The meta-rig of a rig that somebody has thrown away is still there.
left = bpy.data.objects.new("walk_metarig", None)
human = HumanDraft(file, "walk", motion, lambda *_: None).human(bpy.context)
result["beside"] = [human.figure.name, human.metarig.name, human.metarig.data.rigify_target_rig == human.figure]
remove_made(human.made)
addon_utils.disable("rigify", default_set=True)
bpy.data.objects.remove(left)
file.write_bytes(b"no file")
before = counts()
try:
    HumanDraft(file, "walk", motion, lambda *_: None).human(bpy.context)
except MotionLiftError as error:
    result["broken"] = [error.code, counts() == before, addon_utils.check("rigify")[1]]
"""
    )
    found = in_blender(script, short_walk, tmp_path / "human.blend")
    assert found["differ"] == [], found["shown"]
    assert found["bones"] > 600
    assert found["classes"] > 3
    assert found["removed"] == [True, 0]
    assert found["json"]
    assert found["rig"]
    assert found["steps"] >= 4
    assert found["marks"] == []
    assert found["given_up"] == [[True, False, True]] * found["steps"]
    assert found["lost"]
    assert found["beside"] == ["walk", "walk_metarig.001", True]
    assert found["broken"] == ["rigify_failed", True, False]


def test_nothing_remains_of_what_failed(in_blender: Callable[..., Any], short_walk: Path) -> None:
    script = (
        RIGIFY
        + """
import addon_utils
before = [counts(), state()]
for name in ("_set_rest", "fit_metarig"):
    whole = getattr(rigify, name)
    def fails(metarig, *more):
        metarig.pose.bones["thigh.L"].rigify_type = "limbs.arm"
        metarig.data.edit_bones
        return whole(metarig, *more)
    def refuses(*more):
        raise MotionLiftError("refused", "No.", "")
    setattr(rigify, name, fails if name == "_set_rest" else refuses)
    try:
        add_rigify_human(bpy.context, motion, "walk")
        result[name] = "made"
    except MotionLiftError as error:
        result[name] = [error.code, error.message]
    setattr(rigify, name, whole)
result["same"] = [counts(), state()] == before
result["enabled"] = addon_utils.check("rigify")[1]
"""
    )
    found = in_blender(script, short_walk)
    assert found["fit_metarig"][0] == "refused"
    assert found["_set_rest"][0] == "rigify_failed"
    assert found["same"]
    assert not found["enabled"]


@pytest.mark.slow
def test_the_metarig_is_one_like_any_other(in_blender: Callable[..., Any], short_walk: Path) -> None:
    """Rigify makes the same rig of it again."""
    script = (
        RIGIFY
        + """
human = add_rigify_human(bpy.context, motion, "walk")
bpy.context.view_layer.objects.active = human.metarig
human.metarig.hide_set(False)
rest = {bone.name: list(bone.head_local) for bone in human.figure.data.bones}
bpy.ops.pose.rigify_generate()
result["again"] = max(abs(a - b) for bone in human.figure.data.bones for a, b in zip(bone.head_local, rest[bone.name]))
"""
    )
    assert in_blender(script, short_walk)["again"] < 1e-5


def test_the_command_makes_one(in_blender: Callable[..., Any], short_walk: Path, tmp_path: Path) -> None:
    """Beside a scene that another program opens: the deforming skeleton, a single action of the take's name."""
    script = """
import subprocess, sys
from pathlib import Path
made = Path(arguments[1])
command = [sys.executable, "-m", "motionlift", "retarget", arguments[0], "--rig", "rigify", "-o", str(made)]
done = subprocess.run(command, capture_output=True, text=True)
result["said"], result["code"] = done.stdout + done.stderr, done.returncode
bpy.ops.import_scene.fbx(filepath=str(made))
figure = [item for item in bpy.data.objects if item.type == "ARMATURE"][0]
result["actions"] = [action.name for action in bpy.data.actions]
result["roots"] = [bone.name for bone in figure.data.bones if bone.parent is None]
"""
    found = in_blender(script, short_walk, tmp_path / "walk.fbx")
    assert found["code"] == 0, found["said"]
    assert "(Rigify, 100% sure)" in found["said"]
    assert len(found["actions"]) == 1
    assert "walk" in found["actions"][0]
    assert len(found["roots"]) == 1
