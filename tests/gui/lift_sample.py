"""Drives a real, windowed Blender through a lift, a clean-up, undo, ESC, going on, and a killed engine.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> \\
        blender --enable-event-simulate --python tests/gui/lift_sample.py

See driving.py for what is needed. Printed at the end: what our steps cost Blender at most, beside other things.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import (
    VIDEO,
    call,
    drive,
    found,
    module,
    open_sidebar,
    package,
    press,
    shot,
    take_processor_time,
    until,
    watch_gaps,
)


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session = module("session").session()
    take_processor_time()
    ops, scene = bpy.ops.motionlift, bpy.context.scene
    bpy.context.preferences.addons[package()].preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    yield 1.0
    open_sidebar()
    yield 1.0
    call(ops.choose_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    yield 1.0
    shot("1_idle")
    gaps = watch_gaps()
    call(ops.lift_chosen_video)
    asked = time.monotonic()
    yield from until(lambda: session.queue.status and session.queue.status.done >= 60)
    shot("2_running")
    call(ops.lift_chosen_video)
    yield 0.5
    shot("3_queued")
    found["waiting"] = len(session.queue.waiting)
    call(ops.cancel_lift, "EXEC_DEFAULT", number=session.queue.waiting[0].number)
    yield from until(lambda: not session.driven)
    found["lift_slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)
    found["lift_s"] = round(time.monotonic() - asked, 2)
    yield 0.5
    found["largest_gap_ms"] = round(1000 * gaps())
    found["message"], found["objects"] = session.message, sorted(bpy.data.objects.keys())
    found["frame_end"] = scene.frame_end
    bpy.context.scene.frame_set(100)
    yield 0.5
    shot("4_done")
    figure = bpy.context.view_layer.objects.active
    before = figure.pose.bones["pelvis"].matrix.translation.copy()
    properties = figure.animation_data.action.motionlift
    properties.travel = "IN_PLACE"
    began = time.monotonic()
    yield 0.3
    yield from until(lambda: not (session.busy or session.driven))
    found["clean_up_s"] = round(time.monotonic() - began, 2)
    yield 0.5
    found["moved"] = (figure.pose.bones["pelvis"].matrix.translation - before).length
    shot("5_cleaned")
    call(bpy.ops.ed.undo)
    yield 0.5
    bpy.context.scene.frame_set(100)
    figure = bpy.context.view_layer.objects.active
    found["after_undo"] = (figure.pose.bones["pelvis"].matrix.translation - before).length
    call(bpy.ops.ed.undo)
    yield 0.5
    found["objects_after_second_undo"] = sorted(bpy.data.objects.keys())
    shot("6_undone")
    # Another lift, stopped with ESC.
    # Another part, so that what was detected before does not do.
    bpy.context.scene.motionlift.use_trim = True
    bpy.context.scene.motionlift.trim_end = random.uniform(9.0, 9.9)
    call(ops.lift_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    yield from until(lambda: session.queue.status and session.queue.status.done >= 200)
    began = time.monotonic()
    press("ESC")
    yield from until(lambda: not session.queue.status, 0.02)
    found["escape_noticed_s"] = round(time.monotonic() - began, 2)
    yield from until(lambda: "cancelled" in session.message, 0.02)
    found["escape_told_s"], found["escape"] = round(time.monotonic() - began, 2), session.message
    yield from until(lambda: not session.leaving, 0.02)
    found["escape_stopped_s"], found["load"] = round(time.monotonic() - began, 2), os.getloadavg()[0]
    # Again: it goes on about where it was, and now the engine is killed.
    call(ops.lift_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    yield from until(lambda: session.queue.status and session.queue.status.stage == "detect", 0.02)
    found["went_on_at_frame"] = session.queue.status.done
    shot("7_going_on")
    yield 1.5
    session.queue.client.terminate()
    yield from until(lambda: not session.busy)
    yield 1.0
    shot("8_killed")
    found["killed"] = str(session.error)
    # The pop-up that tells it.
    press("ESC")
    yield 0.5
    call(ops.lift_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    yield from until(lambda: session.queue.status and session.queue.status.stage == "detect", 0.02)
    found["went_on_after_kill_at_frame"] = session.queue.status.done
    press("ESC")
    yield from until(lambda: not session.leaving and not session.busy, 0.02)
    # The preferences.
    call(ops.open_preferences)
    yield 1.0
    shot("9_preferences")
    found["slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)
    found["slowest_result_ms"] = round(1000 * session.slowest_result_s, 2)
    found["objects_at_end"] = sorted(bpy.data.objects.keys())


drive(steps())
