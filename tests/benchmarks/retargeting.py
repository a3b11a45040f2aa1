"""Ten thousand frames onto a rig of sixty bones: `python tests/benchmarks/retargeting.py`, with bpy.

Retargeting, keying, and beside it `keyframe_insert`, which a tenth of a curve is enough to measure.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
import time
from pathlib import Path

import bpy
import numpy as np

from motionlift.bridge.blender.actions import apply_keys
from motionlift.bridge.blender.rigs import read_rig
from motionlift.bridge.match import match
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.retarget import retarget
from motionlift.core.motion import Motion, resample

log = logging.getLogger("benchmark")
FRAMES, BONES, INSERTED = 10_000, 60, 1_000
SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples/walk_wave_squat.truth.motion.npz"


def main() -> None:
    """Print the seconds."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    sample = Motion.load(SAMPLE)
    motion = resample(sample, FRAMES / len(sample) * sample.fps * 1.01)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    figure = bpy.context.object
    presets = load_presets()
    began, worked = time.monotonic(), time.process_time()
    rig = read_rig(figure)
    done = retarget(motion, rig, match(rig, presets).rig_map)
    took, took_cpu = time.monotonic() - began, time.process_time() - worked
    still = {bone: np.tile([1.0, 0, 0, 0], (len(motion), 1)) for bone in range(len(rig))}
    rotations = dict(
        list({**done.rotations, **{b: v for b, v in still.items() if b not in done.rotations}}.items())[:BONES]
    )
    whole = dataclasses.replace(done, rotations=rotations)
    retargeted, worked = time.monotonic(), time.process_time()
    apply_keys(figure, whole, "walk", 1)
    keyed, keyed_cpu = time.monotonic(), time.process_time() - worked
    bone = figure.pose.bones[0]
    for frame in range(INSERTED):
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    inserted = (time.monotonic() - keyed) / INSERTED
    log.info("%d frames, %d bones keyed", len(motion), len(whole.rotations))
    log.info("by the clock: retarget %.2f s, key %.2f s", took, keyed - retargeted)
    log.info("of a processor: retarget %.2f s, key %.2f s", took_cpu, keyed_cpu)
    log.info("keyframe_insert would take at least %.0f s", inserted * len(motion) * len(whole.rotations))


if __name__ == "__main__":
    main()
