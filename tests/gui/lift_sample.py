"""Drives a real, windowed Blender through a lift and takes a picture of each step, for people to look at.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> blender --python tests/gui/lift_sample.py

MotionLift is installed as an extension there. Pictures are taken with ImageMagick's `import`, so this needs X11. The
last line printed is JSON: what was found, and what our steps cost Blender at most.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

SHOTS = Path(os.environ["MOTIONLIFT_SHOTS"])
VIDEO = Path(os.environ.get("MOTIONLIFT_VIDEO", Path(__file__).parents[2] / "samples/walk_wave_squat.mp4"))
PATIENCE_SECONDS = 120.0
found: dict[str, Any] = {"shots": []}
_blocked: list[float] = []
"""When a picture was taken, for which Blender stands still."""


def package() -> str:
    """The extension's package, wherever it was installed from."""
    names: list[str] = list(bpy.context.preferences.addons.keys())
    return next(name for name in names if name.endswith(".motionlift"))


def view() -> dict[str, Any]:
    """The 3D view, as operators want it."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "screen": window.screen, "area": area, "region": region}


def call(operator: Any, context: str = "INVOKE_DEFAULT", **options: Any) -> set[str]:
    """An operator as if called from the 3D view."""
    with bpy.context.temp_override(**view()):
        called: set[str] = operator(context, **options)
    return called


def shot(name: str) -> None:
    """A picture of the whole screen."""
    subprocess.run(["import", "-window", "root", str(SHOTS / f"{name}.png")], check=True)
    found["shots"].append(name)
    _blocked.append(time.perf_counter())


def _gaps() -> Callable[[], float]:
    """Watches how long Blender's timers are kept waiting: by us, by drawing, by anything. Ends when it is asked."""
    state = {"last": time.perf_counter(), "largest": 0.0, "ended": False}

    def tick() -> float | None:
        now = time.perf_counter()
        if not any(state["last"] <= blocked <= now for blocked in _blocked):
            state["largest"] = max(state["largest"], now - state["last"])
        state["last"] = now
        return None if state["ended"] else 0.005

    def ask() -> float:
        state["ended"] = True
        return float(state["largest"])

    bpy.app.timers.register(tick)
    return ask


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    addon = package()
    session = importlib.import_module(f"{addon}.addon.session").session()
    ops, scene = bpy.ops.motionlift, bpy.context.scene
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.addons[addon].preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    yield 1.0
    view()["area"].spaces[0].show_region_ui = True
    yield 1.0
    call(ops.choose_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    yield 1.0
    shot("1_idle")
    gaps = _gaps()
    call(ops.lift_chosen_video)
    asked = time.monotonic()
    while session.queue.status is None or session.queue.status.done < 60:
        yield 0.05
    shot("2_running")
    call(ops.lift_chosen_video)
    yield 0.5
    shot("3_queued")
    found["waiting"] = len(session.queue.waiting)
    began = time.monotonic()
    call(ops.cancel_lift, "EXEC_DEFAULT", number=session.queue.waiting[0].number)
    while session.driven and time.monotonic() - asked < PATIENCE_SECONDS:
        yield 0.05
    found["lift_slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)
    found["lift_s"] = round(time.monotonic() - asked, 2)
    yield 0.5
    found["largest_gap_ms"] = round(1000 * gaps())
    found["message"], found["objects"] = session.message, sorted(bpy.data.objects.keys())
    found["frame_end"] = scene.frame_end
    call(bpy.ops.screen.frame_jump, end=False)
    bpy.context.scene.frame_set(100)
    yield 0.5
    shot("4_done")
    figure = bpy.context.view_layer.objects.active
    before = figure.pose.bones["pelvis"].matrix.translation.copy()
    properties = figure.animation_data.action.motionlift
    properties.travel = "IN_PLACE"
    began = time.monotonic()
    yield 0.3
    while session.busy or session.driven:
        yield 0.05
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
    call(ops.lift_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    bpy.context.scene.motionlift.hands = True
    yield 2.0
    began = time.monotonic()
    window = view()["window"]
    if hasattr(window, "event_simulate"):
        window.event_simulate("ESC", "PRESS", x=400, y=500)
        window.event_simulate("ESC", "RELEASE", x=400, y=500)
    while session.busy:
        yield 0.02
    found["escape_s"], found["escape"] = round(time.monotonic() - began, 2), session.message
    # And one whose engine is killed.
    call(ops.lift_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    yield 1.5
    session.queue.client.terminate()
    while session.busy:
        yield 0.05
    yield 1.0
    shot("7_killed")
    found["killed"] = str(session.error)
    # The preferences.
    call(ops.open_preferences)
    yield 1.0
    shot("8_preferences")
    found["slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)
    found["slowest_result_ms"] = round(1000 * session.slowest_result_s, 2)
    found["objects_at_end"] = sorted(bpy.data.objects.keys())


_steps = steps()


def step() -> float | None:
    """Called by Blender's timer."""
    try:
        return next(_steps)
    except StopIteration:
        pass
    except Exception:  # noqa: BLE001 (told in the output)
        found["error"] = traceback.format_exc()
        shot("error")
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()
    bpy.ops.wm.quit_blender()
    return None


bpy.app.timers.register(step, first_interval=2.0)
