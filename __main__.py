"""The command line, `motionlift` or `python -m motionlift`: puts together the commands of core and bridge."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from . import __version__
from .bridge.commands.export import export, export_bvh
from .bridge.commands.presets import match, presets
from .bridge.commands.retarget import CONTACT_FINDER, FOOTAGE_PREPARER, retarget, rig_exporters
from .bridge.footage import Footage, answered, asked
from .core.bvh import SUFFIX as BVH_SUFFIX
from .core.commands import console
from .core.commands.affinity import affinity
from .core.commands.batch_worker import batch_worker
from .core.commands.bench import bench
from .core.commands.compare import compare
from .core.commands.doctor import doctor
from .core.commands.evaluate import evaluate
from .core.commands.lift import lift
from .core.commands.people import people
from .core.commands.preview import preview
from .core.commands.report import report
from .core.commands.reproduce import reproduce
from .core.commands.train import train
from .core.jobs import MotionLiftError, internal_error
from .core.motion import Motion
from .core.rotation import Array

log = logging.getLogger(__name__)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.command()(lift)
app.command()(people)
app.command()(train)
app.command()(compare)
app.command()(reproduce)
app.command()(export)
app.command()(preview)
app.command()(report)
app.command()(retarget)
app.command()(match)
app.add_typer(presets, name="presets")
app.command()(doctor)
app.command()(affinity)
app.command(hidden=True)(batch_worker)
app.add_typer(bench, name="bench")
app.add_typer(evaluate, name="evaluate")


def _find_contacts(points: Array, confidence: Array, times: Array) -> Array:
    from .core.solving.contacts import find_contacts

    return find_contacts(points, confidence, times)


def _prepare_footage(motion: Motion, video: Path, output: Path, overwrite: bool) -> Footage:
    from .core.reporting.backdrop import prepare

    arguments = asked(motion, video, output, overwrite) | {"video": video, "output": output, "times": motion.times}
    return answered(dataclasses.asdict(prepare(**arguments)))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"motionlift {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, and tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Video of a person to editable animation, offline."""
    console.start_logging(verbose)
    context.meta[CONTACT_FINDER] = _find_contacts
    context.meta[FOOTAGE_PREPARER] = _prepare_footage
    context.obj = console.Context(
        exporters={BVH_SUFFIX: export_bvh}, rig_exporters=partial(rig_exporters, prepare=_prepare_footage)
    )


def main() -> None:
    """Run the command line and exit: 0 done, 1 some clip failed, 2 wrong usage, 130 stopped by the user."""
    try:
        app()
    except MotionLiftError as error:
        console.show_error(error)
        sys.exit(console.exit_code(error))
    except Exception as error:
        log.info("the traceback", exc_info=True)
        console.show_error(internal_error(error, "Run it again with --verbose before the command, and report it."))
        sys.exit(1)


def run() -> NoReturn:
    """The program: `main`, then gone at once. Taking torch and MediaPipe apart in order costs up to a second, and all
    outputs are written by then."""
    try:
        main()
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a pipe whose reader has gone, or no stream at all
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
