"""`motionlift batch-worker`, started by `motionlift lift --jobs`: one of the processes that lift clips side by side."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from .. import worker
from ..batch.work import Work
from ..bvh import BvhOptions
from . import console
from .outputs import with_motion_files


def batch_worker(
    context: typer.Context,
    suffixes: Annotated[str, typer.Option(help="Suffixes of the files to write, a JSON list.")],
    bvh: Annotated[str, typer.Option(help="How BVH files are laid out, a JSON object.")] = "{}",
) -> None:
    """Lift clips as told on standard input (the protocol of `motionlift.core.worker`)."""
    exporters = with_motion_files(context.ensure_object(console.Context).exporters)
    worker.main(Work(tuple(json.loads(suffixes)), BvhOptions(**json.loads(bvh)), exporters))
