"""`motionlift lift` with many clips: several processes, a manifest, and only what is left to do."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import processors
from ..batch.cluster import ATTEMPTS as CLUSTER_ATTEMPTS
from ..batch.cluster import Cluster, connected
from ..batch.device_owner import DeviceOwner, worth_owning
from ..batch.figures import Limit, broken_limits, parse_limit
from ..batch.folder import Folder, LocalFolder
from ..batch.inputs import Clip, find_videos, is_folder_of_clips, is_pattern, name_clips
from ..batch.manifest import STATE_FOLDER, Manifest, Record, Stamp
from ..batch.moved import known_names, moved_names
from ..batch.run import ATTEMPTS, Run, Task
from ..batch.storage import Url, Video
from ..batch.todo import Plan, why
from ..batch.worker_process import WorkerProcess, lifting_arguments
from ..files import make_folder
from ..jobs import MotionLiftError, UsageError
from . import console
from .batch_progress import BatchProgress, shown
from .batch_report import check_report, write_report

PROCESS_BYTES = 1_200_000_000
"""Memory that one worker may need, for `--jobs auto`."""
WATCH_SECONDS = 2.0
"""How often a watched folder is looked at; a file that has not changed since the last time is complete."""
LONG_TABLE = 40
"""Clips up to which the closing table lists each; of more only those that failed."""


@dataclass(frozen=True)
class BatchOptions:
    """What makes a lift a batch. `retry_failed` None: not said. `cluster`: its scheduler's address, or `local`."""

    jobs: str | None = None
    retry_failed: bool | None = None
    force: bool = False
    report: Path | None = None
    fail_if: tuple[str, ...] = ()
    watch: bool = False
    cluster: str | None = None

    def given(self) -> bool:
        """Whether any of it was asked for."""
        return self != BatchOptions()


def is_batch(videos: Sequence[Video], output: Path | Url, batch: BatchOptions) -> bool:
    """Whether a lift is a batch: by an option that only a batch has, by a URL, a pattern, or a folder of videos.

    With `--jobs` alone and a file to write, the one clip is divided among the processes.
    """
    if isinstance(output, Url):
        return True
    if any(isinstance(path, Url) or is_pattern(path) or is_folder_of_clips(path) for path in videos):
        return True
    divided = batch == BatchOptions(batch.jobs) and bool(output.suffix) and not os.path.isdir(output)
    return batch.given() and not divided


def lift_batch(videos: Sequence[Video], plan: Plan, batch: BatchOptions) -> int:
    """Lift what is left to do of the clips that `videos` stand for; the exit code. Raises `MotionLiftError` for what
    concerns all of them."""
    limits = tuple(parse_limit(text) for text in batch.fail_if)
    processes = count_jobs(batch.jobs)
    check_report(batch.report)
    _make_folder(plan.folder)
    with (
        contextlib.ExitStack() as ends,
        console.stop_on_interrupt() as stopped,
        plan.folder.manifest() as manifest,
        _cluster(batch, processes) as cluster,
    ):
        source = _Source(videos, manifest, plan, batch.watch)
        first = source.tasks()
        # Where there are fewer clips than processes, long ones are divided among several.
        jobs = processes if batch.watch else max(1, min(processes, len(first)))
        if cluster:
            run = Run(manifest, plan, attempts=CLUSTER_ATTEMPTS)
        else:
            owner = ends.enter_context(_owner(plan, jobs))
            run = Run(
                manifest, plan, lambda number, log: _worker(plan, jobs, log, processes // jobs, owner), jobs, ATTEMPTS
            )
        if not source.clips and not batch.watch:
            if source.unreadable:
                # They are told by now.
                return console.WRONG_USAGE
            raise UsageError(
                "no_videos", "There is no video.", "Name videos, folders of videos, or patterns like 'clips/**/*.mp4'."
            )
        began = time.monotonic()
        try:
            with shown(run, limits) as progress:
                _add(run, progress, first)
                if cluster and (first or batch.watch):
                    most = sys.maxsize if batch.jobs in (None, "auto") else processes
                    cluster.staff(run, _arguments(plan), plan.settings.device, source.folders(), most)
                run.start()
                _follow(run, progress, source, batch.watch, stopped)
        finally:
            run.close()
        # What ended with the stop.
        latest = manifest.latest()
    records = {clip.name: latest[clip.name] for clip in source.clips if clip.name in latest}
    asked = set(source.asked)
    _show_table(source.clips, records, asked, {record.clip for record in run.tally.ended}, limits)
    _show_summary(source, records, run, limits, time.monotonic() - began)
    if batch.report:
        write_report(batch.report, list(records.values()), plan.folder, limits)
    if run.tally.fatal:
        raise run.tally.fatal
    failed = source.unreadable or any(_failed(record, limits) for record in records.values())
    if stopped() and not batch.watch:
        return 130
    return int(bool(failed))


def count_jobs(text: str | None) -> int:
    """The number of processes: `auto` is one a processor, as far as memory goes. Raises `UsageError`."""
    if text is None or text == "auto":
        return min(processors.available(), processors.room(PROCESS_BYTES))
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise UsageError("bad_setting", f"--jobs {text} is no number of processes.", "Give a number, or auto.")
    return int(text)


@contextlib.contextmanager
def _cluster(batch: BatchOptions, jobs: int) -> Iterator[Cluster | None]:
    """The cluster that was asked for, None without one."""
    if batch.cluster is None:
        yield None
        return
    with connected(batch.cluster, jobs) as cluster:
        yield cluster


class _Source:
    """The clips of a batch, and which are to be lifted; asked again and again where a folder is watched."""

    def __init__(self, given: Sequence[Video], manifest: Manifest, plan: Plan, watch: bool) -> None:
        self.clips: list[Clip] = []
        self.asked: dict[str, Task] = {}
        self.unreadable: tuple[MotionLiftError, ...] = ()
        self.empty: tuple[Video, ...] = ()
        self._given = given
        self._manifest = manifest
        self._plan = plan
        self.watch = watch
        self._names = known_names(manifest.latest())
        self._folders: dict[str, None] = {}
        self._seen: dict[str, Stamp | None] = {}
        self._last: dict[str, Stamp | None] = {}

    def tasks(self) -> list[Task]:
        """What is to be lifted and was not told before, the largest first: begun last, it would be waited for."""
        found = find_videos(self._given, self.watch)
        for error in found.unreadable:
            if error.message not in {known.message for known in self.unreadable}:
                console.show_error(error)
        self.unreadable = found.unreadable
        self._tell_of_empty(found.empty)
        self._folders |= {str(root): None for _, root in found.videos if isinstance(root, Path)}
        self._follow_moved(found.videos)
        clips = name_clips(found.videos, self._names)
        self._names |= {clip.video: clip.name for clip in clips}
        self.clips = clips + self._taken_out(clips)
        tasks = []
        for clip in clips:
            stamp = Stamp.of(clip.video)
            if self.watch and (stamp is None or self._last.get(clip.name) != stamp):
                # Somebody still writes to it, as far as one can tell.
                self._last[clip.name] = stamp
                continue
            if clip.name in self._seen and self._seen[clip.name] == stamp:
                continue
            self._seen[clip.name] = stamp
            reason = why(clip, self._manifest.of(clip.name), self._plan)
            if reason:
                tasks.append(Task(clip, reason))
                self.asked[clip.name] = tasks[-1]
        return sorted(tasks, key=lambda task: -_size(task.clip))

    def _taken_out(self, clips: Sequence[Clip]) -> list[Clip]:
        """Clips that lay in a watched folder, now of `clips`, and were lifted or failed: what became of them is told
        at the end as of the others."""
        if not self.watch:
            return []
        there = {clip.name for clip in clips}
        return [clip for clip in self.clips if clip.name not in there and self._manifest.of(clip.name) is not None]

    def _tell_of_empty(self, empty: Sequence[Video]) -> None:
        """A watched folder may be empty; that it is not there yet may be a slip. Patterns are told of at the end."""
        for path in empty:
            if self.watch and path not in self.empty and isinstance(path, Path) and not is_pattern(path):
                if os.path.isdir(path):
                    self._folders[str(path)] = None
                else:
                    console.show_warning(f"There is no folder {path} yet: it is waited for.")
        self.empty = tuple(empty)

    def _follow_moved(self, videos: Sequence[tuple[Video, Video]]) -> None:
        """Note where clips of earlier runs lie by now: they keep their names, and what is done of them is done."""
        records = self._manifest.latest()
        moved = moved_names(videos, records, self._names)
        for video, name in moved.items():
            self._manifest.append(dataclasses.replace(records[name], video=str(video), stamp=Stamp.of(video)))
        self._names |= moved

    def folders(self) -> tuple[str, ...]:
        """The folders of this machine below which clips lie."""
        return tuple(self._folders)


def _follow(run: Run, progress: BatchProgress, source: _Source, watch: bool, stopped: Callable[[], bool]) -> None:
    looked = time.monotonic()
    while not stopped() and run.tally.fatal is None and (watch or not run.finished):
        time.sleep(0.1)
        progress.update()
        if watch and time.monotonic() - looked > WATCH_SECONDS:
            _add(run, progress, source.tasks())
            looked = time.monotonic()
    if stopped():
        run.close()
    progress.update()


def _add(run: Run, progress: BatchProgress, tasks: Sequence[Task]) -> None:
    progress.add({task.clip.name: _size(task.clip) for task in tasks})
    for task in tasks:
        run.add(task)


def _size(clip: Clip) -> int:
    stamp = Stamp.of(clip.video)
    return stamp.bytes if stamp else 0


@contextlib.contextmanager
def _owner(plan: Plan, jobs: int) -> Iterator[dict[str, str]]:
    """What tells workers of the process that owns the GPU for all of them; nothing where each lifts for itself."""
    if not worth_owning(plan.settings.device, jobs):
        yield {}
        return
    with DeviceOwner(plan.settings.device, plan.folder.local / STATE_FOLDER / "owner.log") as owner:
        yield owner.variables


def _worker(plan: Plan, jobs: int, log: Path, processes: int, owner: dict[str, str]) -> WorkerProcess:
    variables = {processors.PROCESSES_VARIABLE: str(processes), **owner}
    command = [sys.executable, *_arguments(plan)]
    return WorkerProcess(command, max(1, processors.available() // jobs), log, variables)


def _arguments(plan: Plan) -> tuple[str, ...]:
    return lifting_arguments(plan.suffixes, plan.options)


def _make_folder(output: Folder) -> None:
    if not isinstance(output, LocalFolder):
        return
    folder = output.path
    if not os.path.isdir(folder) and folder.suffix.lower() in (".bvh", ".npz"):
        raise UsageError("one_output", f"{folder} is a file's name.", "Many clips are written into a folder: name one.")
    make_folder(folder)


def _failed(record: Record, limits: Sequence[Limit]) -> bool:
    return record.state == "failed" or (record.state == "done" and bool(broken_limits(limits, record.figures)))


def _show_table(
    clips: Sequence[Clip], records: dict[str, Record], asked: set[str], ended: set[str], limits: Sequence[Limit]
) -> None:
    rows = []
    for clip in clips:
        record = records.get(clip.name)
        bad = record is not None and _failed(record, limits)
        if len(clips) > LONG_TABLE and not bad:
            continue
        name = console.plain(console.printable(clip.name))
        if record is None or (clip.name in asked and clip.name not in ended and record.state != "stopped"):
            rows.append((name, "not begun", "", "", "", ""))
            continue
        before = "" if clip.name in ended else " before"
        seconds = f"{record.seconds.get('all', 0.0):.1f}" if clip.name in ended else ""
        if record.state == "done":
            doubts = max((float(take.get("doubt") or 0) for take in record.figures), default=0.0)
            over = broken_limits(limits, record.figures)
            words = f"[red]over the limit ({console.plain(over[0])})[/]" if over else f"[green]done{before}[/]"
            frames = str(record.figures[0].get("frames", "")) if record.figures else ""
            rows.append((name, words, frames, str(len(record.figures)), f"{doubts:.0f} %", seconds))
        elif record.error:
            rows.append((name, f"[red]failed{before} ({record.error['code']})[/]", "", "", "", seconds))
        else:
            rows.append((name, "stopped", "", "", "", seconds))
    if rows:
        console.output.print(console.clip_table(("Frames", "People", "Doubt", "Seconds"), rows))


def _show_summary(
    source: _Source, records: dict[str, Record], run: Run, limits: Sequence[Limit], seconds: float
) -> None:
    ended = run.tally.ended
    done = [record for record in ended if record.state == "done"]
    kept = sum(r.state == "done" and name not in source.asked for name, r in records.items())
    failed = sum(record.state == "failed" for record in records.values())
    over = sum(_failed(record, limits) for record in records.values()) - failed
    left = len(source.clips) - kept - len(done) - failed
    parts = [f"{len(done)} lifted"]
    parts += [f"{kept} done before"] if kept else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{over} over a limit"] if over else []
    parts += [f"{left} left: the same command goes on there"] if left > 0 else []
    console.output.print(f"{len(source.clips)} clips in {seconds:.1f} s: {', '.join(parts)}.", markup=False)
    for path in () if source.watch else source.empty:
        console.show_warning(f"No video fits {path}.")
