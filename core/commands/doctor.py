"""`motionlift doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import importlib.util
import json
import operator
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Column, Table

from ... import __version__
from ..jobs import MotionLiftError
from ..system_libraries import absent, for_lifting
from . import console

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("numpy", "av", "mediapipe", "torch", "scipy", "safetensors")
OPTIONAL = {"bpy": "Blender's tests and synthesis", "moderngl": "rendering the sample"}
PLATFORMS = {("Windows", "AMD64"), ("Darwin", "arm64"), ("Linux", "x86_64")}
BLENDER_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXt.so.6": "libxt6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
}
"""Shared libraries that the bpy wheel needs on Linux, and Debian's packages of them."""
ROOM_BYTES = 500e6


@dataclass(frozen=True)
class Check:
    """One thing looked at. A `missing` one stops lifting, a `note` does not."""

    name: str
    state: Literal["good", "note", "missing"]
    found: str
    advice: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON list.")] = False) -> None:
    """Check this installation: versions, devices, models, weights, and what is missing."""
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(check) for check in checks()]))
        return
    colours = {"good": "green", "note": "yellow", "missing": "red"}
    table = Table("", "", Column("Found", overflow="fold"), Column("What to do", overflow="fold"), show_edge=False)
    missing = 0
    for check in checks():
        missing += check.state == "missing"
        state = f"[{colours[check.state]}]{check.state}[/]"
        table.add_row(console.plain(check.name), state, console.plain(check.found), console.plain(check.advice))
    console.output.print(table)
    if missing:
        console.output.print(f"{missing} missing: MotionLift cannot lift videos here yet.")
        raise typer.Exit(1)
    console.output.print("Everything that lifting needs is here.")


def checks() -> Iterator[Check]:
    """Everything that is looked at, in order."""
    yield Check("motionlift", "good", __version__)
    yield _python()
    yield _platform()
    if sys.platform == "linux":
        yield _libraries("system libraries", for_lifting(), "missing", "lifting")
        yield _libraries("libraries for bpy", BLENDER_LIBRARIES, "note", "Blender's tests and synthesis")
    for name in NEEDED:
        yield _package(name)
    for name, purpose in OPTIONAL.items():
        yield _optional(name, purpose)
    yield _devices()
    yield _pose_model()
    yield _weights()
    yield _cache()


def _python() -> Check:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        return Check("Python", "good", version)
    return Check("Python", "missing", version, "Use Python 3.11 to 3.14.")


def _platform() -> Check:
    system, machine = platform.system(), platform.machine()
    if (system, machine) in PLATFORMS:
        return Check("platform", "good", f"{system} {machine}")
    advice = "Lifting runs on Windows x64, macOS on Apple silicon and Linux x64: there are no wheels for others."
    return Check("platform", "missing", f"{system} {machine}", advice)


def _libraries(name: str, libraries: dict[str, str], state: Literal["note", "missing"], purpose: str) -> Check:
    packages = absent(libraries)
    if not packages:
        return Check(name, "good", "all there")
    advice = f"For {purpose}: on Debian or Ubuntu, apt-get install {' '.join(packages)}."
    return Check(name, state, f"without {', '.join(packages)}", advice)


def _package(name: str) -> Check:
    try:
        importlib.import_module(name)
    except (ImportError, OSError) as error:
        return Check(name, "missing", str(error), "Install it: pip install -e . -c constraints.txt")
    return _versioned(name)


def _optional(name: str, purpose: str) -> Check:
    """Not imported: bpy takes over the process that imports it."""
    if importlib.util.find_spec(name) is None:
        return Check(name, "note", "not installed", f"Only for {purpose}.")
    return _versioned(name)


def _versioned(name: str) -> Check:
    version = importlib.metadata.version(name)
    tested = _constraints().get(name)
    if tested in (None, version.split("+")[0]):
        return Check(name, "good", version)
    return Check(name, "note", version, f"Tested with {tested}.")


def _constraints() -> dict[str, str]:
    """The versions that are tested with this Python."""
    path = PACKAGE_ROOT / "constraints.txt"
    if not path.is_file():
        return {}
    pins = re.findall(
        r"(?m)^([\w.-]+)==([^\s;]+)(?: *; *python_version *(<|>=|==) *'3\.(\d+)')?", path.read_text("utf-8")
    )
    holds = {"<": operator.lt, ">=": operator.ge, "==": operator.eq}
    minor = sys.version_info.minor
    return {name: version for name, version, bound, limit in pins if not bound or holds[bound](minor, int(limit))}


def _devices() -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check("devices", "missing", f"torch does not load: {error}", "Install it as above.")
    found = [f"cpu ({os.cpu_count()} cores)"]
    if torch.cuda.is_available():
        found = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] + found
    if torch.backends.mps.is_available():
        found.insert(0, "mps")
    return Check("devices", "good", ", ".join(found))


def _pose_model() -> Check:
    try:
        from ..detection.models import cache_folder, installed_models

        made = sorted((cache_folder() / "models").glob("*.task"))
        installed = installed_models()
    except (ImportError, OSError) as error:
        return Check("pose models", "missing", f"MediaPipe does not load: {error}", "Install it as above.")
    if made:
        return Check("pose models", "good", ", ".join(str(path) for path in made))
    if installed is not None:
        return Check("pose models", "good", "in the installed MediaPipe")
    advice = "They are fetched once with the first lift: go online for it, or give --pose-model FILE.task."
    return Check("pose models", "note", "not here yet", advice)


def _weights() -> Check:
    try:
        from ..lifting.checkpoint import default_weights, weights_info
    except (ImportError, OSError) as error:
        return Check("weights", "missing", f"torch does not load: {error}", "Install it as above.")
    path = default_weights()
    try:
        config, _ = weights_info(path)
    except MotionLiftError as error:
        return Check("weights", "missing", error.message, error.hint)
    found = f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {config.blocks} blocks of {config.channels} channels"
    return Check("weights", "good", found)


def _cache() -> Check:
    try:
        from ..detection.models import cache_folder
    except ImportError as error:
        return Check("cache", "missing", f"MediaPipe does not load: {error}", "Install it as above.")
    folder = cache_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return Check("cache", "missing", f"{folder} cannot be written", "Lift with --cache-dir FOLDER.")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    free = shutil.disk_usage(existing).free
    found = f"{folder}: {size / 1e6:.1f} MB, {free / 1e9:.1f} GB free"
    if free < ROOM_BYTES:
        return Check("cache", "note", found, "Make room, or lift with --cache-dir FOLDER.")
    return Check("cache", "good", found)
