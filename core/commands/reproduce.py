"""`motionlift reproduce`: the paper's tables and figures, with its data sets or with motion capture."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..files import make_folder
from ..jobs import MotionLiftError, UsageError
from . import console

if TYPE_CHECKING:
    from ..evaluation.datasets.recording import PoseData
    from ..evaluation.rows import Budget
    from ..evaluation.studies import Source, Study

SPEED = "speed"
EVERYTHING = "all"


def reproduce(
    what: Annotated[
        str, typer.Argument(help="table1 to table11, cross_action, noise, speed, or all.", metavar="STUDY")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the rows and tables.")] = Path("reproduced"),
    data: Annotated[
        Path | None, typer.Option(help="Folder with the data sets' files (data_3d_h36m.npz and so on).")
    ] = None,
    mocap: Annotated[Path | None, typer.Option(help="A folder of BVH files instead, or a packed set.")] = None,
    actions: Annotated[
        Path | None, typer.Option(help="The motion-capture library's index.csv, which says who does what.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(show_default="until all is done", help="Time of this session; run again to go on.")
    ] = None,
    run_minutes: Annotated[
        float | None, typer.Option(show_default="10, or 30 with --full", help="Training time of each row.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps of each row, instead of time.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The paper's size, 128 channels, 5 blocks: for a GPU.")] = False,
    channels: Annotated[int | None, typer.Option(min=1, show_default="64", help="Width of the networks.")] = None,
    blocks: Annotated[int | None, typer.Option(min=1, show_default="3", help="DG-Conv blocks.")] = None,
    windows: Annotated[
        int | None, typer.Option(min=1, show_default="64, or 512 with --full", help="Windows a step.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random number.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, show_default="all", help="CPU threads.")] = None,
) -> None:
    """Train and measure the rows of a table of the paper, as far as time allows; run again to add rows.

    Tables come as Markdown, CSV and pictures, the paper's figures beside ours.
    """
    if what == SPEED:
        make_folder(output)
        _speed(output, channels, blocks)
        return
    studies = _studies(what, _source(data, mocap))
    make_folder(output)
    # Torch is loaded only when something is trained.
    import torch

    from ..evaluation.queue import work
    from ..evaluation.report import write_report
    from ..evaluation.rows import load_row

    if threads:
        torch.set_num_threads(threads)
    budget = _budget(full, channels, blocks, run_minutes, steps, windows, seed, device)
    load = functools.lru_cache(maxsize=2)(functools.partial(_load, data, mocap, actions))
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    left = 0
    with console.stop_on_interrupt() as stopped:
        for study in studies:
            try:
                left += work(
                    study.runs, lambda run: load(run.data, run.detector), output, budget, deadline, _say, stopped
                )
            except MotionLiftError as error:
                if what != EVERYTHING or error.code != "no_data_set":
                    raise
                console.show_warning(f"left out, {error.message}", study.title)
                continue
            files = write_report(study, lambda run: load_row(output, run, budget), output, _caption(budget))
            _say(f"{study.title}: {', '.join(path.name for path in files)}")
        interrupted = stopped()
    if left and interrupted:
        console.end_stopped(f"Stopped; {left} rows are still missing")
    if left:
        _say(f"{left} rows are still missing: run the same again to go on.")


def _say(line: str) -> None:
    console.output.print(console.plain(line))


def _speed(output: Path, channels: int | None, blocks: int | None) -> None:
    from ..evaluation.speed import measure_speed, speed_table
    from ..files import written_beside

    table = speed_table(measure_speed(channels or 128, blocks or 5))
    for suffix, text in ((".md", table.markdown()), (".csv", table.csv())):
        with written_beside(output / f"speed{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")
    _say(table.markdown())


def _source(data: Path | None, mocap: Path | None) -> Source:
    from ..evaluation.studies import HUMAN36M_SOURCE, MOCAP_SOURCE

    if (data is None) == (mocap is None):
        raise UsageError(
            "no_data_given",
            "Nothing to train on was given." if data is None else "Two things to train on were given.",
            "Give either --data with the folder of the data sets or --mocap with a packed set.",
        )
    return HUMAN36M_SOURCE if mocap is None else MOCAP_SOURCE


def _studies(what: str, source: Source) -> list[Study]:
    from ..evaluation.studies import STUDIES, study

    return [study(name, source) for name in (STUDIES if what == EVERYTHING else (what,))]


def _budget(
    full: bool,
    channels: int | None,
    blocks: int | None,
    minutes: float | None,
    steps: int | None,
    windows: int | None,
    seed: int,
    device: str,
) -> Budget:
    from ..evaluation.rows import FULL, Budget

    usual = FULL if full else Budget()
    return Budget(
        channels=channels or usual.channels,
        blocks=blocks or usual.blocks,
        minutes=minutes or usual.minutes,
        steps=steps,
        windows=windows or usual.windows,
        seed=seed,
        device=device,
    )


def _load(data: Path | None, mocap: Path | None, actions: Path | None, name: str, detector: str) -> PoseData:
    from ..evaluation.datasets.filmed import film_mocap
    from ..evaluation.datasets.mpi_inf_3dhp import load_mpi_inf_3dhp
    from ..evaluation.datasets.video_pose import load_human36m, load_humaneva
    from ..training.mocap import load_takes

    if mocap is not None:
        return film_mocap(load_takes(mocap), actions)
    assert data is not None
    if name == "humaneva15":
        return load_humaneva(data, detector)
    return load_mpi_inf_3dhp(data) if name == "mpi_inf_3dhp" else load_human36m(data, detector)


def _caption(budget: Budget) -> str:
    amount = f"{budget.steps} steps" if budget.steps else f"{budget.minutes:g} minutes"
    return (
        f"Each row: {budget.channels} channels, {budget.blocks} blocks unless it says otherwise, {amount} of training, "
        f"{budget.windows} windows a step, seed {budget.seed}."
    )
