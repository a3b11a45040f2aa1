"""`motionlift train`: weights from a folder of BVH files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..files import check_output
from . import console

if TYPE_CHECKING:
    from ..training.state import Progress


def train(
    data: Annotated[Path, typer.Option(help="A folder of BVH files, or a packed set.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The weights to write (.safetensors).")],
    minutes: Annotated[float, typer.Option(help="Wall-clock time of this session.")] = 60.0,
    planned: Annotated[
        float | None, typer.Option(show_default="--minutes", help="Minutes of the whole run, all sessions together.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(show_default="beside the weights", help="Where the run is kept; it goes on if it exists."),
    ] = None,
    channels: Annotated[int, typer.Option(help="Width of the network.")] = 128,
    blocks: Annotated[int, typer.Option(help="DG-Conv blocks.")] = 5,
    frames: Annotated[int, typer.Option(help="Frames of a window.")] = 4,
    rate: Annotated[float, typer.Option(help="Frames a second within a window.")] = 15.0,
    windows: Annotated[int, typer.Option(help="Windows a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="At the start; it falls to a fiftieth.")] = 1e-3,
    squared_loss: Annotated[bool, typer.Option(help="The paper's loss; else plain joint distances.")] = True,
    depth: Annotated[bool, typer.Option(help="Use MediaPipe's own depth as a cue.")] = False,
    encoder: Annotated[int, typer.Option(help="Width of the window encoder; 0 for none, as in the paper.")] = 0,
    seed: Annotated[int, typer.Option(help="Of every random number.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(show_default="all", help="CPU threads.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace weights that another run has written.")
    ] = False,
) -> None:
    """Train DG-Net from motion capture, within a time budget; run again to go on."""
    state = resume or output.with_suffix(".state.safetensors")
    check_output(output, overwrite or state.exists())
    # Torch is loaded only when something is trained.
    from ..training.loop import TrainSettings
    from ..training.loop import train as run

    settings = TrainSettings(
        data=data,
        output=output,
        state=state,
        minutes=minutes,
        planned_minutes=planned or minutes,
        channels=channels,
        blocks=blocks,
        frames=frames,
        interval_s=1 / rate,
        windows=windows,
        learning_rate=learning_rate,
        squared_loss=squared_loss,
        depth=depth,
        encoder_width=encoder,
        seed=seed,
        device=device,
        threads=threads,
    )
    progress = run(settings, _show)
    table = Table("step", "minutes", "loss", "MPJPE mm", "PA-MPJPE mm")
    for row in progress.history[-8:]:
        table.add_row(
            f"{row['step']:.0f}", f"{row['minutes']:.1f}", f"{row['loss']:.4f}",
            f"{row['mpjpe_mm']:.1f}", f"{row['pa_mpjpe_mm']:.1f}",
        )  # fmt: skip
    console.output.print(table)
    console.output.print(f"Best: {progress.best_mpjpe:.1f} mm on the validation windows, written to {output}")


def _show(progress: Progress) -> None:
    row = progress.history[-1]
    console.output.print(
        f"step {row['step']:.0f}, {row['minutes']:.1f} min: loss {row['loss']:.4f}, "
        f"MPJPE {row['mpjpe_mm']:.1f} mm, PA-MPJPE {row['pa_mpjpe_mm']:.1f} mm"
    )
