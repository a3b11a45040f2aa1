"""The worker client with real processes: work, cancelling, crashes, wrong interpreters."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge.worker_client import WorkerClient
from motionlift.bridge.worker_home import PACKAGE_ROOT, import_folder, what_next, worker_environment
from motionlift.core.jobs import Failure, Hello, LiftSettings, MotionLiftError, Progress, Result
from motionlift.core.motion import Motion

WORK = """
import os, sys, time
import motionlift
from motionlift.core import service, worker
from motionlift.core.jobs import Cancelled, Result

def handle(request, progress, cancelled):
    name = os.path.basename(request.video)
    if name == "dies":
        print("the last words", flush=True)
        os._exit(7)
    while name == "waits":
        progress("detect", 1, 2)
        if cancelled():
            raise Cancelled
        time.sleep(0.01)
    told = {"path": list(motionlift.__path__), "video": request.video, "settings": request.settings.to_json()}
    return Result(request.id, motions=(request.output,), people=(told,))

service.handle = handle
worker.main()
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[WorkerClient]:
    """A client whose worker does made-up work: the video's name says what happens."""
    folder = import_folder(tmp_path / "imports")
    (folder / "made_up_worker.py").write_text(WORK, encoding="utf-8")
    client = WorkerClient(Path(sys.executable), folder, module="made_up_worker")
    yield client
    client.kill()


def test_a_request_is_done_and_the_package_is_ours(client: WorkerClient, tmp_path: Path) -> None:
    request = client.send("lift", tmp_path / "läufer.mp4", tmp_path / "a.motion.npz", LiftSettings(height_m=1.9))
    result = client.wait(request, timeout=20)
    assert result.motions == (str(tmp_path / "a.motion.npz"),)
    told = result.people[0]
    assert told["path"] == [str(PACKAGE_ROOT)]
    assert told["video"] == str(tmp_path / "läufer.mp4")
    assert told["settings"] == {"height_m": 1.9}
    assert client.hello is not None
    assert not client.busy
    client.close()
    assert not client.alive


def test_events_are_polled_in_order(client: WorkerClient, tmp_path: Path) -> None:
    first = client.send("lift", tmp_path / "a.mp4", tmp_path / "a.motion.npz")
    second = client.send("lift", tmp_path / "b.mp4", tmp_path / "b.motion.npz")
    events = []
    end = time.monotonic() + 20
    while client.busy and time.monotonic() < end:
        events += client.poll()
        time.sleep(0.01)
    events += client.poll()
    assert isinstance(events[0], Hello)
    assert [event.id for event in events if isinstance(event, Result)] == [first, second]
    assert client.poll() == []


def test_cancelling(client: WorkerClient, tmp_path: Path) -> None:
    request = client.send("lift", tmp_path / "waits", tmp_path / "a.motion.npz")
    seen: list[Progress] = []

    def cancel_at_first(progress: Progress) -> None:
        if not seen:
            client.cancel(request)
        seen.append(progress)

    with pytest.raises(MotionLiftError) as caught:
        client.wait(request, cancel_at_first, timeout=20)
    assert caught.value.code == "cancelled"
    assert seen
    assert client.alive


def test_a_crash_fails_every_request_with_the_log_and_the_next_one_starts_again(
    client: WorkerClient, tmp_path: Path
) -> None:
    first = client.send("lift", tmp_path / "dies", tmp_path / "a.motion.npz")
    second = client.send("lift", tmp_path / "a.mp4", tmp_path / "a.motion.npz")
    failures = {}
    for request in (first, second):
        with pytest.raises(MotionLiftError) as caught:
            client.wait(request, timeout=20)
        failures[request] = caught.value
    assert {error.code for error in failures.values()} == {"worker_died"}
    assert "exit code 7" in failures[first].message
    assert "the last words" in failures[first].hint
    third = client.send("lift", tmp_path / "a.mp4", tmp_path / "a.motion.npz")
    assert client.wait(third, timeout=20).motions


def test_what_to_do_about_a_crash_follows_from_its_exit_code() -> None:
    for code in (-9, 137, 0xC0000017, 0xC0000017 - 2**32):
        assert "memory" in what_next(code)
    for code in (1, -11, 0xC0000005):
        assert "Lift again" in what_next(code)


def test_closing_ends_running_work_soon(client: WorkerClient, tmp_path: Path) -> None:
    request = client.send("lift", tmp_path / "waits", tmp_path / "a.motion.npz")
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 5
    failures = [event for event in client.poll() if isinstance(event, Failure)]
    assert [failure.id for failure in failures] == [request]
    client.close()


def test_a_timeout_is_an_error_of_its_own(client: WorkerClient, tmp_path: Path) -> None:
    request = client.send("lift", tmp_path / "waits", tmp_path / "a.motion.npz")
    with pytest.raises(MotionLiftError) as caught:
        client.wait(request, timeout=0.2)
    assert caught.value.code == "worker_timeout"


def test_an_interpreter_that_is_none_and_one_that_fails(tmp_path: Path) -> None:
    with pytest.raises(MotionLiftError) as caught:
        WorkerClient(tmp_path / "python", tmp_path / "imports").start()
    assert caught.value.code == "worker_not_started"
    broken = WorkerClient(Path(sys.executable), tmp_path / "imports", module="no_such_module")
    request = broken.send("lift", tmp_path / "a.mp4", tmp_path / "a.motion.npz")
    with pytest.raises(MotionLiftError) as caught:
        broken.wait(request, timeout=20)
    assert caught.value.code == "worker_died"
    assert "no_such_module" in caught.value.hint
    broken.close()


def test_the_real_worker_answers_and_lives_on(tmp_path: Path) -> None:
    client = WorkerClient(Path(sys.executable), tmp_path / "imports")
    try:
        for output, code in [("take.fbx", "unknown_suffix"), ("none/take.motion.npz", "output_folder_missing")]:
            request = client.send("lift", tmp_path / "none.mp4", tmp_path / output)
            with pytest.raises(MotionLiftError) as caught:
                client.wait(request, timeout=20)
            assert caught.value.code == code
        assert client.alive
    finally:
        client.close()


@pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="the video engine is not installed")
@pytest.mark.usefixtures("weights")
def test_the_real_worker_lifts_solves_again_and_lists_people(
    tmp_path: Path, sample_video: Path, detections: Path
) -> None:
    client = WorkerClient(Path(sys.executable), tmp_path / "imports")
    settings = LiftSettings(end=2.0, cache_dir=str(detections))
    stages: list[str] = []
    try:
        lift = client.send("lift", sample_video, tmp_path / "a.motion.npz", settings)
        assert client.wait(lift, lambda p: stages.append(p.stage), timeout=120).motions == (
            str(tmp_path / "a.motion.npz"),
        )
        assert list(dict.fromkeys(stages)) == ["open", "detect", "lift", "solve", "write"]
        smoother = LiftSettings(end=2.0, smoothing=1.0, cache_dir=str(detections))
        again = client.send("resolve", tmp_path / "a.motion.npz", tmp_path / "b.motion.npz", smoother)
        client.wait(again, timeout=60)
        people = client.wait(client.send("people", sample_video, tmp_path / "p.png", settings), timeout=60).people
        assert people[0]["person"] == 1
        assert (tmp_path / "p.png").is_file()
    finally:
        client.close()
    first, second = Motion.load(tmp_path / "a.motion.npz"), Motion.load(tmp_path / "b.motion.npz")
    assert len(first) == len(second) == 60

    def jerk(motion: Motion) -> float:
        return float(np.abs(np.diff(motion.joint_positions, 3, axis=0)).mean())

    assert jerk(second) < jerk(first)


def test_the_import_folder_is_renewed_when_the_package_moves(tmp_path: Path) -> None:
    init = import_folder(tmp_path) / "motionlift" / "__init__.py"
    written = init.stat().st_mtime_ns
    import_folder(tmp_path)
    assert init.stat().st_mtime_ns == written
    import_folder(tmp_path, root=tmp_path / "elsewhere ä")
    assert "elsewhere ä" in init.read_text(encoding="utf-8")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(MotionLiftError) as caught:
        import_folder(blocked)
    assert caught.value.code == "write_failed"


def test_the_environment_is_cleaned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/somewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = worker_environment(tmp_path)
    assert "PYTHONHOME" not in environment
    assert environment["PYTHONPATH"] == str(tmp_path)
    assert environment["PATH"] == os.environ["PATH"]
