"""Recorded takes: soles that stand are level, whatever angle the recording's feet have."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.bvh import BvhClip, write_bvh
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import Array
from motionlift.core.skeleton import ANIMATION_21, BODY_26, REFERENCE_HEIGHT, reference_rest
from motionlift.core.training.mocap import DAZ_43, Take, pack_folder, read_take
from motionlift.core.training.soles import resting_pitch

FRAMES = 60


def _nodding(pitch_degrees: float, size: float = 2.0) -> BvhClip:
    """Our own joints in BVH's axes, `size` times as large, standing; toes up by `pitch_degrees`."""
    offsets, _ = reference_rest()
    names = ANIMATION_21.joints
    rotations = ("Zrotation", "Xrotation", "Yrotation")
    channels = (("Xposition", "Yposition", "Zposition", *rotations), *[rotations] * (len(names) - 1))
    columns = [(name, channel) for name, own in zip(names, channels, strict=True) for channel in own]
    values = np.zeros((FRAMES, len(columns)))
    values[:, 1] = size * offsets[0, 2]
    values[:, columns.index(("chest", "Xrotation"))] = 10 * np.sin(np.arange(FRAMES) / 9)
    for side in ("left", "right"):
        # About the figure's left; toes come up by a negative turn.
        values[:, columns.index((f"{side}_ankle", "Xrotation"))] = -pitch_degrees
    return BvhClip(
        names=names,
        parents=np.array(ANIMATION_21.parents),
        offsets=size * offsets[:, [0, 2, 1]] * [1.0, 1.0, -1.0],
        channels=channels,
        end_sites=tuple(np.zeros((0, 3)) for _ in names),
        frame_time=1 / 30,
        values=values,
    )


def _soles(take: Take) -> list[tuple[Array, Array]]:
    """Heels and toe tips of both feet."""
    points = take.points_world
    return [
        (points[:, BODY_26.index(f"{side}_heel")], points[:, BODY_26.index(f"{side}_toe_tip")])
        for side in ("left", "right")
    ]


def _read(folder: Path, clip: BvhClip) -> Take:
    folder = folder / "35"
    folder.mkdir(exist_ok=True)
    write_bvh(folder / "35_01.bvh", clip)
    return read_take(folder / "35_01.bvh")


@pytest.mark.parametrize("pitch", [-8.0, 0.0, 5.0])
def test_soles_that_rest_are_level(tmp_path: Path, pitch: float) -> None:
    take = _read(tmp_path, _nodding(pitch))
    for heels, tips in _soles(take):
        assert heels[:, 2] == pytest.approx(tips[:, 2], abs=2e-4)
        assert np.all(tips[:, 1] < heels[:, 1] - 0.15), "they point ahead"
    level = _read(tmp_path, _nodding(0.0))
    np.testing.assert_allclose(take.points_world, level.points_world, atol=2e-3)


def test_a_take_is_of_the_reference_height_whatever_the_size(tmp_path: Path) -> None:
    small, large = (_read(tmp_path, _nodding(0.0, size)) for size in (1.0, 40.0))
    np.testing.assert_allclose(small.points_world, large.points_world, atol=1e-4)
    assert (small.name, small.subject) == ("35_01", "35")
    assert small.fps == pytest.approx(30.0)
    ear = small.points_world[:, BODY_26.index("left_ear"), 2].max()
    sole = min(heels[:, 2].min() for heels, _ in _soles(small))
    assert 0.85 * REFERENCE_HEIGHT < ear - sole < REFERENCE_HEIGHT


def test_the_librarys_soles_are_level(mocap_files: list[Path]) -> None:
    read = 0
    for path in mocap_files[:: max(1, len(mocap_files) // 8)][:8]:
        take = read_take(path)
        for heels, tips in _soles(take):
            assert abs(np.degrees(resting_pitch(heels, tips, take.fps))) < 1.5, path.name
            read += 1
    assert read


def test_unknown_joints_are_named(tmp_path: Path) -> None:
    clip = _nodding(0.0)
    names = tuple(f"bone{index}" for index in range(len(clip.names)))
    with pytest.raises(MotionLiftError) as caught:
        _read(tmp_path, BvhClip(names, clip.parents, clip.offsets, clip.channels, clip.end_sites, 1 / 30, clip.values))
    assert caught.value.code == "unknown_skeleton"


def _daz(clip: BvhClip) -> BvhClip:
    """The clip with DAZ's names; its feet go on to toe joints, where DAZ's own end."""
    theirs = {}
    for joint, blend in DAZ_43.joints.items():
        for ours in (joint, joint.replace("left_", "right_")):
            theirs[ours] = DAZ_43.for_side(ours, next(iter(blend)))
    theirs |= {"left_toe": "lToe", "right_toe": "rToe"}
    return dataclasses.replace(clip, names=tuple(theirs.get(name, name) for name in clip.names))


def test_a_skeleton_without_the_end_we_need_is_skipped_and_others_are_kept(tmp_path: Path) -> None:
    _read(tmp_path, _nodding(0.0))
    toes = tmp_path / "35" / "toes.bvh"
    write_bvh(toes, _daz(_nodding(0.0)))
    with pytest.raises(MotionLiftError, match="daz43 it lacks lFoot/end, rFoot/end") as refused:
        read_take(toes)
    assert refused.value.code == "unknown_skeleton"
    assert pack_folder(tmp_path).names == ("35_01",)


def test_files_whose_names_end_in_capitals_are_found(tmp_path: Path) -> None:
    _read(tmp_path, _nodding(0.0))
    (tmp_path / "35" / "35_01.bvh").rename(tmp_path / "35" / "35_01.BVH")
    assert pack_folder(tmp_path).names == ("35_01",)


@pytest.mark.parametrize("text", ["train: 35", "[]", '{"train": ["35"]}', '{"train": {"subjects": ["35"]}}'])
def test_a_split_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    _read(tmp_path, _nodding(0.0))
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(MotionLiftError, match=r"split\.json does not say whose takes") as caught:
        pack_folder(tmp_path)
    assert caught.value.code == "bad_training_data"
