"""What a worker process is started with, and what its end means. Standard library only.

The worker runs in a Python environment of its own. There the package is found through one folder of ours that
holds nothing but a `motionlift` pointing at this package's folder, so that no other extension is exposed.
"""

from __future__ import annotations

import os
from pathlib import Path

from .. import __version__
from ..core.files import CACHE_VARIABLE, written_beside
from ..core.jobs import MotionLiftError

PACKAGE_ROOT = Path(__file__).resolve().parent.parent
_OUT_OF_MEMORY = (0xC0000017, 0xC000012D)
"""STATUS_NO_MEMORY and STATUS_COMMITMENT_LIMIT of Windows."""


def import_folder(folder: Path, root: Path = PACKAGE_ROOT) -> Path:
    """`folder`, holding the one package `motionlift` whose modules are those of `root`; made or renewed.

    Raises `MotionLiftError` (code `write_failed`) when the disk refuses.
    """
    package = folder / "motionlift"
    text = f'"""Made by MotionLift."""\n\n__path__ = [{str(root)!r}]\n__version__ = {__version__!r}\n'
    target = package / "__init__.py"
    try:
        package.mkdir(parents=True, exist_ok=True)
        if target.is_file() and target.read_text(encoding="utf-8") == text:
            return folder
    except OSError as error:
        raise MotionLiftError("write_failed", f"Could not prepare {package}: {error.strerror or error}.") from error
    with written_beside(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return folder


def worker_environment(folder: Path, python: Path | None = None) -> dict[str, str]:
    """The environment variables of the worker: ours, without what would bend another Python's imports.

    An engine of our own, whose `python` lies in `folder`, has its models and detections there too, so that they go
    with it.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    if python is not None and python.is_relative_to(folder):
        kept[CACHE_VARIABLE] = str(folder / "cache")
    return {**kept, "PYTHONPATH": str(folder), "PYTHONUTF8": "1"}


def what_next(code: int) -> str:
    """What to do about a worker that ended with this exit code; those of Windows are without a sign, or with one."""
    if code in (-9, 137) or code & 0xFFFFFFFF in _OUT_OF_MEMORY:
        return "Perhaps memory ran out: close other programs, or lift a shorter part. What was detected is kept."
    return "Lift again: what was detected is kept. If it happens once more, report it with the log."
