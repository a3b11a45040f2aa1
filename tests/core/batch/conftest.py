"""A batch with quick made-up work in real processes, driven by a process that can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WORKER = """
import hashlib, json, os, sys, time
from pathlib import Path
from motionlift.core import worker
from motionlift.core.jobs import Cancelled, MotionLiftError, Result

def handle(request, progress, cancelled):
    content = Path(request.video).read_bytes()
    text = content.decode()
    if "dies" in text:
        os.kill(os.getpid(), 9)
    if "fails" in text:
        raise MotionLiftError("no_person", "Nobody.", "Film somebody.")
    for done in range(10):
        progress("detect", done, 10)
        if cancelled():
            raise Cancelled
        time.sleep(float(sys.argv[1]) / 10)
    if "stubborn" in text:
        time.sleep(60)
    paths = []
    for name in ("take_P1", "take_P2") if "two" in text else ("take",):
        paths.append(Path(request.output, name + ".bvh"))
        paths[-1].write_text(text + json.dumps(request.settings.to_json()))
    details = {"hash": hashlib.sha256(content).hexdigest(), "versions": {"motionlift": "1"}, "seconds": {"total": 1.0},
               "figures": [{"doubt": 2.0, "frames": 10} for _ in paths]}
    return Result(request.id, motions=tuple(map(str, paths)), details=details)

worker.main(handle)
"""

DRIVER = """
import json, sys, time
from pathlib import Path
from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.inputs import find_videos, name_clips
from motionlift.core.batch.run import Run, Task
from motionlift.core.batch.todo import Plan, why
from motionlift.core.batch.worker_process import WorkerProcess
from motionlift.core.jobs import LiftSettings

worker, pace, folder, videos, jobs, options = json.loads(sys.argv[1])
plan = Plan(LocalFolder(Path(folder)), LiftSettings(**options.pop("settings", {})), (".bvh",), **options)
command = [sys.executable, "-c", worker, str(pace)]
with plan.folder.manifest() as manifest:
    known = {Path(record.video): name for name, record in manifest.latest().items()}
    clips = name_clips(find_videos([Path(videos)]).videos, known)
    run = Run(manifest, plan, lambda number, log: WorkerProcess(command, 1, log), jobs)
    tasks = [Task(clip, reason) for clip in clips if (reason := why(clip, manifest.of(clip.name), plan))]
    for task in tasks:
        run.add(task)
    run.start()
    shown = None
    while not run.finished and run.tally.fatal is None:
        if run.pids != shown:
            shown = run.pids
            print(json.dumps(shown), flush=True)
        time.sleep(0.01)
    began = time.monotonic()
    run.close()
    fatal = run.tally.fatal
print(json.dumps({
    "why": {task.clip.name: task.why for task in tasks},
    "ended": {record.clip: [record.state, record.error and record.error["code"]] for record in run.tally.ended},
    "fatal": fatal and fatal.code,
    "closing": time.monotonic() - began,
}))
"""


@dataclass(frozen=True)
class Batch:
    """A folder of videos that are texts, and the folder that they are lifted into."""

    videos: Path
    folder: Path

    def add(self, **texts: str) -> None:
        """Write videos `<name>.mp4`; `__` in a name is a folder."""
        for name, text in texts.items():
            path = self.videos / f"{name.replace('__', '/')}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def begin(self, jobs: int = 2, pace: float = 0.02, worker: str = WORKER, **options: Any) -> subprocess.Popen[str]:
        """A process that lifts what is left to do; it prints the workers' numbers whenever they change."""
        arguments = json.dumps([worker, pace, str(self.folder), str(self.videos), jobs, options])
        return subprocess.Popen([sys.executable, "-c", DRIVER, arguments], stdout=subprocess.PIPE, text=True)

    def lift(self, jobs: int = 2, pace: float = 0.02, worker: str = WORKER, **options: Any) -> dict[str, Any]:
        """Lift what is left to do: why, what ended how, and what ended the run."""
        process = self.begin(jobs, pace, worker, **options)
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        result: dict[str, Any] = json.loads(out.splitlines()[-1])
        return result

    def results(self) -> dict[str, str]:
        """What the output folder holds, the batch's own book aside."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_text()
            for path in self.folder.rglob("*.bvh")
            if ".motionlift" not in path.parts
        }


@pytest.fixture
def make_batch(tmp_path: Path) -> Callable[[str], Batch]:
    """A function that makes an empty batch of a name; all share the videos."""

    def _make(name: str) -> Batch:
        batch = Batch(tmp_path / "videos", tmp_path / name)
        batch.videos.mkdir(exist_ok=True)
        batch.folder.mkdir()
        return batch

    return _make


@pytest.fixture
def batch(make_batch: Callable[[str], Batch]) -> Batch:
    """An empty batch."""
    return make_batch("out")
