"""Families by fingerprint, unknown rigs by names, and what cannot be matched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.match import NAMES, by_names, describe, match
from motionlift.bridge.preset import Preset
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.rig import Rig
from motionlift.core.jobs import MotionLiftError

from .conftest import A_POSE

FAMILIES = sorted(load_presets())
REAL = {
    "cmu_mb": "cmu", "default": "makehuman", "game_engine": "makehuman_game_engine", "human": "rigify_meta",
    "human_toes": "rigify_meta", "mixamo": "mixamo", "mixamo_unity": "mixamo", "openpose": "openpose",
}  # fmt: skip


def renamed(rig: Rig, name: Callable[[str], str]) -> Rig:
    return dataclasses.replace(rig, names=tuple(name(old) for old in rig.names))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_found_and_none_taken_for_another(
    presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str
) -> None:
    rig = rig_of(presets[family], A_POSE)
    found = match(rig, presets)
    assert found.family == family
    assert found.others == ()
    assert found.sure > 0.85
    marks = set(presets[family].spelt(presets[family].needed))
    assert found.rig_map.count() >= len([name for name in rig.names if name not in marks])
    assert found.missing == () or family == "openpose"


def test_real_rigs(presets: dict[str, Preset], real_rigs: dict[str, Rig]) -> None:
    for name, rig in real_rigs.items():
        found = match(rig, presets)
        assert (found.family, found.others) == (REAL[name], ()), name
        assert found.sure == 1.0 or name == "openpose"


@pytest.mark.parametrize("before", ["mixamorig:", "mixamorig5:", "mixamorig12_", "Hero:mixamorig:", "Hero:", ""])
def test_prefixes_and_namespaces(presets: dict[str, Preset], rig_of: Callable[..., Rig], before: str) -> None:
    rig = renamed(rig_of(presets["mixamo"], A_POSE), lambda name: before + name)
    found = match(rig, presets)
    assert found.family == "mixamo"
    assert found.rig_map.bones["left_hip"] == (f"{before}LeftUpLeg",)


def unknown(family: str, presets: dict[str, Preset], rig: Rig) -> dict[str, str]:
    """Names that no preset has for the bones of a rig, in the ways that rigs name bones."""
    words = {"shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "hip": "Thigh", "knee": "Shin",
             "ankle": "Foot", "toe": "Toe", "clavicle": "Clavicle"}  # fmt: skip
    names = {}
    for role, bones in presets[family].rig_map(rig.names).bones.items():
        side = {"left": "L", "right": "R"}.get(role.partition("_")[0], "")
        part = role.partition("_")[2] if side else role
        for number, bone in enumerate(bones, 1):
            stem = words.get(part, part.title().replace("_", "0"))
            names[bone] = f"{stem}.{side}" if side else f"{stem}{number}"
    return names


STYLES: list[Callable[[str], str]] = [
    lambda name: name,
    lambda name: "hero_" + name.replace(".", "_").lower(),
    lambda name: (name[-1] + "_" + name[:-2]) if name.endswith((".L", ".R")) else name,
    lambda name: {"L": "Left", "R": "Right"}[name[-1]] + name[:-2] if name.endswith((".L", ".R")) else name,
]


@pytest.mark.parametrize("style", range(len(STYLES)))
def test_unknown_families_are_read_by_names(presets: dict[str, Preset], rig_of: Callable[..., Rig], style: int) -> None:
    rig = rig_of(presets["mixamo"], A_POSE)
    truth = presets["mixamo"].rig_map(rig.names)
    names = unknown("mixamo", presets, rig)
    found = match(renamed(rig, lambda name: STYLES[style](names.get(name, name))), {})
    assert found.family == NAMES
    assert found.missing == ()
    assert 0.5 < found.sure < 1
    for role, bones in truth.bones.items():
        assert found.rig_map.bones[role] == tuple(STYLES[style](names[bone]) for bone in bones), role


def test_real_rigs_by_names_alone(presets: dict[str, Preset], real_rigs: dict[str, Rig]) -> None:
    for name in ("cmu_mb", "game_engine", "mixamo", "mixamo_unity"):
        truth = match(real_rigs[name], presets).rig_map
        found = by_names(real_rigs[name]).rig_map
        wrong = [role for role, bones in truth.bones.items() if "_" in role and found.bones.get(role) != bones]
        assert not wrong, (name, wrong)


def test_random_names_are_refused_with_what_is_missing(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    random = np.random.default_rng(0)
    rig = renamed(rig_of(presets["mixamo"], A_POSE), lambda _: "".join(random.choice(list("qxzvw"), 8)))
    with pytest.raises(MotionLiftError) as caught:
        match(rig, presets)
    assert caught.value.code == "not_humanoid"
    for part in ("pelvis", "left thigh", "right shin", "left upper arm", "right forearm"):
        assert part in caught.value.message
    assert caught.value.hint


def test_a_preset_can_be_named(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(presets["mixamo"], A_POSE)
    assert match(rig, presets, "mixamo").family == "mixamo"
    with pytest.raises(MotionLiftError, match="auto, auto_rig_pro") as caught:
        match(rig, presets, "mixamu")
    assert caught.value.code == "no_preset"
    with pytest.raises(MotionLiftError) as caught:
        match(rig, presets, "rigify")
    assert caught.value.code == "not_humanoid"


def test_what_is_missing_is_said(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> None:
    rig = renamed(rig_of(presets["mixamo"], A_POSE), lambda name: {"LeftHand": "qqq", "Neck": "zzz"}.get(name, name))
    found = match(rig, presets)
    assert found.missing == ("neck", "left_wrist")
    assert found.sure < 1
    assert ("left thigh", "LeftUpLeg") in list(describe(found))
