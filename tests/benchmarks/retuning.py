"""Clean-up of a long take, stage by stage: `python tests/benchmarks/retuning.py clip.mp4 --minutes 1 10`, with bpy.

Takes are made by repeating the detection of a clip, to and fro (`memory.py`), lifted once and solved again with another
smoothing, and once without planted feet. Printed are medians, by the clock and of processors: the engine's stages one
after the other in this process, those of Blender on Rigify's human, and what the resident engine takes altogether by
its protocol. Blender itself, and its waiting for the slider to rest, is in tests/gui/retune.py.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import bpy

from motionlift.bridge.blender.drafts import Draft, Keys
from motionlift.bridge.blender.rigs import read_rig
from motionlift.bridge.match import match
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.retarget import retarget
from motionlift.bridge.worker_client import WorkerClient
from motionlift.core.jobs import Failure, LiftSettings, Result
from motionlift.core.motion import Motion
from motionlift.core.processors import share
from motionlift.core.service import report_of
from motionlift.core.solving import again
from motionlift.core.video import probe
from motionlift.tests.benchmarks.memory import detection_repeated, repeated

log = logging.getLogger("benchmark")

CHANGES: tuple[dict[str, Any], ...] = (
    {"smoothing": 0.7},
    {"smoothing": 0.3},
    {"smoothing": 0.55},
    {"foot_lock": False},
)
PATIENCE_SECONDS = 600.0


class Stages:
    """Seconds by the clock and of processors, of every time a stage was done."""

    def __init__(self) -> None:
        self.taken: dict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is done within is that stage."""
        began, worked = time.perf_counter(), time.process_time()
        yield
        self.taken[name].append((time.perf_counter() - began, time.process_time() - worked))

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose calls are that stage."""

        def wrapped(*arguments: Any, **options: Any) -> Any:
            with self.stage(name):
                return function(*arguments, **options)

        return wrapped


def long_take(clip: Path, minutes: float, folder: Path) -> Path:
    """A take of about so many minutes."""
    video, take = folder / "long.mp4", folder / "long.motion.npz"
    duration = probe(clip).duration
    assert duration is not None
    times = max(1, round(60 * minutes / duration))
    repeated(clip, times, video)
    detection_repeated(clip, times, video, LiftSettings(cache_dir=str(folder), max_people=1))
    options = ["--from-cache", "--cache-dir", str(folder), "--max-people", "1"]
    subprocess.run([sys.executable, "-m", "motionlift", "lift", str(video), "-o", str(take), *options], check=True)
    return take


def in_this_process(take: Path, figure: bpy.types.Object, stages: Stages) -> int:
    """Every stage of every change, of a take of as many frames as returned."""
    presets, output = load_presets(), take.with_name("cleaned.motion.npz")
    for change in CHANGES:
        with stages.stage("engine: read"):
            motion = Motion.load(take)
        settings = LiftSettings.from_json({**dict(motion.source["settings"]), **change})
        with stages.stage("engine: all of solving"):
            solved = again.resolve(motion, settings)
        with stages.stage("engine: report"):
            report_of(solved)
        with stages.stage("engine: write"):
            solved.save(output)
        with stages.stage("Blender: read"):
            motion = Motion.load(output)
        with stages.stage("Blender: retarget"):
            rig = read_rig(figure)
            done = retarget(motion, rig, match(rig, presets).rig_map)
        with stages.stage("Blender: keys"):
            Draft(figure, Keys.on_rig(figure, done), 1).show(figure)
    return len(motion)


def by_the_engine(take: Path, stages: Stages) -> None:
    """The same changes by a worker that was there already, by the clock."""
    motion = Motion.load(take)
    with tempfile.TemporaryDirectory() as folder:
        client = WorkerClient(Path(sys.executable), Path(folder))
        client.prepare()
        for change in ({"smoothing": 0.6}, *CHANGES):
            settings = LiftSettings.from_json({**dict(motion.source["settings"]), **change})
            with stages.stage("engine, resident"):
                client.send("resolve", take, Path(folder, "cleaned.motion.npz"), settings, overwrite=True)
                _answered(client)
        client.close(5.0)
    # Of the first one it begins by loading.
    del stages.taken["engine, resident"][0]


def _answered(client: WorkerClient) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        for event in client.poll():
            if isinstance(event, Failure):
                raise event.to_error()
            if isinstance(event, Result) and event.motions:
                return
        time.sleep(0.005)
    raise TimeoutError


def main() -> None:
    """Print the seconds."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    arguments = parser.parse_args()
    stages = Stages()
    names = {"lifted_again": "what was seen", "laid_on_picture": "sequence solve", "motion_of": "plant and pose"}
    for name, words in names.items():
        setattr(again, name, stages.of(f"engine: {words}", getattr(again, name)))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    for minutes in arguments.minutes:
        stages.taken.clear()
        with tempfile.TemporaryDirectory() as folder:
            take = long_take(arguments.video, minutes, Path(folder))
            frames = in_this_process(take, bpy.context.object, stages)
            by_the_engine(take, stages)
        log.info("%d frames, %d processors", frames, share())
        for name, taken in stages.taken.items():
            clock, processors = (median(each) for each in zip(*taken, strict=True))
            told = "" if name == "engine, resident" else f", {processors:.2f} s of processors"
            log.info("  %-24s %.2f s%s", name, clock, told)


if __name__ == "__main__":
    main()
