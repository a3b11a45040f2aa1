"""Fewer keys: the bounds hold, kept frames are kept, and there are fewer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.match import with_preset
from motionlift.bridge.preset import Preset
from motionlift.bridge.reduce import reduce_curve, reduce_keys, restore_curve
from motionlift.bridge.retarget import retarget
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion

from .conftest import A_POSE


@pytest.mark.parametrize("tolerance", [1e-4, 1e-2, 0.3])
def test_curves_stay_within_the_bound(tolerance: float) -> None:
    t = np.linspace(0, 12, 400)
    values = np.stack([np.sin(t), np.cos(1.7 * t), np.abs(t - 6)], -1)
    keys = reduce_curve(values, tolerance, keep=[77, 200])
    assert {0, 77, 200, 399} <= set(keys.frames.tolist())
    assert np.linalg.norm(restore_curve(keys, 400) - values, axis=-1).max() <= tolerance + 1e-12
    assert len(keys.frames) < 400 * (0.6 if tolerance < 1e-3 else 0.15)


def test_a_line_needs_two_keys_and_a_frame_one() -> None:
    line = np.linspace([0.0, 1], [3, -4], 100)
    assert reduce_curve(line, 1e-9).frames.tolist() == [0, 99]
    assert reduce_curve(line[:1], 1e-9).frames.tolist() == [0]


def test_the_pose_stays_within_the_bounds(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(presets["mixamo"], A_POSE)
    modes = ("QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE")
    rig = dataclasses.replace(rig, rotation_modes=tuple(modes[i % 4] for i in range(len(rig))))
    done = retarget(walk, rig, with_preset(rig, presets["mixamo"]).rig_map)
    reduced = reduce_keys(done, keep=[33, 66])
    assert reduced.worst_m <= 0.002
    dense = len(walk) * (
        sum(3 if mode in ("XYZ", "ZYX") else 4 for b, mode in enumerate(rig.rotation_modes) if b in done.rotations) + 3
    )
    assert reduced.count() < 0.35 * dense
    assert all({33, 66} <= set(keys.frames.tolist()) for keys in reduced.rotations.values())
    coarse = reduce_keys(done, degrees=3, metres=0.02)
    assert coarse.worst_m <= 0.02
    assert coarse.count() < reduced.count()
