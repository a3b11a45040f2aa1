"""Clips of earlier runs are known again where their videos lie elsewhere by now."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from motionlift.core.batch.inputs import find_videos, name_clips
from motionlift.core.batch.manifest import Record, Stamp
from motionlift.core.batch.moved import known_names, moved_names
from motionlift.core.batch.storage import absolute

FILES = {"a.mp4": b"A", "a.mov": b"a", "sub/b.mp4": b"B"}
NAMES = {"a.mp4": "a.mp4", "a.mov": "a.mov", "sub/b.mp4": "sub/b"}


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "project" / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "project" / "clips"


def _names(records: dict[str, Record], *given: Path) -> dict[str, str]:
    """The name of each video, by its path below the one that was given, after a run that left those records."""
    videos = find_videos(given).videos
    known = known_names(records)
    known |= moved_names(videos, records, known)
    return {clip.video.relative_to(videos[0][1]).as_posix(): clip.name for clip in name_clips(videos, known)}  # type: ignore[union-attr,arg-type]


def _records(*given: Path) -> dict[str, Record]:
    """The records of a run that lifted these."""
    return {
        clip.name: Record(
            clip.name,
            "done",
            str(clip.video),
            Stamp.of(clip.video),
            hashlib.sha256(Path(str(clip.video)).read_bytes()).hexdigest(),
        )
        for clip in name_clips(find_videos(given).videos, {})
    }


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("copied", [False, True])
def test_a_project_keeps_its_names_at_another_place(clips: Path, touched: bool, copied: bool) -> None:
    records = _records(clips)
    other = clips.parent.with_name("elsewhere")
    shutil.copytree(clips.parent, other)
    if not copied:
        shutil.rmtree(clips.parent)
    if touched:
        os.utime(other / "clips" / "a.mp4", (1, 1))
    assert _names(records, other / "clips") == NAMES


def test_a_place_has_one_spelling(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = _records(clips)
    (clips.parent / "x").mkdir()
    monkeypatch.chdir(clips.parent / "x")
    assert absolute(Path("gone/../../clips/a.mp4")) == clips / "a.mp4"
    for spelling in (Path("../clips"), Path("../x/../clips"), Path("../clips/../clips/**/*.m*")):
        assert {str(video) for video, _ in find_videos([spelling]).videos} == {r.video for r in records.values()}
        assert _names(records, spelling) == NAMES


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_other_spellings_too(clips: Path, tmp_path: Path) -> None:
    records = _records(clips)
    (tmp_path / "mount").symlink_to(clips.parent)
    assert _names(records, tmp_path / "mount" / "clips") == NAMES
    # Behind a link, `..` is where the system goes.
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "wrong.mp4").touch()
    (clips / "deep").mkdir()
    (tmp_path / "link").symlink_to(clips / "deep")
    up = tmp_path / "link" / ".." / ".."
    assert _names(records, up / "clips") == NAMES
    assert {video.name for video, _ in find_videos([up / "*" / "*.mov"]).videos} == {"a.mov"}


def test_another_video_of_the_name_is_another_clip(clips: Path) -> None:
    records = _records(clips)
    other = clips.parent.with_name("other")
    shutil.copytree(clips, other)
    (other / "sub" / "b.mp4").write_bytes(b"other content")
    assert _names(records, other)["sub/b.mp4"] == "sub/b.mp4"
    # Both at once are two clips, also where they hold the same.
    (other / "sub" / "b.mp4").write_bytes(FILES["sub/b.mp4"])
    videos = find_videos([clips, other]).videos
    moved = moved_names(videos, records, known_names(records))
    assert moved == {}


def test_one_record_is_of_one_clip(clips: Path) -> None:
    records = _records(clips)
    for name in ("one", "two"):
        shutil.copytree(clips / "sub", clips.parent / name / "sub")
    shutil.rmtree(clips)
    videos = find_videos([clips.parent / "one", clips.parent / "two"]).videos
    moved = moved_names(videos, records, {})
    assert list(moved.values()) == ["sub/b"]
    assert [clip.name for clip in name_clips(videos, moved)] == ["sub/b", "sub/b.mp4"]
