"""Batches of made-up work in real processes: what is done again and what is not, and what survives being killed."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.inputs import Clip
from motionlift.core.batch.manifest import NAME, STATE_FOLDER, open_manifest, read_manifest
from motionlift.core.batch.run import Run, Task
from motionlift.core.batch.todo import Plan
from motionlift.core.batch.worker_process import WorkerProcess
from motionlift.core.jobs import LiftSettings

from .conftest import WORKER, Batch

NOT_HERE = pytest.mark.skipif(os.name == "nt", reason="signals")


def test_everything_is_lifted_once(batch: Batch) -> None:
    batch.add(a="one", b="two people", deep__er__c="three", bad="fails")
    first = batch.lift()
    assert first["why"] == dict.fromkeys(("a", "b", "bad", "deep/er/c"), "new")
    assert first["ended"]["bad"] == ["failed", "no_person"]
    assert sorted(batch.results()) == ["a.bvh", "b_P1.bvh", "b_P2.bvh", "deep/er/c.bvh"]
    again = batch.lift()
    assert again["why"] == {"bad": "failed"}
    assert batch.lift(retry_failed=False)["why"] == {}
    assert batch.lift(force=True)["why"] == dict.fromkeys(("a", "b", "bad", "deep/er/c"), "forced")
    assert not (batch.folder / STATE_FOLDER / "new").exists()


def test_what_changed_is_lifted_again(batch: Batch) -> None:
    batch.add(a="one", b="two people", c="three")
    batch.lift()
    batch.add(a="one, but longer", b="only one now")
    (batch.folder / "c.bvh").unlink()
    again = batch.lift()
    assert again["why"] == {"a": "changed", "b": "changed", "c": "missing"}
    # The second person's file is ours, and nobody's any more.
    assert sorted(batch.results()) == ["a.bvh", "b.bvh", "c.bvh"]
    assert batch.results()["a.bvh"].startswith("one, but longer")
    assert batch.lift(settings={"height_m": 1.8})["why"] == dict.fromkeys("abc", "changed")
    assert batch.lift(settings={"height_m": 1.8, "use_cache": False})["why"] == {}
    # Only touched: the same content is not lifted again.
    (batch.videos / "a.mp4").touch()
    assert batch.lift(settings={"height_m": 1.8})["why"] == {}
    # A video that is gone keeps its results.
    (batch.videos / "a.mp4").unlink()
    assert batch.lift(settings={"height_m": 1.8})["why"] == {}
    assert "a.bvh" in batch.results()


def test_what_is_not_ours_or_was_edited_is_never_replaced(batch: Batch) -> None:
    batch.add(a="one", b="two people", c="three")
    (batch.folder / "a.bvh").write_text("precious")
    (batch.folder / "b_P2.bvh").write_text("precious")
    first = batch.lift()
    assert first["ended"]["a"] == first["ended"]["b"] == ["failed", "output_exists"]
    (batch.folder / "c.bvh").write_text("edited by hand")
    again = batch.lift(settings={"height_m": 1.8})
    assert {name: ended[1] for name, ended in again["ended"].items()} == dict.fromkeys("abc", "output_exists")
    assert batch.results() == {"a.bvh": "precious", "b_P2.bvh": "precious", "c.bvh": "edited by hand"}
    assert {state for state, _ in batch.lift(overwrite=True)["ended"].values()} == {"done"}
    assert "precious" not in batch.results().values()


def test_a_clip_that_kills_its_worker_fails_alone(batch: Batch) -> None:
    batch.add(a="one", b="dies", c="three", d="four")
    result = batch.lift(jobs=1)
    assert result["ended"]["b"] == ["failed", "worker_died"]
    assert [result["ended"][name][0] for name in "acd"] == ["done"] * 3
    assert read_manifest(batch.folder).latest["b"].attempt == 2


def test_workers_that_never_start_end_the_run(batch: Batch) -> None:
    batch.add(**{f"clip{n}": "one" for n in range(6)})
    result = batch.lift(jobs=1, worker="raise SystemExit(3)")
    assert result["fatal"] == "worker_died"
    assert len(result["ended"]) == 0


def test_a_worker_of_another_version_ends_the_run(batch: Batch) -> None:
    batch.add(a="one")
    other = """
import sys
from motionlift.core.jobs import Hello, encode
print(encode(Hello("0.0.0")), flush=True)
sys.stdin.read()
"""
    assert batch.lift(jobs=1, worker=other)["fatal"] == "worker_version"


def test_two_runs_do_not_meet(batch: Batch) -> None:
    batch.add(a="one")
    process = batch.begin(pace=5.0)
    try:
        _first_pids(process)
        other = batch.begin()
        other.communicate(timeout=20)
        assert other.returncode != 0
    finally:
        process.kill()
        process.communicate()


@NOT_HERE
def test_a_killed_parent_takes_its_workers_along_and_the_next_run_finishes(batch: Batch) -> None:
    batch.add(**{f"clip{n}": f"text {n}" for n in range(6)})
    process = batch.begin(pace=0.4)
    pids = _first_pids(process, 2)
    while sum(record.state == "done" for record in read_manifest(batch.folder).latest.values()) < 2:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    _until(lambda: not any(_running(pid) for pid in pids))
    states = {name: record.state for name, record in read_manifest(batch.folder).latest.items()}
    done = [name for name, state in states.items() if state == "done"]
    assert len(states) - len(done) <= 2
    again = batch.lift()
    assert set(again["why"]) == {f"clip{n}" for n in range(6)} - set(done)
    assert len(batch.results()) == 6


def test_long_names(batch: Batch) -> None:
    """The longest name that fits alone is lifted; one that does not fails, and says why."""
    fits, long = "x" * 251, "y" * 252
    for name in (fits, long):
        (batch.videos / f"{name}.m").write_text("one")
    batch.add(**{"ü" * 60: "two people"})
    given = str(batch.videos / "*")
    result = replace(batch, videos=Path(given)).lift()
    assert result["ended"] == {fits: ["done", None], long: ["failed", "bad_output"], "ü" * 60: ["done", None]}


@NOT_HERE
@pytest.mark.parametrize(("clips", "kills"), [(24, 10), pytest.param(300, 20, marks=pytest.mark.slow)])
def test_killed_at_random_the_end_is_that_of_an_undisturbed_run(
    make_batch: Callable[[str], Batch], clips: int, kills: int
) -> None:
    """Workers and the parent are killed at random moments; what fails fails, everything else is there once."""
    random_ = random.Random(5)
    texts = {f"clip{n:03}": ["text", "two people", "fails", "text"][n % 4] + f" {n}" for n in range(clips)}
    calm, wild = make_batch("calm"), make_batch("wild")
    calm.add(**texts)
    calm.lift()
    jobs, pace, cut = 3, 0.05, 0
    for number in range(kills):
        process = wild.begin(jobs, pace)
        pids = _first_pids(process, 2)
        time.sleep(random_.uniform(0.0, 2 * clips * pace / jobs / kills))
        if number % 2:
            process.kill()
        else:
            for pid in random_.sample(pids, 1):
                _kill(pid)
            time.sleep(0.2)
            process.kill()
        process.communicate()
        cut += any(record.state == "started" for record in read_manifest(wild.folder).latest.values())
    assert cut > kills / 2, "most kills came after the end"
    wild.lift(jobs)
    assert wild.results() == calm.results()
    ends = [
        {name: (record.state, [output.sha256 for output in record.outputs], record.error)
         for name, record in read_manifest(each.folder).latest.items()}
        for each in (calm, wild)
    ]  # fmt: skip
    assert ends[0] == ends[1]


@NOT_HERE
def test_a_killed_worker_costs_no_clip(batch: Batch) -> None:
    batch.add(**{f"clip{n}": f"text {n}" for n in range(6)})
    process = batch.begin(pace=0.3)
    _kill(_first_pids(process, 2)[0])
    out, _ = process.communicate(timeout=60)
    ended = json.loads(out.splitlines()[-1])["ended"]
    assert {state for state, _ in ended.values()} == {"done"}
    assert len(batch.results()) == 6


def test_a_torn_manifest_is_read_and_continued(batch: Batch) -> None:
    batch.add(a="one", b="two")
    batch.lift(jobs=1)
    path = batch.folder / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    last = json.loads(lines[-1])["clip"]
    assert batch.lift()["why"] == {last: "interrupted"}
    assert batch.lift()["why"] == {}


def test_a_worker_that_does_not_stop_is_killed_within_seconds(batch: Batch) -> None:
    batch.add(a="stubborn", b="never begun")
    with open_manifest(batch.folder) as manifest:
        command = [sys.executable, "-c", WORKER, "0.01"]
        plan = Plan(LocalFolder(batch.folder), LiftSettings(), (".bvh",))
        run = Run(manifest, plan, lambda number, log: WorkerProcess(command, 1, log), 1)
        for name in "ab":
            run.add(Task(Clip(batch.videos / f"{name}.mp4", name), "new"))
        run.start()
        _until(lambda: run.activities[0].progress is not None)
        time.sleep(0.3)
        (pid,) = run.pids
        began = time.monotonic()
        run.close()
        assert time.monotonic() - began < 6
        assert [(record.clip, record.state) for record in run.tally.ended] == [("a", "stopped")]
    assert not _running(pid)
    assert batch.results() == {}


def _first_pids(process: Any, count: int = 1) -> list[int]:
    """The workers' numbers as soon as there are so many; fewer where the run ends before."""
    pids: list[int] = []
    while len(pids) < count and (line := process.stdout.readline()) and line.startswith("["):
        pids = json.loads(line)
    return pids


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)
