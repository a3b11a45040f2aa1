"""The extension's preferences: which Python has the video engine."""

from __future__ import annotations

from pathlib import Path

import bpy

ROOT_PACKAGE = __package__.rpartition(".")[0]
"""`motionlift`, or `bl_ext.<repository>.motionlift` where Blender installed it."""


class MotionLiftPreferences(bpy.types.AddonPreferences):
    """What belongs to the machine rather than to a file."""

    bl_idname = ROOT_PACKAGE

    engine_python: bpy.props.StringProperty(
        name="Video Engine's Python",
        description="The Python program of the environment in which MotionLift is installed with pip",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The panel in Edit > Preferences > Add-ons."""
        self.layout.prop(self, "engine_python")
        self.layout.operator("motionlift.check_engine")


def engine_python(context: bpy.types.Context) -> Path | None:
    """The video engine's Python as the preferences name it, or None where they do not."""
    addon = context.preferences.addons.get(ROOT_PACKAGE)
    if addon is None or not addon.preferences.engine_python:
        return None
    return Path(bpy.path.abspath(addon.preferences.engine_python))


class OpenPreferences(bpy.types.Operator):
    """Open the extension's preferences, where the video engine is set up"""

    bl_idname = "motionlift.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}  # noqa: RUF012 (Blender wants a set)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Blender's own window, on our entry."""
        shown: set[str] = bpy.ops.preferences.addon_show(module=ROOT_PACKAGE)
        return shown


CLASSES = (MotionLiftPreferences, OpenPreferences)
