"""Processes that wait for work on a cluster's worker: taken again, kept apart, ended when nobody comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from motionlift.core.batch.idle_processes import IdleProcesses
from motionlift.core.batch.worker_process import WorkerProcess
from motionlift.core.jobs import Request

from .conftest import WORKER


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WorkerProcess]:
    """One that has done a clip."""
    made = WorkerProcess([sys.executable, "-c", WORKER, "0"], 1, tmp_path / "log")
    (tmp_path / "a.mp4").write_text("a")
    made.work_on(Request("lift", "a", str(tmp_path / "a.mp4"), str(tmp_path)), lambda progress: None)
    yield made
    made.stop()
    made.finish()


def test_who_waits_is_taken_once_and_for_its_own_kind(process: WorkerProcess) -> None:
    idle = IdleProcesses()
    idle.give_back("bvh", process)
    assert idle.take("npz") is None
    assert idle.take("bvh") is process
    assert idle.take("bvh") is None
    assert process.pid is not None


def test_who_waits_too_long_is_ended(process: WorkerProcess) -> None:
    idle = IdleProcesses(0.2)
    idle.give_back("bvh", process)
    until = time.monotonic() + 30.0
    while process.pid is not None:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert idle.take("bvh") is None


def test_who_was_taken_in_time_stays(process: WorkerProcess) -> None:
    idle = IdleProcesses(0.3)
    for _ in range(3):
        idle.give_back("bvh", process)
        time.sleep(0.15)
        assert idle.take("bvh") is process
    time.sleep(0.5)
    assert process.pid is not None


def test_who_was_stopped_is_not_kept(process: WorkerProcess) -> None:
    idle = IdleProcesses()
    process.stop()
    idle.give_back("bvh", process)
    assert idle.take("bvh") is None
