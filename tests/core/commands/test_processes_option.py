"""`--jobs` for one clip, `--stride` and `--hwaccel`: what the command line makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from motionlift.core import processors, service
from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.todo import Plan
from motionlift.core.batch.worker_process import WorkerProcess
from motionlift.core.commands import batch
from motionlift.core.commands.batch import BatchOptions, is_batch
from motionlift.core.jobs import LiftSettings, MotionLiftError, Request, UsageError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set stays in this module."""
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[LiftSettings, int]]:
    """The settings of each lift that was to be done, and into how many processes it may be divided."""
    found: list[tuple[LiftSettings, int]] = []

    def produce(request: Request, *_: object) -> list[object]:
        found.append((request.settings, processors.processes()))
        raise MotionLiftError("stop", "Enough.")

    monkeypatch.setattr(service, "produce", produce)
    return found


def test_one_clip_into_a_file_is_divided(tmp_path: Path) -> None:
    clip, into_file, into_folder = [Path("a.mp4")], tmp_path / "a.bvh", tmp_path
    assert not is_batch(clip, into_file, BatchOptions("2"))
    assert is_batch(clip, into_folder, BatchOptions("2"))
    assert is_batch(clip, tmp_path / "new", BatchOptions("2"))
    assert is_batch(clip, into_file, BatchOptions("2", force=True))
    assert is_batch([Path("*.mp4")], into_file, BatchOptions("2"))
    assert not is_batch(clip, into_folder, BatchOptions())


def test_options_reach_the_lift(run: Run, asked: list[tuple[LiftSettings, int]], tmp_path: Path) -> None:
    clip, take = tmp_path / "a.mp4", tmp_path / "a.bvh"
    run("lift", clip, "-o", take)
    run("lift", clip, "-o", take, "--jobs", "3", "--stride", "2", "--hwaccel", "auto")
    assert asked == [
        (LiftSettings(awaited=True), 1),
        (LiftSettings(stride=2, hwaccel="auto", awaited=True), 3),
    ]
    assert run("lift", clip, "-o", take, "--stride", "9")[0] == 2
    assert run("lift", clip, "-o", take, "--jobs", "some")[0] == 2
    assert len(asked) == 2


@pytest.mark.parametrize(("clips", "jobs", "processes"), [(1, 1, 4), (2, 2, 2), (3, 3, 1), (9, 4, 1)])
def test_fewer_clips_than_processes_are_divided(
    clips: int, jobs: int, processes: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, WorkerProcess]] = []

    def begin(
        manifest: object, plan: Plan, make: Callable[[int, Path], WorkerProcess], count: int, attempts: int
    ) -> None:
        made.append((count, make(0, tmp_path / "log")))
        raise MotionLiftError("stop", "Enough.")

    monkeypatch.setattr(batch, "Run", begin)
    for number in range(clips):
        (tmp_path / f"{number}.mp4").write_bytes(b"a video")
    run("lift", *sorted(tmp_path.glob("*.mp4")), "-o", tmp_path / "out", "--jobs", "4", "--device", "cpu")
    assert [(count, worker._variables) for count, worker in made] == [
        (jobs, {processors.PROCESSES_VARIABLE: str(processes)})
    ]


def test_a_share_is_divided_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(processors.PROCESSES_VARIABLE)
    monkeypatch.setenv(processors.SHARE_VARIABLE, "5")
    assert processors.processes() == 5
    processors.allow_processes(2)
    assert processors.processes() == 2
    assert processors.environment(3)[processors.PROCESSES_VARIABLE] == "1"
    monkeypatch.setattr(processors, "free_memory", lambda: 10_000)
    assert processors.room(3_000) == 3
    assert processors.room(30_000) == 1


def test_how_a_video_is_decoded_makes_no_other_take() -> None:
    plan = Plan(LocalFolder(Path()), LiftSettings(), (".bvh",))
    same = dataclasses.replace(plan, settings=LiftSettings(hwaccel="auto"))
    other = dataclasses.replace(plan, settings=LiftSettings(stride=2))
    assert plan.identity() == same.identity() != other.identity()


@pytest.mark.parametrize("stride", [0, 5, -1])
def test_strides_have_limits(stride: int) -> None:
    with pytest.raises(UsageError):
        LiftSettings(stride=stride)
