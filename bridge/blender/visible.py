"""Objects that are hidden or cannot be selected, made both for a moment: exporters skip them without a word, and
Blender does not evaluate what is hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import bpy

from ...core.jobs import MotionLiftError


@contextlib.contextmanager
def selectable(items: Iterable[bpy.types.Object]) -> Iterator[None]:
    """As long as the block lasts, `items` are shown and can be selected, wherever they lie, and armatures among them
    show their pose; then they are as they were.

    Raises `MotionLiftError` (`export_failed`) for what still cannot be selected.
    """
    with contextlib.ExitStack() as undoing:
        for item in items:
            undoing.enter_context(_one_selectable(item))
        bpy.context.view_layer.update()
        yield


@contextlib.contextmanager
def _one_selectable(item: bpy.types.Object) -> Iterator[None]:
    scene_objects, layer_objects = bpy.context.scene.collection.objects, bpy.context.view_layer.objects
    with contextlib.ExitStack() as undoing:
        for name in ("hide_select", "hide_viewport"):
            undoing.callback(setattr, item, name, getattr(item, name))
            setattr(item, name, False)
        if item.type == "ARMATURE":
            undoing.callback(setattr, item.data, "pose_position", item.data.pose_position)
            item.data.pose_position = "POSE"
        if item.name in layer_objects:
            undoing.callback(item.hide_set, item.hide_get())
            item.hide_set(False)
        if not _in_reach(item) and item.name not in scene_objects:
            # Its collections are hidden, excluded or cannot be selected; the scene's own never is.
            undoing.callback(scene_objects.unlink, item)
            scene_objects.link(item)
            bpy.context.view_layer.update()
        if not _in_reach(item):
            raise MotionLiftError(
                "export_failed", f"{item.name} cannot be selected, and Blender exports only what is.",
                "Show it in the viewport and make it selectable, in the Outliner.",
            )  # fmt: skip
        yield


def _in_reach(item: bpy.types.Object) -> bool:
    """Whether an object is shown and can be selected."""
    if item.name not in bpy.context.view_layer.objects or not item.visible_get():
        return False
    was = item.select_get()
    item.select_set(True)
    can = bool(item.select_get())
    item.select_set(was)
    return can
