"""What a file names by a path relative to itself, when it is saved elsewhere: Blender looks after its own paths, and
ours are plain words to it.

All is done before the file is written, so that what is right is in it; where the open file is not what was written (a
copy, or nothing), it is taken back afterwards.
"""

from __future__ import annotations

import filecmp
import logging
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import bpy

from ..core.jobs import MotionLiftError
from . import results
from .camera import OF_TAKE
from .file_names import file_named, kept_name, shown_from
from .takes import FOLDER, bring_along, relative_name, stored_name, take_folders

log = logging.getLogger(__name__)

RELATIVE = "//"
"""What the name of a file begins with that is told from where the .blend lies."""

_to_take_back: list[Callable[[], None]] = []
"""What makes undone what was changed for the file that is being saved."""


def follow(blend: Path) -> None:
    """This file is about to be saved as `blend`: copy its takes beside that, where `results.take_file` finds them, and
    let videos be named as seen from there."""
    _to_take_back.clear()
    moves = bool(bpy.data.filepath) and Path(bpy.data.filepath).parent != blend.parent
    # A folder that is not there stays so: Blender refuses.
    if blend.parent.is_dir():
        for action in bpy.data.actions:
            if action.library is None:
                _bring(action, blend, moves)
    if moves:
        for owner, name in _videos():
            stored = getattr(owner, name)
            if stored.startswith(RELATIVE):
                _set(owner, name, relative_name(file_named(stored), blend))


def settle(saved: bool) -> None:
    """It was `saved`, and is the open file now; or else that goes on naming things as it did."""
    if not saved:
        for take_back in _to_take_back:
            take_back()
    _to_take_back.clear()


def _bring(action: bpy.types.Action, blend: Path, moves: bool) -> None:
    """The Action's take beside `blend`. One that lies elsewhere goes on being named there, unless its name is another
    take's beside `blend`."""
    properties = action.motionlift
    for name in ("take", "shown"):
        stored = getattr(properties, name)
        relative = stored.startswith(RELATIVE)
        if not stored or (relative and not moves):
            continue
        try:
            path = results.take_file(stored)
        except MotionLiftError as error:
            log.warning("%s: its take stays behind: %s", action.name, error)
            continue
        try:
            brought = bring_along(path, blend.parent / FOLDER)
        except MotionLiftError as error:
            log.warning("%s: its take stays behind: %s", action.name, error)
            brought = path
        for folder in take_folders(bpy.data.filepath, path.parent.parent):
            _bring_footage(folder / path.parent.name, brought.parent)
        if relative or brought.parent.name != path.parent.name:
            _rename(properties, name, stored_name(brought, str(blend)))


def _bring_footage(take: Path, folder: Path) -> None:
    """What is shown of footage in a take's folder `take`, from `folder` instead."""
    for item, path in shown_from(take) if folder != take else ():
        brought = folder / path.name
        try:
            if not (brought.is_file() and filecmp.cmp(path, brought)):
                shutil.copy2(path, brought)
        except OSError as error:
            log.warning("%s stays behind: %s", path, error)
            continue
        # Blender, which saves it as seen from the new place, reads it as seen from the old one.
        _set(item, "filepath", kept_name(str(brought)))


def _rename(properties: bpy.types.bpy_struct, name: str, renamed: str) -> None:
    """Another name for a take's file, also where its cameras have it."""
    stored = getattr(properties, name)
    for camera in bpy.data.objects if renamed != stored else ():
        if camera.library is None and camera.get(OF_TAKE) == stored:
            _to_take_back.append(partial(camera.__setitem__, OF_TAKE, stored))
            camera[OF_TAKE] = renamed
    _set(properties, name, renamed)


def _set(owner: bpy.types.bpy_struct, name: str, value: str) -> None:
    _to_take_back.append(partial(setattr, owner, name, getattr(owner, name)))
    setattr(owner, name, value)


def _videos() -> Iterator[tuple[bpy.types.bpy_struct, str]]:
    """The properties of this file that name videos."""
    for action in bpy.data.actions:
        if action.library is None:
            yield action.motionlift, "video"
    for scene in bpy.data.scenes:
        if scene.library is None:
            yield scene.motionlift, "video"
            yield from ((video, "path") for video in scene.motionlift_batch.videos)
