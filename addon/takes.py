"""Where takes lie on the disk and what they are called, without Blender.

A take is a folder `<take>/` with `<take>.motion.npz`, or `<take>_P1.motion.npz` ... for several people. What clean-up
makes of it lies beside it, under a name that follows from the settings, so that an Action, also one that came back by
undo, always names the file it shows.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import re
import shutil
from collections.abc import Container, Iterable
from pathlib import Path, PurePath, PureWindowsPath

from ..bridge.take_names import untaken
from ..core.files import check_output
from ..core.jobs import LiftSettings, MotionLiftError
from ..core.motion import SUFFIX

FOLDER = "motionlift"
"""Beside the .blend."""
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".ogv")
CLEANED = ".clean-"
"""In the names of files that clean-up made."""
LONGEST_NAME = 48
"""Characters of a take's name, so that the names of Blender's data and of folders hold it."""


def take_folders(blend: str, user: Path) -> tuple[Path, ...]:
    """Where takes are kept: beside the .blend where there is one, and the user's folder. The first is for new ones."""
    return (Path(blend).parent / FOLDER, user) if blend else (user,)


def new_take(video: Path, folders: Iterable[Path], taken: Container[str]) -> Path:
    """The motion file of a new take of `video`, its folder made: `<clip>`, or `<clip>_t02`, `<clip>_t03` ... where a
    folder or, in `taken`, something else has the name. The first of `folders` that can be written holds it.

    A folder that is there belongs to a take, an empty one to a lift under way, perhaps another Blender's.
    Raises `MotionLiftError` when none can.
    """
    # Windows leaves out dots and spaces at the end of a folder's name.
    clip = video.stem[:LONGEST_NAME].strip(" .") or "take"
    folders = tuple(folders)

    def is_taken(name: str) -> bool:
        return name in taken or any((folder / name).exists() for folder in folders)

    refused: MotionLiftError | None = None
    for folder in folders:
        name = untaken(clip, is_taken)
        try:
            while not _made(folder / name):
                name = untaken(clip, is_taken)
            check_output(folder / name / (name + SUFFIX), overwrite=True)
        except OSError as error:
            refused = MotionLiftError(
                "output_folder_read_only",
                f"The folder {folder} is not writable: {error.strerror or error}.",
                "Save the file somewhere else, or make room there.",
            )
        except MotionLiftError as error:
            drop_empty(folder / name)
            refused = error
        else:
            return folder / name / (name + SUFFIX)
    assert refused is not None
    raise refused


def drop_empty(folder: Path) -> None:
    """Remove a take's folder, and the one around it, where nothing was written."""
    for empty in (folder, folder.parent):
        try:
            empty.rmdir()
        except OSError:
            return


def cleaned(original: Path, settings: LiftSettings) -> Path:
    """The file for what `settings` make of the take `original`."""
    text = json.dumps(settings.to_json(), sort_keys=True)
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return original.with_name(f"{original.name[: -len(SUFFIX)]}{CLEANED}{mark}{SUFFIX}")


def stored_name(path: Path, blend: str) -> str:
    """How a file's name is kept in a .blend: `//motionlift/walk/walk.motion.npz` where it lies beside it, with slashes
    on every system."""
    if blend and path.is_relative_to(Path(blend).parent):
        return f"//{path.relative_to(Path(blend).parent).as_posix()}"
    return str(path)


def relative_name(path: Path, blend: Path) -> str:
    """The name of a file as `blend` has it, wherever it lies: `//../clips/walk.mp4`; on another drive its whole one."""
    try:
        return f"//{Path(os.path.relpath(path, blend.parent)).as_posix()}"
    except ValueError:
        return str(path)


def locate(stored: str | Path, folders: Iterable[Path]) -> Path:
    """Where a take's file is now: where it was, or under the same names in one of `folders`. `stored`: absolute,
    perhaps on another machine with another system.

    Raises `MotionLiftError` (`take_missing`).
    """
    there = Path(stored)
    named = PureWindowsPath(stored) if re.match(r"[A-Za-z]:[\\/]|\\\\", str(stored)) else PurePath(stored)
    for path in (there, *(folder / named.parent.name / named.name for folder in folders)):
        if path.is_file():
            return path
    raise MotionLiftError(
        "take_missing",
        f"The take's file {named.name} is not at {named.parent}.",
        f"Put the folder {named.parent.name} beside the .blend into {FOLDER}, or lift the video again.",
    )


def take_key(stored: str) -> str:
    """What stays of a take's stored name wherever its files are: `walk/walk.motion.npz`."""
    return "/".join(re.split(r"[\\/]+", stored)[-2:])


def bring_along(stored: Path, folder: Path) -> Path:
    """Copy the folder of the take that `stored` belongs to into `folder` and return where `stored` is then: under the
    same name, or `<take>_t02`, `<take>_t03` ... where another take has it.

    What is there already stays as it is. Raises `MotionLiftError` (`write_failed`).
    """
    take, target = stored.parent, folder / stored.parent.name
    try:
        target = folder / untaken(take.name, lambda name: not _may_hold(folder / name, take))
        target.mkdir(parents=True, exist_ok=True)
        for path in take.glob(f"*{SUFFIX}"):
            if not (target / path.name).exists():
                shutil.copy2(path, target / path.name)
    except OSError as error:
        raise MotionLiftError("write_failed", f"Could not copy the take to {target}: {error}.", "") from error
    return target / stored.name


def _may_hold(target: Path, take: Path) -> bool:
    """Whether nothing lies in the folder `target` that is not of the take in the folder `take`: as it was lifted, for
    what clean-up made has names that follow from how."""
    lifted = [path for path in take.glob(f"*{SUFFIX}") if CLEANED not in path.name and (target / path.name).exists()]
    return all(filecmp.cmp(path, target / path.name, shallow=False) for path in lifted)


def original_of(path: Path) -> Path:
    """The take as it was lifted that `path`, which clean-up may have made, belongs to; `path` where that is gone."""
    original = path.with_name(original_name(path))
    return original if original.is_file() else path


def original_name(path: Path) -> str:
    """The name of the take as it was lifted, of a file that clean-up may have made."""
    return path.name.partition(CLEANED)[0] + SUFFIX if CLEANED in path.name else path.name


def unused_files(folder: Path, used: Iterable[Path]) -> list[Path]:
    """The motion files in the take folders below `folder` that are not among `used`, in order.

    The take as it was lifted counts as used where something that clean-up made of it is. A take may have been made
    elsewhere and copied here since: what counts is the name of its folder and its own.
    """
    kept = {(path.parent.name, name) for path in used for name in (path.name, original_name(path))}
    return sorted(path for path in folder.glob(f"*/*{SUFFIX}") if (path.parent.name, path.name) not in kept)


def _made(folder: Path) -> bool:
    """Make a folder that is not there; whether it was this process that did. Raises `OSError`."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if folder.is_dir():
            return False
        raise
    return True
