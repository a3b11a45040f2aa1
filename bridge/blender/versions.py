"""Every difference between Blender's versions that we meet, one function each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

EXTENSIONS = "bl_ext."
"""Where Blender keeps extensions: the prefix of their packages' names."""


def assign_action(animated: bpy.types.ID, action: bpy.types.Action) -> Any:
    """Make the new `action` what animates `animated`, and return what holds its curves: has `fcurves`, `groups`.

    From 4.4 on an action has slots, and curves lie in the slot's channel bag; before, in the action itself.
    The slot is always assigned by name: 4.5 leaves it empty, and nothing moves, for an action without curves.
    """
    animation = animated.animation_data_create()
    if not hasattr(action, "slots"):
        animation.action = action
        return action
    slot = action.slots.new(id_type=animated.id_type, name=animated.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    curves = strip.channelbag(slot, ensure=True)
    animation.action = action
    animation.action_slot = slot
    return curves


def enum_value(kind: type[bpy.types.bpy_struct], name: str, identifier: str, otherwise: str) -> int:
    """The number that `foreach_set` wants for an enum's `identifier`, or `otherwise` where a version lacks it."""
    items = kind.bl_rna.properties[name].enum_items
    return int(items[identifier if identifier in items else otherwise].value)


def user_folder(package: str, name: str) -> Path:
    """A folder of ours that may be written, made if needed: the extension's own, or, for a package that is
    not installed as an extension, one beside Blender's data files."""
    if package.startswith(EXTENSIONS):
        return Path(bpy.utils.extension_path_user(package, path=name, create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path=f"motionlift/{name}", create=True))
