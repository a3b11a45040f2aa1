"""Drives a real, windowed Blender through a lift onto a new Rigify human, and that before its footage, whose proxy is
made twice: stopped, then waited for.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> [MOTIONLIFT_VIDEO=<video>] \\
        blender --enable-event-simulate --python tests/gui/footage.py

A video that is turned by its metadata, of another rate than the scene's, tells most. See driving.py for what is needed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import VIDEO, call, drive, found, module, open_sidebar, package, press, settled, shot, until, watch_gaps

FOLDER = Path(tempfile.mkdtemp(prefix="motionlift-gui-"))


def files() -> list[str]:
    return sorted(path.name for path in (FOLDER / "motionlift").rglob("*") if path.is_file())


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session, ops = module("session").session(), bpy.ops.motionlift
    bpy.context.preferences.addons[package()].preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    for name in ("Cube", "Light", "Camera"):
        bpy.data.objects.remove(bpy.data.objects[name])
    video = FOLDER / f"turned{VIDEO.suffix}"
    shutil.copy(VIDEO, video)
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "shot.blend"))
    yield 1.0
    open_sidebar()
    yield 0.5
    call(ops.choose_video, "EXEC_DEFAULT", filepath=str(video))
    choices = bpy.context.scene.motionlift
    choices.use_trim, choices.trim_start, choices.target = True, 1.0, "RIGIFY"
    yield 1.0
    shot("1_before")
    gaps, session.slowest_tick_s, session.slowest_result_s = watch_gaps(), 0.0, 0.0
    call(ops.lift_chosen_video)
    yield from until(lambda: session.preparing, 0.02)
    yield 1.0
    shot("1_making_the_rig")
    yield from settled()
    found["message"], found["gap_lift_ms"] = session.message, round(1000 * gaps())
    found["slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)
    found["slowest_result_ms"] = round(1000 * session.slowest_result_s, 2)
    yield 1.0
    shot("2_human")
    before = files()
    for attempt in ("stopped", "done"):
        gaps = watch_gaps()
        began = time.monotonic()
        found["state"] = str(call(ops.add_camera))
        found[f"camera_call_{attempt}_ms"] = round(1000 * (time.monotonic() - began))
        yield from until(lambda: not session.filming or session.filming.fraction > 0.1, 0.02)
        shot(f"3_footage_{attempt}")
        if attempt == "stopped":
            began = time.monotonic()
            press("ESC")
            yield from until(lambda: not session.filming, 0.02)
            found["escape_s"], found["escape"] = round(time.monotonic() - began, 2), session.message
            yield 0.5
            found["left_behind"] = [name for name in files() if name not in before]
            found["cameras"] = [item.name for item in bpy.data.objects if item.type == "CAMERA"]
        yield from settled()
        yield 0.5
        found[f"gap_{attempt}_ms"] = round(1000 * gaps())
    found["told"], found["made"] = session.message, [name for name in files() if name not in before]
    figure = bpy.context.view_layer.objects.active
    action = figure.animation_data.action
    for number, share in enumerate((0.1, 0.35, 0.6, 0.9)):
        bpy.context.scene.frame_set(round(action.frame_start + share * (action.frame_end - action.frame_start)))
        yield 1.5
        shot(f"4_on_the_actor_{number}")
    # The figure leans, and the camera with it.
    action.motionlift.tilt_forward = 0.1
    yield from settled()
    call(ops.add_camera)
    yield from settled()
    yield 1.5
    shot("5_leant")
    call(bpy.ops.ed.undo)
    yield 1.0
    shot("6_undone")
    shutil.rmtree(FOLDER)


drive(steps())
