"""Results that wait until they can be put into the scene: each is seen, cancelled alone, and keeps its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .scripts import DRAWING, WITH_MOTION

InBlender = Callable[..., Any]

HELD = (
    WITH_MOTION
    + DRAWING
    + """
from motionlift.addon import take_files
folder = path.parent / "motionlift" / "walk"
folder.mkdir(parents=True)
path = Path(shutil.copy(path, folder))
bpy.ops.wm.save_as_mainfile(filepath=str(folder.parents[1] / "shot.blend"))
bpy.ops.object.mode_set(mode="EDIT")

def names():
    running, waiting = state.queue.status, [job.name for job in state.queue.waiting]
    return [[one.job.name for one in state.held], running and running.job.name, waiting]

def buttons():
    draw("lift_panels", "LiftPanel")
    of = {one.number: one.name for one in state.jobs}
    return [of.get(value, "") for kind, _, value in Layout.asked if kind == "MOTIONLIFT_OT_cancel_lift"]

queue = state.queue_for(Path(arguments[1]), path.parent)
first, second, running, waiting = (lifted(name) for name in ("first", "second", "running", "waiting"))
state.held = [first, second]
queue.status, queue.waiting = Status(running.job), [waiting.job]
driver._step(bpy.context, state)
result["all"] = names()
result["rows"], result["drawn"] = buttons(), Layout.drawn
result["words"] = driver.progress_words(state)
ops.cancel_lift(number=second.job.number)
result["one_held"] = names()
queue.waiting.clear()
ops.cancel_lift()
queue.tick()
result["esc"] = names()
result["rows_then"], result["words_then"] = buttons(), driver.progress_words(state)
result["unused"] = take_files.unused()
ops.prune_takes()
bpy.ops.object.mode_set(mode="OBJECT")
until(lambda: not state.busy)
result["placed"] = [state.message.partition(":")[0], take_files.missing(figure.animation_data.action), path.exists()]

# What is being made to fit the rig likewise; and of what is dropped the file is unused.
shutil.copytree(folder, folder.with_name("other"))
other = Job("lift", "other", path, folder.with_name("other") / path.name, LiftSettings(), 24.0)
from concurrent.futures import Future
state.preparing = [(Finished(other, ((other.output, motion),)), Future())]
result["preparing"] = take_files.unused()
ops.cancel_lift()
result["dropped"] = [state.preparing, state.message, [found.parent.name for found in take_files.unused()]]

# A list is not lifted twice.
state.held = [Finished(Job("lift", "b", path, path, LiftSettings(), 24.0, results.LiftPlan("NEW", batch="b")))]
from motionlift.addon import batch
result["batch"] = sorted(batch.waiting())
ops.cancel_batch()
result["batch_then"] = [sorted(batch.waiting()), len(state.held)]
"""
)

LOADING = (
    WITH_MOTION
    + """
folder = path.parent
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
whole = (folder / "shot.blend").read_bytes()
(folder / "half.blend").write_bytes(whole[: len(whole) // 2])
(folder / "other.blend").write_bytes(whole)
held, running, waiting = lifted("held"), lifted("running"), lifted("waiting")

def begun():
    # One runs, one waits for it, one waits to be placed.
    queue = state.queue_for(Path(arguments[1]), folder)
    queue.status, queue.waiting = Status(running.job), [waiting.job]
    state.held, state.message = [held], "said"
    clean_up._wanted["walk"] = time.monotonic() + 1000.0

def there():
    found = state.queue
    return [len(state.held), len(found.jobs) if found else 0, clean_up.wanted(), state.message]

def half_written():
    from dataclasses import replace
    from motionlift.addon.prepared import prepare
    from motionlift.bridge.blender.drafts import MARK
    one = replace(state.held[0], prepared=prepare(clean_results.preparation(bpy.context, state.held[0])))
    state.held = [one]
    state.drafting = (one, clean_results.drafting_of(bpy.context, one))
    state.drafting[1].advance()
    return lambda: [action.name for action in bpy.data.actions if MARK in action]

begun()
drafts = half_written()
result["drafted"] = len(drafts())
for name in ("missing", "half"):
    result[name] = [bool(refusal(bpy.ops.wm.open_mainfile, filepath=str(folder / f"{name}.blend"))), there()]
result["same"] = [Path(bpy.data.filepath).name, drafts(), state.drafting]
# It is taken up again.
state.queue.cancel_all()
state.queue.tick()
clean_up.forget()
until(lambda: not state.busy)
result["placed"] = state.message.partition(":")[0]
begun()
drafts = half_written()
bpy.ops.wm.open_mainfile(filepath=str(folder / "other.blend"))
result["other"] = [there(), state.drafting, state.driven, drafts()]
begun()
bpy.ops.wm.read_homefile(use_empty=True)
result["new"] = there()
begun()
motionlift.unregister()
result["closed"] = there()
motionlift.register()
"""
)

KEPT = (
    WITH_MOTION
    + DRAWING
    + """
from motionlift.bridge.blender.drafts import MARK
animation = figure.animation_data_create()

def take():
    return animation.action.motionlift

def strip_of(action):
    track = animation.nla_tracks.new()
    return track, track.strips.new(action.name, 1, action)

def tweak(track, strip):
    for other in animation.nla_tracks:
        other.select = other == track
        for one in other.strips:
            one.select = one == strip
    animation.nla_tracks.active = track
    animation.use_tweak_mode = True
    assert animation.use_tweak_mode

def waited():
    # What is told while it waits, and that nothing is half written.
    until(lambda: state.held and not state.preparing)
    for _ in range(5):
        driver._step(bpy.context, state)
    return [driver.progress_words(state), [action.name for action in bpy.data.actions if MARK in action],
            state.error and str(state.error)]

def placed():
    until(lambda: not state.busy)
    return [state.message.partition(".")[0], state.error and str(state.error)]

# A lift, while a strip is tweaked.
figure.pose.bones["Head"].keyframe_insert("location", frame=1)
idle = animation.action
track, strip = strip_of(idle)
animation.action = None
tweak(track, strip)
state.held = [lifted()]
result["lift_waits"] = waited()
result["row"] = [words for words in draw("lift_panels", "LiftPanel") if "strip" in words]
taking.take_result(bpy.context, lifted("again"), state)
result["script"] = [str(state.error), data()["actions"]]
state.tell("")
animation.use_tweak_mode = False
result["lift_comes"] = placed()
driver.push_undo(state)
action = animation.action

# A clean-up of the rig's own Action, which Blender puts away meanwhile.
take().floor_height = 0.2
tweak(track, strip)
# Begun before the strip was entered.
properties = action.motionlift
plan = clean_results.CleanUpPlan(
    action.name, False, False, False, properties.settings(), properties.adjustment(properties.floor))
state.held = [Finished(Job("reuse", action.name, path, path, properties.settings(), 24.0, plan), ((path, motion),))]
result["own_waits"] = waited()
animation.use_tweak_mode = False
result["own_comes"] = [*placed(), animation.action.name, take().differs]

# A clean-up in Edit Mode of the rig.
take().floor_height = 0.3
clean_up.begin(bpy.context, animation.action)
bpy.ops.object.mode_set(mode="EDIT")
result["edit_waits"] = waited()
bpy.ops.object.mode_set(mode="OBJECT")
result["edit_comes"] = [*placed(), take().differs]
# Another object's Edit Mode does not matter to it.
mesh = bpy.data.objects.new("Mesh", bpy.data.meshes.new("Mesh"))
scene.collection.objects.link(mesh)
take().floor_height = 0.1
clean_up.begin(bpy.context, animation.action)
bpy.context.view_layer.objects.active = mesh
bpy.ops.object.mode_set(mode="EDIT")
result["other_comes"] = [*placed(), take().differs]
bpy.ops.object.mode_set(mode="OBJECT")
bpy.context.view_layer.objects.active = figure

# A clean-up of the strip that is tweaked.
action = animation.action
track, strip = strip_of(action)
animation.action = None
tweak(track, strip)
take().floor_height = 0.4
clean_up.begin(bpy.context, animation.action)
result["strip_waits"] = waited()
animation.use_tweak_mode = False
result["strip_comes"] = [*placed(), strip.action.name, strip.action.motionlift.differs]
"""
)


def test_results_wait_for_strips_that_are_tweaked_and_rigs_that_are_edited(
    in_blender: InBlender, make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    make_motion(frames=40, fps=24.0, swing=0.4).save(path)
    seen = in_blender(KEPT, path, engine_python)
    leave = "leave the strip (Tab in the NLA editor) to get it"
    assert seen["lift_waits"] == [f"walk is lifted: {leave}", [], None]
    assert seen["row"]
    told, actions = seen["script"]
    assert "Leave the strip" in told
    assert actions == ["RigAction"]
    cleaned = ["walk: cleaned up", None]
    assert seen["lift_comes"] == ["walk: 40 frames on 20 bones of Rig (Found by names)", None]
    assert seen["own_waits"] == [f"walk is solved: {leave}", [], None]
    assert seen["own_comes"] == [*cleaned, "walk", False]
    assert seen["edit_waits"] == ["walk is solved: switch to Object Mode to get it", [], None]
    assert seen["edit_comes"] == seen["other_comes"] == [*cleaned, False]
    assert seen["strip_waits"] == [f"walk is solved: {leave}", [], None]
    assert seen["strip_comes"] == [*cleaned, "walk", False]


def test_lifts_end_with_their_file_and_not_with_one_that_cannot_be_opened(
    in_blender: InBlender, make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    make_motion(frames=40, fps=24.0, swing=0.4).save(path)
    seen = in_blender(LOADING, path, engine_python)
    assert seen["drafted"] == 1
    assert seen["missing"] == seen["half"] == [True, [1, 2, True, "said"]]
    assert seen["same"] == ["shot.blend", [], None]
    assert seen["placed"] == "walk"
    assert seen["other"] == [[0, 0, False, ""], None, False, []]
    assert seen["new"] == [0, 0, False, ""]
    assert seen["closed"] == [0, 0, False, ""]


def test_lifts_that_wait_are_cancelled_one_by_one_and_keep_their_files(
    in_blender: InBlender, make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    make_motion(frames=40, fps=24.0, swing=0.4).save(path)
    seen = in_blender(HELD, path, engine_python)
    assert seen["all"] == [["first", "second"], "running", ["waiting"]]
    assert seen["rows"] == ["running", "first", "second", "waiting"]
    assert " ".join(seen["drawn"]).count("switch to Object Mode to get it") == 2
    assert seen["words"].startswith("running: ")
    assert "first is lifted: switch to Object Mode to get it" in seen["words"]
    assert seen["one_held"] == [["first"], "running", ["waiting"]]
    assert seen["esc"] == [["first"], None, []]
    assert seen["rows_then"] == ["first"]
    assert seen["words_then"] == "first is lifted: switch to Object Mode to get it"
    assert seen["unused"] == []
    assert seen["placed"] == ["walk", False, True]
    assert seen["preparing"] == []
    assert seen["dropped"] == [[], "other: cancelled", ["other"]]
    assert seen["batch"] == ["b"]
    assert seen["batch_then"] == [[], 0]
