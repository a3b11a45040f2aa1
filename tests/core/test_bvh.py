"""The BVH format: what is written is read, whatever the layout, and broken files are named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.bvh import (
    EULER_ORDERS,
    BvhClip,
    BvhOptions,
    joint_rotations,
    local_translations,
    parse_bvh,
    positions,
    read_bvh,
    root_positions,
    write_bvh,
)
from motionlift.core.jobs import MotionLiftError, UsageError
from motionlift.core.rotation import IDENTITY, rotate, to_matrix

SMALL = b"""HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.033333
1 2 3 90 0 0 0 0 0
1 2 3 0 0 0 0 90 0
"""


def _clip(seed: int = 0, frames: int = 7) -> BvhClip:
    """A random tree, not depth first: every Euler order, a sliding and a still joint, two End Sites on one."""
    random = np.random.default_rng(seed)
    parents = np.array([-1, 0, 0, 1, 1, 2, 4, 6])
    channels = [tuple(f"{axis}rotation" for axis in order) for order in (*EULER_ORDERS, "ZXY", "ZXY")]
    channels[0] = ("Xposition", "Yposition", "Zposition", *channels[0])
    channels[3] = (*channels[3], "Zposition", "Xposition", "Yposition")
    channels[4] = ()
    ends = [np.empty((0, 3))] * 8
    ends[5], ends[7] = random.normal(size=(1, 3)), random.normal(size=(2, 3))
    return BvhClip(
        names=(*(f"joint_{i}" for i in range(7)), "Kopf ä"),
        parents=parents,
        offsets=random.normal(size=(8, 3)),
        channels=tuple(channels),
        end_sites=tuple(ends),
        frame_time=1001 / 30000,
        values=random.uniform(-200, 200, (frames, sum(map(len, channels)))),
    )


def _refused(data: bytes) -> str:
    with pytest.raises(MotionLiftError) as caught:
        parse_bvh(data, "walk.bvh")
    assert caught.value.code == "bad_bvh"
    assert "walk.bvh" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_is_read(tmp_path: Path, seed: int) -> None:
    clip = _clip(seed)
    write_bvh(tmp_path / "a.bvh", clip)
    again = read_bvh(tmp_path / "a.bvh")
    order = [again.names.index(name) for name in clip.names]
    assert [again.channels[i] for i in order] == list(clip.channels)
    np.testing.assert_allclose(again.offsets[order], clip.offsets, atol=1e-6)
    np.testing.assert_allclose(positions(again)[:, order], positions(clip), atol=1e-4)
    for ours, theirs in enumerate(order):
        np.testing.assert_allclose(again.end_sites[theirs], clip.end_sites[ours], atol=1e-6)
    assert again.frame_time == pytest.approx(clip.frame_time, abs=1e-10)


def test_rotations_follow_the_order_of_their_channels() -> None:
    random = np.random.default_rng(1)
    clip = parse_bvh(SMALL)
    angles = random.uniform(-180, 180, 3)
    clip.values[0, 6:] = angles
    turns = []
    for axis, angle in zip("ZXY", np.radians(angles), strict=True):
        c, s = np.cos(angle), np.sin(angle)
        i, j = [(1, 2), (2, 0), (0, 1)]["XYZ".index(axis)]
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = c
        matrix[i, j], matrix[j, i] = -s, s
        turns.append(matrix)
    np.testing.assert_allclose(to_matrix(joint_rotations(clip))[0, 1], turns[0] @ turns[1] @ turns[2], atol=1e-12)


def test_positions_of_a_small_clip() -> None:
    clip = parse_bvh(SMALL)
    np.testing.assert_allclose(root_positions(clip), [[1, 2, 3], [1, 2, 3]])
    np.testing.assert_allclose(positions(clip)[0, 1], [1 - 10, 2, 3], atol=1e-9)
    np.testing.assert_allclose(positions(clip)[1, 1], [1, 12, 3], atol=1e-9)
    tail = rotate(joint_rotations(clip)[1, 1], clip.end_sites[1][0])
    np.testing.assert_allclose(tail, [0, 0, 5], atol=1e-9)


def test_position_channels_replace_the_offset_and_joints_without_channels_stay_at_it() -> None:
    clip = _clip()
    local = local_translations(clip)
    columns = clip.columns()
    for axis, name in enumerate(("Xposition", "Yposition", "Zposition")):
        np.testing.assert_array_equal(local[:, 3, axis], clip.values[:, columns[3][name]])
    np.testing.assert_array_equal(local[:, 4], np.repeat(clip.offsets[None, 4], len(clip), 0))
    np.testing.assert_array_equal(joint_rotations(clip)[:, 4], np.repeat(IDENTITY[None], len(clip), 0))


@pytest.mark.parametrize(
    "layout",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b" ").replace(b"Hips ", b"Hips\n").replace(b"Chest ", b"Chest\n"),
        lambda text: text.replace(b"  ", b"\t\t ").replace(b"\n{", b" {"),
        lambda text: text.upper().replace(b"HIPS", b"Hips").replace(b"CHEST", b"Chest"),
        lambda text: text.lower().replace(b"hips", b"Hips").replace(b"chest", b"Chest"),
        lambda text: b"\xef\xbb\xbf\n" + text + b"\n\n \n",
        lambda text: text.replace(b"End Site", b"End Site ChestEnd"),
        lambda text: text.replace(b"1 2 3 90 0 0 0 0 0", b"1.0e0\t2 3\n 90 0 0 0 0 0"),
    ],
    ids=["crlf", "few-lines", "tabs", "upper", "lower", "mark-and-blank-lines", "named-end", "wrapped"],
)
def test_layout_does_not_matter(layout: object) -> None:
    assert callable(layout)
    plain, other = parse_bvh(SMALL), parse_bvh(layout(SMALL))
    assert other.names == plain.names
    assert other.channels == plain.channels
    np.testing.assert_array_equal(other.values, plain.values)
    np.testing.assert_array_equal(other.end_sites[1], plain.end_sites[1])


def test_names_that_are_keywords_or_not_ascii_or_have_spaces() -> None:
    text = SMALL.replace(b"Hips", b"Root").replace(b"Chest", "Joint ä 1".encode())
    assert parse_bvh(text).names == ("Root", "Joint ä 1")
    assert parse_bvh(text.decode().encode("latin-1")).names == ("Root", "Joint ä 1")


def test_a_skeleton_may_lack_end_sites_and_frames() -> None:
    text = SMALL.replace(b"End Site\n    {\n      OFFSET 0 5 0\n    }", b"")
    assert parse_bvh(text).end_sites[1].shape == (0, 3)
    empty = text.split(b"Frames")[0] + b"Frames: 0\nFrame Time: 0.04\n"
    assert len(parse_bvh(empty)) == 0
    assert positions(parse_bvh(empty)).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"HIERARCHY", b"\x00\x01", "line 1"),
        (b"ROOT Hips", b"JOINT Hips", "ROOT"),
        (b"JOINT Chest", b"ROOT Chest", "one ROOT"),
        (b"OFFSET 0 10 0", b"OFFSET 0 ten 0", "line 8: 'ten'"),
        (b"OFFSET 0 5 0", b"", "End Site of Chest"),
        (b"CHANNELS 3 Zrotation", b"CHANNELS 4 Zrotation", "line 9: Chest promises 4"),
        (b"CHANNELS 3 Zrotation Xrotation", b"CHANNELS 3 Zrotation Zrotation", "promises 3"),
        (b"Frames: 2", b"Frames: 3", "announces 3 frames and holds 2"),
        (b"Frames: 2", b"Frames: 1", "announces 1 frames and holds 2"),
        (b"Frame Time: 0.033333", b"Frame Time: 0", "not positive"),
        (b"Frame Time: 0.033333", b"", "Frame Time"),
        (b"0 90 0\n", b"0 90\n", "line 20: frame 2 has 8 values for 9 channels"),
        (b"0 90 0\n", b"0 x9 0\n", "line 20: 'x9'"),
        (b"0 90 0\n", b"0 nan 0\n", "line 20: 'nan'"),
        (b"0 90 0\n", b"0 1,5 0\n", "'1,5'"),
        (b"MOTION", b"}\nMOTION", "MOTION"),
    ],
)
def test_broken_files_say_where_and_what(old: bytes, new: bytes, said: str) -> None:
    assert said in _refused(SMALL.replace(old, new, 1))


@pytest.mark.parametrize(
    "data", [b"", b"   \n", b"\x00" * 500, b"a video, really", SMALL[:90], SMALL[:200], SMALL[:-9]]
)
def test_other_files_and_stumps_are_refused(data: bytes) -> None:
    _refused(data)


def test_cut_anywhere_it_is_read_or_refused_and_nothing_else() -> None:
    for length in range(len(SMALL)):
        with contextlib.suppress(MotionLiftError):
            assert len(parse_bvh(SMALL[:length])) in (0, 2)


def test_a_missing_file_and_a_folder_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none.bvh", tmp_path):
        with pytest.raises(MotionLiftError) as caught:
            read_bvh(path)
        assert caught.value.code == "no_file"


def test_a_clip_that_bvh_cannot_hold_is_not_written(tmp_path: Path) -> None:
    clip = _clip()
    clip.values[1, 1] = np.nan
    with pytest.raises(MotionLiftError):
        write_bvh(tmp_path / "a.bvh", clip)
    assert list(tmp_path.iterdir()) == []


def test_written_numbers_have_no_negative_zero(tmp_path: Path) -> None:
    clip = parse_bvh(SMALL)
    clip.values[:] = -1e-9
    write_bvh(tmp_path / "a.bvh", clip)
    assert "-0.0" not in (tmp_path / "a.bvh").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong", [{"up": "X"}, {"forward": "W"}, {"forward": "-Y"}, {"unit": "inch"}, {"order": "XYX"}, {"fps": 0.0}]
)
def test_wrong_options_are_usage_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        BvhOptions(**wrong)  # type: ignore[arg-type]


def test_the_motion_capture_library_is_read_whole(mocap_files: list[Path]) -> None:
    for path in mocap_files[::9]:
        clip = read_bvh(path)
        assert len(clip) > 1
        reach = np.ptp(positions(clip)[0], axis=0)
        assert 0 < np.max(reach) < 1000
