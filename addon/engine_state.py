"""What the video engine consists of: versions, devices, models, disk. Asked of the engine itself, which takes seconds,
and remembered beside it."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..bridge import background
from ..bridge.worker_home import import_folder, worker_environment
from ..core.files import written_beside
from ..core.jobs import MotionLiftError
from .environment import STATE

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
LIBRARIES = {"torch": "torch", "mediapipe": "MediaPipe", "av": "PyAV", "numpy": "NumPy", "scipy": "SciPy"}
"""Those whose versions are told, in this order."""
LOG_LINES_SHOWN = 12


@dataclass(frozen=True)
class EngineState:
    """What was found. `troubles`: what stops lifting, with what to do, a line each. `bytes`: on the disk, of an engine
    of our own with its models and detections; 0 where another Python is used."""

    python: str
    versions: str
    devices: str
    models: str
    bytes: int = 0
    troubles: tuple[str, ...] = ()

    def lines(self, free: int) -> list[tuple[str, str]]:
        """For the preferences: what, and what was found. `free`: bytes left on the disk."""
        size = f"{self.bytes / 1e9:.1f} GB used, " if self.bytes else ""
        return [
            ("Environment", self.python),
            ("Versions", self.versions),
            ("Computes on", self.devices),
            ("Pose models", self.models),
            ("Disk", f"{size}{free / 1e9:.0f} GB free"),
        ]


def ask(python: Path, folder: Path) -> EngineState:
    """Start `python` and have it look at itself. `folder`: where its imports come from, as for `WorkerClient`.

    Raises `MotionLiftError`: `worker_not_started`, and `worker_died` with the end of what it wrote.
    """
    try:
        process = background.started(
            [str(python), "-m", "motionlift", "doctor", "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=worker_environment(import_folder(folder), python), cwd=folder, **background.apart(),
        )  # fmt: skip
    except OSError as error:
        raise MotionLiftError(
            "worker_not_started", f"{python} does not start: {error.strerror or error}.", "Choose another Python."
        ) from error
    try:
        written, told = process.communicate(timeout=PATIENCE_SECONDS)
        checks = json.loads(written.strip().rpartition("\n")[2])
    except (subprocess.TimeoutExpired, ValueError) as error:
        background.end_with_children(process)
        tail = "\n".join(told.splitlines()[-LOG_LINES_SHOWN:]) if isinstance(error, ValueError) else "It says nothing."
        raise MotionLiftError(
            "worker_died",
            f"{python} does not run the video engine.",
            f"Choose the Python in which MotionLift is installed. The end of its log:\n{tail}",
        ) from error
    own = python.is_relative_to(folder)
    return _state(python, checks, _size(folder) if own else 0)


def remembered(python: Path, folder: Path) -> EngineState | None:
    """What was found of `python` the last time; None where it was never asked, or is not to be understood."""
    try:
        told = json.loads((folder / STATE).read_text(encoding="utf-8"))
        state = EngineState(**{**told.pop("state"), "troubles": tuple(told.pop("troubles"))})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return state if told.get("python") == str(python) else None


def remember(python: Path, folder: Path, state: EngineState) -> None:
    """Keep it for `remembered`. Raises `MotionLiftError` (`write_failed`)."""
    told = asdict(state)
    told = {"python": str(python), "troubles": told.pop("troubles"), "state": told}
    with written_beside(folder / STATE) as temporary:
        temporary.write_text(json.dumps(told), encoding="utf-8")


def free_bytes(folder: Path) -> int:
    """What is left on the disk that `folder` is on, or would be."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    try:
        return shutil.disk_usage(existing).free if existing else 0
    except OSError as error:
        log.info("the room on the disk: %s", error)
        return 0


def _state(python: Path, checks: Sequence[Mapping[str, str]], size: int) -> EngineState:
    found = {check["name"]: check["found"] for check in checks}
    versions = [f"{title} {found[name].split(',')[0]}" for name, title in LIBRARIES.items() if name in found]
    missing = [check for check in checks if check["state"] == "missing"]
    here = found.get("pose models", "")
    return EngineState(
        python=f"{python} (Python {found.get('Python', '?')})",
        versions=", ".join(versions),
        devices=found.get("devices", ""),
        models="Here" if ".task" in here or "MediaPipe" in here else here.capitalize(),
        bytes=size,
        troubles=tuple(f"{check['name']}: {check['found']}. {check['advice']}" for check in missing),
    )


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if not path.is_symlink() and path.is_file() else 0
        except OSError:
            continue
    return total
