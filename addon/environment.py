"""The video engine's own Python environment: what belongs into it, where it is, and whether it is there.

`engine_setup.py` makes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..bridge.worker_home import PACKAGE_ROOT
from ..core.files import locked, remove_patiently, written_beside
from ..core.jobs import MotionLiftError

log = logging.getLogger(__name__)

NEEDED = ("av", "flatbuffers", "mediapipe", "numpy", "pillow", "rich", "safetensors", "scipy", "torch", "typer")
"""What the engine imports; constraints.txt says which versions. A test compares this with pyproject.toml."""
PLATFORMS = {("Windows", "AMD64"), ("Darwin", "arm64"), ("Linux", "x86_64")}
SAMPLE = PACKAGE_ROOT / "samples/walk_wave_squat.mp4"
MARK = "motionlift-engine.json"
STATE = "motionlift-state.json"
"""What was found in the engine: see `engine_state.py`."""
LOCK = "motionlift-setup.lock"
"""What a set-up has while it works in the folder: every Blender of a version makes its engine in the same one."""
LOCK_SECONDS = 0.2
"""How often it is tried."""
_MADE = ("environment", "downloads")
"""What a set-up makes; `_USED`: what the engine leaves behind when it runs."""
_USED = ("cache", "motionlift")
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

    @property
    def downloads(self) -> Path:
        """What was fetched, until all is installed."""
        return self.folder / "downloads"


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


def installed(
    folder: Path, constraints: Path = PACKAGE_ROOT / "constraints.txt"
) -> Literal["no", "broken", "old", "yes"]:
    """Whether a set-up in `folder` went to its end: `old` where this version wants other packages than that one,
    `broken` where the Python that it was made from is gone, or has become another."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "no"
    if not _same_python(folder):
        return "broken"
    return "yes" if mark.get("constraints") == _digest(constraints) else "old"


def occupied(folder: Path) -> bool:
    """Whether there is something that `remove` would delete, of a set-up that was given up too."""
    return any((folder / part).exists() for part in _MADE)


def platform_trouble() -> str:
    """Why this machine cannot run the engine; empty where it can."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) in PLATFORMS:
        return ""
    return f"The video engine runs on Windows x64, macOS on Apple silicon and Linux x64, not on {system} {machine}"


@contextlib.contextmanager
def alone_in(folder: Path, wait: Callable[[], bool]) -> Iterator[None]:
    """While the block lasts no other set-up works in `folder`, nor does a removal. As long as another does `wait` is
    asked whether to try again. Raises `MotionLiftError` (`set_up_elsewhere`) where it says no."""
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((folder / LOCK).open("ab"))
            while not locked(lock):
                if not wait():
                    raise MotionLiftError(
                        "set_up_elsewhere",
                        "Another Blender is setting the video engine up.",
                        "Wait until it is done there.",
                    )
                time.sleep(LOCK_SECONDS)
        except OSError as error:
            # A disk without locks; who cannot write there is told so by what follows.
            log.info("%s without a lock: %s", folder, error)
        yield


def remove(folder: Path) -> None:
    """Delete the environment and all that belongs to it.

    Raises `MotionLiftError`: `remove_failed`, and `set_up_elsewhere` while another Blender makes it.
    """
    try:
        with alone_in(folder, lambda: False):
            # First the mark: half an environment must not look whole.
            (folder / MARK).unlink(missing_ok=True)
            for part in (*_MADE, *_USED):
                remove_patiently(folder / part, PATIENCE_SECONDS)
            (folder / STATE).unlink(missing_ok=True)
        (folder / LOCK).unlink(missing_ok=True)
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


def mark_unfinished(plan: SetupPlan) -> None:
    """Note that packages are about to change: until `mark_installed` there is no engine."""
    (plan.folder / MARK).unlink(missing_ok=True)


def installed_version(folder: Path, name: str) -> str | None:
    """The version of a package in the environment, None where it has none. `name`: as its wheel is called."""
    places = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
    found = sorted((folder / "environment").glob(f"{places}/{name}-*.dist-info"))
    return found[0].name.removesuffix(".dist-info").partition("-")[2] if found else None


def made_from(folder: Path) -> Mapping[str, str]:
    """What venv noted of the Python that an environment was made from: `version`, `executable`; empty without one."""
    try:
        lines = (folder / "environment/pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def _same_python(folder: Path) -> bool:
    """Whether the environment's Python is the one that its packages are for. A Blender of a Linux distribution uses
    the system's, which is another version one day; elsewhere Blender brings it, and takes it along."""
    python, base = environment_python(folder), made_from(folder).get("executable")
    if not python.is_file():
        return False
    if base is None or os.name != "nt":
        # What the links end at is called python3.13, whichever patch of it.
        return base is None or python.resolve().name == Path(base).name
    return Path(base).is_file()


def _digest(path: Path) -> str:
    with contextlib.suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return ""
