"""What a worker makes of a clip: videos that change or vanish meanwhile, and copies of those that lie elsewhere."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.core import service
from motionlift.core.batch.work import Work
from motionlift.core.bvh import BvhOptions
from motionlift.core.jobs import LiftSettings, MotionLiftError, ProgressCallback, Request, ignore_progress
from motionlift.core.motion import Motion

Lift = Callable[[Path], object]


def _write(motion: Motion, path: Path, options: BvhOptions) -> None:
    path.write_text(str(motion.source["file"]))


@pytest.fixture
def work(tmp_path: Path, make_motion: Callable[..., Motion], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that has a video of that name worked on, the lift itself replaced by a given function."""

    def carry_out(video: str, lift: Lift) -> Any:
        def produce(request: Request, progress: ProgressCallback, cancelled: Callable[[], bool]) -> list[Motion]:
            path = Path(request.video)
            content = path.read_bytes() if path.is_file() else b""
            lift(path)
            source = {"file": path.name, "content_hash": hashlib.sha256(content).hexdigest(), "versions": {}}
            return [dataclasses.replace(make_motion(), source=source)]

        monkeypatch.setattr(service, "produce", produce)
        folder = tmp_path / "new"
        folder.mkdir(exist_ok=True)
        request = Request("lift", "clip", video, str(folder), LiftSettings())
        return Work((".bvh",), BvhOptions(), {".bvh": _write})(request, ignore_progress, lambda: False)

    return carry_out


def _untouched(path: Path) -> None:
    assert path.is_file()


def _written_to(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _replaced(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[::-1])
    os.utime(path, ns=(1, 1))


def test_a_video_that_stays_is_lifted(tmp_path: Path, work: Callable[..., Any]) -> None:
    video = tmp_path / "läufer.mp4"
    video.write_bytes(b"a film")
    result = work(str(video), _untouched)
    assert [Path(path).read_text() for path in result.motions] == ["läufer.mp4"]
    assert result.details["hash"] == hashlib.sha256(b"a film").hexdigest()


@pytest.mark.parametrize("change", [_written_to, _replaced, Path.unlink])
def test_a_video_that_changes_or_vanishes_while_it_is_read_gives_nothing(
    tmp_path: Path, work: Callable[..., Any], change: Lift
) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"a film")
    with pytest.raises(MotionLiftError) as caught:
        work(str(video), change)
    assert caught.value.code == "video_changed"
    assert "again" in caught.value.hint
    assert not list((tmp_path / "new").glob("*.bvh"))


def test_pictures_that_change_while_they_are_read_give_nothing(tmp_path: Path, work: Callable[..., Any]) -> None:
    folder = tmp_path / "walk"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"a picture")
    with pytest.raises(MotionLiftError) as caught:
        work(str(folder), lambda path: (path / "1.png").write_bytes(b"more of it"))
    assert caught.value.code == "video_changed"


def test_a_video_elsewhere_is_lifted_from_a_copy_of_its_name(work: Callable[..., Any]) -> None:
    """So that the result is that of the video itself; the copy does not stay, and no failure names it."""
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/bucket/läufer.mp4", b"a film")
    url = "memory://bucket/läufer.mp4"
    copies = []

    def watch(path: Path) -> None:
        copies.append(path)
        assert path.read_bytes() == b"a film"

    result = work(url, watch)
    assert [Path(path).read_text() for path in result.motions] == ["läufer.mp4"]
    assert not copies[0].exists()

    def fails(path: Path) -> None:
        raise MotionLiftError("not_a_video", f"{path} is no video.")

    with pytest.raises(MotionLiftError) as caught:
        work(url, fails)
    assert caught.value.message == f"{url} is no video."
    with pytest.raises(MotionLiftError) as caught:
        work(url, lambda path: memory.pipe_file("/bucket/läufer.mp4", b"another film"))
    assert caught.value.code == "video_changed"
