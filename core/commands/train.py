"""`motionlift train`: weights from a folder of BVH files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..files import check_output
from ..jobs import UsageError
from . import console

if TYPE_CHECKING:
    from ..training.state import Progress


def train(
    data: Annotated[list[Path], typer.Option(help="A folder of BVH files, or a packed set; may be given repeatedly.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The weights to write (.safetensors).")],
    minutes: Annotated[float, typer.Option(help="Wall-clock time of this session.")] = 60.0,
    planned: Annotated[
        float | None, typer.Option(show_default="--minutes", help="Minutes of the whole run, all sessions together.")
    ] = None,
    steps: Annotated[
        int, typer.Option(help="Steps of the whole run instead: sessions then add up to the same weights, bit for bit.")
    ] = 0,
    encoder_steps: Annotated[int, typer.Option(help="With --steps: those of the encoder, before.")] = 0,
    resume: Annotated[
        Path | None,
        typer.Option(show_default="beside the weights", help="Folder where the run and its logs are kept."),
    ] = None,
    pairs: Annotated[list[Path] | None, typer.Option(help="Files of pairs to learn from as well.")] = None,
    pairs_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the windows that are drawn from pairs.")
    ] = 0.5,
    start: Annotated[Path | None, typer.Option(help="Weights of the same network to begin with.")] = None,
    channels: Annotated[int, typer.Option(min=1, help="Width of the network.")] = 128,
    blocks: Annotated[int, typer.Option(min=1, help="DG-Conv blocks.")] = 5,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a window.")] = 4,
    rate: Annotated[float, typer.Option(help="Frames a second within a window.")] = 15.0,
    windows: Annotated[int, typer.Option(min=1, help="Windows a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="At the start; it falls to a fiftieth.")] = 1e-3,
    squared_loss: Annotated[bool, typer.Option(help="The paper's loss; else plain joint distances.")] = True,
    depth: Annotated[bool, typer.Option(help="Use MediaPipe's own depth as a cue.")] = False,
    confidence: Annotated[bool, typer.Option(help="Use the detector's confidence as a cue.")] = False,
    encoder: Annotated[int, typer.Option(help="Width of the window encoder; 0 for none, as in the paper.")] = 0,
    cosine: Annotated[bool, typer.Option(help="Let the learning rate fall along a cosine.")] = False,
    bfloat16: Annotated[bool, typer.Option(help="Compute forward passes in bfloat16.")] = False,
    seed: Annotated[int, typer.Option(help="Of every random number.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, show_default="all", help="CPU threads.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace weights that another run has written.")
    ] = False,
) -> None:
    """Train DG-Net from motion capture, within a time budget; run again to go on."""
    state = resume or output.with_suffix(".run")
    check_output(output, overwrite or state.exists())
    if bool(steps) == bool(planned) and steps:
        raise UsageError("bad_setting", "A run is as long as --steps or as --planned says, not both.", "Give one.")
    if not 0 < rate < math.inf:
        raise UsageError("bad_setting", "Windows need a rate above 0.", "Give --rate in frames a second.")
    # Torch is loaded only when something is trained.
    from ..training.loop import Session
    from ..training.loop import train as run
    from ..training.settings import TrainSettings

    settings = TrainSettings(
        data=tuple(data),
        output=output,
        state=state,
        minutes=minutes,
        planned_minutes=0.0 if steps else planned or minutes,
        steps=steps,
        encoder_steps=encoder_steps,
        pairs=tuple(pairs or ()),
        pairs_share=pairs_share,
        start=start,
        channels=channels,
        blocks=blocks,
        frames=frames,
        interval_s=1 / rate,
        windows=windows,
        learning_rate=learning_rate,
        squared_loss=squared_loss,
        depth=depth,
        confidence=confidence,
        encoder_width=encoder,
        cosine=cosine,
        bfloat16=bfloat16,
        seed=seed,
        device=device,
        threads=threads,
    )
    with console.stop_on_interrupt() as stopped:
        progress = run(settings, Session(_show, stopped))
        interrupted = stopped()
    if progress.history:
        table = Table(*progress.history[-1])
        for row in progress.history[-8:]:
            table.add_row(*(f"{value:.6g}" for value in row.values()))
        console.output.print(table)
        console.output.print(f"Best: {progress.best:.1f} mm on the validation windows, written to {output}")
    if interrupted:
        console.end_stopped(f"Stopped after {progress.step} steps")


def _show(progress: Progress) -> None:
    row = progress.history[-1]
    console.output.print(", ".join(f"{name} {value:.5g}" for name, value in row.items()))
