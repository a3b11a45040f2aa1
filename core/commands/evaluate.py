"""`motionlift evaluate`: how far a network is from the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from ..files import check_output, written_beside
from ..jobs import LiftSettings, MotionLiftError, UsageError
from . import console

if TYPE_CHECKING:
    from ..evaluation.report import Table as Figures
    from ..training.depth_errors import DepthErrors
    from ..training.pairs import PairClip, Pairs

Measured = TypeVar("Measured")
DEFAULTS = LiftSettings()

PairsFile = Annotated[Path, typer.Argument(help="Detected 2D and true 3D, from core.synthesis.make_pairs.")]
WeightsFile = Annotated[Path | None, typer.Option(show_default="those that come along", help="The weights to measure.")]
TableFile = Annotated[
    Path | None, typer.Option("--output", "-o", help="A table to write: .md or .csv.", dir_okay=False)
]
Device = Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a table that exists.")]

evaluate = typer.Typer(no_args_is_help=True, help="Measure weights against a truth.")


@evaluate.callback()
def evaluations() -> None:
    """Measure weights against a truth."""


@evaluate.command()
def pairs(
    pairs: PairsFile,
    weights: WeightsFile = None,
    solve: Annotated[bool, typer.Option(help="Measure the solved motion too.")] = True,
    output: TableFile = None,
    device: Device = "auto",
    threads: Annotated[int | None, typer.Option(min=1, show_default="all", help="CPU threads.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare lifted and solved joints with MediaPipe's own 3D, on the same frames and joints, clip by clip."""
    _check_table(output, overwrite)
    # Torch is loaded only when something is measured.
    import torch

    from ..evaluation.pairs import measure_clip, pairs_table
    from ..reconstruction import load_network
    from ..training.pairs import load_pairs

    if threads:
        torch.set_num_threads(threads)
    clips = load_pairs(pairs)
    network = load_network(str(weights) if weights else None, device)
    settings = LiftSettings(device=device)
    measured = _of_each(clips, lambda clip: measure_clip(clip, network, solve, settings))
    _write(pairs_table(measured, weights.name if weights else "those that come along"), output)


@evaluate.command()
def inputs(
    pairs: PairsFile,
    weights: WeightsFile = None,
    output: TableFile = None,
    seed: Annotated[int, typer.Option(help="Of what is made up.")] = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Find out what holds weights back: errors with detected, made-up and true keypoints and depths."""
    _check_table(output, overwrite)
    # Torch is loaded only when something is measured.
    from ..evaluation.inputs import inputs_table, measure_inputs
    from ..reconstruction import load_network
    from ..training.pairs import load_pairs

    clips = load_pairs(pairs)
    network = load_network(str(weights) if weights else None, device)
    measured = _of_each(clips, lambda clip: measure_inputs(clip, network, seed, device))
    _write(inputs_table(measured, weights.name if weights else "those that come along"), output)


@evaluate.command()
def motion(
    clips: Annotated[
        list[Path], typer.Argument(help="Clips with their truth beside, from core.synthesis.", metavar="CLIP.mp4")
    ],
    weights: Annotated[
        str | None, typer.Option(show_default="those that come along", help="Other weights of the lifting network.")
    ] = None,
    smoothing: Annotated[float, typer.Option(help="0 (none) to 1.")] = DEFAULTS.smoothing,
    stride: Annotated[int, typer.Option(help="People are looked for in every so manieth frame.")] = DEFAULTS.stride,
    output: TableFile = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Lift clips and compare the motions with the truth: errors before and after the solve, and what animators see."""
    _check_table(output, overwrite)
    # Torch and scipy are loaded only when something is measured.
    from ..evaluation.clips import figures_table, measure_clip, truth_beside
    from ..evaluation.motion_figures import MotionFigures

    settings = LiftSettings(weights=weights, smoothing=smoothing, device=device, stride=stride)
    measured: dict[str, MotionFigures] = {}
    for clip in clips:
        # Before minutes are spent on the others.
        truth_beside(clip)
    for clip in clips:
        measured[clip.stem if clip.stem not in measured else str(clip)] = measure_clip(clip, settings)
        console.messages.print(f"{len(measured)} of {len(clips)}: {console.plain(clip.name)}")
    _write(figures_table(measured), output)


@evaluate.command()
def views(
    videos: Annotated[list[Path], typer.Argument(help="Films of one moment, a camera each.", metavar="VIEW.mp4")],
    calibration: Annotated[Path, typer.Option(help="The cameras, in that order (Qualisys, .qca.txt).", dir_okay=False)],
    weights: Annotated[
        str | None, typer.Option(show_default="those that come along", help="Other weights of the lifting network.")
    ] = None,
    output: TableFile = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Lift each of several calibrated views alone and compare it with what all of them saw together."""
    _check_table(output, overwrite)
    # Torch and scipy are loaded only when something is measured.
    from ..evaluation.datasets.qualisys import load_cameras
    from ..evaluation.several_views import measure_views, views_table

    settings = LiftSettings(weights=weights, device=device)
    _write(views_table(videos, measure_views(videos, load_cameras(calibration), settings)), output)


@evaluate.command()
def noise(
    pairs: Annotated[list[Path], typer.Argument(help="Detected 2D and true 3D, from core.synthesis.make_pairs.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The measured errors to write (.json).", dir_okay=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Measure how the detector errs, joint by joint: what training disturbs its windows by."""
    if output is not None:
        check_output(output, overwrite)
    # Torch is loaded only when something is measured.
    from dataclasses import asdict

    from ..training.detector_errors import measure_errors
    from ..training.pairs import load_pairs

    errors = measure_errors(clip for path in pairs for clip in load_pairs(path))
    rows = {joint: asdict(of_joint) for joint, of_joint in errors.joints.items()}
    table = Table("joint", *next(iter(rows.values())))
    for joint, figures in rows.items():
        table.add_row(joint, *(str(figure) for figure in figures.values()))
    console.output.print(table)
    swapped = f"legs exchanged in {100 * errors.swapped_legs_share:.1f} % of them"
    console.output.print(f"{errors.films} films, {errors.frames} frames; {swapped}")
    if errors.depths is not None:
        console.output.print(_depth_table(errors.depths))
    if output is not None:
        errors.save(output)


def _depth_table(depths: DepthErrors) -> Table:
    names = ("figure: flattened", "figure: tilted", "figure: turned")
    table = Table("depths of", "slope", "bias", "between windows", "within")
    for name, (mean, between, within) in zip(names, depths.figure, strict=True):
        table.add_row(name, f"{mean:.2f}", "", f"{between:.2f}", f"{within:.2f}")
    for name, bone in depths.bones.items():
        table.add_row(name, *(f"{value:.2f}" for value in bone))
    return table


def _of_each(clips: Pairs, measure: Callable[[PairClip], Measured]) -> list[Measured]:
    """What `measure` says of each film; those in which nobody was detected are told and left out. Raises their
    `MotionLiftError` (`bad_pairs`) where that is all of them."""
    measured: list[Measured] = []
    refused: MotionLiftError | None = None
    for number, clip in enumerate(clips):
        try:
            measured.append(measure(clip))
        except MotionLiftError as error:
            if error.code != "bad_pairs":
                raise
            refused = error
            console.show_warning(f"left out: {error.message}", f"{number + 1} of {len(clips)}")
        else:
            console.messages.print(f"{number + 1} of {len(clips)}: {console.plain(clip.name)}")
    if refused and not measured:
        raise refused
    return measured


def _check_table(output: Path | None, overwrite: bool) -> None:
    """Refuse a table that cannot be written before anything is measured. Raises `UsageError`."""
    if output is None:
        return
    if output.suffix.lower() not in (".md", ".csv"):
        raise UsageError("unknown_suffix", f"{output.name} does not end in .md or .csv.", "Name a file that does.")
    check_output(output, overwrite)


def _write(table: Figures, output: Path | None) -> None:
    """Show a table, and write it where asked."""
    console.output.print(console.plain(table.markdown()))
    if output is not None:
        with written_beside(output) as temporary:
            text = table.csv() if output.suffix.lower() == ".csv" else table.markdown()
            temporary.write_text(text, encoding="utf-8")
