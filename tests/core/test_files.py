"""Writing files: all or nothing, nothing lost, nothing left behind."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from motionlift.core.files import check_output, remove_patiently, replace_patiently, written_beside
from motionlift.core.jobs import MotionLiftError, UsageError


def test_a_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "ä b.motion.npz"
    with written_beside(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".motion.npz")
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.bvh"
    target.write_text("old")

    def fail() -> None:
        with written_beside(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with written_beside(tmp_path / "ours") as temporary:
        temporary.write_text("")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")}
    assert len(modes) == 1


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    with pytest.raises(MotionLiftError) as caught, written_beside(tmp_path / "none" / "a.bvh"):
        pass
    assert caught.value.code == "write_failed"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "full").write_text("")
    with pytest.raises(MotionLiftError), written_beside(tmp_path / "folder") as temporary:
        temporary.write_text("a file cannot replace a folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_outputs_are_checked(tmp_path: Path) -> None:
    there = tmp_path / "there.bvh"
    there.write_text("")
    check_output(tmp_path / "new.bvh", overwrite=False)
    check_output(there, overwrite=True)
    for path, overwrite, code in [
        (there, False, "output_exists"),
        (tmp_path / "none" / "a.bvh", True, "output_folder_missing"),
        (there / "a.bvh", True, "output_folder_missing"),
        (tmp_path / f"{'a' * 250}.motion.npz", False, "bad_output"),
        (tmp_path / f"{'a' * 250}.motion.npz", True, "bad_output"),
        (tmp_path / ("a" * 300) / "a.bvh", False, "output_folder_missing"),
    ]:
        with pytest.raises(UsageError) as caught:
            check_output(path, overwrite)
        assert caught.value.code == code


def test_windows_is_asked_again_while_somebody_looks_at_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, refusals = os.replace, [2]

    def busy(source: Path, target: Path) -> None:
        if refusals[0]:
            refusals[0] -= 1
            raise PermissionError(13, "in use")
        rename(source, target)

    monkeypatch.setattr(os, "replace", busy)
    for system, refused in (("win32", False), ("linux", True)):
        monkeypatch.setattr(sys, "platform", system)
        refusals[0] = 2
        (tmp_path / "new").write_text("new")
        if refused:
            with pytest.raises(PermissionError):
                replace_patiently(tmp_path / "new", tmp_path / "old")
        else:
            replace_patiently(tmp_path / "new", tmp_path / "old")
            assert (tmp_path / "old").read_text() == "new"
    # Not for ever.
    monkeypatch.setattr(sys, "platform", "win32")
    refusals[0] = 1000
    with pytest.raises(PermissionError):
        replace_patiently(tmp_path / "new", tmp_path / "old", seconds=0.1)


def test_a_folder_is_removed_once_nothing_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rmtree, refusals = shutil.rmtree, [2]

    def busy(folder: Path) -> None:
        if refusals[0]:
            refusals[0] -= 1
            raise PermissionError(13, "in use")
        rmtree(folder)

    monkeypatch.setattr(shutil, "rmtree", busy)
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    remove_patiently(folder)
    assert not folder.exists()
    # What is not there is no trouble.
    remove_patiently(folder)
    folder.mkdir()
    refusals[0] = 1000
    with pytest.raises(PermissionError):
        remove_patiently(folder, seconds=0.1)
    assert folder.exists()
