"""The scene's rate changes while a lift or a clean-up is on its way: what comes keeps the time that was filmed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .test_lift_scene import READY, take

InBlender = Callable[..., Any]

CHANGED = (
    READY
    + """
import sys, time
from motionlift.addon import clean_up
entry.preferences.engine_python = sys.executable
figure = armature(person())
# However fast the machine: a slice is over as soon as it has done something.
taking.SLICE_SECONDS = 0.0

def keys(action):
    return sorted((c.data_path, c.array_index, [list(key.co) for key in c.keyframe_points]) for c in curves_of(action))

def worked_off():
    written = []
    while state.held or state.preparing:
        driver._step(bpy.context, state)
        written += [draft for draft in (state.drafting,) if draft is not None]
        time.sleep(0.01)
    driver.push_undo(state)
    return [bool(written), state.error and str(state.error)]

def known():
    return [scene.render.fps, *range_of(figure), round(figure.animation_data.action.motionlift.fps, 3)]

# Another lift, or the animator, sets the rate while this one runs; a script meets the same.
for way in ("driven", "script"):
    scene.render.fps = 24
    one = lifted("ACTIVE", figure)
    scene.render.fps = 30
    if way == "driven":
        state.held.append(one)
        result[way] = worked_off() + known()
    else:
        result[way] = [placed(one)] + known()
    result[way + " keys"] = keys(figure.animation_data.action)
one = lifted("ACTIVE", figure, 30.0)
placed(one)
result["plain"] = keys(figure.animation_data.action)
result["same"] = result.pop("driven keys") == result.pop("script keys") == result.pop("plain")

# While its keys are being written.
scene.render.fps = 24
state.held.append(lifted("NEW"))
driver._step(bpy.context, state)
assert state.drafting is not None
scene.render.fps = 30

result["midway"] = worked_off() + [range_of(layer.objects.active), len(bpy.data.armatures)]

# What sets the rate itself keeps the clip's, whatever happened.
scene.render.fps = 24
one = lifted("ACTIVE", figure, 30.0, rate="SET")
scene.render.fps = 25
result["set"] = [placed(one)] + known()

def cleaned(clip_rate, action=None):
    take = figure.animation_data.action.motionlift
    plan = clean_results.CleanUpPlan(action or figure.animation_data.action.name, False, False, False, take.settings(),
                                     take.adjustment(take.floor), scene.session_uid, clip_rate)
    fps = 30.0 if clip_rate else scene.render.fps
    job = Job("reuse", "walk", path, path, take.settings(), fps, plan)
    return Finished(job, ((path, evenly_sampled(Motion.load(path), fps)),), ({},), clip_fps=30.0)

# A clean-up, and Use Clip Rate: the scene gets the rate with the keys, or not at all.
scene.render.fps = 24
placed(lifted("ACTIVE", figure))
one = cleaned(False)
scene.render.fps = 12
result["clean"] = [placed(one)] + known()
job = clean_up.begin(bpy.context, figure.animation_data.action, clip_rate=True)
result["begun"] = [job.fps, scene.render.fps]
job = clean_up.begin(bpy.context, figure.animation_data.action)
result["still wanted"] = [job.fps, job.payload.clip_rate]
state.queue.cancel_all()
result["cancelled"] = scene.render.fps
result["failed"] = [placed(cleaned(True, "gone")), *known()]
other = bpy.data.scenes.new("Other")
bpy.context.window.scene = other
result["clip's"] = [placed(cleaned(True)), *known(), other.render.fps]
"""
)


def test_what_is_on_its_way_gets_the_rate_of_the_scene(
    in_blender: InBlender, make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    seen = in_blender(CHANGED, take(make_motion, tmp_path))
    assert seen["driven"] == [True, None, 30, 1, 31, 30]
    assert seen["script"] == [None, 30, 1, 31, 30]
    assert seen["same"]
    assert seen["midway"] == [True, None, [1, 31], 2]
    assert seen["set"] == [None, 30, 1, 31, 30]
    assert seen["clean"] == [None, 12, 1, 13, 12]
    assert seen["begun"] == [None, 12]
    assert seen["still wanted"] == [None, True]
    assert seen["cancelled"] == 12
    told, *rest = seen["failed"]
    assert "Nothing uses the Action gone" in told
    assert rest == [12, 1, 13, 12]
    assert seen["clip's"] == [None, 30, 1, 31, 30, 24]
