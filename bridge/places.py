"""How a character is named on the command line: a .blend file and the armature in it, or a new one of a kind."""

from __future__ import annotations

from pathlib import Path

from ..core.jobs import UsageError

SUFFIX = ".blend"
NEW_RIGIFY = "rigify"
"""Stands for a new Rigify human with the person's bone lengths."""


def split_place(place: str) -> tuple[Path, str]:
    """File and armature ("" for the only one) of `file.blend:Armature`; drive letters keep their colon.

    Raises `UsageError` (`unknown_suffix`).
    """
    at = place.lower().rfind(SUFFIX)
    rest = place[at + len(SUFFIX) :] if at >= 0 else ""
    if at < 0 or (rest and not rest.startswith(":")):
        raise UsageError(
            "unknown_suffix", f"{place} is no {SUFFIX} file.", f"Name a .blend, .blend:Armature, or {NEW_RIGIFY}."
        )
    return Path(place[: at + len(SUFFIX)]), rest[1:]
