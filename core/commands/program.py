"""The command line as one program: what stands before the command, how errors are told, exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from ... import __version__
from ..jobs import MotionLiftError, internal_error
from . import console
from .lazy import group_of

log = logging.getLogger(__name__)


def run(
    places: Mapping[str, str],
    unlisted: frozenset[str],
    context: console.Context,
    meta: Mapping[str, Callable[..., object]],
) -> None:
    """Run the command that the arguments of this process name and exit: 0 done, 1 some clip failed, 2 wrong usage, 130
    stopped by the user.

    `places` and `unlisted` as in `group_of`; commands find `context` in their `typer.Context.obj`, and in its `meta`
    what is in `meta`.
    """
    app = typer.Typer(
        cls=group_of(places, unlisted), no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )

    @app.callback()
    def options(
        into: typer.Context,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, and tracebacks.")] = False,
        version: Annotated[
            bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
        ] = False,
    ) -> None:
        """Video of a person to editable animation, offline."""
        console.start_logging(verbose)
        into.obj = context
        into.meta.update(meta)

    console.bear_all_names()
    try:
        app()
    except MotionLiftError as error:
        console.show_error(error)
        sys.exit(console.exit_code(error))
    except Exception as error:
        log.info("the traceback", exc_info=True)
        console.show_error(internal_error(error, "Run it again with --verbose before the command, and report it."))
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"motionlift {__version__}")
        raise typer.Exit
