"""The video engine's own Python environment: what belongs into it, where it is, and whether it is there.

`engine_setup.py` makes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..bridge.worker_home import PACKAGE_ROOT
from ..core.files import remove_patiently, written_beside
from ..core.jobs import MotionLiftError

NEEDED = ("av", "flatbuffers", "mediapipe", "numpy", "pillow", "rich", "safetensors", "scipy", "torch", "typer")
"""What the engine imports; constraints.txt says which versions. A test compares this with pyproject.toml."""
PLATFORMS = {("Windows", "AMD64"), ("Darwin", "arm64"), ("Linux", "x86_64")}
SAMPLE = PACKAGE_ROOT / "samples/walk_wave_squat.mp4"
MARK = "motionlift-engine.json"
STATE = "motionlift-state.json"
"""What was found in the engine: see `engine_state.py`."""
PATIENCE_SECONDS = 2.0
"""How long removal waits for files that are still in use."""
LONGEST_INSIDE = 205
"""Characters of the longest path below an engine's folder: a licence deep inside torch 2.13, under `environment`."""
LONGEST_ON_WINDOWS = 259
"""Of a whole path, where nobody has switched on longer ones."""


@dataclass(frozen=True)
class SetupPlan:
    """What is made, where, and from what. `wheels`: a folder of wheels instead of the network."""

    base_python: Path
    folder: Path
    wheels: Path | None = None
    gpu: bool = False
    constraints: Path = PACKAGE_ROOT / "constraints.txt"
    needed: tuple[str, ...] = NEEDED
    sample: Path = SAMPLE

    @property
    def environment(self) -> Path:
        """The virtual environment."""
        return self.folder / "environment"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return environment_python(self.folder)


def engine_place(user: Path, blender: str, system: str = sys.platform, local: str | None = None) -> Path:
    """Where the engine is made: `user`, the extension's own folder; on Windows, where torch would not fit into that,
    `motionlift/<version>` in the folder for local application data, `local` (by default %LOCALAPPDATA%)."""
    local = os.environ.get("LOCALAPPDATA") if local is None else local
    if system != "win32" or not local or len(str(user)) + 1 + LONGEST_INSIDE <= LONGEST_ON_WINDOWS:
        return user
    return Path(local) / "motionlift" / blender


def environment_python(folder: Path) -> Path:
    """The interpreter of the environment in `folder`, whether it is there or not."""
    return folder / "environment" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed(folder: Path, constraints: Path = PACKAGE_ROOT / "constraints.txt") -> Literal["no", "old", "yes"]:
    """Whether a set-up in `folder` went to its end: `old` where this version wants other packages than that one."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "no"
    if not environment_python(folder).is_file():
        return "no"
    return "yes" if mark.get("constraints") == _digest(constraints) else "old"


def platform_trouble() -> str:
    """Why this machine cannot run the engine; empty where it can."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) in PLATFORMS:
        return ""
    return f"The video engine runs on Windows x64, macOS on Apple silicon and Linux x64, not on {system} {machine}"


def remove(folder: Path) -> None:
    """Delete the environment and all that belongs to it. Raises `MotionLiftError` (`remove_failed`)."""
    try:
        # First the mark: half an environment must not look whole.
        (folder / MARK).unlink(missing_ok=True)
        for part in ("environment", "downloads", "cache", "motionlift"):
            remove_patiently(folder / part, PATIENCE_SECONDS)
        (folder / STATE).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # Something is in it that is not ours.
            folder.rmdir()
    except OSError as error:
        raise MotionLiftError(
            "remove_failed", f"Could not remove {folder}: {error}.", "Close what uses it and try again."
        ) from error


def mark_installed(plan: SetupPlan, build: str) -> None:
    """Note that a set-up went to its end, and with which build of torch."""
    mark = {"constraints": _digest(plan.constraints), "torch": build}
    with written_beside(plan.folder / MARK) as temporary:
        temporary.write_text(json.dumps(mark), encoding="utf-8")


def take_mark(folder: Path) -> Callable[[], None]:
    """Have the engine in `folder` count as not set up, since its packages are about to be replaced, and return what
    takes that back. Raises `OSError`."""
    path = folder / MARK
    mark = path.read_bytes() if path.is_file() else None
    path.unlink(missing_ok=True)

    def take_back() -> None:
        if mark is not None:
            path.write_bytes(mark)

    return take_back


def _digest(path: Path) -> str:
    with contextlib.suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return ""
