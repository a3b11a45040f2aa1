"""Which clips there are and what they are called."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from motionlift.core.batch.inputs import common_folder, find_videos, is_folder_of_clips, is_pattern, name_clips
from motionlift.core.batch.todo import hash_of
from motionlift.core.files import check_output
from motionlift.core.jobs import MotionLiftError, UsageError
from motionlift.core.video import probe

FILES = ("a.mp4", "a.MOV", "b/c.mkv", "b/d/e.mp4", "b/notes.txt", ".hidden/f.mp4", "b/.g.mp4", "läufer [x].mp4")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "clips"


def _found(*given: Path) -> dict[str, str]:
    videos = find_videos(given).videos
    names = [clip.name for clip in name_clips(videos, {})]
    return {video.name: name for (video, _), name in zip(videos, names, strict=True)}


def test_a_folder_keeps_its_layout(tree: Path) -> None:
    assert _found(tree) == {
        "a.MOV": "a.MOV",
        "a.mp4": "a.mp4",
        "c.mkv": "b/c",
        "e.mp4": "b/d/e",
        "läufer [x].mp4": "läufer [x]",
    }


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.mp4", {"a", "läufer [x]"}),
        ("**/*.mp4", {"a", "b/d/e", "läufer [x]"}),
        ("b/**/*.m*", {"c", "d/e"}),
        ("**/e.*", {"b/d/e"}),
        ("b/**", {"c", "d/e", "notes"}),
        ("?.mp4", {"a"}),
        ("[!b]*.mp4", {"a", "läufer [x]"}),
        ("[ab]/[c-d].mkv", {"b/c"}),
        ("none/*.mp4", set()),
    ],
)
def test_patterns(tree: Path, pattern: str, names: set[str]) -> None:
    assert is_pattern(tree / pattern)
    assert set(_found(tree / pattern).values()) == names


def test_a_name_that_looks_like_a_pattern_is_a_name(tree: Path) -> None:
    assert not is_pattern(tree / "läufer [x].mp4")
    assert _found(tree / "läufer [x].mp4", tree / "b/c.mkv") == {"läufer [x].mp4": "läufer [x]", "c.mkv": "b/c"}


def test_a_clip_is_there_once(tree: Path) -> None:
    assert _found(tree / "**/*.mp4", tree, tree / "a.mp4") == _found(tree)


def test_brackets_of_a_folder_are_no_pattern(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shoot = tree / "[Client] Shoot" / "[a]"
    shoot.mkdir(parents=True)
    (shoot / "x.mp4").touch()
    (shoot / "y.mov").touch()
    assert _found(tree / "[Client] Shoot" / "[a]" / "*.mp4") == {"x.mp4": "x"}
    assert _found(tree / "[Client] Shoot" / "*" / "[xz].*") == {"x.mp4": "[a]/x"}
    # A missing file below is none either.
    assert not is_pattern(shoot / "none.mp4")
    monkeypatch.chdir(shoot)
    assert _found(Path("*.mov")) == {"y.mov": "y"}


def test_a_range_that_goes_down_is_refused(tree: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_videos([tree / "[z-a]*"])
    assert caught.value.code == "bad_pattern"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_that_lead_round_end(tree: Path) -> None:
    (tree / "b" / "up").symlink_to(tree, target_is_directory=True)
    (tree / "broken").symlink_to(tree / "nowhere")
    assert _found(tree)["a.mp4"] == "a.mp4"
    assert len(_found(tree)) == 5


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_told_of(tree: Path) -> None:
    (tree / "b").chmod(0)
    try:
        found = find_videos([tree])
    finally:
        (tree / "b").chmod(0o700)
    assert [error.code for error in found.unreadable] == ["unreadable_folder"]
    assert len(found.videos) == 3


def test_what_we_write_is_no_clip(tree: Path) -> None:
    for name in ("motionlift.manifest.jsonl", "a.bvh", "b/c.motion.npz", "b/report.html", ".motionlift/lock"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).touch()
    assert set(_found(tree / "**")) == {"a.MOV", "a.mp4", "c.mkv", "e.mp4", "notes.txt", "läufer [x].mp4"}
    assert set(_found(tree / "*")) == {"a.MOV", "a.mp4", "läufer [x].mp4"}


def test_what_stands_for_nothing_is_named(tree: Path) -> None:
    (tree / "empty").mkdir()
    found = find_videos([tree / "*.mp4", tree / "*.wmv", tree / "empty"])
    assert found.empty == (tree / "*.wmv",)
    assert tree / "empty" in dict(found.videos), "it may be meant for pictures: the lift says what is wrong"


def test_folders_to_be_filled_are_no_clips_where_they_are_watched(tree: Path) -> None:
    (tree / "empty" / "deep").mkdir(parents=True)
    given = [tree / "empty", tree / "later", tree / "late" / "*.mp4", tree / "coming.mp4"]
    found = find_videos(given, watched=True)
    assert set(found.empty) == set(given[:3])
    assert found.unreadable == ()
    assert found.videos == ((tree / "coming.mp4", tree),)
    for path in (tree / "empty" / "deep" / "x.mp4", tree / "later" / "y.mp4", tree / "late" / "z.mp4"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = find_videos(given, watched=True)
    assert found.empty == ()
    assert [clip.name for clip in name_clips(found.videos, {})] == ["deep/x", "y", "z", "coming"]


def test_what_cannot_be_looked_at_is_a_clip_of_which_the_lift_will_tell(tree: Path) -> None:
    long = tree / f"{'a' * 300}.mp4"
    assert not is_pattern(long)
    assert not is_folder_of_clips(long)
    assert set(_found(long, tree / "a.mp4")) == {long.name, "a.mp4"}
    assert hash_of(long) is None
    (tree / "b").chmod(0)
    try:
        if os.access(tree / "b" / "c.mkv", os.R_OK):
            pytest.skip("who runs this reads everything")
        inside = tree / "b" / "c.mkv"
        assert not is_pattern(inside)
        assert _found(inside, tree / "a.mp4") == {"c.mkv": "b/c", "a.mp4": "a"}
        assert hash_of(inside) is None
        with pytest.raises(MotionLiftError) as caught:
            probe(inside)
        assert caught.value.code == "unreadable"
        with pytest.raises(UsageError) as refused:
            check_output(tree / "b" / "take.bvh", overwrite=False)
        assert refused.value.code == "output_folder_read_only"
    finally:
        (tree / "b").chmod(0o700)


def test_names_stay_when_others_come(tree: Path) -> None:
    """A later clip of the same name takes its suffix along; the earlier one keeps its name."""
    (tree / "a.MOV").unlink()
    first = {clip.video: clip.name for clip in name_clips(find_videos([tree / "*.mp4"]).videos, {})}
    assert first[tree / "a.mp4"] == "a"
    (tree / "a.mov").write_bytes(b"")
    names = {clip.video: clip.name for clip in name_clips(find_videos([tree]).videos, first)}
    assert names[tree / "a.mp4"] == "a"
    assert names[tree / "a.mov"] == "a.mov"
    assert len({name.casefold() for name in names.values()}) == len(names)


def test_the_same_name_from_another_root_is_refused(tree: Path, tmp_path: Path) -> None:
    known = {clip.video: clip.name for clip in name_clips(find_videos([tree]).videos, {})}
    other = tmp_path / "other"
    (other / "b").mkdir(parents=True)
    (other / "b" / "c.mkv").write_bytes(b"")
    names = [clip.name for clip in name_clips(find_videos([other]).videos, known)]
    assert names == ["b/c.mkv"]
    with pytest.raises(UsageError) as caught:
        name_clips(find_videos([other]).videos, {**known, tree / "x": "b/c.mkv"})
    assert caught.value.code == "same_name"


def test_pictures_are_a_clip_and_no_folder_of_clips(tmp_path: Path) -> None:
    folder = tmp_path / "shot.v1"
    folder.mkdir()
    (folder / "img_0001.png").write_bytes(b"")
    assert not is_folder_of_clips(folder)
    assert _found(folder) == {"shot.v1": "shot.v1"}
    assert _found(folder / "img_%04d.png") == {"img_%04d.png": "img"}


def test_files_on_several_drives_share_no_folder() -> None:
    card, disk = PureWindowsPath("E:/DCIM/100"), PureWindowsPath("C:/clips")
    assert common_folder([card, disk]) is None
    assert common_folder([PureWindowsPath("//nas/clips/a"), disk]) is None
    assert common_folder([card / "a", PureWindowsPath("e:/dcim/100/b"), card]) == card
    assert common_folder([PurePosixPath("/clips/a"), PurePosixPath("/b")]) == PurePosixPath("/")
    assert common_folder([PurePosixPath("/clips/a"), PurePosixPath("/clips/ab")]) == PurePosixPath("/clips")
