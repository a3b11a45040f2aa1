"""Many clips through the real command line: short real clips, real workers, killed and stopped for real."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import av
import pytest

from motionlift.core.batch.manifest import NAME, read_manifest
from motionlift.core.bvh import read_bvh
from motionlift.core.commands.batch import count_jobs
from motionlift.core.jobs import UsageError
from motionlift.core.motion import Motion
from motionlift.core.processors import available
from motionlift.core.video import read_frames

Run = Callable[..., tuple[int, str, str]]
GOOD = ("a/one", "a/deep/two", "läufer [x]", "four")
pytestmark = pytest.mark.usefixtures("weights")


@pytest.fixture(scope="module")
def clips(sample_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips of two thirds of a second in three folders, and one that is no video."""
    folder = tmp_path_factory.mktemp("batch") / "clips"
    for number, name in enumerate(GOOD):
        path = folder / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        _film(path, sample_video, number * 1.5, 20)
    (folder / "broken.mp4").write_bytes(b"This is no video.")
    return folder


def _film(path: Path, sample: Path, start: float, frames: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "16"})
        stream.pix_fmt = "yuv420p"
        for number, frame in zip(range(frames), read_frames(sample, start), strict=False):
            if number == 0:
                stream.height, stream.width = frame.image.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        container.mux(stream.encode())


def _arguments(clips: Path, out: Path, detections: Path, *more: str | Path) -> list[str]:
    pattern = clips / "**" / "*.mp4"
    return ["lift", *map(str, (pattern, "-o", out, "--cache-dir", detections, *more))]


def _begin(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "motionlift", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        start_new_session=True,
    )


def _states(out: Path) -> dict[str, str]:
    return {name: record.state for name, record in read_manifest(out).latest.items()}


def _until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def test_a_folder_of_clips(tmp_path: Path, clips: Path, detections: Path, run: Run) -> None:
    out, report = tmp_path / "out", tmp_path / "pages" / "report.html"
    arguments = _arguments(clips, out, detections, "--format", "bvh,motion", "--jobs", "2", "--report", report)
    code, said, errors = run(*arguments)
    assert code == 1, errors
    assert "4 lifted, 1 failed" in said
    assert "broken.mp4" in errors
    assert "Traceback" not in errors
    for name in GOOD:
        clip, motion = read_bvh(out / f"{name}.bvh"), Motion.load(out / f"{name}.motion.npz").check()
        assert len(clip) == len(motion) == 20
    book = read_manifest(out).latest
    assert set(book) == {*GOOD, "broken"}
    one = book["a/one"]
    assert one.hash == Motion.load(out / "a/one.motion.npz").source["content_hash"]
    assert {"detect", "solve", "total", "all"} <= set(one.seconds)
    assert {"motionlift", "torch", "mediapipe"} <= set(one.versions)
    assert one.figures[0]["frames"] == 20
    assert book["broken"].error is not None
    assert book["broken"].error["code"] == "not_a_video"

    page = report.read_text("utf-8")
    assert all(html.escape(name) in page for name in (*GOOD, "broken"))
    assert page.index(">broken<") < min(page.index(f">{name}<") for name in GOOD)
    doubts = [float(value) for value in re.findall(r'data-value="([\d.]+)"[^>]*>[\d.]+ %</td><td data-value', page)]
    assert doubts
    assert page.count("data:image/jpeg;base64,") == 4
    assert "http" not in page
    links = re.findall(r'href="([^"]+)"', page)
    assert "../out/a/one.bvh" in links

    # Once more: nothing is lifted but what failed. Other settings, and a limit that every take breaks.
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.bvh")}
    report.unlink()
    code, said, _ = run(*arguments, "--report", report.as_uri())
    assert code == 1
    assert report.is_file()
    assert "0 lifted, 4 done before, 1 failed" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (clips / "broken.mp4").rename(tmp_path / "broken.mp4")
    try:
        assert run(*arguments)[0] == 0
        code, said, errors = run(*arguments, "--fail-if", "frames>=20")
        assert code == 1
        assert "over a limit" in said
        code, said, _ = run(*arguments, "--height", "1.9")
        assert code == 0
        assert "4 lifted" in said
    finally:
        (tmp_path / "broken.mp4").rename(clips / "broken.mp4")
    assert Motion.load(out / "a/one.motion.npz").source["height_m"] == 1.9


def test_a_batch_gives_what_single_lifts_give(tmp_path: Path, clips: Path, detections: Path, run: Run) -> None:
    out, alone = tmp_path / "out", tmp_path / "alone.bvh"
    none = clips / "*.wmv"
    code, _, errors = run("lift", clips / "four.mp4", none, "-o", out, "--jobs", "1", "--cache-dir", detections)
    assert (code, f"No video fits {none}." in errors) == (0, True)
    assert run("lift", clips / "four.mp4", "-o", alone, "--cache-dir", detections)[0] == 0
    assert (out / "four.bvh").read_bytes() == alone.read_bytes()


def test_a_project_that_moves_is_not_lifted_again(
    tmp_path: Path, clips: Path, detections: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project" / "clips" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "clips" / "deep" / "four.mp4").write_bytes((clips / "four.mp4").read_bytes())
    more = ("--jobs", "1", "--cache-dir", detections)
    monkeypatch.chdir(tmp_path / "project")
    code, said, _ = run("lift", "clips", "-o", "out", *more)
    assert (code, "1 lifted" in said) == (0, True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").rename(tmp_path / "moved")
    (tmp_path / "moved" / "x").mkdir()
    for folder, up in (("moved", ""), ("moved", ""), ("moved/x", "../")):
        monkeypatch.chdir(tmp_path / folder)
        code, said, errors = run("lift", f"{up}clips", "-o", f"{up}out", *more)
        assert (code, "0 lifted, 1 done before" in said) == (0, True), said + errors
    out = tmp_path / "moved" / "out"
    assert [path.relative_to(out).as_posix() for path in out.rglob("*.bvh")] == ["deep/four.bvh"]
    # The book knows the new place; the second run had nothing to add to it.
    lines = [json.loads(line) for line in (out / NAME).read_text().splitlines()]
    assert [line["video"].split("/")[-4] for line in lines if line.get("state") == "done"] == ["project", "moved"]


@pytest.mark.slow
def test_a_cluster_gives_what_one_machine_gives(tmp_path: Path, clips: Path, detections: Path) -> None:
    """Byte for byte, with the report; the book made on one serves the other."""
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    here, there, report = tmp_path / "here", tmp_path / "there", tmp_path / "report.html"
    more = ("--format", "bvh,motion", "--jobs", "2")
    for out, options in ((here, ()), (there, ("--cluster", "local", "--report", str(report), "--fail-if", "lost>90%"))):
        process = _begin(_arguments(clips, out, detections, *more, *options))
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 1, said
        assert "4 lifted, 1 failed" in said, said
        assert "INFO distributed" not in said, said
    names = {path.relative_to(here) for path in here.rglob("*") if path.suffix in (".bvh", ".npz", ".jpg")}
    assert len(names) == 2 * 4 + 4
    assert [str(name) for name in names if (there / name).read_bytes() != (here / name).read_bytes()] == []
    books = [read_manifest(out).latest for out in (here, there)]
    ends = [{n: (r.state, r.outputs, r.error, r.figures, r.settings) for n, r in book.items()} for book in books]
    assert ends[0] == ends[1]
    assert report.read_text("utf-8").count("data:image/jpeg;base64,") == 4
    again = _begin([*_arguments(clips, there, detections, *more), "--no-retry-failed"])
    said, _ = again.communicate(timeout=180)
    assert "4 done before" in said, said


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the processes in /proc")
@pytest.mark.parametrize("kill", [False, True])
def test_a_cluster_of_this_machine_leaves_nothing(tmp_path: Path, clips: Path, detections: Path, kill: bool) -> None:
    """Ctrl-C and kill -9 of the command end everything that it began."""
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    out = tmp_path / "out"
    arguments = _arguments(clips, out, detections, "--cluster", "local", "--jobs", "2", "--no-cache")
    process = _begin(arguments)
    _until(lambda: len(_states(out)) >= 2)
    time.sleep(1.0)
    if kill:
        os.kill(process.pid, signal.SIGKILL)
    else:
        os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    _until(lambda: not _alive_in_session(process.pid), seconds=20)
    if not kill:
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert "started" not in _states(out).values()
    again = _begin(arguments)
    said, _ = again.communicate(timeout=180)
    assert again.returncode == 1, said
    assert _states(out) == {**dict.fromkeys(GOOD, "done"), "broken": "failed"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the workers in /proc")
def test_killed_workers_and_a_killed_parent_cost_nothing(tmp_path: Path, clips: Path, detections: Path) -> None:
    out = tmp_path / "out"
    # Detections are made anew, so that there is time to kill.
    arguments = _arguments(clips, out, detections, "--jobs", "2", "--no-cache")
    parent = _begin(arguments)
    _until(lambda: len(_states(out)) >= 2 and len(_workers(parent.pid)) == 2)
    os.kill(_workers(parent.pid)[0], signal.SIGKILL)
    _until(lambda: "done" in _states(out).values())
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    _until(lambda: not _alive_in_session(parent.pid), seconds=20)
    before = _states(out)
    done = {name for name, state in before.items() if state == "done"}
    assert sum(state == "started" for state in before.values()) <= 2

    second = _begin(arguments)
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 1, said
    assert f"{4 - len(done)} lifted, {len(done)} done before" in said or not done
    assert _states(out) == {**dict.fromkeys(GOOD, "done"), "broken": "failed"}
    for name in GOOD:
        assert len(read_bvh(out / f"{name}.bvh")) == 20


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_within_seconds_and_the_next_run_goes_on(tmp_path: Path, clips: Path, detections: Path) -> None:
    out = tmp_path / "out"
    arguments = _arguments(clips, out, detections, "--jobs", "2", "--no-cache")
    process = _begin(arguments)
    _until(lambda: len(_states(out)) >= 2)
    time.sleep(1.0)
    began = time.monotonic()
    # As a terminal does: to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 8
    assert process.returncode == 130, said
    assert "Stopping" in said
    assert "left: the same command goes on there" in said
    assert "Traceback" not in said
    assert "started" not in _states(out).values()
    _until(lambda: not _alive_in_session(process.pid), seconds=10)
    again = _begin(arguments)
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 1
    assert _states(out) == {**dict.fromkeys(GOOD, "done"), "broken": "failed"}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_watched_folder(tmp_path: Path, clips: Path, detections: Path) -> None:
    folder, out, report = tmp_path / "incoming", tmp_path / "out", tmp_path / "report.html"
    arguments = ["lift", str(folder), "-o", str(out), "--watch", "--jobs", "1", "--cache-dir", str(detections)]
    process = _begin([*arguments, "--report", str(report)])
    try:
        _until((out / NAME).is_file)
        # Not there, then empty: it is waited for.
        time.sleep(2.5)
        folder.mkdir()
        time.sleep(5.0)
        assert _states(out) == {}
        content = (clips / "four.mp4").read_bytes()
        (folder / "late.mp4").write_bytes(content)
        _until(lambda: _states(out).get("late") == "done")
        # Who empties the folder by and by still gets the page of all that came.
        (folder / "late.mp4").unlink()
        (folder / "later").mkdir()
        (folder / "later" / "bad.mp4").write_bytes(b"no video")
        _until(lambda: _states(out).get("later/bad") == "failed")
        time.sleep(3.0)
        tries = [json.loads(line) for line in (out / NAME).read_text().splitlines()[1:]]
        assert sum(line["clip"] == "later/bad" and line["state"] == "failed" for line in tries) == 1
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 1, said
    assert (out / "late.bvh").is_file()
    assert said.count("There is no folder") == 1
    assert said.count("Error:") == 1
    assert "2 clips in" in said
    assert "1 lifted, 1 failed." in said
    assert ">late<" in report.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/*.mp4", "-o", "{}/out"], "no video"),
        (["{}/none/*.mp4", "-o", "{}/out"], "none cannot be read"),
        (["{}/a.mp4", "-o", "{}/out", "--jobs", "many"], "many"),
        (["{}/a.mp4", "-o", "{}/out", "--jobs", "0"], "number"),
        (["{}/a.mp4", "-o", "{}/out", "--fail-if", "beauty<3"], "skate"),
        (["{}/a.mp4", "-o", "{}/out", "--fail-if", "skate>2s"], "mm"),
        (["{}/a.mp4", "-o", "{}/out", "--report", "{}/report.pdf"], ".html"),
        (["{}/a.mp4", "-o", "{}/out", "--report", "s3://bucket/report.html"], "to this machine"),
        (["{}/a.mp4", "-o", "{}/out", "--report", "{}/mine.html"], "no report of a batch"),
        (["{}/a.mp4", "-o", "{}/out", "--report", "{}/folder.html"], "folder.html is a folder"),
        (["{}/a.mp4", "-o", "{}/out", "--report", "{}/mine.html/r.html"], "cannot be made"),
        (["{}/a.mp4", "-o", "{}/out", "--report", f"{{}}/{'r' * 300}.html"], "too long"),
        (["{}/[z-a]*.mp4", "-o", "{}/out"], "no pattern"),
        (["{}/a.mp4", "-o", "{}/out", "--jobs", "²"], "number"),
        (["{}/a.mp4", "-o", "{}/out", "--jobs", "1", "--format", "fbx"], "'fbx'"),
        (["{}/a.mp4", "-o", "{}/mine.html", "--jobs", "1"], "folder"),
        (["{}/a.mp4", "-o", "{}/take.bvh", "--jobs", "1", "--force"], "folder"),
        (["nowhere://bucket/a.mp4", "-o", "{}/out"], "nowhere"),
        (["{}/a.mp4", "-o", "nowhere://bucket/out"], "nowhere"),
    ],
)
def test_wrong_usage(tmp_path: Path, run: Run, arguments: list[str], said: str) -> None:
    (tmp_path / "mine.html").write_text("precious")
    (tmp_path / "folder.html").mkdir()
    code, _, errors = run("lift", *(argument.replace("{}", str(tmp_path)) for argument in arguments))
    assert code == 2
    assert said in errors
    assert (tmp_path / "mine.html").read_text() == "precious"


def test_a_storage_that_lists_nothing_is_told_once(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type(pytest.importorskip("fsspec").filesystem("memory"))
    monkeypatch.setattr(memory, "find", Mock(side_effect=PermissionError(13, "Access Denied")))
    code, _, errors = run("lift", "memory://bucket/clips/", "-o", tmp_path / "out")
    assert code == 2
    assert "memory://bucket/clips cannot be listed: Access Denied" in errors
    assert "There is no video" not in errors


def test_a_cluster_that_cannot_be_had_is_told(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    arguments = ("lift", tmp_path / "a.mp4", "-o", tmp_path / "out", "--cluster")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "distributed", None)
        code, _, errors = run(*arguments, "local")
    assert code == 2
    assert "motionlift[cluster]" in errors
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    code, _, errors = run(*arguments, "tcp://127.0.0.1:9")
    assert code == 1
    assert "tcp://127.0.0.1:9 does not answer" in errors
    assert "dask scheduler" in errors
    assert _states(tmp_path / "out") == {}


def test_how_many_processes() -> None:
    assert 1 <= count_jobs("auto") <= available()
    assert count_jobs("7") == 7
    with pytest.raises(UsageError):
        count_jobs("-1")


def _workers(parent: int) -> list[int]:
    """The worker processes of a batch, not their own children."""
    return [pid for pid in _alive_in_session(parent) if pid != parent and _parent(pid) == parent]


def _alive_in_session(leader: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if alive and os.getsid(int(entry.name)) == leader:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
