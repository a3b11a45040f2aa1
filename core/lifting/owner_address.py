"""Where the process is met that owns the device (`owner`): a folder, named by an environment variable.

As long as the folder is there, so is the owner, or it is being started (again); once it has gone, everyone lifts with
what they have. Standard library only.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

VARIABLE = "MOTIONLIFT_OWNER"
"""The environment variable by which a process is told the folder."""
NO_DEVICE = 3
"""The exit code of an owner that finds nothing to own."""
_KEY, _SOCKET = "key", "socket"


def make() -> Path:
    """A new folder, which nobody else may enter, with a key in it."""
    folder = Path(tempfile.mkdtemp(prefix="motionlift-owner-"))
    (folder / _KEY).write_bytes(secrets.token_bytes(32))
    return folder


def told() -> Path | None:
    """The folder that this process was told, while it is there."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name and Path(name).is_dir() else None


def address(folder: Path) -> str:
    """For `multiprocessing.connection`: a socket, on Windows a named pipe."""
    return rf"\\.\pipe\{folder.name}" if os.name == "nt" else str(folder / _SOCKET)


def key(folder: Path) -> bytes:
    """What both sides prove to know. Raises `OSError`."""
    return (folder / _KEY).read_bytes()
