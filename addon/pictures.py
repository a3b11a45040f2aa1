"""Small pictures for the panel, made by the engine, kept while Blender is open."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

_numbers = itertools.count(1)
_collection: Any = None


def fresh_path(name: str) -> Path:
    """Where the engine may put a picture, or a folder of them; goes when Blender does."""
    folder = Path(bpy.app.tempdir) / "motionlift_pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{next(_numbers)}_{name}"


def icon_of(path: Path) -> int:
    """The icon that shows a picture; 0 where there is none."""
    global _collection
    if bpy.app.background or not path.is_file():
        return 0
    if _collection is None:
        _collection = bpy.utils.previews.new()
    if str(path) not in _collection:
        _collection.load(str(path), str(path), "IMAGE")
    return int(_collection[str(path)].icon_id)


def forget() -> None:
    """Give the pictures back: the extension is disabled."""
    global _collection
    if _collection is not None:
        bpy.utils.previews.remove(_collection)
        _collection = None
