"""Opens every panel, pop-up and the preferences of a real, windowed Blender, and takes a picture of each.

    MOTIONLIFT_SHOTS=<folder> blender --python tests/gui/panels.py

Nothing is lifted; see driving.py for what is needed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import REPOSITORY, call, drive, found, module, open_sidebar, package, shot, unfold

SAMPLE = REPOSITORY / "samples/walk_wave_squat.truth.motion.npz"


def steps() -> Iterator[float]:
    """What is opened; yields the seconds to wait before the next step."""
    preferences = bpy.context.preferences.addons[package()].preferences
    preferences.engine_python = ""
    modules = map(module, ("lift_panels", "rig_panel", "placing_panel", "batch_panel", "take_panels"))
    unfold([cls for panels in modules for cls in panels.CLASSES if hasattr(cls, "bl_category")])
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
    open_sidebar()
    yield 1.0
    call(ops.choose_video, "EXEC_DEFAULT", filepath="/tmp/nothing.mp4")
    yield 3.0
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
        setup = module("session").session().setup
        while setup.state.running:
            yield 0.2
        yield 1.0
        shot("preferences_failed")
        found["set_up"] = str(setup.state.error)
        preferences.wheels = ""


drive(steps())
