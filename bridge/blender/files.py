"""Opening .blend files with a character in them."""

from __future__ import annotations

import bpy

from ...core.jobs import MotionLiftError
from ..places import split_place


def opened_armature(place: str) -> bpy.types.Object:
    """The armature of `file.blend` or `file.blend:Armature`, with the file open.

    Raises `MotionLiftError`: `no_file`, `bad_blend`, `newer_blend` (naming both versions), `no_armature`, and
    `several_armatures` with their names.
    """
    path, name = split_place(place)
    if not path.is_file():
        raise MotionLiftError("no_file", f"There is no file {path}.", "Check the name.")
    ours = ".".join(map(str, bpy.app.version[:2]))
    try:
        # Scripts in a character's file stay asleep.
        bpy.ops.wm.open_mainfile(filepath=str(path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise MotionLiftError(
            "bad_blend", f"Blender {ours} cannot open {path.name}: {str(error).strip().removeprefix('Error: ')}",
            "Save it with this version of Blender, or an older one.",
        ) from error  # fmt: skip
    if bpy.data.version[:2] > bpy.app.version[:2]:
        theirs = ".".join(map(str, bpy.data.version[:2]))
        raise MotionLiftError(
            "newer_blend", f"{path.name} was saved by Blender {theirs}, and this is {ours}, which would lose data.",
            "Save it with the older version, or install the newer bpy.",
        )  # fmt: skip
    return armature_called(name, path.name)


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
            "several_armatures", f"{where} has several armatures: {names}.", f"Choose one: {where}:{next(iter(known))}."
        )
    return next(iter(known.values()))


def _instanced_armatures() -> set[str]:
    """The names of the armatures that the scene shows through instances of collections."""
    collections = [item.instance_collection for item in bpy.context.scene.objects if item.instance_collection]
    return {item.name for collection in collections for item in collection.all_objects if item.type == "ARMATURE"}
