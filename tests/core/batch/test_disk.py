"""Disks that are full or read-only: told, noted as far as there is room, and gone on with once there is."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.manifest import open_manifest, read_manifest
from motionlift.core.jobs import MotionLiftError

from .conftest import WORKER, Batch

LARGE = WORKER.replace("paths[-1].write_text(text", "paths[-1].write_text('x' * 100_000 + text")
"""Writes files of 100 kB."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A function that mounts a disk of a size; skips where nobody may."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root may mount a small disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _clips(batch: Batch, count: int) -> None:
    batch.add(**{f"clip{n}": f"text {n}" for n in range(count)})


def test_a_disk_that_fills_up_ends_the_run_and_the_next_goes_on(
    make_batch: Callable[[str], Batch], small_disk: Callable[[str], Path]
) -> None:
    folder = small_disk("640k")
    batch = Batch(make_batch("unused").videos, folder)
    _clips(batch, 10)
    first = batch.lift(jobs=1, worker=LARGE)
    assert first["fatal"] in ("disk_full", "write_failed")
    book = read_manifest(folder).latest
    done = [name for name, record in book.items() if record.state == "done"]
    assert 0 < len(done) < 10
    # No file is half: each has all that the book says, and none is there that it does not know.
    for name in done:
        (output,) = book[name].outputs
        assert LocalFolder(folder).digest(output.path) == output.sha256
    assert {f"{name}.bvh" for name in done} == set(batch.results())
    subprocess.run(["mount", "-o", "remount,size=40m", str(folder)], check=True)
    again = batch.lift(jobs=1, worker=LARGE)
    assert again["fatal"] is None
    assert set(again["why"]) == {f"clip{n}" for n in range(10)} - set(done)
    assert len(batch.results()) == 10


def test_a_disk_that_was_made_read_only_is_told(
    make_batch: Callable[[str], Batch], small_disk: Callable[[str], Path]
) -> None:
    folder = small_disk("1m")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    with pytest.raises(MotionLiftError) as caught, open_manifest(folder):
        pass
    assert caught.value.code == "write_failed"
    assert "Read-only" in caught.value.message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(MotionLiftError) as caught, open_manifest(folder):
        pass
    folder.chmod(0o700)
    assert caught.value.code == "write_failed"


def test_a_write_that_fails_on_the_way_fails_its_clip_alone(batch: Batch) -> None:
    """Not for want of room: the next clips are tried."""
    _clips(batch, 4)
    fails = WORKER.replace(
        "    paths = []",
        "    if text == 'text 1':\n"
        f"        raise MotionLiftError('write_failed', os.strerror({errno.EIO}), 'Check the disk.')\n"
        "    paths = []",
    )
    result = batch.lift(worker=fails)
    assert result["fatal"] is None
    assert result["ended"].pop("clip1") == ["failed", "write_failed"]
    assert set(map(tuple, result["ended"].values())) == {("done", None)}
    assert batch.lift()["why"] == {"clip1": "failed"}
