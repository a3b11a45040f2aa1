"""Every difference between Blender's versions that we meet, one function each."""

from __future__ import annotations

import contextlib
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


def detached_action(animated: bpy.types.ID, name: str, copied: bool = True) -> tuple[bpy.types.Action, str]:
    """A new Action, called `name`, that nothing uses yet, with `copied` a copy of the one that `animated` has; and the
    identifier of its slot, from 4.4 on, for `curves_in_slot` and `show_action`: that of the Action before."""
    animation = animated.animation_data_create()
    previous = animation.action
    action = bpy.data.actions.new(name) if previous is None or not copied else previous.copy()
    action.name, action.use_fake_user = name, False
    if not hasattr(action, "slots"):
        return action, ""
    used = animation.action_slot if previous is not None else None
    slot = action.slots.get(used.identifier) if used is not None else None
    if slot is None:
        # An identifier begins with two letters for the kind of data.
        called = animated.name if used is None else used.identifier[2:]
        slot = action.slots.new(id_type=animated.id_type, name=called)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    strip.channelbag(slot, ensure=True)
    return action, str(slot.identifier)


def has_one_slot(action: bpy.types.Action) -> bool:
    """Whether all curves of an Action lie in one place; before 4.4 they always do."""
    if not hasattr(action, "slots"):
        return True
    return len(action.slots) == 1 and len(action.layers) == 1 and len(action.layers[0].strips) == 1


def curves_in_slot(action: bpy.types.Action, slot: str) -> Any:
    """What holds the curves of the slot with this identifier; before 4.4 the Action."""
    if not hasattr(action, "slots"):
        return action
    return action.layers[0].strips[0].channelbag(action.slots[slot], ensure=True)


def show_action(animated: bpy.types.ID, action: bpy.types.Action, slot: str) -> None:
    """Let `animated` play the slot of `action` with this identifier. See `assign_action`."""
    animation = animated.animation_data_create()
    animation.action = action
    if hasattr(action, "slots"):
        animation.action_slot = action.slots[slot]


def current_curves(animation: bpy.types.AnimData) -> Any:
    """What holds the curves that `animation` plays: the channel bag of its slot, before 4.4 the Action. None where it
    plays nothing: it has no Action, or one that is empty or none of whose slots is its own."""
    action = animation.action
    if action is None or not hasattr(action, "slots"):
        return action
    return _curves_of(action, animation.action_slot)


def strip_curves(strip: bpy.types.NlaStrip) -> Any:
    """What holds the curves that a strip plays: see `current_curves`."""
    action = strip.action
    if action is None or not hasattr(action, "slots"):
        return action
    return _curves_of(action, strip.action_slot or (action.slots[0] if action.slots else None))


def _curves_of(action: bpy.types.Action, slot: Any) -> Any:
    """The channel bag of `slot`, made if needed; None without a slot, or where there is nothing that could hold one."""
    if slot is None or not action.layers or not action.layers[0].strips:
        return None
    return action.layers[0].strips[0].channelbag(slot, ensure=True)


def curve_owners(action: bpy.types.Action) -> list[Any]:
    """What holds an Action's curves: one for each slot from 4.4 on, before that the Action itself."""
    if not hasattr(action, "slots"):
        return [action]
    return [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]


def slot_number(owner: Any) -> int:
    """The number of the slot whose curves `owner` holds, which it keeps for good; before 4.4 there are none: 0."""
    return int(getattr(owner, "slot_handle", 0))


def reuse_action(animated: bpy.types.ID, action: bpy.types.Action) -> None:
    """Make `action`, which has curves for `animated` already, what animates it."""
    animation = animated.animation_data_create()
    animation.action = action
    if hasattr(action, "slots") and animation.action_slot is None:
        animation.action_slot = action.slots[0]


def enum_value(kind: type[bpy.types.bpy_struct], name: str, identifier: str, otherwise: str) -> int:
    """The number that `foreach_set` wants for an enum's `identifier`, or `otherwise` where a version lacks it."""
    items = kind.bl_rna.properties[name].enum_items
    return int(items[identifier if identifier in items else otherwise].value)


def set_array(owner: bpy.types.ID, name: str, values: Any) -> None:
    """Give `owner` an array of numbers as the custom property `name`.

    5.0 frees memory twice where an array gets another length (seen with 5.0.1), so the old one goes first.
    """
    if name in owner:
        del owner[name]
    owner[name] = values


def plain_property(value: Any) -> Any:
    """A custom property's value as Python has it: groups as dictionaries, arrays as lists."""
    for way in ("to_dict", "to_list"):
        if hasattr(value, way):
            return getattr(value, way)()
    return value


def copy_registered(source: bpy.types.ID, target: bpy.types.ID) -> None:
    """Give `target` the values of what add-ons register: from 5.0 on they lie apart from what people add."""
    if hasattr(source, "bl_system_properties_get") and (kept := source.bl_system_properties_get()) is not None:
        made = target.bl_system_properties_get(do_create=True)
        for name in kept.keys():  # noqa: SIM118 (Blender's data cannot be iterated)
            made[name] = plain_property(kept[name])


def path_options() -> set[str]:
    """The options of a path's property that may be relative to the .blend: Blender 5 shows others in red."""
    said = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
    return {"PATH_SUPPORTS_BLEND_RELATIVE"} if said else set()


def sequence_strips(scene: bpy.types.Scene) -> Any:
    """The top strips of the scene's sequencer, which is made if needed: `strips` from 4.4 on, before `sequences`."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def user_folder(package: str, name: str) -> Path:
    """A folder of ours that may be written, made if that can be done: the extension's own, or, for a package that is
    not installed as an extension, one beside Blender's data files."""
    if package.startswith(EXTENSIONS):
        folder = Path(bpy.utils.extension_path_user(package, path=name))
    else:
        folder = Path(bpy.utils.user_resource("DATAFILES", path=f"motionlift/{name}"))
    # Blender's own `create` gives an empty name where it fails, which is the folder that one happens to be in. Whoever
    # writes into it says what is wrong.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
