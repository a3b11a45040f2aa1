"""The queue with a real worker process that does made-up work: order, progress, cancelling, crashes."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from motionlift.addon import lift_jobs, lift_queue
from motionlift.addon.lift_jobs import Finished, Job, Status
from motionlift.addon.lift_queue import LiftQueue
from motionlift.bridge.worker_client import WorkerClient
from motionlift.bridge.worker_home import import_folder
from motionlift.core.jobs import LiftSettings, Result
from motionlift.core.motion import Motion

WORK = """
import os, shutil, time
from dataclasses import replace
from motionlift.core import service, worker
from motionlift.core.jobs import Cancelled, Result

def handle(request, progress, cancelled):
    name = os.path.basename(request.video)
    if name == "dies":
        print("the last words", flush=True)
        os._exit(7)
    while name in ("waits", "deaf"):
        progress("detect", 3, 9)
        if cancelled() and name == "waits":
            raise Cancelled
        time.sleep(0.01)
    if name == "slow":
        progress("detect", 1, 2)
        time.sleep(0.5)
        name, request = "good", replace(request, video=request.video[:-4] + "good")
    if request.op == "prepare":
        return Result(request.id)
    if name != "broken":
        shutil.copy(request.video, request.output)
    else:
        open(request.output, "w").write("no motion")
    return Result(request.id, motions=(request.output,), reports=({"headline": name},), warnings=("mind",))

service.handle = handle
worker.main()
"""
PATIENCE_SECONDS = 20.0


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[LiftQueue]:
    folder = import_folder(tmp_path / "imports")
    (folder / "made_up_worker.py").write_text(WORK, encoding="utf-8")
    client = WorkerClient(Path(sys.executable), folder, module="made_up_worker")
    yield LiftQueue(client)
    client.kill()


@pytest.fixture
def job(tmp_path: Path, make_motion: Callable[..., Motion]) -> Callable[..., Job]:
    """A function that makes a job; what it is to do is the video's name."""
    make_motion(frames=31, fps=30.0).save(tmp_path / "good")

    def _job(name: str, fps: float | None = 30.0) -> Job:
        return Job("lift", name, tmp_path / name, tmp_path / f"{name}.motion.npz", LiftSettings(), fps)

    return _job


def _until(queue: LiftQueue, ready: Callable[[], object]) -> list[Finished]:
    ended: list[Finished] = []
    end = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < end
        ended += queue.tick()
        time.sleep(0.01)
    return ended


def test_a_job_ends_in_its_motions_at_the_wanted_rate(queue: LiftQueue, job: Callable[..., Job]) -> None:
    queue.add(job("good", fps=24.0))
    (finished,) = queue.wait()
    ((path, motion),) = finished.motions
    assert path == finished.job.output
    assert (motion.fps, finished.clip_fps, len(motion)) == (24.0, 30.0, 25)
    assert finished.reports == ({"headline": "good"},)
    assert finished.warnings == ("mind",)
    assert not queue.busy


def test_jobs_run_one_after_the_other_and_a_waiting_one_can_be_taken_out(
    queue: LiftQueue, job: Callable[..., Job]
) -> None:
    first, second, third = job("waits"), job("good"), job("good")
    for one in (first, second, third):
        queue.add(one)
    assert _until(queue, lambda: queue.status and queue.status.done) == []
    assert queue.status
    assert (queue.status.job, queue.waiting) == (first, [second, third])
    assert queue.status.stage_words == "Finding people 3 of 9"
    queue.cancel(second)
    queue.cancel(first)
    codes = {one.job.number: one.error.code if one.error else None for one in queue.wait()}
    assert codes == {first.number: "cancelled", second.number: "cancelled", third.number: None}


def test_a_worker_that_does_not_listen_is_ended_within_a_second(queue: LiftQueue, job: Callable[..., Job]) -> None:
    deaf = job("deaf")
    queue.add(deaf)
    _until(queue, lambda: queue.status and queue.status.done)
    process = queue.client._process
    assert process is not None
    queue.cancel(deaf)
    # Told at once, and ended in time though nobody calls `tick` meanwhile.
    assert queue.status is None
    (ended,) = queue.tick()
    assert ended.error is not None
    assert ended.error.code == "cancelled"
    process.wait(1.0)
    assert queue.leaving
    queue.add(job("good"))
    assert queue.wait()[0].motions
    assert not queue.leaving


def test_nothing_stays_of_what_was_cancelled(
    queue: LiftQueue, job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of a lift whose result the worker had written, nor of one whose result was being read."""
    cancelled, load = threading.Event(), lift_queue._load

    def load_slowly(job: Job, result: Result) -> Finished:
        assert cancelled.wait(PATIENCE_SECONDS)
        return load(job, result)

    monkeypatch.setattr(lift_queue, "_load", load_slowly)
    for wish, name in (("written", "slow"), ("read", "good")):
        folder = tmp_path / wish
        folder.mkdir()
        one = dataclasses.replace(job(name), output=folder / "take.motion.npz")
        queue.add(one)
        if wish == "written":
            _until(queue, lambda: queue.status and queue.status.done)
            end = time.monotonic() + PATIENCE_SECONDS
            while not one.output.exists() and time.monotonic() < end:
                time.sleep(0.01)
        else:
            _until(queue, lambda: queue._loading)
        queue.cancel(one)
        cancelled.set()
        (ended,) = _until(queue, lambda: not (queue.busy or queue.leaving))
        cancelled.clear()
        assert ended.error is not None
        assert ended.error.code == "cancelled"
        assert not folder.exists()


def test_the_folder_of_a_lift_that_was_asked_for_again_stays(
    queue: LiftQueue, job: Callable[..., Job], tmp_path: Path
) -> None:
    (tmp_path / "take").mkdir()
    first, second = (dataclasses.replace(job(n), output=tmp_path / "take/take.motion.npz") for n in ("waits", "good"))
    queue.add(first)
    _until(queue, lambda: queue.status and queue.status.done)
    queue.cancel(first)
    queue.add(second)
    codes = [one.error.code if one.error else None for one in queue.wait()]
    assert codes == ["cancelled", None]
    assert second.output.is_file()


def test_another_file_or_the_end_leaves_no_empty_folders(
    queue: LiftQueue, job: Callable[..., Job], tmp_path: Path
) -> None:
    """Each would hold a take's name for good."""
    jobs = []
    for number, name in enumerate(("waits", "waits", "good")):
        (tmp_path / str(number)).mkdir()
        jobs.append(dataclasses.replace(job(name), output=tmp_path / str(number) / "take.motion.npz"))
        queue.add(jobs[-1])
    _until(queue, lambda: queue.status and queue.status.done)
    queue.cancel(jobs[0])
    _until(queue, lambda: queue.status and queue.status.job is jobs[1] and queue.status.done)
    queue.close(1.0)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir() and path.name.isdigit()] == []


def test_a_crash_is_told_with_the_log_and_the_next_job_runs(queue: LiftQueue, job: Callable[..., Job]) -> None:
    queue.add(job("dies"))
    queue.add(job("good"))
    dead, good = queue.wait()
    assert dead.error is not None
    assert dead.error.code == "worker_died"
    assert "the last words" in dead.error.hint
    assert good.motions


def test_a_result_that_cannot_be_read_is_an_error(queue: LiftQueue, job: Callable[..., Job]) -> None:
    queue.add(job("broken"))
    (finished,) = queue.wait()
    assert finished.error is not None
    assert finished.error.code == "bad_motion"


def test_a_python_that_does_not_start_fails_the_job(tmp_path: Path, job: Callable[..., Job]) -> None:
    queue = LiftQueue(WorkerClient(tmp_path / "no python", tmp_path / "imports"))
    queue.add(job("good"))
    (finished,) = queue.wait()
    assert finished.error is not None
    assert finished.error.code == "worker_not_started"


def test_the_time_left_follows_the_speed(job: Callable[..., Job]) -> None:
    status = Status(job("good"), "detect", 100, 300, stage_began=10.0)
    assert status.seconds_left(15.0) == pytest.approx(10.0)
    assert status.words(15.0) == "good: Finding people 100 of 300, 0:10 left"
    assert status.words(10.5) == "good: Finding people 100 of 300"


def test_a_job_that_nobody_wants_any_more_does_not_cost_the_worker(
    queue: LiftQueue, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, after = job("slow"), job("good")
    queue.add(slow)
    _until(queue, lambda: queue.status and queue.status.done)
    queue.supersede(slow)
    queue.add(after)
    process = queue.client._process
    ended = {one.job.number: one for one in queue.wait()}
    superseded, wanted = ended[slow.number], ended[after.number]
    assert superseded.error is not None
    assert superseded.error.code == "cancelled"
    assert wanted.error is None
    assert queue.client._process is process
    # One that takes too long is stopped after all.
    monkeypatch.setattr(lift_queue, "SUPERSEDED_SECONDS", 0.1)
    waits = job("waits")
    queue.add(waits)
    _until(queue, lambda: queue.status and queue.status.done)
    queue.supersede(waits)
    (stopped,) = queue.wait()
    assert stopped.error is not None
    assert stopped.error.code == "cancelled"
    # So is, at once, one that is known to take longer than a new start.
    monkeypatch.setattr(lift_queue, "SUPERSEDED_SECONDS", 60.0)
    monkeypatch.setattr(lift_queue, "RESTART_SECONDS", 0.5)
    monkeypatch.setattr(lift_jobs, "ESTIMATE_AFTER_SECONDS", 0.5)
    queue.add(long := job("waits"))
    _until(queue, lambda: queue.status and queue.status.done)
    queue.supersede(long)
    # With less patience than that of the queue.
    (stopped,) = _until(queue, lambda: not queue.jobs and queue.status is None)
    assert stopped.error is not None
    assert stopped.error.code == "cancelled"
    # A waiting one is just taken out.
    queue.add(first := job("slow"))
    queue.add(waiting := job("good"))
    queue.tick()
    queue.supersede(waiting)
    assert {one.job.number: one.error is None for one in queue.wait()} == {first.number: True, waiting.number: False}


def test_the_worker_is_ready_before_anything_is_asked(queue: LiftQueue, job: Callable[..., Job]) -> None:
    queue.get_ready()
    # What comes meanwhile waits for the same process.
    queue.add(job("good"))
    (finished,) = queue.wait()
    assert finished.error is None
    process = queue.client._process
    queue.get_ready()
    assert queue.client._process is process
    assert not queue.busy


def test_a_worker_that_cannot_get_ready_is_told_with_the_next_job(tmp_path: Path, job: Callable[..., Job]) -> None:
    queue = LiftQueue(WorkerClient(tmp_path / "no python", tmp_path / "imports"))
    queue.get_ready()
    queue.add(job("good"))
    (finished,) = queue.wait()
    assert finished.error is not None
    assert finished.error.code == "worker_not_started"


def test_motions_may_keep_the_rate_of_their_clip(queue: LiftQueue, job: Callable[..., Job]) -> None:
    queue.add(job("good", fps=None))
    (finished,) = queue.wait()
    ((_, motion),) = finished.motions
    assert (motion.fps, finished.clip_fps, len(motion)) == (30.0, 30.0, 31)
