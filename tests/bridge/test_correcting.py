"""Maps as rows that a person corrects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from motionlift.bridge.correcting import CHAINS, corrected, doubled, rows_of, words_of
from motionlift.bridge.humanoid import ROLES
from motionlift.bridge.match import match, unknown
from motionlift.bridge.preset import Preset
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.rig import Rig
from motionlift.core.jobs import MotionLiftError

from .conftest import A_POSE


@pytest.mark.parametrize("family", sorted(load_presets()))
def test_rows_left_alone_give_the_map_back(presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str) -> None:
    found = match(rig_of(presets[family], A_POSE), presets)
    rows = rows_of(found.rig_map)
    again = corrected(found, rows)
    assert dict(again.rig_map.bones) == dict(found.rig_map.bones)
    assert again.rig_map.ik == found.rig_map.ik
    assert again.rig_map.switches == found.rig_map.switches
    assert {role for role, _ in rows} == set(ROLES)
    assert all((role, "") in rows for role in CHAINS)
    assert doubled(rows) == ""


def test_a_correction_moves_a_bone_and_nothing_else(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    found = match(rig_of(presets["mixamo"], A_POSE), presets)
    old = found.rig_map.bones["left_toe"][0]
    rows = [(role, "" if role == "left_toe" else name) for role, name in rows_of(found.rig_map)]
    less = corrected(found, rows)
    assert "left_toe" in less.missing
    assert {**less.rig_map.bones, "left_toe": (old,)} == dict(found.rig_map.bones)
    assert any("left toes" in line for line in words_of(less))
    twice = [(role, old if role == "right_toe" else name) for role, name in rows_of(found.rig_map)]
    assert "left toes" in doubled(twice)
    assert "right toes" in doubled(twice)


def test_a_bone_that_gets_a_part_no_longer_helps_another(
    presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    rig = rig_of(presets["mixamo"], A_POSE)
    found = match(rig, presets)
    role, helpers = "left_elbow", ("a twist bone",)
    found = replace(found, rig_map=replace(found.rig_map, twists={role: helpers}))
    assert corrected(found, rows_of(found.rig_map)).rig_map.twists == {role: helpers}
    rows = [(part, helpers[0] if part == role else name) for part, name in rows_of(found.rig_map)]
    assert helpers[0] not in corrected(found, rows).rig_map.twists.get(role, ())


def test_nobody_is_no_humanoid_until_the_bones_are_given() -> None:
    nothing = unknown()
    with pytest.raises(MotionLiftError) as caught:
        corrected(nothing, rows_of(nothing.rig_map))
    assert caught.value.code == "not_humanoid"
    given = [("pelvis", "a"), ("left_hip", "b"), ("right_hip", "c")]
    assert corrected(nothing, given).rig_map.bones["left_hip"] == ("b",)
