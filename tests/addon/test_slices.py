"""Long results: keys written over several steps between which Blender goes on, and the Action read likewise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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

def clean(height):
    take = figure.animation_data.action.motionlift
    take.floor_height = height
    adjustment = take.adjustment(take.floor)
    name = figure.animation_data.action.name
    plan = clean_results.CleanUpPlan(name, False, False, False, take.settings(), adjustment)
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
clean_up._give_up(figure.animation_data.action.name)
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
"""
)


def test_long_results_come_in_slices(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    resample(make_motion(frames=1500, fps=24.0, swing=0.4), 24.0).save(path)
    seen = in_blender(SLICES, path, engine_python)
    assert seen["count"] > seen["short"]
    for key in ("lift", "clean"):
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
