"""The book of a batch: what is written is read, whatever was torn."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from motionlift.core.batch.manifest import FORMAT, NAME, Output, Record, Stamp, open_manifest, read_manifest
from motionlift.core.jobs import MotionLiftError


def _record(clip: str = "a/läufer", **values: object) -> Record:
    filled = {
        "state": "done",
        "video": "/clips/läufer.mp4",
        "stamp": Stamp(7, 8),
        "hash": "abc",
        "settings": {"lift": {"height_m": 1.8}},
        "formats": (".bvh",),
        "versions": {"torch": "2"},
        "outputs": (Output("a/läufer.bvh", 3, "def"),),
        "seconds": {"total": 1.5},
        "figures": ({"skate": 0.1, "fit": None},),
        "warnings": ("dark",),
    }
    return Record(clip, **{**filled, **values})  # type: ignore[arg-type]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    failed = _record("b", state="failed", outputs=(), error={"code": "no_person", "message": "Nobody.", "hint": ""})
    with open_manifest(tmp_path) as manifest:
        written = [manifest.append(_record(state="started")), manifest.append(_record()), manifest.append(failed)]
        assert manifest.latest() == {"a/läufer": written[1], "b": written[2]}
    book = read_manifest(tmp_path)
    assert book.latest == {"a/läufer": written[1], "b": written[2]}
    assert book.written == {"a/läufer": {"a/läufer.bvh": frozenset({"def"})}}
    assert json.loads((tmp_path / NAME).read_text().splitlines()[0]) == {"format": FORMAT}


def test_a_name_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    name = "caf\udce9"  # as Python has it
    with open_manifest(tmp_path) as manifest:
        manifest.append(_record(name, video=f"/clips/{name}.mp4"))
    assert read_manifest(tmp_path).latest[name].video == f"/clips/{name}.mp4"


def test_torn_anywhere_it_holds_what_was_whole(tmp_path: Path) -> None:
    """Cut after every byte: all whole lines are read, and what is appended then is read too."""
    with open_manifest(tmp_path) as manifest:
        manifest.append(_record("one", outputs=(), figures=()))
        manifest.append(_record("two", outputs=(), figures=()))
    whole = (tmp_path / NAME).read_bytes()
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(0, len(whole), 7):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / NAME).write_bytes(whole[:length])
        with open_manifest(folder) as manifest:
            manifest.append(_record("three"))
        expected = {name for name, end in zip(("one", "two"), ends[1:], strict=True) if length >= end}
        assert set(read_manifest(folder).latest) == {*expected, "three"}, length


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with open_manifest(tmp_path):
        with pytest.raises(MotionLiftError) as caught, open_manifest(tmp_path):
            pass
        assert caught.value.code == "batch_running"
    with open_manifest(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"my diary\n", b'{"format": "motionlift-manifest-9"}\n'])
def test_what_is_no_manifest_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(MotionLiftError) as caught, open_manifest(tmp_path):
        pass
    assert caught.value.code == "bad_manifest"
    assert (tmp_path / NAME).read_bytes() == content


def test_a_full_disk_is_told_and_the_torn_line_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_manifest(tmp_path) as manifest:
        file = manifest._file

        class Full:
            """The file on a disk that has room for ten more bytes."""

            room = 10

            def write(self, content: bytes) -> int:
                if not self.room:
                    raise OSError(errno.ENOSPC, "No space left on device")
                taken = file.write(content[: self.room])
                self.room -= taken
                return taken

            def sync(self) -> None:
                file.sync()

        monkeypatch.setattr(manifest, "_file", Full())
        with pytest.raises(MotionLiftError) as caught:
            manifest.append(_record("one"))
        assert caught.value.code == "write_failed"
        assert "No space" in caught.value.message
        monkeypatch.setattr(manifest, "_file", file)
        manifest.append(_record("two"))
    assert set(read_manifest(tmp_path).latest) == {"two"}
