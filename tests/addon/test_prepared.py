"""Retargeting beforehand gives what retargeting at once does, and only for the rig it was made for."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

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


def wanted_by(program: Path, motions: list[Motion]) -> Wanted:
    names = [f"walk_P{number}" for number in range(len(motions))]
    return Wanted(motions, None, None, RetargetOptions(), blender=program, names=names)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """A function that makes a program of a line of shell."""
    if sys.platform == "win32":
        pytest.skip("the program is a shell script")

    def _program(line: str) -> Path:
        path = tmp_path / "blender.sh"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return path

    return _program


def test_a_rigify_human_is_made_by_another_blender(
    make_motion: Callable[..., Motion], program: Callable[[str], Path]
) -> None:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed")
    # One takes seconds; several are made in `test_drafted_people.py`.
    motion = make_motion(frames=4, seed=1)
    # As in test_outside.py: a Python with bpy.
    ready = prepare(wanted_by(program(f'cd / && PYTHONPATH= exec {sys.executable} -P "$4" "$5" "$6"'), [motion]))
    assert ready is not None
    file = ready.human_of(motion)
    assert file is not None
    assert file.stat().st_size > 100_000
    assert ready.human_of(make_motion(frames=4)) is None
    del ready
    # Nothing stays once nobody needs it.
    assert not file.exists()


def test_without_that_blender_it_is_done_when_it_is_placed(
    make_motion: Callable[..., Motion], program: Callable[[str], Path]
) -> None:
    assert prepare(wanted_by(program("exit 3"), [make_motion(frames=4)])) is None
