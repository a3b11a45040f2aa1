"""Where what is made goes in the scene."""

from __future__ import annotations

import bpy


def collection_for_new(context: bpy.types.Context) -> bpy.types.Collection:
    """The collection that a new object goes into, as with Blender's own Add: the active one, or where nothing can be
    put into that (it is linked, or an override) or it is left out of the view layer, the nearest around it."""
    wanted = context.collection
    way = _way_to(context.view_layer.layer_collection, wanted)
    if not way and _is_editable(wanted):
        return wanted
    for layer in reversed(way):
        if _is_editable(layer.collection) and not layer.exclude:
            return layer.collection
    return context.scene.collection


def _way_to(layer: bpy.types.LayerCollection, wanted: bpy.types.Collection) -> list[bpy.types.LayerCollection]:
    """From `layer` down to that of the collection `wanted`; empty where that is not below it."""
    if layer.collection == wanted:
        return [layer]
    for child in layer.children:
        if way := _way_to(child, wanted):
            return [layer, *way]
    return []


def _is_editable(collection: bpy.types.Collection) -> bool:
    return collection.library is None and collection.override_library is None
