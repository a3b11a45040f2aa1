"""Characters linked from another file: with a library override they move, without one they are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

LINKED = (
    PRELUDE
    + """
from motionlift.bridge.blender.export import animate_and_export
from motionlift.bridge.blender.files import armature_called
from motionlift.bridge.blender.scene import with_edited_contacts, write_review

motion_path, character, shot = map(Path, arguments[:3])
motion = Motion.load(motion_path)

def link(kind, name):
    with bpy.data.libraries.load(str(character), link=True) as (there, here):
        setattr(here, kind, [name])
    return getattr(bpy.data, kind)[name]

def linked_object():
    figure = link("objects", "Hero")
    bpy.context.collection.objects.link(figure)
    return figure

def overridden():
    collection = link("collections", "Character")
    holder = bpy.data.objects.new("Character", None)
    holder.instance_type, holder.instance_collection = "COLLECTION", collection
    bpy.context.collection.objects.link(holder)
    collection.override_hierarchy_create(scene, bpy.context.view_layer, reference=holder, do_fully_editable=True)
    (figure,) = [item for item in scene.objects if item.type == "ARMATURE"]
    return figure

def state():
    return {
        "data": {kind: sorted([item.name, item.library.name if item.library else ""]
                        for item in getattr(bpy.data, kind))
                 for kind in ("actions", "objects", "armatures", "cameras")},
        "scene": [scene.frame_start, scene.frame_end, scene.frame_current, len(scene.timeline_markers)],
    }

def refusal(call):
    before = state()
    try:
        call()
    except MotionLiftError as error:
        assert state() == before
        return [error.code, error.message, error.hint]
"""
)


@pytest.fixture
def linked(
    in_blender: Callable[..., Any],
    tmp_path: Path,
    walk: Motion,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
) -> Callable[[str], Any]:
    """A function that runs a script in a new file beside a character's, which has a prop's Action of its own."""
    paths = [tmp_path / name for name in ("walk.motion.npz", "hero.blend", "shot.blend")]
    walk.save(paths[0])
    script = """
figure = make_rig(arguments[0])
figure["mood"] = 0.5
collection = bpy.data.collections.new("Character")
scene.collection.children.link(collection)
for owner in figure.users_collection:
    owner.objects.unlink(figure)
collection.objects.link(figure)
curves_of_idle = versions.assign_action(figure, bpy.data.actions.new("idle"))
curve = curves_of_idle.fcurves.new('["mood"]', index=0)
curve.keyframe_points.add(2)
curve.keyframe_points.foreach_set("co", [1, 0.25, 20, 0.75])
bpy.ops.wm.save_as_mainfile(filepath=arguments[1])
"""
    in_blender(PRELUDE + script, spec_of(rig_of(presets["mixamo"], A_POSE)), paths[1])
    before = paths[1].read_bytes()

    def run(script: str) -> Any:
        result = in_blender(LINKED + script, *paths)
        assert paths[1].read_bytes() == before
        return result

    return run


def test_an_override_moves(linked: Callable[[str], Any]) -> None:
    """Its Action is local, what the library's did goes on, and all is there again after saving."""
    result = linked("""
figure = overridden()
result["is"] = [figure.library is None, figure.override_library is not None, figure.data.library is not None]
idle = figure.animation_data.action
result["idle"] = [idle.name, idle.library is not None]
done = animate(figure, motion, choose, RetargetOptions(), "walk")
action = figure.animation_data.action
result["action"] = [done.action, action.name, action.library is None, done.frames, is_as_written(action)]
result["carried"] = [curve.data_path for curve in curves(action) if curve.data_path == '["mood"]']
names = ["LeftHand", "RightFoot", "Hips"]
now = [seen(figure, names, frame) for frame in (1, 100, 200)]
result["moves"] = float(np.linalg.norm(now[1][2] - now[0][2]))
places = write_review(figure, motion, scene.frame_start)
animate(figure, motion, choose, RetargetOptions(), "walk")
result["again"] = figure.animation_data.action.name
strip = push_to_nla(figure)
track = strip.name
bpy.ops.wm.save_as_mainfile(filepath=str(shot))
bpy.ops.wm.open_mainfile(filepath=str(shot))
scene = bpy.context.scene
(figure,) = [item for item in scene.objects if item.type == "ARMATURE"]
result["kept"] = [item.name for item in figure.animation_data.nla_tracks] == [track]
then = [seen(figure, names, frame) for frame in (1, 100, 200)]
result["same"] = float(np.abs(np.array(now) - np.array(then)).max())
figure.animation_data.nla_tracks[0].mute = True
action = bpy.data.actions["walk"]
figure.animation_data.action = action
if hasattr(action, "slots"):
    figure.animation_data.action_slot = action.slots[0]
then = [seen(figure, names, frame) for frame in (1, 100, 200)]
result["same action"] = float(np.abs(np.array(now) - np.array(then)).max())
edited = with_edited_contacts(figure, motion, scene.frame_start)
result["contacts"] = bool(np.array_equal(edited.contacts > 0.5, motion.contacts > 0.5))
""")
    assert result["is"] == [True, True, True]
    assert result["idle"] == ["idle", True]
    assert result["action"] == ["walk", "walk", True, 300, True]
    assert result["carried"] == ['["mood"]']
    assert result["moves"] > 0.3
    assert result["again"] == "walk_t02"
    assert result["kept"]
    assert result["same"] < 1e-5
    assert result["same action"] < 1e-5
    assert result["contacts"]


def test_a_file_with_an_override_is_animated(linked: Callable[[str], Any], tmp_path: Path) -> None:
    """As the command line does it: opened, keyed, exported."""
    result = linked("""
overridden()
bpy.ops.wm.save_as_mainfile(filepath=str(shot))
for suffix in (".fbx", ".blend"):
    output = shot.with_name("out" + suffix)
    done = animate_and_export(motion, str(shot), choose, RetargetOptions(), output, None, "walk")
    result[suffix] = [done.action, done.frames, done.found.family, output.stat().st_size > 50_000]
""")
    assert result == {suffix: ["walk", 300, "mixamo", True] for suffix in (".fbx", ".blend")}


def test_what_is_linked_without_an_override_is_refused(linked: Callable[[str], Any]) -> None:
    result = linked("""
figure = linked_object()
result["object"] = refusal(lambda: animate(figure, motion, choose, RetargetOptions(), "walk"))
bpy.data.objects.remove(figure)
holder = bpy.data.objects.new("Character", None)
holder.instance_type, holder.instance_collection = "COLLECTION", link("collections", "Character")
bpy.context.collection.objects.link(holder)
result["instance"] = refusal(lambda: armature_called("", "shot.blend"))
bpy.data.objects.remove(holder)
figure = overridden()
figure.override_library.is_system_override = True
result["system"] = refusal(lambda: animate(figure, motion, choose, RetargetOptions(), "walk"))
""")
    code, message, hint = result["object"]
    assert code == "linked_rig"
    assert "hero.blend" in message
    assert "Library Override" in hint
    code, message, hint = result["instance"]
    assert code == "linked_rig"
    assert "Hero" in message
    assert "Library Override" in hint
    code, message, hint = result["system"]
    assert code == "linked_rig"
    assert "cannot be edited" in message
    assert "Library Override" in hint
