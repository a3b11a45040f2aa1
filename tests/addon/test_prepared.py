"""Retargeting beforehand gives what retargeting at once does, and only for the rig it was made for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from motionlift.addon.prepared import Wanted, prepare
from motionlift.bridge.match import match
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import make_rig
from motionlift.bridge.standing import t_pose_motion
from motionlift.core.motion import Motion


def test_it_is_the_same_and_only_for_the_same(make_motion: Callable[..., Motion]) -> None:
    standing = t_pose_motion()
    heads = standing.joint_positions[0]
    rig = make_rig(standing.joint_names, standing.parents, heads, heads + standing.rest_tails)
    rig_map, options = match(rig, load_presets()).rig_map, RetargetOptions()
    motions = [make_motion(frames=20, seed=seed, swing=0.4) for seed in (1, 2)]
    ready = prepare(Wanted(motions, rig, rig_map, options))
    assert ready is not None
    for motion in motions:
        kept, made = ready.of(motion, rig, rig_map, options), retarget(motion, rig, rig_map, options)
        assert kept is not None
        for bone, rotations in made.rotations.items():
            np.testing.assert_array_equal(kept.rotations[bone], rotations)
    assert ready.of(make_motion(frames=20), rig, rig_map, options) is None
    moved = replace(rig, world=rig.world + np.eye(4, k=3))
    assert ready.of(motions[0], moved, rig_map, options) is None
    assert ready.of(motions[0], rig, rig_map, replace(options, hands="free")) is None
    fewer = replace(rig_map, bones={role: names for role, names in rig_map.bones.items() if role != "head"})
    assert ready.of(motions[0], rig, fewer, options) is None


def test_what_cannot_be_done_is_left_for_later(make_motion: Callable[..., Motion]) -> None:
    standing = t_pose_motion()
    flat = np.zeros_like(standing.joint_positions[0])
    rig = make_rig(standing.joint_names, standing.parents, flat, flat)
    rig_map = match(rig, load_presets()).rig_map
    assert prepare(Wanted([make_motion(frames=5)], rig, rig_map, RetargetOptions())) is None
