"""What the commands share: how they report progress and failures, and how Ctrl-C stops them."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from ..bvh import BvhOptions
from ..jobs import STAGE_WORDS, MotionLiftError, ProgressCallback, Stage, UsageError
from ..motion import Motion

PLAIN_SECONDS = 5.0
"""Without a terminal a stage's progress is a line at most this often."""
ROTATE_HELP = (
    "By how many degrees clockwise to turn a video that lies on its side: 0, 90, 180, 270; auto: as its file says."
)
"""Of the option --rotate."""
WRONG_USAGE = 2
"""The exit code where nothing was begun."""
NARROW = 60
"""Columns of a terminal below which a table of clips has their results only."""

output = Console(soft_wrap=True, highlight=False)
"""Results, on standard output."""
messages = Console(stderr=True, soft_wrap=True, highlight=False)
"""Progress, warnings and errors, on standard error."""


class Exporter(Protocol):
    """Writes a motion as a file of some format."""

    def __call__(self, motion: Motion, path: Path, options: BvhOptions) -> None: ...


class RigExporters(Protocol):
    """Makes the exporters that write a character's file moved by the motion, by suffix, from the character and the name
    of its preset; with `footage`, the video goes along."""

    def __call__(
        self, rig: str, preset: str, footage: Path | None = None, overwrite: bool = False
    ) -> Mapping[str, Exporter]: ...


def _no_rig_exporters(
    rig: str, preset: str, footage: Path | None = None, overwrite: bool = False
) -> Mapping[str, Exporter]:
    return {}


@dataclass(frozen=True)
class Context:
    """What `__main__` hands to every command: `exporters` by the suffix that they write, and `rig_exporters`."""

    exporters: Mapping[str, Exporter] = field(default_factory=dict)
    rig_exporters: RigExporters = _no_rig_exporters


def bear_all_names() -> None:
    """Let standard output take names that its encoding lacks, escaped: what was done is not undone by telling of it.

    Standard error always does so. UTF-8 that hands the bytes of such names on as they are goes on doing so.
    """
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):
        return
    if stream.errors != "surrogateescape" or stream.encoding.lower().replace("-", "") != "utf8":
        stream.reconfigure(errors="backslashreplace")


def start_logging(verbose: bool) -> None:
    """Log to standard error: everything from INFO when `verbose`, else only what calls for attention."""
    level = logging.INFO if verbose else logging.WARNING
    if messages.is_terminal:
        logging.basicConfig(
            level=level, format="%(message)s", handlers=[RichHandler(console=messages, show_path=False)]
        )
    else:
        logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")


def show_error(error: MotionLiftError, about: str = "") -> None:
    """The message and, on a line of its own, the hint."""
    prefix = f"{about}: " if about else ""
    messages.print(f"[bold red]Error:[/] {plain(prefix + error.message)}")
    if error.hint:
        messages.print(f"  {plain(error.hint)}")


def show_warning(text: str, about: str = "") -> None:
    """One line of warning."""
    messages.print(f"[yellow]Note:[/] {plain(f'{about}: {text}' if about else text)}")


def plain(text: str) -> str:
    """Text in which rich finds no markup."""
    return text.replace("[", "\\[")


def printable(text: str) -> str:
    """A name that a terminal can show: bytes of another encoding become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def clip_table(figures: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of clips: name, result and figures a row. Names are never cut; where it is narrow, figures are left
    out."""
    shown = figures if output.width >= NARROW else ()
    table = Table(Column("Clip", overflow="fold"), Column("Result", overflow="fold"), *shown)
    for row in rows:
        table.add_row(*row[: 2 + len(shown)])
    return table


def exit_code(error: MotionLiftError) -> int:
    """2 for wrong usage, 130 for a stop by the user, else 1."""
    if isinstance(error, UsageError):
        return WRONG_USAGE
    return 130 if error.code == "cancelled" else 1


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Yield a check that turns true with the first Ctrl-C, so that work ends cleanly; the second one interrupts."""
    stopped = threading.Event()

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        messages.print("Stopping. Press Ctrl-C again to stop at once.")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def end_stopped(what: str) -> NoReturn:
    """Say that the user stopped what goes on where it was, and end with the exit code of that."""
    messages.print(f"{what}. Run the same command again to go on.")
    raise typer.Exit(130)


@contextlib.contextmanager
def shown_progress(name: str) -> Iterator[ProgressCallback]:
    """Yield a callback that shows the stages of one clip: bars with counts and time left in a terminal, else lines."""
    if not messages.is_terminal:
        yield _Lines(name)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=messages, transient=True) as bars:
        yield _Bars(name, bars)


class _Bars:
    def __init__(self, name: str, bars: Progress) -> None:
        self._name = plain(name)
        self._bars = bars
        self._tasks: dict[Stage, TaskID] = {}

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(f"{self._name}: {STAGE_WORDS[stage]}", total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


class _Lines:
    def __init__(self, name: str) -> None:
        self._name = name
        self._stage: Stage | None = None
        self._began = 0.0
        self._shown = 0.0
        self._finished: set[Stage] = set()

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._shown = stage, now, now
        ended = done == total and stage not in self._finished
        if not ended and now - self._shown < PLAIN_SECONDS:
            return
        self._shown = now
        if ended:
            self._finished.add(stage)
        count = str(done) if total is None else f"{done}/{total}"
        left = ""
        if total and 0 < done < total:
            left = f", {(now - self._began) * (total - done) / done:.0f} s left"
        messages.print(f"{plain(self._name)}: {STAGE_WORDS[stage]} {count}{left}")
