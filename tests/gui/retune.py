"""Moves sliders of a long take in a real, windowed Blender: seconds from a slider to its new keys, stage by stage.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> MOTIONLIFT_TAKE=<take.motion.npz> \\
        blender --python tests/gui/retune.py

The take goes onto Rigify's human. Give one lifted by this version: another is solved from the beginning. See
driving.py for what is needed; tests/benchmarks/retuning.py measures the engine's part alone, and makes takes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from statistics import median
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import drive, found, installed, module, open_sidebar, package, settled, shot, until, view

CHANGES = (("smoothing", 0.7), ("smoothing", 0.3), ("smoothing", 0.55), ("foot_lock", False), ("foot_lock", True))
PASSED: list[tuple[str, float]] = []
"""What has ended since the slider was moved, and when."""


def noted(owner: Any, name: str, stage: str) -> None:
    """Have the ends of a function's calls noted."""
    function: Callable[..., Any] = getattr(owner, name)

    @wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        PASSED.append((stage, time.monotonic()))
        return result

    setattr(owner, name, wrapped)


def changed(name: str, value: Any) -> Iterator[float]:
    """Changes a choice and notes, of each stage, the seconds until it has ended."""
    session = module("session").session()
    take = bpy.context.view_layer.objects.active.animation_data.action.motionlift
    PASSED.clear()
    session.slowest_tick_s = session.slowest_result_s = 0.0
    began = time.monotonic()
    setattr(take, name, value)
    yield from until(lambda: any(stage == "placed" for stage, _ in PASSED) or session.error is not None, 0.02)
    stages = {stage: round(at - began, 2) for stage, at in PASSED}
    stages["slowest_step_ms"] = round(1000 * max(session.slowest_tick_s, session.slowest_result_s))
    found[f"{name} {value}"] = stages if session.error is None else str(session.error)
    yield from settled()
    yield 0.5


def light_drawing() -> None:
    """Have the 3D view drawn once a change and plainly: without a graphics card its eight samples of every picture
    keep all processors busy for seconds, which the engine should have."""
    bpy.context.preferences.system.viewport_aa = "OFF"
    space = view()["area"].spaces[0]
    space.shading.type, space.overlay.show_overlays = "WIREFRAME", False


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session, jobs, results = module("session").session(), module("lift_jobs"), module("results")
    bpy.context.preferences.addons[package()].preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    with bpy.context.temp_override(**view()):
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_human_metarig_add()
    figure = bpy.context.view_layer.objects.active
    path = Path(tempfile.mkdtemp(prefix="motionlift-gui-")) / "long.motion.npz"
    shutil.copy(os.environ["MOTIONLIFT_TAKE"], path)
    motion = installed("core.motion").Motion.load(path)
    bpy.context.scene.render.fps = round(motion.fps)
    settings = installed("core.jobs").LiftSettings.from_json(dict(motion.source["settings"]))
    plan = results.LiftPlan("ACTIVE", figure.name, bpy.context.scene.motionlift.rig_options(True))
    job = jobs.Job("lift", "long", path, path, settings, motion.fps, plan)
    module("taking").take_result(
        bpy.context, jobs.Finished(job, ((path, motion),), ({},), clip_fps=motion.fps), session
    )
    found["frames"], found["lifted"] = len(motion), session.message
    open_sidebar()
    light_drawing()
    module("clean_up").get_ready()
    queue = module("engine").engine_queue(bpy.context)
    yield from until(lambda: queue.client.alive and queue._preparing and queue._preparing.done())
    yield 2.0
    noted(module("clean_up"), "begin", "begun")
    noted(type(queue), "_send", "asked")
    module("lift_queue")._load = _loading(module("lift_queue")._load)
    noted(module("sampling"), "prepare", "retargeted")
    noted(module("driver"), "is_written", "written")
    noted(module("clean_results"), "place_clean_up", "placed")
    for name, value in CHANGES:
        yield from changed(name, value)
    totals = [stages["placed"] for stages in found.values() if isinstance(stages, dict) and "placed" in stages]
    found["seconds"] = median(totals[1:] or totals)
    shot("retuned")


def _loading(load: Callable[..., Any]) -> Callable[..., Any]:
    """Reading a result begins when the engine has answered."""

    def wrapped(*arguments: Any) -> Any:
        PASSED.append(("answered", time.monotonic()))
        result = load(*arguments)
        PASSED.append(("read", time.monotonic()))
        return result

    return wrapped


drive(steps())
