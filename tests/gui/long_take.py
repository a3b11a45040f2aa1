"""Puts ten thousand frames onto a rig in a real, windowed Blender, and moves a slider of them: what a step of ours
costs Blender at most while the keys are written.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> \\
        blender --enable-event-simulate --python tests/gui/long_take.py

Nothing is lifted; see driving.py for what is needed.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import (
    SAMPLE,
    call,
    drive,
    found,
    installed,
    module,
    package,
    press,
    settled,
    shot,
    take_processor_time,
    until,
    view,
    watch_gaps,
)

FRAMES = 10_000


def long_take(folder: Path) -> tuple[Path, Any]:
    """The sample, slowed down to ten thousand frames at the scene's rate."""
    motions = installed("core.motion")
    sample = motions.Motion.load(SAMPLE)
    long = motions.resample(sample, FRAMES / len(sample) * sample.fps * 1.01)
    replace = importlib.import_module("dataclasses").replace
    rate = bpy.context.scene.render.fps
    long = replace(long, times=long.times * long.fps / rate, fps=float(rate))
    path = folder / "long.motion.npz"
    long.save(path)
    return path, long


def noted(name: str, gaps: float) -> None:
    session = module("session").session()
    found[f"{name}_slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 1)
    found[f"{name}_placing_ms"] = round(1000 * session.slowest_result_s, 1)
    found[f"{name}_gap_ms"] = round(1000 * gaps)
    found[f"{name}_error"] = str(session.error)
    session.slowest_tick_s = session.slowest_result_s = 0.0


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session = module("session").session()
    bpy.context.preferences.addons[package()].preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    take_processor_time()
    folder = Path(tempfile.mkdtemp(prefix="motionlift-gui-"))
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    with bpy.context.temp_override(**view()):
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_human_metarig_add()
    figure = bpy.context.view_layer.objects.active
    path, motion = long_take(folder)
    queue, results = module("lift_jobs"), module("results")
    settings = installed("core.jobs").LiftSettings()
    plan = results.LiftPlan("ACTIVE", figure.name, bpy.context.scene.motionlift.rig_options(True))
    job = queue.Job("lift", "long", path, path, settings, motion.fps, plan)
    lifted = queue.Finished(job, ((path, motion),), ({},), clip_fps=motion.fps)
    yield 1.0
    gaps, began = watch_gaps(), time.monotonic()
    threads = module("threads")
    wanted = module("clean_results").preparation(bpy.context, lifted)
    session.preparing.append((lifted, threads.in_thread(module("sampling").prepared_at, lifted, wanted, None)))
    module("driver").follow()
    yield from until(lambda: session.drafting)
    shot("1_keys_are_written")
    yield from settled()
    found["lift_s"] = round(time.monotonic() - began, 1)
    noted("lift", gaps())
    action = figure.animation_data.action
    found["message"], found["curves"] = session.message, len(action.layers[0].strips[0].channelbags[0].fcurves)
    yield 1.0
    shot("2_placed")
    # A slider, given up with ESC while keys are written, and once more to its end.
    for name in ("stopped", "done"):
        gaps, began = watch_gaps(), time.monotonic()
        action.motionlift.floor_height = 0.5 if name == "stopped" else 0.25
        if name == "stopped":
            yield from until(lambda: session.drafting)
            press("ESC")
        yield from settled()
        found[f"{name}_s"] = round(time.monotonic() - began, 1)
        noted(name, gaps())
        found[f"{name}_actions"] = sorted(bpy.data.actions.keys())
        action = figure.animation_data.action
        found[f"{name}_height"] = round(figure.pose.bones[0].matrix.translation.z, 3)
        yield 0.5
    call(bpy.ops.ed.undo)
    yield 1.0
    found["undone"] = [sorted(bpy.data.actions.keys()), len(bpy.data.objects)]
    # Undo while keys are written: they are written anew.
    figure = bpy.context.view_layer.objects.active
    figure.animation_data.action.motionlift.floor_height = 0.75
    yield from until(lambda: session.drafting)
    with bpy.context.temp_override(**view()):
        bpy.ops.ed.undo_push(message="something else")
        bpy.ops.ed.undo()
    yield from settled()
    yield 0.5
    noted("after_undo", 0.0)
    found["after_undo"] = [sorted(bpy.data.actions.keys()), session.message, str(session.error)]
    # Edited by hand while keys are written, in a curve that was read already: it is left alone, and asked about.
    figure = bpy.context.view_layer.objects.active
    action = figure.animation_data.action
    action.motionlift.floor_height = 0.1
    yield from until(lambda: session.drafting)
    curves = action.layers[0].strips[0].channelbags[0].fcurves
    for number in (0, len(curves) - 1):
        curves[number].keyframe_points[7].co[1] += 0.5
    edit = curves[0].keyframe_points[7].co[1]
    yield from settled()
    action = figure.animation_data.action
    kept = action.layers[0].strips[0].channelbags[0].fcurves[0].keyframe_points[7].co[1]
    found["edited_told"] = [str(session.error), round(kept - edit, 5), sorted(bpy.data.actions.keys())]
    noted("edited", 0.0)
    found["edited_differs"] = action.motionlift.differs
    shot("3_done")
    # The edits are carried over, then all goes into a new Action.
    for name, choices in (("kept", {}), ("anew", {"new_action": True})):
        gaps, began = watch_gaps(), time.monotonic()
        action.motionlift.floor_height = 0.2 if name == "kept" else 0.3
        yield 0.1
        call(bpy.ops.motionlift.keep_edits if name == "kept" else bpy.ops.motionlift.clean_up, **choices)
        yield from settled()
        found[f"{name}_s"] = round(time.monotonic() - began, 1)
        noted(name, gaps())
        action = figure.animation_data.action
        found[f"{name}_actions"] = [session.message, sorted(bpy.data.actions.keys())]
        yield 0.5
    # The same on an armature of its own.
    bpy.context.view_layer.objects.active = None
    plan = results.LiftPlan("NEW", "", bpy.context.scene.motionlift.rig_options(True))
    job = queue.Job("lift", "own", path, path, settings, motion.fps, plan)
    lifted = queue.Finished(job, ((path, motion),), ({},), clip_fps=motion.fps)
    gaps, began = watch_gaps(), time.monotonic()
    wanted = module("clean_results").preparation(bpy.context, lifted)
    session.preparing.append((lifted, threads.in_thread(module("sampling").prepared_at, lifted, wanted, None)))
    module("driver").follow()
    yield from settled()
    found["own_s"] = round(time.monotonic() - began, 1)
    noted("own", gaps())
    yield 0.5
    gaps, began = watch_gaps(), time.monotonic()
    bpy.context.view_layer.objects.active.animation_data.action.motionlift.floor_height = 0.25
    yield from settled()
    found["own_clean_s"] = round(time.monotonic() - began, 1)
    noted("own_clean", gaps())
    found["own_message"] = session.message
    shot("4_own")


drive(steps())
