"""`motionlift people`: who is in a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .. import service
from ..jobs import AUTO, LiftSettings, Request, parse_rotate, parse_time
from . import console


def people(
    video: Annotated[Path, typer.Argument(help="A video, a folder of images, or a pattern like img_%04d.png.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A .png for the thumbnails.")] = None,
    start: Annotated[str | None, typer.Option(help="Where to begin: 12.5 or 0:00:12.5.")] = None,
    end: Annotated[str | None, typer.Option(help="Where to end.")] = None,
    shot: Annotated[int | None, typer.Option(show_default="the longest", help="Which shot of an edited clip.")] = None,
    rotate: Annotated[str, typer.Option(help=console.ROTATE_HELP)] = AUTO,
    max_people: Annotated[int | None, typer.Option(help="How many people to look for.")] = None,
    pose_model: Annotated[str | None, typer.Option(help="Another MediaPipe pose model, a .task file.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep and use detections.")] = True,
    cache_dir: Annotated[str | None, typer.Option(help="Where they are kept.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that exists.")] = False,
) -> None:
    """List the people in a clip, with a strip of thumbnails: their numbers are what --person takes."""
    settings = LiftSettings(
        start=None if start is None else parse_time(start),
        end=None if end is None else parse_time(end),
        shot=shot,
        rotate=parse_rotate(rotate),
        max_people=max_people,
        pose_model=pose_model,
        use_cache=cache,
        cache_dir=cache_dir,
    )
    request = Request("people", video=str(video), output=str(output or ""), settings=settings, overwrite=overwrite)
    with console.stop_on_interrupt() as stopped, console.shown_progress(video.name) as progress:
        found = service.find_people(request, progress, stopped)
    table = Table()
    for heading in found[0] if found else ("person",):
        table.add_column(heading.replace("_", " "))
    for person in found:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in person.values()))
    console.output.print(table)
    if output:
        console.output.print(str(output), markup=False)
