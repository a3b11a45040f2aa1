"""Two people of one clip onto figures that are made for them: made and written over several steps, shown at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.motion import Motion, resample

from .scripts import ENABLED

SCRIPT = (
    ENABLED
    + """
import addon_utils
from motionlift.addon import driver, handlers, results, rig_map, taking, targets
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.addon.placing import Placing
from motionlift.addon.prepared import Wanted, prepare
from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion

kind, program, *paths = arguments
paths = [Path(path) for path in paths]
motions = [evenly_sampled(Motion.load(path), 24.0) for path in paths]
state = session()
taking.SLICE_SECONDS = 0.0
options = targets.options_for(kind, choices.rig_options(True))
job = Job("lift", "walk", paths[0], paths[0], LiftSettings(), 24.0, results.LiftPlan(kind, "", options, Placing()))
names = [path.name.partition(".")[0] for path in paths]
blender = Path(program) if kind == "RIGIFY" else None

def finished(prepared=True):
    wanted = Wanted(motions, None, None, options, blender=blender, names=names, presets=rig_map.presets().known)
    ready = prepare(wanted) if prepared else None
    return Finished(job, tuple(zip(paths, motions)), ({}, {}), clip_fps=24.0, prepared=ready)

def scene_now():
    return [sorted(o.name for o in scene.objects), sorted(c.name for c in scene.collection.children),
            bpy.context.view_layer.objects.active and bpy.context.view_layer.objects.active.name]

def everything():
    return {kind: len(getattr(bpy.data, kind)) for kind in
            ("objects", "armatures", "meshes", "collections", "texts", "actions")}

def described():
    figures = [o for o in scene.objects if o.type == "ARMATURE" and o.animation_data and o.animation_data.action]
    found = []
    for figure in figures:
        curves = {(c.data_path, c.array_index): [k.co[1] for k in c.keyframe_points] for c in
                  curves_of(figure.animation_data.action)}
        found.append([figure.name, figure.animation_data.action.name, sorted(figure.keys()),
                      figure.animation_data.action.motionlift.target, len(figure.pose.bones), len(curves),
                      round(sum(abs(v) for values in curves.values() for v in values), 2)])
    return sorted(found)

one = finished()
assert one.prepared is not None
outside, before = scene_now(), everything()
# Given up at every step: nothing remains.
for steps in (1, 2, 3, 5, 9):
    state.held.append(one)
    for _ in range(steps):
        driver._step(bpy.context, state)
        assert scene_now() == outside
    ops.cancel_lift()
    assert everything() == before, (steps, everything(), before)
result["rigify_left"] = addon_utils.check("rigify")[1]
# Taken away by undo in the middle: done anew.
state.held.append(one)
for _ in range(8):
    driver._step(bpy.context, state)
handlers._after_undo()
handlers._discard_lost()
assert everything() == before
steps = 0
while state.held:
    assert scene_now() == outside
    driver._step(bpy.context, state)
    steps += 1
result["steps"], result["error"], result["message"] = steps, state.error and str(state.error), state.message
result["sliced"] = described()
targets_made = [o for o in scene.objects if o.type == "ARMATURE"]
for figure in targets_made:
    bpy.data.armatures.remove(figure.data)
bpy.data.batch_remove([*bpy.data.actions, *bpy.data.meshes, *bpy.data.collections, *bpy.data.texts, *bpy.data.objects])
taking.take_result(bpy.context, finished(prepared=False), state)
result["at_once"] = described()
"""
)


@pytest.mark.parametrize("kind", ["NEW", pytest.param("RIGIFY", marks=pytest.mark.slow)])
def test_two_people_come_in_slices(
    in_blender: Callable[..., Any], tmp_path: Path, make_motion: Callable[..., Motion], kind: str
) -> None:
    if sys.platform == "win32":
        pytest.skip("the program is a shell script")
    # As in test_outside.py: a Python with bpy.
    program = tmp_path / "blender.sh"
    program.write_text(f'#!/bin/sh\ncd / && PYTHONPATH= exec {sys.executable} -P "$4" "$5" "$6"\n')
    program.chmod(0o755)
    paths = [tmp_path / f"walk_P{number}.motion.npz" for number in (1, 2)]
    for seed, path in enumerate(paths):
        resample(make_motion(frames=40, fps=24.0, swing=0.4, seed=seed), 24.0).save(path)
    seen = in_blender(SCRIPT, kind, program, *paths)
    assert seen["error"] is None
    assert seen["steps"] > 4
    assert "walk_P1, walk_P2" in seen["message"]
    assert [found[:2] for found in seen["sliced"]] == [["walk_P1", "walk_P1"], ["walk_P2", "walk_P2"]]
    assert seen["sliced"] == seen["at_once"]
    assert not seen["rigify_left"]
