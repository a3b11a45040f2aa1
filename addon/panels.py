"""The MotionLift tab in the sidebar of the 3D view."""

from __future__ import annotations

import time

import bpy

from . import driver, targets
from .lift_operators import draw_wrapped, lift_trouble, video_trouble
from .properties import NUMBERED
from .session import session

COLUMNS = 36
"""Characters that fit into the sidebar at its usual width."""
WAITING_SHOWN = 5


class SidebarPanel:
    """Where our panels are."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLift"


class LiftPanel(SidebarPanel, bpy.types.Panel):
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


class VideoPanel(SidebarPanel, bpy.types.Panel):
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


class MotionPanel(SidebarPanel, bpy.types.Panel):
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
        draw_choices(layout, choices)
        layout.prop(choices, "hands")


class PlacingPanel(SidebarPanel, bpy.types.Panel):
    """How the take comes into the scene."""

    bl_idname = "MOTIONLIFT_PT_placing"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Action and Scene"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(choices, "scene_rate")
        layout.prop(choices, "scene_range")
        layout.prop(choices, "use_nla")
        layout.prop(choices, "use_fake_user")


def draw_choices(layout: bpy.types.UILayout, choices: bpy.types.PropertyGroup) -> None:
    """What can be chosen before a lift and after."""
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


CLASSES = (LiftPanel, VideoPanel, MotionPanel, PlacingPanel)
