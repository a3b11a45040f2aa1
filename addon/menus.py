"""Where the operators stand in Blender's menus, and what happens to a video dropped on the viewport."""

from __future__ import annotations

from typing import Any

import bpy

from .lift_operators import CancelLift, ChooseVideo, LiftVideo
from .operators import ImportMotion
from .takes import VIDEO_SUFFIXES

_keys: list[tuple[Any, Any]] = []
"""Keymaps and their entries of ours."""


class DropVideo(bpy.types.FileHandler):
    """A video on the 3D view goes into the panel."""

    bl_idname = "MOTIONLIFT_FH_video"
    bl_label = "Lift with MotionLift"
    bl_import_operator = ChooseVideo.bl_idname
    bl_file_extensions = ";".join(VIDEO_SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Elsewhere videos mean something else."""
        return context.area is not None and context.area.type == "VIEW_3D"


def register() -> None:
    """Add the entries; those of an earlier call are replaced."""
    unregister()
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)
    keys = bpy.context.window_manager.keyconfigs.addon
    if keys is not None:  # There are none in the background.
        shown = keys.keymaps.new(name="Screen", space_type="EMPTY")
        # Grey, and so passed over, while nothing runs.
        _keys.append((shown, shown.keymap_items.new(CancelLift.bl_idname, "ESC", "PRESS", head=True)))


def unregister() -> None:
    """Take the entries out, if they are there."""
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)
    while _keys:
        shown, key = _keys.pop()
        shown.keymap_items.remove(key)


def _draw_import(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    menu.layout.operator(LiftVideo.bl_idname, text="Video to Animation (MotionLift)")
    menu.layout.operator(ImportMotion.bl_idname, text="MotionLift Motion (.motion.npz)")


CLASSES = (DropVideo,)
