"""Retargeting in a Blender of the user's choice, which runs `blender/inside.py` in the background."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.jobs import MotionLiftError
from ..core.motion import SUFFIX, Motion
from .footage import Footage
from .places import NEW_RIGIFY
from .retarget import RetargetOptions
from .rig import Rig

ROOT = Path(__file__).resolve().parent.parent
ANSWER = "MOTIONLIFT-ANSWER "
"""How the line with the answer begins; see `blender/inside.py`."""
LOG_LINES = 12


@dataclass(frozen=True)
class Answer:
    """What became of a motion on a rig in another process."""

    action: str
    frames: int
    bones: int
    title: str
    sure: float
    notes: tuple[str, ...]


def retarget_in_blender(
    blender: Path,
    motion: Motion,
    place: str,
    preset: str,
    presets: Path | None,
    options: RetargetOptions,
    output: Path,
    fps: float | None,
    name: str,
    reduce: bool = False,
    footage: Footage | None = None,
) -> Answer:
    """What `blender.export.animate_and_export` does, in the program `blender`.

    Raises `MotionLiftError`: what went wrong inside; `blender_not_started`, `blender_failed` with the end of what it
    said.
    """
    with tempfile.TemporaryDirectory(prefix="motionlift-") as folder:
        path = Path(folder) / f"take{SUFFIX}"
        motion.save(path)
        request = {
            "motion": str(path), "place": _absolute(place), "preset": preset,
            "presets": presets and str(presets.resolve()), "options": dataclasses.asdict(options),
            "output": str(output.resolve()), "fps": fps, "name": name, "reduce": reduce,
            "footage": footage and dataclasses.asdict(footage),
        }  # fmt: skip
        values = _asked(blender, request)
    return Answer(**{**values, "notes": tuple(values["notes"])})


def rigify_human_in_blender(blender: Path, motion: Motion, output: Path, name: str) -> Rig:
    """Have the program `blender` write a .blend with what `blender.rigify.add_rigify_human` makes, and return its rig.

    Raises as `retarget_in_blender`.
    """
    with tempfile.TemporaryDirectory(prefix="motionlift-") as folder:
        path = Path(folder) / f"take{SUFFIX}"
        motion.save(path)
        request = {"rigify": True, "motion": str(path), "output": str(output.resolve()), "name": name}
        return Rig.from_json(_asked(blender, request))


def _asked(blender: Path, request: dict[str, Any]) -> dict[str, Any]:
    """What `blender/inside.py` answers in that program."""
    program = str(blender.resolve()) if blender.is_file() else str(blender)
    command = [program, "--background", "--factory-startup", "--python", str(ROOT / "bridge/blender/inside.py")]
    request = {"root": str(ROOT), "version": __version__, **request}
    try:
        done = subprocess.run(
            [*command, "--", json.dumps(request, default=str)],
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise MotionLiftError(
            "blender_not_started", f"{blender} cannot be started: {error.strerror or error}.",
            "Name the Blender program with --blender.",
        ) from error  # fmt: skip
    return _answer(done.stdout, done.stderr, blender)


def _absolute(place: str) -> str:
    """A relative `file.blend:Armature` seen from here, as the other process sees it; a new rig's name as it is."""
    return place if place == NEW_RIGIFY or Path(place).is_absolute() else str(Path.cwd() / place)


def _answer(output: str, errors: str, blender: Path) -> dict[str, Any]:
    lines = [line.removeprefix(ANSWER) for line in output.splitlines() if line.startswith(ANSWER)]
    if not lines:
        said = "\n".join(f"{output}\n{errors}".strip().splitlines()[-LOG_LINES:])
        raise MotionLiftError("blender_failed", f"{blender} did not finish. The end of what it said:\n{said}")
    values: dict[str, Any] = json.loads(lines[-1])
    if "code" in values:
        raise MotionLiftError(values["code"], values["message"], values["hint"])
    return values
