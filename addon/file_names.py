"""How files are named in a .blend: as seen from it, so that a folder with both can be moved, and goes to others as a
whole, perhaps to ones with another system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import bpy

from ..bridge.footage import Footage


def kept_name(name: str) -> str:
    """A file's name as the open .blend keeps it: relative to that, where the preferences say so and it can be."""
    if not bpy.data.filepath or not bpy.context.preferences.filepaths.use_relative_paths:
        return name
    try:
        relative = str(bpy.path.relpath(name))
    except ValueError:  # It is on another drive.
        return name
    # With slashes, since the file may be opened with another system.
    return relative.replace(os.sep, "/")


def file_named(name: str) -> Path:
    """The file that a .blend names so, perhaps one that was saved with another system."""
    if name.startswith("//"):
        # What is chosen on Windows is kept as `//..\\clips\\walk.mp4`: the name of one file, to Blender elsewhere.
        name = "//" + name[2:].replace("\\", "/")
    return Path(bpy.path.abspath(name))


def keep_names(footage: Footage) -> None:
    """Have Blender name the files of `footage`, which it was given by their whole names, as `kept_name` says."""
    for item, path in _shown():
        if path in (footage.path, footage.sound):
            item.filepath = kept_name(str(path))


def shown_from(folder: Path) -> list[tuple[bpy.types.ID, Path]]:
    """The images and sounds of this file that come from files in `folder`, and which."""
    return [(item, path) for item, path in _shown() if path.parent == folder]


def _shown() -> Iterator[tuple[bpy.types.ID, Path]]:
    for item in (*bpy.data.images, *bpy.data.sounds):
        if item.library is None and item.filepath:
            yield item, file_named(item.filepath)
