"""The part of the MotionLift tab about the lifted Action of the active object."""

from __future__ import annotations

import bpy

from . import results
from .drawing import COLUMNS, SidebarPanel, draw_solve_choices, draw_wrapped, split_properties
from .session import session


class TakePanel(SidebarPanel, bpy.types.Panel):
    """The lifted Action of the active object."""

    bl_idname = "MOTIONLIFT_PT_take"
    bl_label = "Take"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is one."""
        return results.shown_action(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, action = self.layout, results.required_action(context)
        layout.label(text=action.name, icon="ACTION")
        places = action.motionlift.places
        row = layout.row(align=True)
        row.operator("motionlift.check_next", text="", icon="TRIA_LEFT").backwards = True
        row.operator("motionlift.check_next", text=f"Check These: {len(places)}" if places else "Nothing to Check")
        row.operator("motionlift.check_next", text="", icon="TRIA_RIGHT")
        now = context.scene.frame_current
        for place in places:
            if round(place.start) <= now <= round(place.end):
                draw_wrapped(layout.column(align=True), place.words, "ERROR", COLUMNS)
        if rates := results.other_rate(context, action):
            draw_wrapped(layout.column(align=True), rates, "INFO", COLUMNS)
            layout.operator("motionlift.use_clip_rate")
        row = layout.row(align=True)
        row.operator("motionlift.show_report", icon="TEXT")
        row.operator("motionlift.export_bvh", icon="EXPORT")


class CleanUpPanel(SidebarPanel, bpy.types.Panel):
    """Solving the take again."""

    bl_idname = "MOTIONLIFT_PT_clean_up"
    bl_parent_id = "MOTIONLIFT_PT_take"
    bl_label = "Clean-up"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, action = self.layout, results.required_action(context)
        split_properties(layout)
        draw_solve_choices(layout, action.motionlift)
        if action.motionlift.differs and not session().busy:
            layout.operator("motionlift.clean_up")
            layout.operator("motionlift.clean_up", text="Apply to a New Action").new_action = True


CLASSES = (TakePanel, CleanUpPanel)
