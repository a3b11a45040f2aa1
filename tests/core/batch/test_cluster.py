"""Batches on a real scheduler with several workers, each a process of its own: what is lost, refused, tried again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.batch.cluster import connected
from motionlift.core.batch.manifest import read_manifest
from motionlift.core.jobs import MotionLiftError

from .conftest import WORKER, Batch

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
PATIENCE = 300.0
"""Seconds. Beside other work, dask alone may take a minute to begin."""
NOT_HERE = pytest.mark.skipif(os.name == "nt", reason="signals")

DRIVER = """
import json, sys, time
from pathlib import Path
from motionlift.core.batch.cluster import ATTEMPTS, connected
from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.inputs import find_videos, name_clips
from motionlift.core.batch.run import Run, Task
from motionlift.core.batch.todo import Plan, why
from motionlift.core.jobs import LiftSettings, MotionLiftError

address, worker, pace, folder, videos, folders, device, most = json.loads(sys.argv[1])

def main():
    plan = Plan(LocalFolder(Path(folder)), LiftSettings(), (".bvh",))
    fatal, progress = None, set()
    with plan.folder.manifest() as manifest, connected(address, 2) as cluster:
        run = Run(manifest, plan, attempts=ATTEMPTS)
        clips = name_clips(find_videos([Path(videos)]).videos, {})
        tasks = [Task(clip, reason) for clip in clips if (reason := why(clip, manifest.of(clip.name), plan))]
        for task in tasks:
            run.add(task)
        try:
            cluster.staff(run, ("-c", worker, str(pace)), device, tuple(folders) or (videos,), most)
            run.start()
            print(len(run.activities), flush=True)
            while not run.finished and run.tally.fatal is None:
                progress |= {each.progress.stage for each in run.activities if each.progress}
                time.sleep(0.01)
            fatal = run.tally.fatal
        except MotionLiftError as error:
            fatal = error
        finally:
            run.close()
    print(json.dumps({
        "why": {task.clip.name: task.why for task in tasks},
        "ended": {record.clip: [record.state, record.error and record.error["code"]] for record in run.tally.ended},
        "fatal": fatal and [fatal.code, str(fatal)], "progress": sorted(progress), "places": len(run.activities)}))

if __name__ == "__main__":
    main()
"""


@dataclass
class Farm:
    """A scheduler, and workers beside it."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(self, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start one worker more, without a nanny: who kills it kills it."""
        number = len(self.workers)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--no-nanny", "--no-dashboard"]
        place = ["--local-directory", str(self.folder / f"scratch{number}"), "--host", "127.0.0.1"]
        with (self.folder / f"worker{number}.log").open("wb") as written:
            self.workers.append(
                subprocess.Popen(
                    [*command, *place, "--nthreads", "1", *options],
                    stderr=written,
                    stdout=written,
                    env={**os.environ, **variables},
                )
            )
        return self.workers[-1]

    def ready(self, count: int) -> None:
        """Wait until so many workers are there."""
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=PATIENCE) as client:
            client.wait_for_workers(count, timeout=PATIENCE)

    def logs(self) -> str:
        """What the workers said."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("worker*.log")))

    def begin(
        self,
        batch: Batch,
        pace: float = 0.02,
        worker: str = WORKER,
        folders: tuple[str, ...] = (),
        device: str = "auto",
        most: int = 100,
    ) -> subprocess.Popen[str]:
        """A driver that lifts what is left to do."""
        given = json.dumps([self.address, worker, pace, str(batch.folder), str(batch.videos), folders, device, most])
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, given], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def lift(self, batch: Batch, **options: Any) -> dict[str, Any]:
        """Lift what is left to do: see `DRIVER`, with what it said in `said`."""
        return ended(self.begin(batch, **options))


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a driver told at its end."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return {**result, "said": err}


@contextlib.contextmanager
def started(folder: Path, workers: int) -> Iterator[Farm]:
    """A scheduler and so many workers, until the block ends."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    log = folder / "scheduler.log"
    with log.open("wb") as written:
        scheduler = subprocess.Popen([*command, "--no-dashboard"], stdout=written, stderr=written)
    farm = Farm(folder, "", scheduler)
    try:
        _until(lambda: re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text()))
        found = re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())
        assert found
        farm.address = found.group()
        for _ in range(workers):
            farm.add()
        if workers:
            farm.ready(workers)
        yield farm
    finally:
        for process in (*farm.workers, farm.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A farm of two workers that several tests use and none changes."""
    with started(tmp_path_factory.mktemp("pair"), 2) as farm:
        yield farm


@pytest.fixture
def make_farm(tmp_path: Path) -> Iterator[Callable[..., Farm]]:
    """A function that makes a farm of a test's own with so many workers."""
    with contextlib.ExitStack() as stack:
        yield lambda workers=0: stack.enter_context(started(tmp_path / "farm", workers))


def test_a_cluster_gives_what_one_machine_gives(make_batch: Callable[[str], Batch], pair: Farm) -> None:
    texts = {f"clip{n:02}": ["text", "two people", "fails", "text"][n % 4] + f" {n}" for n in range(12)}
    alone, farmed = make_batch("alone"), make_batch("farmed")
    alone.add(**texts)
    alone.lift()
    result = pair.lift(farmed, pace=0.1)
    assert result["places"] == 2
    assert result["fatal"] is None
    assert farmed.results() == alone.results()
    books = [read_manifest(each.folder).latest for each in (alone, farmed)]
    outcome = [{name: (r.state, r.outputs, r.error, r.figures, r.hash) for name, r in book.items()} for book in books]
    assert outcome[0] == outcome[1]
    # Once more: only what failed; on one machine too, since the book is the same.
    assert set(pair.lift(farmed)["why"].values()) == {"failed"}
    assert set(farmed.lift()["why"].values()) == {"failed"}


@NOT_HERE
def test_a_worker_that_is_killed_costs_no_clip_and_one_that_comes_helps(batch: Batch, make_farm: Any) -> None:
    farm = make_farm(3)
    batch.add(**{f"clip{n}": f"text {n}" for n in range(12)})
    process = farm.begin(batch, pace=0.6)
    _until(lambda: _states(batch).count("done") >= 2)
    farm.workers[0].kill()
    farm.workers[1].kill()
    farm.add()
    result = ended(process)
    assert {state for state, _ in result["ended"].values()} == {"done"}
    assert len(batch.results()) == 12
    assert result["places"] == 4
    assert "detect" in result["progress"]
    assert "is tried again" in result["said"]
    assert max(record.attempt for record in read_manifest(batch.folder).latest.values()) == 2


@pytest.mark.slow
@NOT_HERE
def test_where_few_clips_may_be_lifted_at_a_time_another_worker_steps_in(batch: Batch, make_farm: Any) -> None:
    farm = make_farm(2)
    batch.add(**dict.fromkeys("abc", "text"))
    process = farm.begin(batch, pace=2.0, most=1)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    _until(lambda: _states(batch))
    farm.workers[0].kill()
    time.sleep(4.0)
    farm.add()
    result = ended(process)
    assert {state for state, _ in result["ended"].values()} == {"done"}
    assert result["places"] <= 2


@NOT_HERE
def test_a_clip_that_kills_every_process_fails_alone(batch: Batch, pair: Farm) -> None:
    batch.add(a="one", b="dies", c="three")
    result = pair.lift(batch)
    assert result["ended"] == {"a": ["done", None], "b": ["failed", "worker_died"], "c": ["done", None]}
    assert read_manifest(batch.folder).latest["b"].attempt == 3


@NOT_HERE
def test_a_killed_driver_frees_the_workers_and_the_next_finishes(batch: Batch, pair: Farm) -> None:
    batch.add(**{f"clip{n}": f"text {n}" for n in range(6)}, long="stubborn")
    process = pair.begin(batch, pace=0.5)
    _until(lambda: _states(batch).count("done") >= 2)
    process.kill()
    process.communicate()
    done = {name for name, record in read_manifest(batch.folder).latest.items() if record.state == "done"}
    (batch.videos / "long.mp4").write_text("text")
    began = time.monotonic()
    result = pair.lift(batch)
    # The stubborn one would have kept its worker for a minute.
    assert time.monotonic() - began < 30
    assert set(result["why"]) == {*(f"clip{n}" for n in range(6)), "long"} - done
    assert len(batch.results()) == 7


def test_unfit_workers_are_refused_by_name(batch: Batch, make_farm: Any, tmp_path: Path) -> None:
    """Another version, and one without MotionLift: they get nothing, the good one does it all."""
    other = tmp_path / "other" / "motionlift"
    other.mkdir(parents=True)
    # The same package under another version.
    import motionlift

    (other / "__init__.py").write_text(
        f"__path__ = {list(motionlift.__path__)!r}\n__version__ = '0.0.1'\n", encoding="utf-8"
    )
    farm = make_farm()
    farm.add(PYTHONPATH=str(other.parent))
    farm.ready(1)
    batch.add(a="one", b="two people")
    result = farm.lift(batch)
    assert result["fatal"][0] == "worker_version"
    assert "0.0.1" in result["fatal"][1]
    assert "Install the same version" in result["fatal"][1]
    farm.add()
    farm.ready(2)
    result = farm.lift(batch)
    assert {state for state, _ in result["ended"].values()} == {"done"}
    assert "version 0.0.1" in result["said"]
    assert result["places"] == 1


def test_workers_that_do_not_see_the_clips_are_refused(batch: Batch, pair: Farm) -> None:
    batch.add(a="one")
    result = pair.lift(batch, folders=("/nowhere/at/all",))
    assert result["fatal"][0] == "worker_blind"
    assert "/nowhere/at/all" in result["fatal"][1]
    assert "s3://" in result["fatal"][1]


@pytest.mark.slow
def test_a_gpu_is_asked_for_where_there_is_none_and_where_there_is(batch: Batch, make_farm: Any) -> None:
    farm = make_farm(1)
    batch.add(a="gpu")
    reports = WORKER.replace("text = content.decode()", "text = repr(os.environ.get('CUDA_VISIBLE_DEVICES'))")
    assert farm.lift(batch, device="cuda")["fatal"][0] == "worker_not_started"
    # A worker that declares none does not touch one.
    farm.lift(batch, worker=reports)
    assert batch.results()["a.bvh"].startswith("''")
    farm.add("--resources", "GPU=1", "--nthreads", "3", CUDA_VISIBLE_DEVICES="0")
    farm.ready(2)
    batch.add(a="gpu, changed")
    result = farm.lift(batch, worker=reports, device="cuda")
    assert result["places"] == 1
    assert batch.results()["a.bvh"].startswith("'0'")


def test_a_vanished_clip_is_no_fault_of_a_worker(batch: Batch, pair: Farm) -> None:
    batch.add(**dict.fromkeys("abcd", "text"))
    process = pair.begin(batch, pace=0.8)
    _until(lambda: _states(batch))
    gone = next(name for name in "dcba" if name not in read_manifest(batch.folder).latest)
    (batch.videos / f"{gone}.mp4").unlink()
    result = ended(process)
    assert result["ended"][gone] == ["failed", "no_file"]
    assert [state for state, _ in result["ended"].values()].count("done") == 3


def test_no_scheduler_is_told_within_seconds() -> None:
    began = time.monotonic()
    with pytest.raises(MotionLiftError) as caught, connected("tcp://127.0.0.1:9", 1):
        pass
    assert caught.value.code == "scheduler_unreachable"
    assert time.monotonic() - began < 5


@pytest.mark.slow
@NOT_HERE
def test_a_scheduler_that_dies_ends_the_run(batch: Batch, make_farm: Any) -> None:
    farm = make_farm(1)
    batch.add(a="one", b="two", c="three")
    process = farm.begin(batch, pace=2.0)
    _until(lambda: _states(batch).count("done") >= 1)
    farm.scheduler.kill()
    result = ended(process)
    assert result["fatal"][0] == "scheduler_lost"
    assert set(_states(batch)) <= {"done", "stopped"}


def _states(batch: Batch) -> list[str]:
    return [record.state for record in read_manifest(batch.folder).latest.values()]


def _until(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)
