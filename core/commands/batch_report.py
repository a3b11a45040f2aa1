"""The page of a batch: refused before any work, or written at its end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..batch.figures import Limit
from ..batch.folder import Folder
from ..batch.manifest import Record
from ..batch.page import GENERATOR, page
from ..batch.storage import Url, place
from ..files import check_output, written_beside
from ..jobs import UsageError
from . import console


def report_path(text: str | None) -> Path | None:
    """Where the page is written to, from what somebody wrote: a path or `file://`. Raises `UsageError` for another
    URL."""
    if text is None:
        return None
    where = place(text)
    if isinstance(where, Url):
        raise UsageError(
            "bad_output",
            f"A report is written to this machine, not to {where}.",
            "Name a file that ends in .html; it points to the takes wherever they are.",
        )
    return where


def check_report(path: Path | None) -> None:
    """Refuse a report that cannot or must not be written, before any work is done; make its folder. Raises
    `UsageError`."""
    if path is None:
        return
    if path.suffix.lower() != ".html":
        raise UsageError("unknown_suffix", f"{path.name} is no web page.", "The name of a report ends in .html.")
    if os.path.isdir(path):
        raise UsageError("output_exists", f"{path} is a folder.", "Name a file that ends in .html.")
    if os.path.isfile(path) and GENERATOR.encode() not in _beginning(path):
        raise UsageError("output_exists", f"{path} exists already and is no report of a batch.", "Choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "bad_output",
            f"The folder {path.parent} cannot be made: {error.strerror or error}.",
            "Write the report elsewhere.",
        ) from error
    check_output(path, overwrite=True)


def write_report(path: Path, records: Sequence[Record], folder: Folder, limits: Sequence[Limit]) -> None:
    """Write the page of these clips, whose files are in `folder`. Raises `MotionLiftError` (`write_failed`)."""
    text = page(records, folder, path.absolute().parent, limits)
    with written_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    console.output.print(f"Report: {path}", markup=False)


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4000)
    except OSError as error:
        raise UsageError(
            "output_exists", f"{path} cannot be read: {error.strerror or error}.", "Choose another name."
        ) from error
