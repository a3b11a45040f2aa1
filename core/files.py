"""Writing files so that nothing half-made is ever seen and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .jobs import MotionLiftError, UsageError


def check_output(path: Path, overwrite: bool) -> None:
    """Refuse an output that cannot or must not be written, before any work is done. Raises `UsageError`."""
    if os.path.exists(path) and not overwrite:
        raise UsageError(
            "output_exists",
            f"{path} exists already.",
            "Choose another name, or add --overwrite to replace it.",
        )
    if not os.path.isdir(path.parent):
        raise UsageError(
            "output_folder_missing", f"The folder {path.parent} does not exist.", "Make it, or choose another."
        )
    try:
        # A name that is too long, or that this disk cannot have; of permissions below.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            path.lstat()
    except (OSError, ValueError) as error:
        raise UsageError(
            "bad_output",
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.",
            "Choose another name.",
        ) from error
    try:
        # Tried, not asked: permissions do not tell of read-only disks, nor what Windows and root may do.
        # As long as the name itself: paths that are too long for Windows are those of no file there.
        prefix = _TEMPORARY.ljust(len(path.name) - _RANDOM_LETTERS, "-")
        tempfile.TemporaryFile(dir=path.parent, prefix=prefix).close()
    except FileNotFoundError as error:
        raise UsageError(
            "bad_output", f"{path} cannot be written: that is too long for this system.", "Choose a shorter name."
        ) from error
    except OSError as error:
        raise UsageError(
            "output_folder_read_only",
            f"The folder {path.parent} is not writable: {error.strerror or error}.",
            "Choose another folder.",
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, and those it lies in, if it is not there. Raises `UsageError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "output_folder_missing",
            f"The folder {folder} cannot be made: {error.strerror or error}.",
            "Choose another.",
        ) from error


_TEMPORARY = ".motionlift-"
_RANDOM_LETTERS = 8
"""Of a name that `tempfile` makes."""
CACHE_VARIABLE = "MOTIONLIFT_CACHE"
"""The environment variable that names the folder for models and detections."""
BUSY_SECONDS = 1.0


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder and rename it to `path` when the block ends well.

    When the block fails the temporary file is removed and `path` stays as it was.
    Raises `MotionLiftError` (code `write_failed`) when the disk refuses.
    """
    suffix = "".join(path.suffixes[-2:])
    try:
        handle, name = tempfile.mkstemp(prefix=_TEMPORARY, suffix=suffix, dir=path.parent)
    except OSError as error:
        raise write_failed(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        replace_patiently(temporary, path)
    except OSError as error:
        raise write_failed(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def replace_patiently(source: Path, target: Path, seconds: float = BUSY_SECONDS) -> None:
    """`os.replace`. Windows refuses it while somebody looks at either file, virus scanners above all: it is tried again
    for so long. Raises `OSError`."""
    end = time.monotonic() + seconds
    while True:
        try:
            os.replace(source, target)
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def remove_patiently(folder: Path, seconds: float = BUSY_SECONDS) -> None:
    """Remove a folder with all that is in it, if it is there. While files are in use or just being made it is tried
    again for so long: Windows keeps those of a process for a moment after its end. Raises `OSError`."""
    end = time.monotonic() + seconds
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


if sys.platform == "win32":
    import msvcrt

    def locked(file: IO[bytes]) -> bool:
        """Whether the lock on an open file could be had, which one process has at a time; the system gives it back when
        the file is closed or the process ends, however it does."""
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def locked(file: IO[bytes]) -> bool:
        """Whether the lock on an open file could be had, which one process has at a time; the system gives it back when
        the file is closed or the process ends, however it does."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def leftovers(path: Path) -> list[Path]:
    """What `written_beside` left of a file like `path` where its process was killed, or is still writing."""
    return sorted(path.parent.glob(f"{_TEMPORARY}*{''.join(path.suffixes[-2:])}"))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_failed(path: Path, error: OSError) -> MotionLiftError:
    """The error for a file that the disk refused."""
    return MotionLiftError(
        "write_failed",
        f"Could not write {path}: {error.strerror or error}.",
        "Check free space and permissions; nothing was changed.",
    )
