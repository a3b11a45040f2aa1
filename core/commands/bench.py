"""`motionlift bench`: how fast things are on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .. import processors
from ..files import check_output
from ..jobs import MotionLiftError, UsageError
from . import console

if TYPE_CHECKING:
    from ..lifting.bench import Bench, Timing
    from ..lifting.config import DGNetConfig

bench = typer.Typer(help="Measure how fast things are on this machine.", no_args_is_help=True)

_KNN_PAIRS = {"dgnet-paper": "no KNN", "64 channels, 3 blocks, body_26": "64 channels, 3 blocks, no KNN"}
_COMPILED = tuple(_KNN_PAIRS)
SAMPLE = "walk_wave_squat.mp4"


@bench.callback()
def what() -> None:
    """Measure how fast things are on this machine."""


@bench.command()
def lifting(
    device: Annotated[
        list[str] | None, typer.Option(show_default="all there are", help="cpu, cuda or mps; may be repeated.")
    ] = None,
    length: Annotated[list[int] | None, typer.Option(show_default="4, 27, 300", help="Frames of a window.")] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of the clip.")] = 300,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    precision: Annotated[str, typer.Option(help="exact, tf32 or bfloat16.")] = "exact",
    repeats: Annotated[int, typer.Option(min=1, help="The best of so many counts.")] = 3,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Also try torch.compile, which takes minutes, on the first length.")
    ] = False,
    training: Annotated[bool, typer.Option(help="Also forward and backward.")] = False,
) -> None:
    """Milliseconds a frame of DG-Net: configurations, window lengths and devices; with KNN and without, as the paper's
    table; whole lifting of a clip."""
    # Torch is loaded only when something is measured.
    from ..lifting.bench import COMPACT, CONFIGURATIONS, Bench
    from ..lifting.checkpoint import default_weights, weights_info
    from ..lifting.device import PRECISIONS, available_devices, choose_device
    from ..threads import computing_threads

    chosen = next((known for known in PRECISIONS if known == precision), None)
    lengths = length or [4, 27, 300]
    if chosen is None or min(lengths) < 1:
        problem = f"There is no precision {precision!r}." if chosen is None else "A window has at least one frame."
        raise UsageError("bad_setting", problem, f"Use one of {', '.join(PRECISIONS)}, and lengths from 1.")
    configurations = dict(CONFIGURATIONS)
    whole = {"64 channels, 3 blocks": COMPACT}
    if default_weights().is_file():
        shipped = weights_info(default_weights())[0]
        configurations["dgnet-body26 (comes along)"] = whole["dgnet-body26"] = shipped

    with computing_threads(threads):
        for name in device or available_devices():
            runs = Bench(choose_device(name), chosen, repeats=repeats)
            timings = [_networks(runs, configurations, lengths, frames)]
            if compiled:
                try:
                    some = {key: configurations[key] for key in _COMPILED}
                    faster = Bench(runs.device, chosen, True, repeats)
                    timings.append(_networks(faster, some, lengths[:1], frames))
                except MotionLiftError as error:
                    if error.code != "compile_failed":
                        raise
                    console.show_warning(str(error))
            _show_networks(timings, lengths, runs, threads)
            _show_knn(timings[0])
            _show_lifting(runs, whole, frames)
            if training:
                _show_training(runs, {"dgnet-paper": CONFIGURATIONS["dgnet-paper"], **whole})


@bench.command()
def lift(
    clip: Annotated[
        Path | None, typer.Argument(show_default="the sample", help="A video of one person or several.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder for bench.md, bench.json and bench.png.", file_okay=False)
    ] = Path("bench"),
    jobs: Annotated[
        str | None, typer.Option(show_default="1, then twice as many up to all", help="Processes: 1,2,4 ...")
    ] = None,
    clips: Annotated[
        int | None, typer.Option(min=1, show_default="two a process", help="Copies that are lifted at once.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Each thing is measured so many times.")] = 3,
    stride: Annotated[int, typer.Option(min=1, help="As for lift.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that exists.")] = False,
) -> None:
    """A whole lift: its stages, beside decoding and MediaPipe alone, in several processes, and its memory."""
    from ..evaluation.lift_cost import measure_lift
    from ..evaluation.lift_cost_report import NAME, markdown, write_report

    counts = _job_counts(jobs)
    video = clip or Path(__file__).resolve().parents[2] / "samples" / SAMPLE
    if not video.exists():
        raise UsageError("no_file", f"There is no file {video}.", "Name a video.")
    check_output(output, overwrite=True)
    output.mkdir(exist_ok=True)
    for suffix in (".md", ".json", ".png"):
        check_output(output / f"{NAME}{suffix}", overwrite)
    options = ["--stride", str(stride)] if stride > 1 else []
    cost = measure_lift(
        video.absolute(), counts, clips or 2 * counts[-1], rounds, lambda text: console.messages.print(text), options
    )
    console.output.print(console.plain(markdown(cost)))
    for path in write_report(cost, output):
        console.output.print(str(path), markup=False)


def _job_counts(text: str | None) -> list[int]:
    """Numbers of processes, ascending. Raises `UsageError`."""
    if text is None:
        most = processors.available()
        return sorted({1, most, *(2**power for power in range(1, 11) if 2**power < most)})
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() and 1 <= int(word) <= 1024 for word in words):
        raise UsageError("bad_setting", f"--jobs {text} are no numbers of processes.", "Give them like 1,2,4.")
    return sorted({int(word) for word in words})


def _networks(runs: Bench, configurations: dict[str, DGNetConfig], lengths: list[int], frames: int) -> list[Timing]:
    timings = []
    for name, config in configurations.items():
        own = [config.frames] if config.encoder_width else lengths
        timings += [runs.network(name, config, length, frames) for length in own]
    return timings


def _show_networks(results: list[list[Timing]], lengths: list[int], runs: Bench, threads: int) -> None:
    for timings in results:
        form = "compiled" if timings[0].compiled else "as it is"
        where = f"{runs.device}, {threads} thread(s)" if runs.device.type == "cpu" else str(runs.device)
        table = Table(title=f"ms a frame, network alone: {where}, {runs.precision}, {form}")
        columns = sorted({*lengths, *(timing.length for timing in timings)})
        for heading in ("configuration", "parameters", *(f"T = {length}" for length in columns)):
            table.add_column(heading, justify="left" if heading == "configuration" else "right")
        for name in dict.fromkeys(timing.name for timing in timings):
            own = {timing.length: timing for timing in timings if timing.name == name}
            cells = (f"{own[column].milliseconds:.3f}" if column in own else "" for column in columns)
            table.add_row(name, f"{next(iter(own.values())).parameters:,}", *cells)
        console.output.print(table)


def _show_knn(timings: list[Timing]) -> None:
    """The paper's table of speed as ratios: what the search for neighbours costs."""
    from ..lifting.bench import PAPER_MS

    table = Table("configuration", "T", "with KNN", "without", "ratio", "in the paper", title="What KNN costs")
    for searching, without in _KNN_PAIRS.items():
        for timing in (timing for timing in timings if timing.name == searching):
            (other,) = (t for t in timings if t.name == without and t.length == timing.length)
            paper = f"{PAPER_MS[True] / PAPER_MS[False]:.2f}" if searching == "dgnet-paper" else ""
            table.add_row(
                searching, str(timing.length), f"{timing.milliseconds:.3f}", f"{other.milliseconds:.3f}",
                f"{timing.milliseconds / other.milliseconds:.2f}", paper,
            )  # fmt: skip
    console.output.print(table)


def _show_lifting(runs: Bench, configurations: dict[str, DGNetConfig], frames: int) -> None:
    table = Table("configuration", "frames a second", "mirrored too", "overlap", "ms a frame",
                  title=f"Lifting {frames} frames, all included: {runs.device}, {runs.precision}")  # fmt: skip
    for name, config in configurations.items():
        for fps, flip, overlap in ((30.0, False, 1), (30.0, True, 1), (30.0, True, None), (25.0, True, 1)):
            spent = runs.lifting(config, frames, fps, flip, overlap)
            table.add_row(name, f"{fps:g}", "yes" if flip else "no", str(overlap or "all"), f"{spent:.2f}")
    console.output.print(table)


def _show_training(runs: Bench, configurations: dict[str, DGNetConfig]) -> None:
    table = Table("configuration", "T", "frames a second", title=f"Forward and backward: {runs.device}, 64 windows")
    for name, config in configurations.items():
        table.add_row(name, str(config.frames), f"{runs.training(config):,.0f}")
    console.output.print(table)
