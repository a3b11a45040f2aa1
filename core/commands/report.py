"""`motionlift report`: how good a take is, where to look, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..batch.inputs import clip_name
from ..files import check_output, written_beside
from ..jobs import UsageError
from ..motion import Motion
from . import console

if TYPE_CHECKING:
    from ..reporting.take_report import Section, TakeReport

SUFFIXES = (".md", ".json", ".html")
PLACES = 12
"""Places to check that are printed; a file gets all."""


def report(
    motions: Annotated[list[Path], typer.Argument(metavar="MOTION", help="Files that MotionLift wrote (.motion.npz).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .md, .json or .html to write as well.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Say how good takes are: places to check, sliding feet, the fit to the picture, and advice."""
    if output is not None:
        if output.suffix.lower() not in SUFFIXES:
            raise UsageError(
                "unknown_suffix",
                f"{output.name} ends in nothing that a report can be.",
                f"Name a file that ends in {', '.join(SUFFIXES)}.",
            )
        check_output(output, overwrite)
    from ..reporting.take_figures import take_figures
    from ..reporting.take_report import TakeReport

    reports = [TakeReport.of(take_name(path), take_figures(Motion.load(path))) for path in motions]
    for one in reports:
        _print(one)
    if output is not None:
        with written_beside(output) as temporary:
            # Names may be of bytes that are no text.
            temporary.write_text(_document(reports, output.suffix.lower()), encoding="utf-8", errors="replace")
        console.output.print(f"Written to {output}", markup=False)


def take_name(path: Path) -> str:
    """What a take is called: its file's name without `.motion.npz`."""
    return clip_name(path).removesuffix(".motion")


def _document(reports: list[TakeReport], suffix: str) -> str:
    from ..reporting import take_report

    return {".md": take_report.markdown, ".json": take_report.as_json, ".html": take_report.page}[suffix](reports)


def _print(one: TakeReport) -> None:
    console.output.print(f"[bold]{console.plain(one.name)}[/]: {console.plain(one.headline)}")
    for section in one.sections(PLACES):
        console.output.print(f"\n[bold]{section.title}[/]")
        if not section.rows:
            console.output.print(section.empty)
        elif len(section.headings) == 1:
            for row in section.rows:
                console.output.print(f"- {row[0]}", markup=False)
        else:
            console.output.print(_table(section))
    console.output.print()


def _table(section: Section) -> Table:
    table = Table(*section.headings, show_header=any(section.headings), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in section.rows:
        table.add_row(*(console.plain(value) for value in row))
    return table
