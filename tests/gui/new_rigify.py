"""Puts a take of two people onto new Rigify humans in a real, windowed Blender: what a step of ours costs at most.

    MOTIONLIFT_SHOTS=<folder> blender --enable-event-simulate --python tests/gui/new_rigify.py

Nothing is lifted; see driving.py for what is needed.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from driving import (
    SAMPLE,
    call,
    drive,
    found,
    installed,
    module,
    settled,
    shot,
    take_processor_time,
    view,
    watch_gaps,
)


def people(folder: Path) -> list[tuple[Path, Any]]:
    """The sample at the scene's rate, twice, the second one a step aside."""
    motions = installed("core.motion")
    sample = motions.resample(motions.Motion.load(SAMPLE), bpy.context.scene.render.fps)
    step = np.array([1.2, 0.0, 0.0])
    other = dataclasses.replace(
        sample, root_translation=sample.root_translation + step, joint_positions=sample.joint_positions + step
    )
    made = [(folder / f"walk_P{number}.motion.npz", motion) for number, motion in ((1, sample), (2, other))]
    for path, motion in made:
        motion.save(path)
    return made


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session = module("session").session()
    take_processor_time()
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    call(bpy.ops.ed.undo_push, "EXEC_DEFAULT", message="begun")
    made = people(Path(tempfile.mkdtemp(prefix="motionlift-gui-")))
    jobs, results, threads = map(module, ("lift_jobs", "results", "threads"))
    targets = module("targets")
    options = targets.options_for("RIGIFY", bpy.context.scene.motionlift.rig_options(True))
    plan = results.LiftPlan("RIGIFY", "", options)
    yield 1.0
    for name, motions in (("one", made[:1]), ("two", made)):
        path = motions[0][0]
        job = jobs.Job("lift", name, path, path, installed("core.jobs").LiftSettings(), motions[0][1].fps, plan)
        lifted = jobs.Finished(job, tuple(motions), ({},) * len(motions), clip_fps=motions[0][1].fps)
        session.slowest_tick_s = session.slowest_result_s = 0.0
        gaps, began = watch_gaps(), time.monotonic()
        wanted = module("clean_results").preparation(bpy.context, lifted)
        session.preparing.append((lifted, threads.in_thread(module("sampling").prepared_at, lifted, wanted, None)))
        module("driver").follow()
        yield from settled()
        found[f"{name}_s"] = round(time.monotonic() - began, 1)
        found[f"{name}_slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 1)
        found[f"{name}_placing_ms"] = round(1000 * session.slowest_result_s, 1)
        found[f"{name}_gap_ms"] = round(1000 * gaps())
        found[f"{name}_told"] = [session.message, str(session.error)]
        found[f"{name}_objects"] = len(bpy.data.objects)
        bpy.context.scene.frame_set(60)
        yield 1.0
        with bpy.context.temp_override(**view()):
            bpy.ops.view3d.view_all()
        yield 1.0
        shot(f"rigify_{name}")
        call(bpy.ops.ed.undo)
        yield 1.0
        found[f"{name}_undone"] = [len(bpy.data.objects), len(bpy.data.actions), len(bpy.data.armatures)]


drive(steps())
