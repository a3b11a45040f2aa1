"""Clips and results that lie elsewhere: found, named, fetched, put and noted, whatever kind of place it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.batch.folder import Folder, LocalFolder, RemoteFolder
from motionlift.core.batch.inputs import Clip, find_videos, name_clips
from motionlift.core.batch.manifest import NAME, STATE_FOLDER, Record, Stamp, read_manifest
from motionlift.core.batch.run import Run, Task
from motionlift.core.batch.storage import Url, Video, below, fetch, place
from motionlift.core.batch.todo import Plan, why
from motionlift.core.jobs import Cancelled, LiftSettings, MotionLiftError, Progress, Request, Result, UsageError

fsspec = pytest.importorskip("fsspec")
FILES = ("a.mp4", "a.MOV", "b/c.mkv", "b/d/e.mp4", "b/notes.txt", ".hidden/f.mp4", "b/.g.mp4", "läufer [x].mp4")


@pytest.fixture
def bucket() -> Any:
    """A storage in memory, empty: it shows whole files, as S3 does."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    return memory


class Mounted(RemoteFolder):
    """A place that has files as a disk has them, through fsspec: what is written there shows while it is."""

    def __init__(self, path: Path, local: Path) -> None:
        super().__init__(Url(f"local://{path}"), local)


@pytest.fixture(params=["local", "whole", "renamed"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, bucket: Any) -> Folder:
    """A place for results of each kind."""
    (tmp_path / "out").mkdir()
    if request.param == "local":
        return LocalFolder(tmp_path / "out")
    if request.param == "whole":
        return RemoteFolder(Url("memory://bucket/out"), tmp_path / "state")
    return Mounted(tmp_path / "out", tmp_path / "state")


def _new(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "new"
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("clips/a.mp4", Path("clips/a.mp4")),
        ("/clips/a.mp4", Path("/clips/a.mp4")),
        ("file:///clips/ä b.mp4", Path("/clips/ä b.mp4")),
        ("s3://bucket/clips/", Url("s3://bucket/clips")),
        ("gs://bucket/a:b/c.mp4", Url("gs://bucket/a:b/c.mp4")),
        ("C:/clips/a.mp4", Path("C:/clips/a.mp4")),
    ],
)
def test_what_is_a_path_and_what_a_url(text: str, found: Video) -> None:
    assert place(text) == found
    assert place(str(found)) == found


def test_a_local_url_on_windows_names_a_drive() -> None:
    assert place("file:///C:/clips/a.mp4", "win32") == Path("C:/clips/a.mp4")
    assert place("file://clips/a.mp4", "win32") == Path("clips/a.mp4")
    assert place("file:///C:/clips/a.mp4", "linux") == Path("/C:/clips/a.mp4")


def test_an_unknown_storage_is_told() -> None:
    for text in ("nowhere://bucket/a.mp4", "s3+weird://x"):
        with pytest.raises(UsageError) as caught:
            RemoteFolder(Url(text))
        assert caught.value.code == "no_storage"


class _ProfileError(Exception):
    """As libraries of storages raise for wrong settings: none of Python's own kinds."""


def test_a_storage_that_is_set_up_wrongly_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_profile(*_: Any, **__: Any) -> None:
        raise _ProfileError("The profile (studio) could not be found.")

    monkeypatch.setattr("fsspec.core.url_to_fs", no_profile)
    with pytest.raises(UsageError, match=r"memory://bucket/a.mp4 cannot be reached: The profile \(studio\)") as caught:
        find_videos([Url("memory://bucket/a.mp4")])
    assert caught.value.code == "no_storage"


def test_files_there_are_found_and_named_as_here(tmp_path: Path, bucket: Any) -> None:
    for name in FILES:
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        bucket.pipe_file(f"/bucket/clips/{name}", b"")
    for ending in ("", "/*.mp4", "/**/*.mp4", "/b/**/*.m*", "/?.mp4", "/[ab]/[c-d].mkv", "/b/**"):
        names = []
        for root in (f"{tmp_path}/clips", "memory://bucket/clips"):
            videos = find_videos([place(root + ending)]).videos
            clips = name_clips(videos, {})
            names.append({below(*video).as_posix(): clip.name for video, clip in zip(videos, clips, strict=True)})
        assert names[0] == names[1], ending
        assert names[0]
    (one,) = find_videos([Url("memory://bucket/clips/b/c.mkv")]).videos
    assert one == (Url("memory://bucket/clips/b/c.mkv"), Url("memory://bucket/clips/b"))
    (missing,) = find_videos([Url("memory://bucket/none.mp4")]).videos
    assert Stamp.of(missing[0]) is None


def test_a_file_is_fetched_whole_or_not_at_all(tmp_path: Path, bucket: Any) -> None:
    content = bytes(range(256)) * 1000
    bucket.pipe_file("/bucket/a.mp4", content)
    url = Url("memory://bucket/a.mp4")
    told: list[tuple[str, int, int | None]] = []
    fetch(url, tmp_path / "a.mp4", lambda stage, done, total: told.append((stage, done, total)))
    assert (tmp_path / "a.mp4").read_bytes() == content
    assert told[-1] == ("open", len(content), len(content))
    before = Stamp.of(url)
    assert before is not None
    assert before.bytes == len(content)
    bucket.pipe_file("/bucket/a.mp4", content + b"more")
    assert Stamp.of(url) != before
    with pytest.raises(Cancelled):
        fetch(url, tmp_path / "b.mp4", cancelled=lambda: True)
    with pytest.raises(MotionLiftError) as caught:
        fetch(Url("memory://bucket/none.mp4"), tmp_path / "c.mp4")
    assert caught.value.code == "fetch_failed"
    assert "none.mp4" in caught.value.message


def test_files_are_put_replaced_and_removed(folder: Folder, tmp_path: Path) -> None:
    name = "scene 1/läufer #2.bvh"
    assert folder.size(name) is None
    assert folder.digest(name) is None
    folder.prepare(name)
    for content in ("one", "another"):
        folder.put(_new(tmp_path, content), name)
        assert not (tmp_path / "new").exists()
        assert folder.size(name) == len(content)
    digest = folder.digest(name)
    folder.put(_new(tmp_path, "another"), "b.bvh")
    assert folder.digest("b.bvh") == digest
    folder.remove(name)
    assert folder.size(name) is None
    assert folder.free() > 0


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    folder = Mounted(tmp_path / "out", tmp_path / "state")
    folder.put(_new(tmp_path, "old"), "a.bvh")

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("the quota is used up")

    monkeypatch.setattr(folder._system, "mv", full)
    with pytest.raises(OSError, match="quota"):
        folder.put(_new(tmp_path, "new"), "a.bvh")
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["old"]


def test_a_book_is_kept_in_order_whenever_the_run_ends(folder: Folder) -> None:
    with folder.manifest() as manifest:
        for number in range(12):
            manifest.append(Record("clip", "started", "v", attempt=number))
    with folder.manifest() as manifest:
        assert manifest.of("clip") == manifest.latest()["clip"]
        assert manifest.latest()["clip"].attempt == 11
        manifest.append(Record("clip", "done", "v"))
        manifest.append(Record("other", "done", "v"))
        with pytest.raises(MotionLiftError) as caught, folder.manifest():
            pass
        assert caught.value.code == "batch_running"
    with folder.manifest() as manifest:
        assert {name: record.state for name, record in manifest.latest().items()} == {"clip": "done", "other": "done"}


def test_lines_of_a_killed_run_are_taken_into_the_book_once(bucket: Any, tmp_path: Path) -> None:
    """Killed after a line, and killed between writing the book anew and removing the lines."""
    folder = RemoteFolder(Url("memory://bucket/out"), tmp_path / "state")
    killed = folder.manifest()
    manifest = killed.__enter__()
    manifest.append(Record("clip", "started", "v"))
    manifest.append(Record("clip", "done", "v"))
    lines = {name: bucket.cat_file(name) for name in bucket.find(f"/bucket/out/{STATE_FOLDER}/lines")}
    assert len(lines) == 2
    # The system frees the lock of a process that is killed; this one lives.
    elsewhere = RemoteFolder(Url("memory://bucket/out"), tmp_path / "other machine")
    with elsewhere.manifest() as manifest:
        assert manifest.latest()["clip"].state == "done"
    assert not bucket.find(f"/bucket/out/{STATE_FOLDER}/lines")
    for name, content in lines.items():
        bucket.pipe_file(name, content)
    with elsewhere.manifest() as manifest:
        assert manifest.latest()["clip"].state == "done"
    content = bucket.cat_file(f"/bucket/out/{NAME}")
    assert content.startswith(b'{"format"')
    assert not bucket.find(f"/bucket/out/{STATE_FOLDER}/lines")
    (tmp_path / NAME).write_bytes(content)
    assert read_manifest(tmp_path).latest["clip"].state == "done"


class _Echo:
    """A worker of this process: makes a file of a clip's text."""

    greeted = True
    lost = False
    pid = None

    def work_on(self, request: Request, on_progress: Callable[[Progress], None]) -> Result:
        target = Path(request.output, "take.bvh")
        copy = Path(request.output, "copy")
        video = place(request.video)
        if isinstance(video, Url):
            fetch(video, copy)
        target.write_text((copy if isinstance(video, Url) else video).read_text())
        return Result(request.id, (str(target),), details={"hash": "h", "versions": {}, "seconds": {}, "figures": [{}]})

    def stop(self) -> None: ...

    def finish(self, grace_s: float) -> None: ...


def test_a_batch_from_one_storage_to_another(folder: Folder, bucket: Any) -> None:
    for name in ("a.mp4", "b/c.mp4"):
        bucket.pipe_file(f"/bucket/clips/{name}", name.encode())
    plan = Plan(folder, LiftSettings(), (".bvh",))

    def lift() -> dict[str, str]:
        with folder.manifest() as manifest:
            known = {place(record.video): name for name, record in manifest.latest().items()}
            clips: list[Clip] = name_clips(find_videos([Url("memory://bucket/clips")]).videos, known)
            tasks = [Task(clip, reason) for clip in clips if (reason := why(clip, manifest.of(clip.name), plan))]
            run = Run(manifest, plan, lambda number, log: _Echo(), 2)
            for task in tasks:
                run.add(task)
            run.start()
            done = threading.Event()
            while not run.finished and run.tally.fatal is None:
                done.wait(0.01)
            run.close()
            assert {record.state for record in run.tally.ended} <= {"done"}
        return {task.clip.name: task.why for task in tasks}

    assert lift() == {"a": "new", "b/c": "new"}
    assert [folder.size(name) for name in ("a.bvh", "b/c.bvh")] == [5, 7]
    assert lift() == {}
    bucket.pipe_file("/bucket/clips/a.mp4", b"changed")
    assert lift() == {"a": "changed"}
    assert folder.size("a.bvh") == 7
    folder.remove("b/c.bvh")
    assert lift() == {"b/c": "missing"}
