"""The Blender extension: operators, menus, preferences. Imported by Blender only, when the extension is enabled."""

from __future__ import annotations

import bpy

from . import menus, operators, preferences

CLASSES = (preferences.MotionLiftPreferences, *operators.CLASSES)


def register() -> None:
    """Add everything to Blender. A second call in a row changes nothing."""
    for cls in CLASSES:
        if not cls.is_registered:
            bpy.utils.register_class(cls)
    menus.register()


def unregister() -> None:
    """Take everything out of Blender again. A second call in a row changes nothing."""
    menus.unregister()
    for cls in reversed(CLASSES):
        if cls.is_registered:
            bpy.utils.unregister_class(cls)
