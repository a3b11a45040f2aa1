"""Where a lift goes when its animator has gone on meanwhile: to another scene, another view layer, another name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .scripts import WITH_PERSON

InBlender = Callable[..., Any]

READY = (
    WITH_PERSON
    + """
from motionlift.addon import clean_results, driver, results, taking, targets
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.addon.placing import Placing
from motionlift.addon.prepared import prepare
from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
path = Path(arguments[0])
state, layer = session(), bpy.context.view_layer
scene.render.fps, scene.frame_start, scene.frame_end = 24, 1, 20

def lifted(kind, figure=None, fps=24.0, rate="KEEP"):
    rig = {} if figure is None else {"rig": figure.name, "rig_uid": figure.session_uid}
    plan = results.LiftPlan(kind, options=targets.options_for(kind, choices.rig_options(True)),
                            placing=Placing(rate), scene=scene.session_uid, **rig)
    motion = evenly_sampled(Motion.load(path), fps)
    report = {"places": [{"start_s": 0.25, "end_s": 0.5, "words": "left hand hidden"}]}
    job = Job("lift", "walk", path, path, LiftSettings(), fps, plan)
    one = Finished(job, ((path, motion),), (report,), clip_fps=30.0)
    wanted = clean_results.preparation(bpy.context, one)
    return Finished(job, one.motions, one.reports, clip_fps=30.0, prepared=wanted and prepare(wanted))

def placed(one):
    state.tell("")
    taking.take_result(bpy.context, one, state)
    return state.error and str(state.error)

def range_of(figure):
    return list(figure.animation_data.action.frame_range)
"""
)

LEFT_OUT = (
    READY
    + """
collection = bpy.data.collections.new("Character")
scene.collection.children.link(collection)
figure = armature(person())
scene.collection.objects.unlink(figure)
collection.objects.link(figure)
other = bpy.data.objects.new("Other", None)
scene.collection.objects.link(other)
other.select_set(True)
layer.objects.active = other
one = lifted("ACTIVE", figure)
layer.layer_collection.children["Character"].exclude = True
result["error"] = placed(one)
result["undo"] = state.undo_step
result["range"], result["end"] = range_of(figure), scene.frame_end
result["markers"] = [mark.name for mark in scene.timeline_markers]
result["active"] = [layer.objects.active.name, other.select_get()]
"""
)

OTHER_SCENE = (
    READY
    + """
window = bpy.context.window
figure = armature(person())
two = bpy.data.scenes.new("Two")
two.frame_start, two.frame_end, two.render.fps = 100, 110, 60
for kind, rig in (("ACTIVE", figure), ("NEW", None)):
    state.held.append(lifted(kind, rig))
scene.name = "Shot 1"
window.scene = two
for _ in range(5):
    driver._step(bpy.context, state)
result["held"] = [len(state.held), driver.progress_words(state), sorted(bpy.data.actions.keys())]
window.scene = scene
while state.held or state.preparing:
    driver._step(bpy.context, state)
result["rig"] = range_of(figure)
made = bpy.data.objects[-1]
result["new"] = [range_of(layer.objects.active), len(scene.objects), len(two.objects)]
result["ranges"] = [scene.frame_end, two.frame_start, two.frame_end]

# A script cannot wait: the scene is shown meanwhile.
from motionlift.addon.lift_scene import in_its_scene
window.scene = two
one = lifted("NEW")
with in_its_scene(bpy.context, one):
    result["scripted"] = [placed(one), len(scene.objects), len(two.objects), window.scene == scene]
result["shown"] = window.scene == two

# Nobody can show a scene that is gone.
state.held.append(lifted("NEW"))
bpy.data.scenes.remove(scene)
while state.held or state.preparing:
    driver._step(bpy.context, state)
result["gone"] = [state.error and str(state.error), range_of(bpy.context.view_layer.objects.active), len(two.objects)]
"""
)

COLLECTIONS = (
    READY
    + """
def active(collection, under=layer.layer_collection):
    layer.active_layer_collection = under.children[collection.name]

def home():
    error = placed(lifted("NEW"))
    return error or [collection.name for collection in layer.objects.active.users_collection]

def kept_in(name):
    collection = bpy.data.collections.new(name)
    figure = armature(person())
    scene.collection.objects.unlink(figure)
    collection.objects.link(figure)
    bpy.data.libraries.write(str(path.parent / f"{name}.blend"), {collection})
    bpy.data.objects.remove(figure)
    bpy.data.collections.remove(collection)
    with bpy.data.libraries.load(str(path.parent / f"{name}.blend"), link=True) as (there, here):
        here.collections = [name]
    return here.collections[0]

shots = bpy.data.collections.new("Shots")
scene.collection.children.link(shots)
active(shots)
result["own"] = home()
linked = kept_in("Set")
shots.children.link(linked)
active(linked, layer.layer_collection.children["Shots"])
result["linked"] = home()
override = kept_in("Hero").override_hierarchy_create(scene, layer, do_fully_editable=True)
active(override)
result["override"] = home()
off = bpy.data.collections.new("Off")
shots.children.link(off)
active(off, layer.layer_collection.children["Shots"])
layer.layer_collection.children["Shots"].children["Off"].exclude = True
result["left_out"] = home()
"""
)

RENAMED = (
    READY
    + """
def worked_off(one):
    state.tell("")
    state.held.append(one)
    while state.held or state.preparing:
        driver._step(bpy.context, state)
    driver.push_undo(state)
    return [state.error and str(state.error), state.message.partition(":")[0]]

def plays(name):
    animation = bpy.data.objects[name].animation_data
    return animation and animation.action and animation.action.name

figure = armature(person())
bpy.ops.ed.undo_push(message="a rig")
one = lifted("ACTIVE", figure)
figure.name = "Hero"
armature(person())
bpy.ops.ed.undo_push(message="renamed, and another of its name")
result["renamed"] = [worked_off(one), plays("Hero"), plays("Rig")]

def solved(take):
    plan = clean_results.CleanUpPlan(action.name, False, False, False, take.settings(), take.adjustment(take.floor),
                                     uid=action.session_uid)
    job = Job("reuse", "walk", path, path, take.settings(), 24.0, plan)
    motion = evenly_sampled(Motion.load(path), 24.0)
    one = Finished(job, ((path, motion),), ({},), clip_fps=30.0)
    return Finished(job, one.motions, one.reports, clip_fps=30.0, prepared=prepare(
        clean_results.preparation(bpy.context, one)))

action = bpy.data.objects["Hero"].animation_data.action
one, action.name = solved(action.motionlift), "walk final"
bpy.data.actions.new("walk")
result["solved"] = [worked_off(one), plays("Hero")]

# What undo makes anew is what it was.
action = bpy.data.objects["Hero"].animation_data.action
bpy.ops.ed.undo_push(message="before undo")
one, again = lifted("ACTIVE", bpy.data.objects["Hero"]), solved(action.motionlift)
bpy.data.objects["Hero"].name, bpy.data.actions["walk final"].name = "Heroine", "run"
bpy.ops.ed.undo_push(message="renamed again")
bpy.data.objects.remove(bpy.data.objects["Heroine"])
bpy.ops.ed.undo_push(message="removed")
bpy.ops.ed.undo()
scene = bpy.context.scene
choices = scene.motionlift
result["undone"] = [worked_off(again), worked_off(one), plays("Heroine"), plays("Rig")]
one = lifted("ACTIVE", bpy.data.objects["Heroine"])
bpy.data.objects.remove(bpy.data.objects["Heroine"])
bpy.data.objects["Rig"].name = "Heroine"
result["gone"] = [worked_off(one)[0], plays("Heroine")]
"""
)


def take(make_motion: Callable[..., Motion], folder: Path) -> Path:
    """A take of 1 s on the disk."""
    path = folder / "walk.motion.npz"
    make_motion(frames=31, swing=0.4).save(path)
    return path


def test_a_rig_left_out_of_the_view_layer_gets_all_of_the_lift(
    in_blender: InBlender, make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    seen = in_blender(LEFT_OUT, take(make_motion, tmp_path))
    assert seen["error"] is None
    assert seen["undo"] == "Lift Video to Armature"
    assert seen["range"] == [1, 25]
    assert seen["end"] == 25
    assert seen["markers"] == ["ML: check L hand hidden"]
    assert seen["active"] == ["Other", True]


def test_a_lift_waits_for_the_scene_that_it_was_begun_in(
    in_blender: InBlender, make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    seen = in_blender(OTHER_SCENE, take(make_motion, tmp_path))
    assert seen["held"] == [2, "walk is lifted: show the scene Shot 1 to get it", []]
    assert seen["rig"] == [1, 25]
    assert seen["new"] == [[1, 25], 2, 0]
    assert seen["ranges"] == [25, 100, 110]
    assert seen["scripted"] == [None, 3, 0, True]
    assert seen["shown"]
    assert seen["gone"] == [None, [100, 160], 1]


def test_a_new_armature_goes_where_something_can_be_put(
    in_blender: InBlender, make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    seen = in_blender(COLLECTIONS, take(make_motion, tmp_path))
    assert seen["own"] == ["Shots"]
    assert seen["linked"] == ["Shots"]
    assert seen["override"] == ["Scene Collection"]
    assert seen["left_out"] == ["Shots"]


def test_a_rig_and_an_action_may_be_renamed_meanwhile(
    in_blender: InBlender, make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    seen = in_blender(RENAMED, take(make_motion, tmp_path))
    assert seen["renamed"] == [[None, "walk"], "walk", None]
    assert seen["solved"] == [[None, "walk final"], "walk final"]
    assert seen["undone"] == [[None, "run"], [None, "walk_t02"], "walk_t02", None]
    told, plays = seen["gone"]
    assert "no armature Heroine any more" in told
    assert plays is None
