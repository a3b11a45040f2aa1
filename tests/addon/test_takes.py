"""Names and places of takes, without Blender."""

from __future__ import annotations

from pathlib import Path

import pytest

from motionlift.addon.takes import (
    bring_along,
    cleaned,
    drop_empty,
    locate,
    new_take,
    original_of,
    stored_name,
    take_folders,
    unused_files,
)
from motionlift.core.jobs import LiftSettings, MotionLiftError


def test_a_take_is_called_after_its_clip_and_never_takes_a_name_twice(tmp_path: Path) -> None:
    video = Path("läufer im Park.mp4")
    first = new_take(video, (tmp_path,), set())
    assert first == tmp_path / "läufer im Park" / "läufer im Park.motion.npz"
    first.write_text("a take")
    second = new_take(video, (tmp_path,), set())
    assert second.name == "läufer im Park_t02.motion.npz"
    assert new_take(video, (tmp_path,), {"läufer im Park_t02"}).parent.name == "läufer im Park_t03"


def test_two_lifts_under_way_do_not_write_into_one_folder(tmp_path: Path) -> None:
    """As of one clip in two Blenders, whose files lie side by side or were never saved."""
    first, second = (new_take(Path("a.mp4"), (tmp_path / "motionlift",), set()) for _ in range(2))
    assert [first.parent.name, second.parent.name] == ["a", "a_t02"]
    drop_empty(first.parent)
    assert second.parent.is_dir()
    # Of a folder that cannot take the file nothing stays that would hold its name.
    (tmp_path / "b").write_text("a file of another program")
    assert new_take(Path("b.mp4"), (tmp_path,), set()).parent.name == "b_t02"


def test_a_folder_that_refuses_is_passed_over(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, where a folder should be")
    assert new_take(Path("a.mp4"), (blocked, tmp_path / "user"), set()).parent == tmp_path / "user" / "a"
    with pytest.raises(MotionLiftError) as caught:
        new_take(Path("a.mp4"), (blocked,), set())
    assert caught.value.code == "output_folder_read_only"


def test_nothing_is_left_of_a_take_that_was_not_made(tmp_path: Path) -> None:
    kept = tmp_path / "motionlift" / "other"
    output = new_take(Path("a.mp4"), (tmp_path / "motionlift",), set())
    drop_empty(output.parent)
    assert not (tmp_path / "motionlift").exists()
    kept.mkdir(parents=True)
    drop_empty(new_take(Path("a.mp4"), (tmp_path / "motionlift",), set()).parent)
    assert [path.name for path in (tmp_path / "motionlift").iterdir()] == ["other"]


def test_takes_lie_beside_the_file_and_are_found_when_they_moved(tmp_path: Path) -> None:
    user = tmp_path / "user"
    assert take_folders("", user) == (user,)
    beside, _ = take_folders(str(tmp_path / "shot.blend"), user)
    assert beside == tmp_path / "motionlift"
    stored = new_take(Path("a.mp4"), (user,), set())
    stored.write_text("a take")
    copied = bring_along(stored, beside)
    assert copied.read_text() == "a take"
    stored.unlink()
    assert locate(stored, (beside, user)) == copied
    copied.unlink()
    with pytest.raises(MotionLiftError) as caught:
        locate(stored, (beside, user))
    assert caught.value.code == "take_missing"


def test_a_take_is_found_by_another_system_than_it_was_made_with(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    there = tmp_path / "walk/walk_P1.motion.npz"
    there.write_text("")
    for kept in (
        r"C:\Users\jo\takes\walk\walk_P1.motion.npz", r"\\nas\share\walk\walk_P1.motion.npz",
        "D:/takes/walk/walk_P1.motion.npz", "/home/jo/takes/walk/walk_P1.motion.npz",
    ):  # fmt: skip
        assert locate(kept, [tmp_path]) == there
    blend = tmp_path / "shot.blend"
    assert stored_name(there, str(blend)) == "//walk/walk_P1.motion.npz"
    assert stored_name(there, "") == str(there)
    assert stored_name(Path("/elsewhere/a.npz"), str(blend)) == str(Path("/elsewhere/a.npz"))


def test_what_clean_up_makes_is_named_by_its_settings() -> None:
    original = Path("walk/walk.motion.npz")
    smooth, rough = LiftSettings(smoothing=0.9), LiftSettings(smoothing=0.1)
    assert cleaned(original, smooth) == cleaned(original, smooth)
    assert len({original, cleaned(original, smooth), cleaned(original, rough)}) == 3
    assert cleaned(original, smooth).name.endswith(".motion.npz")


def test_unused_takes_are_those_that_nothing_names(tmp_path: Path) -> None:
    """Also what was copied here from where it was made is in use, and the take that a clean-up was made of."""
    folder = tmp_path / "motionlift"
    names = ("walk/walk.motion.npz", "walk/walk.clean-0123.motion.npz", "walk/walk.clean-4567.motion.npz",
             "run/run.motion.npz", "old/old.motion.npz", "walk/notes.txt")  # fmt: skip
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a take")
    used = [folder / "walk/walk.clean-0123.motion.npz", tmp_path / "user" / "run" / "run.motion.npz"]
    found = [path.relative_to(folder).as_posix() for path in unused_files(folder, used)]
    assert found == ["old/old.motion.npz", "walk/walk.clean-4567.motion.npz"]
    assert original_of(folder / names[1]) == folder / names[0]
    (folder / names[0]).unlink()
    assert original_of(folder / names[1]) == folder / names[1]
