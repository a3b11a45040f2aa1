"""Importing a lifted motion from its file."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ..bridge.blender.armature import add_figure, take_name
from ..core.jobs import MotionLiftError
from ..core.motion import SUFFIX, Motion
from .polls import SaysWhy


class ImportMotion(SaysWhy, ImportHelper):
    """Add an armature that moves as a lifted motion does"""

    bl_idname = "motionlift.import_motion"
    bl_label = "Import Motion"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    filename_ext = SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """New objects cannot be made in another mode."""
        return "" if context.mode == "OBJECT" else "Switch to Object Mode first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the figure of the chosen file and say what it is."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            motion = Motion.load(path)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        figure = add_figure(context, motion, take_name(path))
        start, end = figure.animation_data.action.frame_range
        self.report({"INFO"}, _summary(context.scene, motion, figure.name, int(end - start) + 1, int(end)))
        return {"FINISHED"}


def _summary(scene: bpy.types.Scene, motion: Motion, name: str, frames: int, end: int) -> str:
    """What was imported, and what an animator should know about the scene, which is left as it is."""
    text = f"{name}: {frames} frames on {len(motion.joint_names)} bones"
    rate = scene.render.fps / scene.render.fps_base
    if abs(rate / motion.fps - 1) > 1e-3:
        text += f". Clip {motion.fps:.5g}, scene {rate:.5g} frames a second"
    if end > scene.frame_end:
        text += f". The scene ends at {scene.frame_end}, the motion at {end}"
    return text


CLASSES = (ImportMotion,)
