"""Where the operators stand in Blender's menus."""

from __future__ import annotations

import bpy

from .operators import ImportMotion


def register() -> None:
    """Add the entries; those of an earlier call are replaced."""
    unregister()
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)


def unregister() -> None:
    """Take the entries out, if they are there."""
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)


def _draw_import(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    menu.layout.operator(ImportMotion.bl_idname, text="MotionLift Motion (.motion.npz)")
