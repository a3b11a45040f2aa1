"""Preset files: the shipped ones, one's own, and what is wrong with a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from motionlift.bridge.match import chosen, match
from motionlift.bridge.preset import Preset
from motionlift.bridge.preset_files import load_presets, read_preset, read_presets, save_preset
from motionlift.bridge.preset_text import preset_of
from motionlift.bridge.rig import Rig
from motionlift.core.jobs import MotionLiftError

from .conftest import A_POSE

GOOD = """
format = 1
title = "Mine"
sides = { left = "L", right = "R" }
[fingerprint]
needed = ["Body", "Leg_{side}"]
[bones]
pelvis = "Body"
hip = "Leg_{side}"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format should be 1"),
        ("title", "titel", "no key called titel"),
        ('left = "L"', 'left = "R"', "called the same"),
        ("[bones]", "[bones]\nelbows = 'x'", "no role in bones called elbows"),
        ('pelvis = "Body"', "pelvis = 3", "bones.pelvis should be a bone's name"),
        ('pelvis = "Body"', "", "needs at least pelvis"),
        ('hip = "Leg_{side}"', 'hip = "Leg"', "bones.hip should have {side}"),
        ('hip = "Leg_{side}"', 'hip = "Leg_{side}"\nknee = "Leg_{side}"', "given to both hip and knee"),
        ("needed", "neded", "no key of fingerprint called neded"),
        ("format = 1", 'format = 1\nprefix = "("', "no regular expression"),
        ("format = 1", 'format = 1\ntravel = "fly"', "hips, root"),
        ("format = 1", "format = ", "cannot be read"),
        ("[bones]", "[ik.hip]\npole = 'a'\n[bones]", "ik.hip needs a target"),
        ("[bones]", "[ik.knee]\ntarget = 'a'\n[bones]", "no limb in ik called knee"),
        ("[bones]", "[correction]\nhip = [1, 2]\n[bones]", "three numbers"),
        ("[bones]", "[switches]\n'a' = 1\n[bones]", "numbers by the name"),
    ],
)
def test_wrong_presets_say_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert read_preset(path).title == "Mine"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(MotionLiftError) as caught:
        read_preset(path)
    assert caught.value.code == "bad_preset"
    assert said in caught.value.message
    assert "mine.toml" in caught.value.message


def test_the_families_asked_for_are_there() -> None:
    titles = {preset.title for preset in load_presets().values()}
    for word in ("Rigify", "meta-rig", "Mixamo", "Unreal", "Unity", "VRM", "Auto-Rig Pro", "default", "game engine",
                 "Genesis 3 and 8", "Genesis 9", "Character Creator", "cgspeed",
                 "SMPL-X", "Biped", "Human"):  # fmt: skip
        assert any(word in title for title in titles), word


def test_ones_own_come_first(tmp_path: Path) -> None:
    (tmp_path / "mixamo.toml").write_text(GOOD)
    (tmp_path / "hero.toml").write_text(GOOD)
    known = load_presets([tmp_path])
    assert known["mixamo"].title == known["hero"].title == "Mine"
    assert set(known) == {*load_presets(), "hero"}


def test_a_wrong_one_is_left_out_and_named(
    tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.toml").write_text("format = 1\nbones = [")
    (tmp_path / "mixamo.toml").write_text(GOOD.replace("pelvis", "belly"))
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    (tmp_path / "hero.toml").write_text(GOOD)
    found = read_presets([tmp_path])
    assert set(found.wrong) == {"broken", "mixamo", "folder", "binary"}
    assert set(found.known) == {*presets, "hero"}
    assert found.known["mixamo"] == presets["mixamo"]
    assert all(any(f"{name}.toml" in text for text in found.warnings()) for name in found.wrong)
    rig = rig_of(presets["mixamo"], A_POSE)
    assert chosen(rig, "auto", tmp_path).family == "mixamo"
    assert len([record for record in caplog.records if "broken.toml" in record.message]) == 1
    for name in ("broken", "mixamo"):
        with pytest.raises(MotionLiftError) as caught:
            chosen(rig, name, tmp_path)
        assert caught.value.code == "bad_preset"


@pytest.mark.parametrize("family", ["mixamo", "unreal", "makehuman", "daz_genesis_9", "smplx", "biped"])
def test_a_map_becomes_a_preset_that_makes_the_same_map(
    tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str
) -> None:
    rig = rig_of(presets[family], A_POSE)
    first = match(rig, presets).rig_map
    again = save_preset(preset_of(first, "Mine"), tmp_path / "mine.toml")
    assert again.fits(rig.names)
    second = read_preset(tmp_path / "mine.toml").rig_map(rig.names)
    assert dict(second.bones) == dict(first.bones)
    assert dict(second.beside) == dict(first.beside)
    assert second.travel == first.travel


@pytest.mark.parametrize("family", sorted(load_presets()))
def test_a_saved_preset_keeps_controls_and_switches(
    tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig], family: str
) -> None:
    preset = presets[family]
    extra = [*preset.carriers, *preset.carriers.values(), *preset.switches]
    for limb in preset.ik.values():
        extra += [limb.target, limb.pole, limb.toe, *limb.on, *limb.off]
    names = [*rig_of(preset, A_POSE).names, *preset.spelt(filter(None, extra))]
    first = preset.rig_map(names)
    save_preset(preset_of(first, "Mine"), tmp_path / "mine.toml")
    second = read_preset(tmp_path / "mine.toml").rig_map(names)
    assert dict(second.carriers) == dict(first.carriers)
    assert dict(second.corrections) == dict(first.corrections)
    assert set(second.ik) == set(first.ik)
    for limbs in ("auto", "fk", "ik"):
        assert set(second.all_switches(limbs)) == set(first.all_switches(limbs))
        used, wanted = second.ik_used(limbs), first.ik_used(limbs)
        assert {role: (limb.target, limb.pole, limb.toe) for role, limb in used.items()} == {
            role: (limb.target, limb.pole, limb.toe) for role, limb in wanted.items()
        }


def test_switches_and_limbs(presets: dict[str, Preset]) -> None:
    names = ["torso", "thigh_parent.L", "thigh_parent.R", "upper_arm_parent.L", "foot_ik.L", "hand_ik.L", "spine_fk"]
    rig_map = presets["rigify"].rig_map(names)

    def value(limbs: str, bone: str) -> float:
        return {s.bone: s.value for s in rig_map.all_switches(limbs) if s.name == "IK_FK"}[bone]

    assert [value(limbs, "thigh_parent.L") for limbs in ("auto", "ik", "fk")] == [0, 0, 1]
    assert [value(limbs, "upper_arm_parent.L") for limbs in ("auto", "ik", "fk")] == [1, 0, 1]
    assert len([s for s in rig_map.all_switches("auto") if s.bone == "torso"]) == 2
    # Unreal's ik_foot_* have no switch: they follow always.
    always = presets["unreal"].rig_map(["ik_foot_l", "pelvis"])
    assert set(always.ik_used("fk")) == {"left_hip"}
