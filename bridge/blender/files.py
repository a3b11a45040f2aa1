"""Opening .blend files with a character in them."""

from __future__ import annotations

import gzip
import importlib
import re
import zlib
from pathlib import Path

import bpy

from ...core.jobs import MotionLiftError
from ..places import split_place

HEADER = re.compile(rb"BLENDER(?:\d\d)?[-_](?:\d\d)?[vV](\d{3,4})")
"""How a .blend begins: up to Blender 4 `BLENDER-v405`, then `BLENDER17-01v0500` with its own length and format."""
HEADER_BYTES = 17
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def opened_armature(place: str) -> bpy.types.Object:
    """The armature of `file.blend` or `file.blend:Armature`, with the file open.

    Raises `MotionLiftError`: `no_file`, `bad_blend`, `newer_blend` (naming both versions), `no_armature`, and
    `several_armatures` with their names.
    """
    path, name = split_place(place)
    if not path.is_file():
        raise MotionLiftError("no_file", f"There is no file {path}.", "Check the name.")
    ours = bpy.app.version[0], bpy.app.version[1]
    if (theirs := saved_by(path)) is not None and theirs > ours:
        # Said before it is opened: others lose data, and Blender up to 4 cannot tell that of 5 from any other file.
        raise MotionLiftError(
            "newer_blend",
            f"{path.name} was saved by Blender {in_digits(theirs)}, and this is {in_digits(ours)}, which would lose "
            "data.",
            f"Use Blender {in_digits(theirs)} or newer (motionlift retarget --blender PATH), or save it with the older "
            "version.",
        )
    try:
        # Scripts in a character's file stay asleep.
        bpy.ops.wm.open_mainfile(filepath=str(path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise MotionLiftError(
            "bad_blend",
            f"Blender {in_digits(ours)} cannot open {path.name}: {str(error).strip().removeprefix('Error: ')}",
            "Save it with this version of Blender, or an older one.",
        ) from error
    return armature_called(name, path.name)


def saved_by(path: Path) -> tuple[int, int] | None:
    """The version of Blender that a .blend says it was saved by; None where its beginning cannot be read."""
    found = HEADER.match(_start(path))
    return divmod(int(found[1]), 100) if found else None


def _start(path: Path) -> bytes:
    """The first bytes of what a .blend holds, compressed or not; empty where they cannot be told."""
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    if start.startswith(GZIP):
        try:
            with gzip.open(path) as unpacked:
                return unpacked.read(HEADER_BYTES)
        except (OSError, EOFError, zlib.error):
            return b""
    if start.startswith(ZSTANDARD):
        try:
            zstandard = importlib.import_module("zstandard")  # carried by Blender, and wanted by its wheels
        except ModuleNotFoundError:
            return b""
        try:
            with path.open("rb") as file:
                return bytes(zstandard.ZstdDecompressor().stream_reader(file).read(HEADER_BYTES))
        except zstandard.ZstdError:
            return b""
    return start


def in_digits(version: tuple[int, int]) -> str:
    """`5.2` of (5, 2)."""
    return f"{version[0]}.{version[1]}"


def open_nothing() -> None:
    """A new, empty file; preferences stay as they are."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)


def armature_called(name: str, where: str) -> bpy.types.Object:
    """The scene's armature of that name, or its only one. Raises `MotionLiftError`: see `opened_armature`, and
    `linked_rig` where armatures are only in the scene as instances of a collection."""
    known = {item.name: item for item in bpy.context.scene.objects if item.type == "ARMATURE"}
    if name in known:
        return known[name]
    instanced = _instanced_armatures()
    if name in instanced or (instanced and not known):
        listed = name or ", ".join(sorted(instanced))
        raise MotionLiftError(
            "linked_rig", f"{listed} is in {where} only as an instance of a collection and cannot be animated.",
            "Select the instance there: Object > Library Override > Make if it is linked, else Object > Apply > Make "
            "Instances Real.",
        )  # fmt: skip
    names = ", ".join(known)
    if not known:
        raise MotionLiftError("no_armature", f"There is no armature in the scene of {where}.", "Choose another file.")
    if name:
        raise MotionLiftError("no_armature", f"{where} has no armature {name}.", f"It has: {names}.")
    if len(known) > 1:
        raise MotionLiftError(
            "several_armatures", f"{where} has several armatures: {names}.",
            f"Choose one: {', '.join(f'{where}:{item}' for item in known)}.",
        )  # fmt: skip
    return next(iter(known.values()))


def _instanced_armatures() -> set[str]:
    """The names of the armatures that the scene shows through instances of collections."""
    collections = [item.instance_collection for item in bpy.context.scene.objects if item.instance_collection]
    return {item.name for collection in collections for item in collection.all_objects if item.type == "ARMATURE"}
