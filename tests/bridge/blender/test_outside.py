"""Retargeting in another Blender: here a program that hands its script to a Python with bpy."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.bridge.outside import retarget_in_blender
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions
from motionlift.bridge.rig import Rig
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of


def program(folder: Path, text: str) -> Path:
    if sys.platform == "win32":
        pytest.skip("the program is a shell script")
    path = folder / "blender.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def ask(motion: Motion, blender: Path, place: Path | str, output: Path, preset: str = "auto") -> Any:
    return retarget_in_blender(blender, motion, str(place), preset, None, RetargetOptions(), output, None, "walk")


def test_it_answers_and_says_what_went_wrong(
    in_blender: Callable[..., Any], tmp_path: Path, walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed")
    script = PRELUDE + "make_rig(arguments[0])\nbpy.ops.wm.save_as_mainfile(filepath=arguments[1])\nresult = 1\n"
    in_blender(script, spec_of(rig_of(presets["mixamo"], A_POSE)), tmp_path / "hero.blend")
    # Blender hands the script everything; Python's bpy is imported by it. Nothing of ours is on the path.
    blender = program(tmp_path, f'cd / && PYTHONPATH= exec {sys.executable} -P "$4" "$5" "$6"')
    answer = ask(walk, blender, tmp_path / "hero.blend", tmp_path / "a.fbx")
    assert (answer.action, answer.frames, answer.bones, answer.title) == ("walk", 300, 22, "Mixamo")
    assert (tmp_path / "a.fbx").stat().st_size > 100_000
    for place, preset, code in [
        ("hero.blend:Villain", "auto", "no_armature"),
        ("hero.blend", "unreal", "not_humanoid"),
    ]:
        with pytest.raises(MotionLiftError) as caught:
            ask(walk, blender, f"{tmp_path}/{place}", tmp_path / "b.fbx", preset)
        assert caught.value.code == code
    assert not (tmp_path / "b.fbx").exists()


def test_programs_that_are_no_blender(tmp_path: Path, walk: Motion) -> None:
    for blender, code, said in [
        (tmp_path / "nothing", "blender_not_started", "nothing"),
        (program(tmp_path, "echo I am no Blender; exit 3"), "blender_failed", "I am no Blender"),
    ]:
        with pytest.raises(MotionLiftError) as caught:
            ask(walk, blender, tmp_path / "hero.blend", tmp_path / "a.fbx")
        assert caught.value.code == code
        assert said in caught.value.message
