"""Clips of single pictures: what tells that one was changed, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.inputs import Clip, clip_name, find_videos, name_clips
from motionlift.core.batch.manifest import Record, Stamp
from motionlift.core.batch.todo import Plan, hash_of, why
from motionlift.core.jobs import LiftSettings

NUMBERS = range(8, 13)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures `walk.0008.png` to `walk.0012.png`, one after the other."""
    folder = tmp_path / "walk.v1"
    folder.mkdir()
    for number in NUMBERS:
        path = folder / f"walk.{number:04}.png"
        path.write_text(f"picture {number:02}")
        os.utime(path, ns=(10**18, 10**18 + 1000 * number))
    return folder


def _overwritten(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_text("another   ")


def _one_restored(folder: Path) -> None:
    path = folder / "walk.0009.png"
    path.write_text("pictures 9")
    os.utime(path, ns=(5, 5))


def _exchanged(folder: Path) -> None:
    (folder / "walk.0009.png").rename(folder / "x")
    (folder / "walk.0010.png").rename(folder / "walk.0009.png")
    (folder / "x").rename(folder / "walk.0010.png")


def _fewer(folder: Path) -> None:
    for number in NUMBERS[3:]:
        (folder / f"walk.{number:04}.png").unlink()


@pytest.mark.parametrize("change", [_overwritten, _one_restored, _exchanged, _fewer])
@pytest.mark.parametrize("name", ["", "walk.%04d.png", "walk.####.png"])
def test_pictures_that_changed_are_lifted_again(folder: Path, name: str, change: Callable[[Path], None]) -> None:
    video = folder / name
    plan = Plan(LocalFolder(folder), LiftSettings(), (".bvh",))
    record = Record("a", "done", str(video), Stamp.of(video), hash_of(video), plan.identity(), plan.suffixes)
    (folder / "notes.txt").write_text("not a picture")
    assert Stamp.of(video) == record.stamp
    assert why(Clip(video, "a"), record, plan) is None
    change(folder)
    assert Stamp.of(video) != record.stamp
    assert why(Clip(video, "a"), record, plan) == "changed"
    for path in folder.iterdir():
        path.unlink()
    assert why(Clip(video, "a"), record, plan) is None, "what was made of pictures that are gone stays"


def test_pictures_that_were_only_touched_are_not(folder: Path) -> None:
    plan = Plan(LocalFolder(folder), LiftSettings(), (".bvh",))
    record = Record("a", "done", str(folder), Stamp.of(folder), hash_of(folder), plan.identity(), plan.suffixes)
    os.utime(folder / "walk.0010.png")
    assert Stamp.of(folder) != record.stamp
    assert why(Clip(folder, "a"), record, plan) is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("img_%04d.png", "img"),
        ("img.####.png", "img"),
        ("img####", "img"),
        ("%d.png", "walk.v1"),
        ("####.png", "walk.v1"),
        ("take #1.%04d.png", "take #1"),
        ("take #1.##.png", "take #1"),
        ("100%dance.mp4", "100%dance"),
        ("take #1.mp4", "take #1"),
        ("walk.final.mp4", "walk.final"),
        ("", "walk.v1"),
        ("../walk.v1/x.mp4", "x"),
    ],
)
def test_names(folder: Path, given: str, name: str) -> None:
    """Of a lift and of a batch alike."""
    if given.endswith("mp4"):
        (folder / given).touch()
    assert clip_name(folder / given) == name
    assert [clip.name for clip in name_clips(find_videos([folder / given]).videos, {})] == [name]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_called_as_it_is(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "SHA256E-abc.mp4").touch()
    (tmp_path / "hero.mp4").symlink_to(tmp_path / "SHA256E-abc.mp4")
    (tmp_path / "shot").symlink_to(folder)
    assert clip_name(tmp_path / "hero.mp4") == "hero"
    assert clip_name(tmp_path / "shot") == "shot"
