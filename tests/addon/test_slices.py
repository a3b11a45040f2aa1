"""Long results: keys written over several steps between which Blender goes on, and the Action read likewise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.core.motion import Motion, resample

from .scripts import WITH_PERSON

SLICES = (
    WITH_PERSON
    + """
import time
from motionlift.addon import clean_results, clean_up, driver, edited, handlers, results, taking, targets
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.addon.placing import Placing
from motionlift.addon.prepared import prepare
from motionlift.bridge.blender.drafts import MARK
from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
path, python = Path(arguments[0]), arguments[1]
folder = path.parent
ROOT = 'pose.bones["pelvis"].location'
entry.preferences.engine_python = python
motion = evenly_sampled(Motion.load(path), 24.0)
figure = armature(person())
state = session()
# However fast the machine: a slice is over as soon as it has done something.
taking.SLICE_SECONDS = clean_up.SLICE_SECONDS = 0.001

def finished_of(job, prepared=True):
    one = Finished(job, ((path, motion),), ({},), clip_fps=24.0)
    wanted = clean_results.preparation(bpy.context, one)
    return Finished(job, one.motions, one.reports, clip_fps=24.0, prepared=prepare(wanted) if prepared else None)

def drafts():
    return [action.name for action in bpy.data.actions if MARK in action]

def placed(one):
    state.held.append(one)
    steps, longest = 0, 0.0
    while state.held:
        before = figure.animation_data.action if figure.animation_data else None
        began = time.perf_counter()
        driver._step(bpy.context, state)
        longest = max(longest, time.perf_counter() - began)
        steps += 1
        if state.held:
            assert (figure.animation_data.action if figure.animation_data else None) == before
    driver.push_undo(state)
    return [steps, state.message, drafts(), state.error and str(state.error)]

def values_of(action):
    return {(c.data_path, c.array_index): [key.co[1] for key in c.keyframe_points][::50] for c in curves_of(action)}

plan = results.LiftPlan("ACTIVE", figure.name, choices.rig_options(True), Placing())
lift = Job("lift", "walk", path, path, LiftSettings(), 24.0, plan)
result["lift"] = placed(finished_of(lift))
action = figure.animation_data.action
keys = {(c.data_path, c.array_index): [key.co[1] for key in c.keyframe_points][::50] for c in curves_of(action)}
result["count"] = sum(len(c.keyframe_points) for c in curves_of(action))
result["short"] = edited.SHORT

# The same without slices.
bpy.data.objects.remove(figure)
figure = armature(person())
result["at_once"] = taking.take_result(bpy.context, finished_of(lift, prepared=False), state)
other = figure.animation_data.action
result["same"] = keys == {
    (c.data_path, c.array_index): [key.co[1] for key in c.keyframe_points][::50] for c in curves_of(other)}

def clean(height, anew=False, keep=False):
    take = figure.animation_data.action.motionlift
    take.floor_height = height
    adjustment = take.adjustment(take.floor)
    name = figure.animation_data.action.name
    plan = clean_results.CleanUpPlan(name, anew, keep, False, take.settings(), adjustment)
    return Job("reuse", name, path, path, take.settings(), 24.0, plan)

result["clean"] = placed(finished_of(clean(0.25)))
result["applied"] = [figure.animation_data.action.name, figure.animation_data.action.motionlift.differs,
                     round(figure.animation_data.action.motionlift.floor_height, 3)]

# Given up, cancelled, undone in the middle: nothing of it stays.
def begun(height=0.5):
    one = finished_of(clean(height))
    state.held.append(one)
    driver._step(bpy.context, state)
    driver._step(bpy.context, state)
    assert state.drafting is not None and drafts()
    return one

begun()
result["cancelled"] = [sorted(ops.cancel_lift()), drafts(), len(state.held), state.drafting]
begun()
clean_up.give_up(figure.animation_data.action.name)
result["given_up"] = [drafts(), len(state.held)]
begun()
handlers._after_undo()
steps = 0
while state.held:
    driver._step(bpy.context, state)
    steps += 1
from motionlift.bridge.blender.drafts import discard_lost
discard_lost()
result["after_undo"] = [steps > 3, state.message, drafts()]

# Changed by hand while it was on its way.
begun(0.75)
action = figure.animation_data.action
curves_of(action)[3].keyframe_points[7].co[1] += 1.0
edited.touched({action.name})
while state.held:
    driver._step(bpy.context, state)
result["by_hand"] = [str(state.error), figure.animation_data.action == action, drafts(), action.motionlift.differs]
result["known"] = edited.find_out(action, 60.0)

# Carried over, and into a new Action.
def edit():
    return sum(abs(key.co[1]) for key in curves_of(figure.animation_data.action)[3].keyframe_points[7:8])

result["kept"] = placed(finished_of(clean(0.5, keep=True)))
result["still_edited"] = [edited.edited(figure.animation_data.action), edit() > 0.5, "Your edits" in state.message]
before = figure.animation_data.action
was = values_of(before)
result["anew"] = placed(finished_of(clean(0.1, anew=True)))
made = figure.animation_data.action
result["two"] = [made != before, made.name, before.use_fake_user, was == values_of(before), made.motionlift.differs,
                 before.motionlift.differs, made.motionlift.take == before.motionlift.take, edited.edited(made)]

# An armature of its own: a lift, a clean-up; given up in the middle nothing of it stays.
own = Job("lift", "own", folder / "own.motion.npz", folder / "own.motion.npz", LiftSettings(), 24.0,
          results.LiftPlan("NEW", "", choices.rig_options(True), Placing()))
objects = data()
state.held.append(finished_of(own))
driver._step(bpy.context, state)
result["begun"] = [state.drafting is not None, len(bpy.data.objects) - len(objects["objects"]), len(scene.objects)]
ops.cancel_lift()
result["nothing"] = data() == objects
visible = len(scene.objects)
result["own"] = placed(finished_of(own))
figure = bpy.context.view_layer.objects.active
result["made"] = [figure.name, figure.animation_data.action.name, len(scene.objects) - visible, len(figure.keys())]
sliced = values_of(figure.animation_data.action)
taking.take_result(bpy.context, finished_of(own, prepared=False), state)
result["own_same"] = sliced == values_of(bpy.context.view_layer.objects.active.animation_data.action)
hips = [key.co[1] for key in curves_of(figure.animation_data.action).find(ROOT, index=1).keyframe_points]
result["own_clean"] = placed(finished_of(clean(0.25)))
now = [key.co[1] for key in curves_of(figure.animation_data.action).find(ROOT, index=1).keyframe_points]
result["raised"] = [max(b - a for a, b in zip(hips, now)), min(b - a for a, b in zip(hips, now))]
result["own_name"] = [figure.animation_data.action.name, figure.animation_data.action.motionlift.differs]
"""
)


def test_long_results_come_in_slices(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    resample(make_motion(frames=1500, fps=24.0, swing=0.4), 24.0).save(path)
    seen = in_blender(SLICES, path, engine_python)
    assert seen["count"] > seen["short"]
    for key in ("lift", "clean", "kept", "anew", "own", "own_clean"):
        steps, message, drafts, error = seen[key]
        assert error is None
        assert steps > 3
        assert message
        assert drafts == []
    assert seen["same"]
    assert seen["applied"] == ["walk_t02", False, 0.25]
    assert seen["cancelled"] == [["FINISHED"], [], 0, None]
    assert seen["given_up"] == [[], 0]
    again, message, drafts = seen["after_undo"]
    assert again
    assert "cleaned up" in message
    assert drafts == []
    told, same, drafts, differs = seen["by_hand"]
    assert "edited by hand" in told
    assert same
    assert drafts == []
    assert differs
    assert seen["known"]
    assert seen["still_edited"] == [True, True, True]
    assert seen["two"] == [True, "walk_t03", True, True, False, False, True, False]
    assert seen["begun"] == [True, 1, seen["begun"][2]]
    assert seen["nothing"]
    assert seen["made"] == ["walk_t04", "walk_t04", 1, 0]
    assert seen["own_same"]
    # The bone leans a little.
    np.testing.assert_allclose(seen["raised"], 0.25, atol=1e-3)
    assert seen["own_name"] == ["walk_t04", False]
