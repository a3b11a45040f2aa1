"""The MotionLift tab in the sidebar of the 3D view."""

from __future__ import annotations

import time

import bpy

from . import driver, results, targets
from .lift_operators import draw_wrapped, lift_trouble, video_trouble
from .properties import NUMBERED
from .session import session

COLUMNS = 36
"""Characters that fit into the sidebar at its usual width."""
WAITING_SHOWN = 5


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLift"


class LiftPanel(_Panel, bpy.types.Panel):
    """What is lifted, onto what, and the button."""

    bl_idname = "MOTIONLIFT_PT_lift"
    bl_label = "MotionLift"

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(choices, "video", text="", icon="FILE_MOVIE")
        layout.prop(choices, "target")
        if trouble := targets.target_trouble(choices.target, context.active_object):
            draw_wrapped(layout.column(align=True), trouble, "INFO", COLUMNS)
        row = layout.row()
        row.scale_y = 1.8
        row.operator("motionlift.lift_chosen_video", icon="ARMATURE_DATA")
        if trouble := lift_trouble(context) or video_trouble(choices.video):
            draw_wrapped(layout.column(align=True), trouble, "INFO", COLUMNS)
        if "preferences" in trouble:
            layout.operator("motionlift.open_preferences", icon="PREFERENCES")
        _draw_progress(layout)


class VideoPanel(_Panel, bpy.types.Panel):
    """Which part of the video, and who in it."""

    bl_idname = "MOTIONLIFT_PT_video"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Video and Person"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(choices, "use_trim")
        column = layout.column(align=True)
        column.active = choices.use_trim
        column.prop(choices, "trim_start")
        column.prop(choices, "trim_end")
        layout.prop(choices, "person")
        if choices.person == NUMBERED:
            layout.prop(choices, "person_number")
        row = layout.row(heading="Known Height")
        row.prop(choices, "use_height", text="")
        value = row.row()
        value.active = choices.use_height
        value.prop(choices, "height", text="")


class MotionPanel(_Panel, bpy.types.Panel):
    """How the motion is solved."""

    bl_idname = "MOTIONLIFT_PT_motion"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        layout.use_property_split = True
        layout.use_property_decorate = False
        _draw_choices(layout, choices)
        layout.prop(choices, "hands")


class TakePanel(_Panel, bpy.types.Panel):
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


class CleanUpPanel(_Panel, bpy.types.Panel):
    """Solving the take again."""

    bl_idname = "MOTIONLIFT_PT_clean_up"
    bl_parent_id = "MOTIONLIFT_PT_take"
    bl_label = "Clean-up"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, action = self.layout, results.required_action(context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        _draw_choices(layout, action.motionlift)
        if action.motionlift.differs and not session().busy:
            layout.operator("motionlift.clean_up")
            layout.operator("motionlift.clean_up", text="Apply to a New Action").new_action = True


def _draw_choices(layout: bpy.types.UILayout, choices: bpy.types.PropertyGroup) -> None:
    layout.prop(choices, "smoothing", slider=True)
    layout.prop(choices, "foot_lock")
    layout.prop(choices, "floor")
    layout.prop(choices, "travel")


def _draw_progress(layout: bpy.types.UILayout) -> None:
    state = session()
    status = state.queue.status if state.queue else None
    if words := driver.progress_words(state):
        box = layout.box().column()
        if status is None:
            draw_wrapped(box.column(align=True), words, "INFO", COLUMNS)
        else:
            row = box.row()
            row.label(text=status.job.name, icon="TIME")
            left = row.row()
            left.alignment = "RIGHT"
            left.label(text=status.time_words(time.monotonic()))
            box.progress(factor=status.fraction, text=status.stage_words)
        box.operator("motionlift.cancel_lift", icon="X").number = 0
        for job in state.queue.waiting[:WAITING_SHOWN] if state.queue else ():
            row = box.row()
            row.label(text=f"{job.name} waits", icon="BLANK1")
            row.operator("motionlift.cancel_lift", text="", icon="X").number = job.number
    elif state.error is not None:
        box = layout.box().column(align=True)
        draw_wrapped(box, state.error.message, "ERROR", COLUMNS)
        row = layout.row(align=True)
        row.operator("motionlift.show_error", text="Details")
        row.operator("motionlift.copy_log")
    elif state.message:
        draw_wrapped(layout.box().column(align=True), state.message, "CHECKMARK", COLUMNS)


CLASSES = (LiftPanel, VideoPanel, MotionPanel, TakePanel, CleanUpPanel)
