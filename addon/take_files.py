"""The files of this file's takes: which of them nothing shows any more, and where one was found again."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.jobs import MotionLiftError
from . import results
from .file_names import file_named
from .session import session
from .takes import FOLDER, bring_along, original_of, unused_files


def unused() -> list[Path]:
    """The motion files beside the .blend that no Action shows, and no lift is about to write or to show."""
    if not bpy.data.filepath:
        return []
    told = [stored for action in bpy.data.actions for stored in (action.motionlift.take, action.motionlift.shown)]
    used = [file_named(stored) for stored in told if stored]
    used += [job.output for job in session().jobs]
    used += [path for finished in session().ended for path, _ in finished.motions]
    return unused_files(Path(bpy.data.filepath).parent / FOLDER, used)


def other_blends() -> list[str]:
    """Other .blend files in the folder of this one, whose takes lie in the same place."""
    if not bpy.data.filepath:
        return []
    here = Path(bpy.data.filepath)
    return sorted(path.name for path in here.parent.glob("*.blend") if path != here)


def prune() -> tuple[int, int]:
    """Delete the unused files and folders that are empty then; how many they were, and their bytes.

    Raises `MotionLiftError` (`delete_failed`).
    """
    count = size = 0
    for path in unused():
        try:
            bytes_held = path.stat().st_size
            path.unlink()
        except OSError as error:
            raise MotionLiftError(
                "delete_failed",
                f"{path.name} could not be deleted: {error.strerror or error}.",
                "Close other programs that use it.",
            ) from error
        count, size = count + 1, size + bytes_held
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return count, size


def adopt(action: bpy.types.Action, path: Path) -> None:
    """Let `path` be the take of `action`, as it was lifted; beside a saved .blend it is copied to the others.

    Raises `MotionLiftError` as `bring_along`.
    """
    path = original_of(path)
    if bpy.data.filepath:
        path = bring_along(path, Path(bpy.data.filepath).parent / FOLDER)
    properties = action.motionlift
    properties.take = properties.shown = results.stored(path)


def missing(action: bpy.types.Action) -> bool:
    """Whether the take of `action` is not where it was."""
    try:
        results.take_file(action.motionlift.take)
    except MotionLiftError:
        return True
    return False
