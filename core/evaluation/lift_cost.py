"""What a whole lift costs on this machine: by stages, beside its floor, and in several processes.

The floor is our decoding and MediaPipe with the same settings and as many poses, and nothing else. Everything is
measured as fresh processes, from the command to its end, caches off.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from .. import processors
from ..batch.manifest import NAME
from ..jobs import MotionLiftError
from ..video import VideoInfo, probe
from .processes import Cost, run

PACKAGES = ("motionlift", "mediapipe", "torch", "numpy", "av")
CORES = (16, 64)
"""Processors for which clips an hour are estimated."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Scaling:
    """Lifts of `clips` copies of the clip, or of one long clip, in so many processes: medians over the rounds; `ratio`
    is how many times faster than the first, taken round by round."""

    jobs: int
    clips: int
    cost: Cost
    ratio: float

    @property
    def clips_an_hour(self) -> float:
        return 3600 * self.clips / self.cost.clock


@dataclass(frozen=True)
class LiftCost:
    """Everything that was measured. `stages`: seconds by the clock within one lift; `floor` and `lift`: medians of
    whole processes, `clock_ratio` and `processor_ratio` of the pairs; `load`: the machine's before it began."""

    clip: str
    frames: int
    fps: float
    size: tuple[int, int]
    people: int
    rounds: int
    machine: dict[str, str]
    load: float | None
    stages: dict[str, float]
    floor: Cost
    lift: Cost
    clock_ratio: float
    processor_ratio: float
    scaling: tuple[Scaling, ...]
    divided: tuple[Scaling, ...]

    def planned(self, cores: int) -> float:
        """Clips an hour on so many processors, were all of them kept busy: from the seconds of processors a clip of
        the run with most processes."""
        most = self.scaling[-1]
        return 3600 * cores / (most.cost.processors / most.clips)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; what could not be measured is null."""
        values = asdict(self) | {"planned_clips_an_hour": {str(cores): self.planned(cores) for cores in CORES}}
        return dict(json.loads(json.dumps(values), parse_constant=lambda _: None))


def measure_lift(
    clip: Path, jobs: Sequence[int], clips: int, rounds: int, say: Say, options: Sequence[str] = ()
) -> LiftCost:
    """Measure with each number of processes in `jobs` (ascending), `clips` copies at once, each thing `rounds` times.
    `options` go to every lift. Raises the errors of the video reader, and `bench_failed` where a lift fails."""
    info = probe(clip)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory(prefix="motionlift-bench-") as name:
        folder = Path(name)
        say("one lift, by stages")
        record = _stages(clip, folder / "stages", options)
        people = len(record["figures"])
        frames = int(record["figures"][0]["frames"])
        floors, lifts = [], []
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}: the floor and a whole lift")
            floors.append(
                _run([sys.executable, "-m", f"{_ROOT}.core.evaluation.detection_floor", str(clip), str(people)])
            )
            lifts.append(_run([*_lift(clip, folder / "take.bvh", options), "--overwrite"], _ONE_PROCESS))
        videos = folder / "videos"
        videos.mkdir()
        for number in range(clips):
            shutil.copy(clip, videos / f"clip{number:03}{clip.suffix}")

        def many(count: int) -> Cost:
            shutil.rmtree(folder / "out", ignore_errors=True)
            return _run([*_lift(videos, folder / "out", options), "--jobs", str(count)])

        def divided(count: int) -> Cost:
            return _run([*_lift(clip, folder / "take.bvh", options), "--overwrite", "--jobs", str(count)])

        scaling = _scaled(jobs, clips, rounds, many, lambda n, r: say(f"round {r}: {clips} clips in {n} processes"))
        parts: tuple[Scaling, ...] = ()
        if _is_long(info):
            parts = _scaled(jobs, 1, rounds, divided, lambda n, r: say(f"round {r}: the one clip in {n} processes"))
    return LiftCost(
        clip=clip.name,
        frames=frames,
        fps=info.fps,
        size=info.size,
        people=people,
        rounds=rounds,
        machine=_machine(),
        load=load,
        stages={str(stage): float(seconds) for stage, seconds in record["seconds"].items()},
        floor=_median(floors),
        lift=_median(lifts),
        clock_ratio=median(b.clock / a.clock for a, b in zip(floors, lifts, strict=True)),
        processor_ratio=median(b.processors / a.processors for a, b in zip(floors, lifts, strict=True)),
        scaling=scaling,
        divided=parts,
    )


_ROOT = __name__.partition(".")[0]
_ONE_PROCESS = {processors.PROCESSES_VARIABLE: "1"}


def _lift(video: Path, output: Path, options: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", _ROOT, "lift", str(video), "-o", str(output), "--no-cache", *options]


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> Cost:
    try:
        return run(command, environment)
    except subprocess.CalledProcessError as error:
        raise MotionLiftError(
            "bench_failed",
            f"What was to be measured failed (exit code {error.returncode}).",
            f"See why: {' '.join(command)}",
        ) from error


def _stages(clip: Path, folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """The manifest's last line about a lift of the clip."""
    _run([*_lift(clip, folder, options), "--jobs", "1"])
    record: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8").splitlines()[-1])
    return record


def _scaled(
    jobs: Sequence[int], clips: int, rounds: int, measure: Callable[[int], Cost], say: Callable[[int, int], None]
) -> tuple[Scaling, ...]:
    """Every other round begins with the most processes, so that a machine that changes is fair to all."""
    costs: dict[int, list[Cost]] = {count: [] for count in jobs}
    for number in range(rounds):
        for count in costs if number % 2 == 0 else reversed(costs):
            say(count, number + 1)
            costs[count].append(measure(count))
    first = costs[jobs[0]]
    return tuple(
        Scaling(count, clips, _median(found), median(a.clock / b.clock for a, b in zip(first, found, strict=True)))
        for count, found in costs.items()
    )


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(median(getattr(cost, name) for cost in costs) for name in Cost.__dataclass_fields__))


def _is_long(info: VideoInfo) -> bool:
    from ..detection.chunks import divisible

    return info.frame_count is not None and divisible(info.frame_count, awaited=True)


def _machine() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(processors.available()),
        "python": platform.python_version(),
        **versions,
    }
