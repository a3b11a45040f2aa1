"""Where a take goes: what carries its way, at what size, from where."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.match import with_preset
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import Rig, pose_rig
from motionlift.bridge.source import place, placement_of
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion

from .conftest import A_POSE, Build
from .judging import own_rig


def test_travel(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(presets["unreal"], Build(5, turned=True))
    rig_map = with_preset(rig, presets["unreal"]).rig_map
    seen = {}
    for travel in ("hips", "root", "object", "in_place"):
        done = retarget(walk, rig, rig_map, RetargetOptions(travel=travel))
        heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
        seen[travel] = done.rig.to_world(heads)
        if travel == "object":
            assert done.object_location is not None
            moved = (done.object_location - done.rig.world[:3, 3])[:, None]
            np.testing.assert_allclose(moved[..., 2], 0, atol=1e-9)
            seen[travel] = seen[travel] + moved
        else:
            assert done.object_location is None
    root, pelvis = (rig.index(name) for name in ("root", "pelvis"))
    body = [bone for bone in range(len(rig)) if bone != root]
    for travel in ("root", "object"):
        np.testing.assert_allclose(seen[travel][:, body], seen["hips"][:, body], atol=1e-6)
    np.testing.assert_allclose(np.ptp(seen["root"][:, root, 2]), 0, atol=1e-9)
    assert np.max(np.ptp(seen["root"][:, root], axis=0)) > 2
    np.testing.assert_allclose(np.ptp(seen["hips"][:, root], axis=0), 0, atol=1e-9)
    assert np.max(np.ptp(seen["in_place"][:, pelvis, :2], axis=0)) < 0.1
    np.testing.assert_allclose(seen["in_place"][..., 2], seen["hips"][..., 2], atol=1e-9)


def test_root_travel_without_a_root_is_refused(walk: Motion) -> None:
    rig, rig_map = own_rig(walk)
    with pytest.raises(MotionLiftError, match="object") as caught:
        retarget(walk, rig, rig_map, RetargetOptions(travel="root"))
    assert caught.value.code == "no_root_bone"


def test_scale(walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(presets["mixamo"], dataclasses.replace(A_POSE, legs=0.5))
    rig_map = with_preset(rig, presets["mixamo"]).rig_map
    ways = {}
    for scale in ("legs", "hips", "none"):
        done = retarget(walk, rig, rig_map, RetargetOptions(scale=scale))
        heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
        ways[scale] = np.linalg.norm(np.ptp(heads[:, rig.index("Hips"), :2], axis=0))
    source = np.linalg.norm(np.ptp(place(walk, placement_of(walk, False)).joint("pelvis")[:, :2], axis=0))
    assert ways["legs"] / source == pytest.approx(0.5, rel=0.02)
    assert ways["none"] / source == pytest.approx(1.0, rel=0.02)
    assert 0.5 < ways["hips"] / source < 0.65


def test_the_take_begins_where_the_rig_stands(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    rig = rig_of(presets["mixamo"], Build(5, turned=True))
    rig_map = with_preset(rig, presets["mixamo"]).rig_map
    done = retarget(walk, rig, rig_map)
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(walk))
    legs = [rig.index(f"{side}UpLeg") for side in ("Left", "Right")]
    start = rig.to_world(heads[0, legs]).mean(0) - rig.to_world(rig.heads[legs]).mean(0)
    np.testing.assert_allclose(start[:2], 0, atol=1e-6)
    # It faces +X, as the rig does at rest; the first half second is a walk straight ahead.
    way = rig.to_world(heads[15, legs]).mean(0) - rig.to_world(heads[0, legs]).mean(0)
    assert way[0] > 0.15
    assert abs(way[1]) < 0.1
