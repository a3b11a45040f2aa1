"""`motionlift compare`: DG-Net beside what users would otherwise run, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..files import make_folder, written_beside
from . import console

if TYPE_CHECKING:
    from ..evaluation.comparison_table import Row


def compare(
    data: Annotated[Path, typer.Option(help="A folder of BVH files, or a packed set.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder for runs and tables; it goes on if it is there.")
    ],
    only: Annotated[
        list[str] | None, typer.Option(show_default="all", help="Networks, by name; several times.")
    ] = None,
    weights: Annotated[
        list[Path] | None, typer.Option(show_default="none", help="DG-Net's trained elsewhere, measured alike.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(show_default="10", help="Wall-clock training time of each network and seed.")
    ] = None,
    steps: Annotated[int | None, typer.Option(show_default="none", help="Training steps instead of minutes.")] = None,
    session: Annotated[
        float | None, typer.Option(show_default="no end", help="Minutes of training in this call; run again to go on.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each network.")] = 1,
    rate: Annotated[float, typer.Option(help="Frames a second.")] = 30.0,
    depth: Annotated[bool, typer.Option(help="The detector's own depth as a cue.")] = False,
    noise: Annotated[str, typer.Option(help="mediapipe, or none for exact 2D.")] = "mediapipe",
    part: Annotated[str, typer.Option(help="Measure on the takes for validation, or for test.")] = "validation",
    sequences: Annotated[int, typer.Option(help="Sequences to measure on.")] = 64,
    overlap: Annotated[int, typer.Option(help="Windows that see a frame.")] = 1,
    flip_average: Annotated[bool, typer.Option(help="Lift the mirror image too.")] = True,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
) -> None:
    """Train DG-Net and other networks alike, and print accuracy, size and speed in one table."""
    # Torch is loaded only when something is compared.
    from ..evaluation.compare import CompareSettings
    from ..evaluation.compare import compare as run
    from ..evaluation.comparison_table import COLUMNS, comma_separated, lines, markdown
    from ..evaluation.contestants import contestants

    settings = CompareSettings(
        data=data,
        folder=output,
        minutes=10.0 if minutes is None and steps is None else minutes,
        steps=steps,
        session_minutes=session,
        seeds=seeds,
        rate=rate,
        cues=("depth",) if depth else (),
        noise=noise,
        part=part,
        sequences=sequences,
        overlap=overlap,
        flip_average=flip_average,
        device=device,
    )
    entries = contestants(tuple(only or ()))
    make_folder(output)
    with console.stop_on_interrupt() as stopped:
        rows = run(settings, entries, tuple(weights or ()), _show, stopped)
        interrupted = stopped()
    missing = len(entries) * seeds + len(weights or ()) - len(rows)
    if not rows and interrupted:
        console.end_stopped("Stopped; nothing is trained yet")
    if not rows:
        console.show_warning("Nothing is trained yet; run the same command again to go on.")
        return
    table = Table(*COLUMNS)
    for line in lines(rows):
        table.add_row(*line)
    console.output.print(table)
    for suffix, text in ((".md", markdown(rows, settings.described())), (".csv", comma_separated(rows))):
        with written_beside(output / f"comparison{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")
    console.output.print(f"Written to {output / 'comparison.md'} and .csv")
    if missing and interrupted:
        console.end_stopped(f"Stopped; {missing} runs are not done yet")
    if missing:
        console.show_warning(f"{missing} runs are not done yet; run the same command again to go on.")


def _show(row: Row) -> None:
    console.messages.print(
        f"{row.name}, seed {row.seed}: MPJPE {row.mpjpe_mm:.1f} mm, P-MPJPE {row.pa_mpjpe_mm:.1f} mm, "
        f"{row.steps} steps in {row.minutes:.1f} min"
    )
