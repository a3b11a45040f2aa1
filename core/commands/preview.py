"""`motionlift preview`: looking at takes, as a video over the footage or as a page to turn them round in."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..files import check_output
from ..jobs import UsageError, missing_part
from ..motion import Motion
from . import console
from .report import take_name

if TYPE_CHECKING:
    from ..reporting.views import View

VIDEO, PAGE = ".mp4", ".html"
VIEW_NAMES = ("turntable", "three-quarter", "front", "side", "top")


def preview(
    motions: Annotated[
        list[Path], typer.Argument(metavar="MOTION", help="Files that MotionLift wrote (.motion.npz), one a person.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .mp4 over the footage, or a .html to look around in."),
    ] = None,
    video: Annotated[
        Path | None, typer.Option(show_default="found beside the motion", help="The footage, for a .mp4.")
    ] = None,
    view: Annotated[str, typer.Option(help=f"Of the figure in a .mp4: {', '.join(VIEW_NAMES)}.")] = "turntable",
    height: Annotated[
        int | None,
        typer.Option(min=120, max=2160, show_default="the footage's, 480 to 720", help="Lines of a .mp4."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Show it when it is done; alone, as a page.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Show takes: a video of the footage with the figures over it, or a page to turn them round in."""
    if view not in VIEW_NAMES:
        raise UsageError("bad_setting", f"There is no view {view!r}.", f"Choose of {', '.join(VIEW_NAMES)}.")
    if output is None:
        if not show:
            raise UsageError(
                "no_output", "Nowhere to write the preview.", f"Name a {VIDEO} or {PAGE} with -o, or add --open."
            )
        output, overwrite = Path(tempfile.gettempdir()) / f"{take_name(motions[0])}.preview{PAGE}", True
    suffix = output.suffix.lower()
    if suffix not in (VIDEO, PAGE):
        raise UsageError(
            "unknown_suffix", f"{output.name} ends in nothing that a preview can be.", f"Use {VIDEO} or {PAGE}."
        )
    check_output(output, overwrite)
    named = [(take_name(path), Motion.load(path)) for path in motions]
    if suffix == VIDEO:
        _write_video(named, motions, video, output, view, height)
    else:
        from ..reporting.page import write_page

        write_page(named, output)
    console.output.print(str(output), markup=False)
    if show and not webbrowser.open(output.resolve().as_uri()):
        console.show_warning(f"No program was found to show it; open {output} yourself.")


def _write_video(
    named: list[tuple[str, Motion]],
    paths: list[Path],
    video: Path | None,
    output: Path,
    view: str,
    height: int | None,
) -> None:
    try:
        from ..reporting.footage import find_footage, footage_differs
        from ..reporting.preview_video import write_preview
        from ..reporting.views import VIEWS
    except ImportError as error:
        raise missing_part(error) from error

    chosen: View = next(known for known in VIEWS if known == view)
    motion = named[0][1]
    footage = video or find_footage(motion, paths[0])
    if footage is None:
        name = motion.source.get("file") or "The footage"
        console.show_warning(f"{name} is not found beside the motion: the figure is drawn on black. Give --video.")
    elif output.exists() and footage.exists() and output.samefile(footage):
        raise UsageError("output_exists", f"{output} is the footage itself.", "Choose another name with -o.")
    elif footage_differs(motion, footage):
        console.show_warning(f"{footage.name} is not the file that was lifted: check that the figure fits it.")
    with console.stop_on_interrupt() as stopped, console.shown_progress(output.name) as progress:
        warnings = write_preview(named, footage, output, chosen, height, progress, stopped)
    for warning in warnings:
        console.show_warning(warning, output.name)
