"""Opens every panel, pop-up and the preferences of a real, windowed Blender, and takes a picture of each.

    MOTIONLIFT_SHOTS=<folder> blender --python tests/gui/panels.py

Nothing is lifted; see lift_sample.py for what is needed. The last line printed is JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

SHOTS = Path(os.environ["MOTIONLIFT_SHOTS"])
SAMPLE = Path(__file__).parents[2] / "samples/walk_wave_squat.truth.motion.npz"
found: dict[str, Any] = {"shots": []}
bpy.context.preferences.view.show_splash = False


def shot(name: str) -> None:
    """A picture of the whole screen."""
    subprocess.run(["import", "-window", "root", str(SHOTS / f"{name}.png")], check=True)
    found["shots"].append(name)


def call(operator: Any, context: str = "INVOKE_DEFAULT", **options: Any) -> None:
    """An operator as if called from the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        operator(context, **options)


def steps() -> Iterator[float]:
    """What is opened; yields the seconds to wait before the next step."""
    names: list[str] = list(bpy.context.preferences.addons.keys())
    addon = next(name for name in names if name.endswith(".motionlift"))
    panels = importlib.import_module(f"{addon}.addon.panels")
    preferences = bpy.context.preferences.addons[addon].preferences
    preferences.engine_python = ""
    for cls in panels.CLASSES:
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
    for cls in panels.CLASSES:
        bpy.utils.register_class(cls)
    ops = bpy.ops.motionlift
    call(ops.import_motion, "EXEC_DEFAULT", filepath=str(SAMPLE))
    figure = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    bpy.context.view_layer.objects.active = figure
    take = figure.animation_data.action.motionlift
    take.take, take.clip_fps, take.fps, take.headline = str(SAMPLE), 30.0, 24.0, "240 frames, for looking at"
    take.notes = "A line of advice that is long enough to need two lines of the pop-up in which it is shown to people."
    place = take.places.add()
    place.start, place.end, place.words = 1, 20, "left arm hidden or unclear"
    take.written = True
    take.smoothing = 0.8
    take.written = False
    choices = bpy.context.scene.motionlift
    choices.use_trim, choices.use_height, choices.person = True, True, "number"
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    area.spaces[0].show_region_ui = True
    yield 1.0
    call(ops.choose_video, "EXEC_DEFAULT", filepath="/tmp/nothing.mp4")
    yield 1.5
    shot("panels_open")
    choices.target = "ACTIVE"
    call(ops.show_report)
    yield 1.5
    shot("report")
    with tempfile.TemporaryDirectory() as folder:
        call(ops.open_preferences)
        yield 1.0
        shot("preferences_idle")
        preferences.wheels = folder
        call(ops.set_up_engine)
        yield 0.5
        shot("preferences_running")
        setup = importlib.import_module(f"{addon}.addon.session").session().setup
        while setup.state.running:
            yield 0.2
        yield 1.0
        shot("preferences_failed")
        found["set_up"] = str(setup.state.error)
        preferences.wheels = ""


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
