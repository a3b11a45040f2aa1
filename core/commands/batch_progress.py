"""How a batch is going: all clips, each worker, the time left; bars in a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ..batch.figures import Limit, broken_limits
from ..batch.manifest import Record
from ..batch.run import Activity, Run
from ..jobs import STAGE_WORDS, MotionLiftError
from . import console

MOST_BARS = 40
LINE_SECONDS = 30.0
"""Without a terminal the state of the whole is told at most this often."""


class BatchProgress:
    """Shows a run. `sizes`: bytes of each clip to be lifted, by its name: what is left takes as long as what is done,
    byte for byte."""

    def __init__(self, run: Run, limits: Sequence[Limit], bars: Progress | None) -> None:
        self.sizes: dict[str, int] = {}
        self._run = run
        self._limits = limits
        self._bars = bars
        self._began = time.monotonic()
        self._told = self._began
        self._ended = 0
        self._failed = 0
        self._done_bytes = 0
        self._overall = bars.add_task("", total=None) if bars else None
        self._workers: list[TaskID] = []

    def add(self, sizes: Mapping[str, int]) -> None:
        """Further clips are to be lifted."""
        self.sizes.update(sizes)

    def update(self) -> None:
        """Show what has happened since."""
        ended = self._run.tally.ended
        while self._ended < len(ended):
            record = ended[self._ended]
            self._ended += 1
            self._failed += record.state == "failed"
            self._done_bytes += self.sizes.get(record.clip, 0)
            show_record(record, f"{self._ended}/{len(self.sizes)}", self._limits)
        if self._bars:
            self._draw(self._bars)
        elif self._ended and self._ended < len(self.sizes) and time.monotonic() - self._told > LINE_SECONDS:
            self._told = time.monotonic()
            console.messages.print(self._words())

    def _words(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        left = self.seconds_left()
        return f"{self._ended} of {len(self.sizes)} clips{failed}" + (f", {duration(left)} left" if left else "")

    def seconds_left(self) -> float | None:
        """How long the rest takes, None while nothing is done; what the workers have in hand counts as begun."""
        total = sum(self.sizes.values())
        begun = sum(_share(a) * self.sizes.get(a.clip.name, 0) for a in list(self._run.activities) if a.clip)
        if not self._ended or not self._done_bytes or self._ended == len(self.sizes):
            return None
        done = self._done_bytes + begun
        return (time.monotonic() - self._began) * (total - done) / done

    def _draw(self, bars: Progress) -> None:
        assert self._overall is not None
        bars.update(self._overall, description=self._words(), completed=self._ended, total=len(self.sizes))
        activities = list(self._run.activities)
        # Of a large cluster not all are shown.
        while len(self._workers) < min(len(activities), MOST_BARS):
            self._workers.append(bars.add_task("", visible=False))
        for number, (activity, task) in enumerate(zip(activities, self._workers, strict=False), 1):
            clip, progress = activity.clip, activity.progress
            if clip is None:
                bars.update(task, visible=False)
                continue
            words = STAGE_WORDS[progress.stage] if progress else "Starting"
            bars.update(
                task,
                visible=True,
                description=console.plain(f"  {number} {console.printable(clip.name)}: {words}"),
                completed=progress.done if progress else 0,
                total=progress.total if progress else None,
            )


_STAGE_BEGINS = {"open": 0.0, "detect": 0.0, "lift": 0.8, "solve": 0.85, "write": 0.98}
"""Roughly where in a lift's time its stages lie."""


def _share(activity: Activity) -> float:
    """How much of a clip is done, 0 to 1."""
    progress = activity.progress
    if progress is None:
        return 0.0
    begins = _STAGE_BEGINS[progress.stage]
    return begins + 0.8 * progress.done / progress.total if progress.stage == "detect" and progress.total else begins


@contextlib.contextmanager
def shown(run: Run, limits: Sequence[Limit]) -> Iterator[BatchProgress]:
    """Yield what shows a run; call its `update` again and again."""
    if not console.messages.is_terminal:
        yield BatchProgress(run, limits, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, console=console.messages, transient=True) as bars:
        yield BatchProgress(run, limits, bars)


def show_record(record: Record, count: str, limits: Sequence[Limit]) -> None:
    """One line on a clip that has ended, more where it failed."""
    name = console.printable(record.clip)
    if record.error:
        error = MotionLiftError(record.error["code"], record.error["message"], record.error.get("hint", ""))
        console.show_error(error, f"{count} {name}")
        return
    if record.state != "done":
        console.messages.print(f"{count} {console.plain(name)}: stopped")
        return
    frames = record.figures[0].get("frames") if record.figures else None
    people = f", {len(record.figures)} people" if len(record.figures) > 1 else ""
    seconds = record.seconds.get("all", 0.0)
    console.output.print(f"{count} {name}: {frames} frames{people}, {seconds:.1f} s", markup=False)
    for words in broken_limits(limits, record.figures):
        console.show_warning(f"over the limit {words}", name)


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
