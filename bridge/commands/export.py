"""`motionlift export`: motion files to BVH, without lifting again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...core.bvh import SUFFIX, BvhOptions
from ...core.files import check_output
from ...core.jobs import UsageError
from ...core.motion import Motion
from ..bvh import save_bvh

DEFAULTS = BvhOptions()


def export(
    motion: Annotated[Path, typer.Argument(help="A .motion.npz that MotionLift wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .bvh to write.")],
    fps: Annotated[float | None, typer.Option(show_default="the motion's", help="Frames a second.")] = None,
    up: Annotated[str, typer.Option(help="The vertical axis, Y or Z.")] = DEFAULTS.up,
    forward: Annotated[str | None, typer.Option(help="Where the figure faces: Z, -Z, X ...")] = None,
    unit: Annotated[str, typer.Option(help="cm, m or mm.")] = DEFAULTS.unit,
    order: Annotated[
        str | None, typer.Option(show_default="the best", help="One rotation order for all joints.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Write a lifted motion as BVH."""
    options = BvhOptions(up.upper(), forward and forward.upper(), unit, order and order.upper(), fps)
    if output.suffix.lower() != SUFFIX:
        raise UsageError("unknown_suffix", f"{output.name} does not end in {SUFFIX}.", f"Name a {SUFFIX} file with -o.")
    check_output(output, overwrite)
    save_bvh(Motion.load(motion), output, options)
    typer.echo(f"{output}")
