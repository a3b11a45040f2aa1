"""What the sidebar asks about the scene around a take."""

from __future__ import annotations

import bpy

from .drawing import SidebarPanel, split_properties


class PlacingPanel(SidebarPanel, bpy.types.Panel):
    """How the take comes into the scene."""

    bl_idname = "MOTIONLIFT_PT_placing"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Action and Scene"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender wants a set)

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        split_properties(layout)
        layout.prop(choices, "scene_rate")
        layout.prop(choices, "scene_range")
        layout.prop(choices, "use_nla")
        layout.prop(choices, "use_fake_user")
        layout.prop(choices, "use_markers")


CLASSES = (PlacingPanel,)
