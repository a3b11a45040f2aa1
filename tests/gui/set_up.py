"""Sets the video engine up in a real, windowed Blender: refused, looked up, cancelled, resumed, used, removed; with a
picture of each step.

    MOTIONLIFT_SHOTS=<folder> [MOTIONLIFT_WHEELS=<folder>] [MOTIONLIFT_ZIP=<extension>] [MOTIONLIFT_PYTHON=<python>] \\
        blender --python tests/gui/set_up.py

From `MOTIONLIFT_WHEELS`, a folder of wheels, or else from the network, which is allowed for that. `MOTIONLIFT_ZIP` is
installed first as by a drop onto the window; `MOTIONLIFT_PYTHON` takes the place of Blender's own where the wheels are
for another version. See driving.py for what else is needed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import driving
from driving import VIDEO, call, drive, found, module, open_sidebar, package, settled, shot, until, watch_gaps

driving.PATIENCE_SECONDS = 1800.0


def state() -> Any:
    return module("session").session().setup.state


def looked_up(name: str) -> Iterator[float]:
    """Have the engine looked up; what the preferences say then."""
    began = time.monotonic()
    call(bpy.ops.motionlift.set_up_engine)
    yield 1.0
    shot(f"{name}_looking_up")
    yield from until(lambda: not state().running)
    yield 0.6
    found[f"{name}_looked_up"] = [state().phase, state().bytes_to_fetch, round(time.monotonic() - began, 1)]
    shot(f"{name}_ready")


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    if zipped := os.environ.get("MOTIONLIFT_ZIP"):
        found["installed"] = str(
            bpy.ops.extensions.package_install_files(filepath=zipped, repo="user_default", enable_on_install=True)
        )
        yield 1.0
    if python := os.environ.get("MOTIONLIFT_PYTHON"):
        sys.executable = python
    preferences = bpy.context.preferences.addons[package()].preferences
    preferences.engine_python = preferences.wheels = ""
    system = bpy.context.preferences.system
    system.use_online_access = False
    folder = module("preferences").engine_folder()
    session, ops = module("session").session(), bpy.ops.motionlift
    call(ops.open_preferences)
    yield 2.0
    shot("1_not_set_up")
    found["online"] = bpy.app.online_access
    try:
        call(ops.set_up_engine)
    except RuntimeError as error:
        found["refused"] = str(error)
    if wheels := os.environ.get("MOTIONLIFT_WHEELS"):
        preferences.wheels = wheels
    else:
        system.use_online_access = True
    yield from looked_up("2")
    gaps = watch_gaps()
    call(ops.install_engine)
    yield from until(lambda: (folder / "environment").is_dir() and (state().fraction is None or state().fraction > 0.3))
    yield 3.0
    shot("3_installing")
    began = time.monotonic()
    call(ops.cancel_set_up)
    yield from until(lambda: not state().running, 0.02)
    found["cancelled"] = [state().phase, state().words, round(time.monotonic() - began, 2)]
    yield 1.0
    shot("4_cancelled")
    yield from looked_up("5")
    began = time.monotonic()
    call(ops.install_engine)
    yield from until(lambda: state().phase != "installing")
    yield 1.0
    shot("6_checking")
    yield from until(lambda: not state().running)
    found["set_up"] = [state().phase, state().words, str(state().error), round(time.monotonic() - began, 1)]
    found["gap_ms"] = round(1000 * gaps())
    yield 1.0
    shot("7_done")
    found["state"] = module("engine_state").remembered(module("preferences").engine_python(bpy.context), folder)
    found["left_of_downloads"] = (folder / "downloads").exists()
    call(ops.check_engine)
    yield 0.5
    shot("8_looking")
    yield from until(lambda: session.asking is None)
    # The engine that was made lifts.
    choices = bpy.context.scene.motionlift
    choices.use_trim, choices.trim_end = True, 2.0
    open_sidebar()
    call(ops.choose_video, "EXEC_DEFAULT", filepath=str(VIDEO))
    call(ops.lift_chosen_video)
    yield from settled()
    found["lifted"], found["error_told"] = session.message, str(session.error)
    call(ops.remove_engine, "EXEC_DEFAULT")
    found["left"] = [str(path.relative_to(folder)) for path in folder.rglob("*")] if folder.exists() else []
    yield 1.0
    shot("9_removed")


drive(steps())
