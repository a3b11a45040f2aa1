"""The part of the MotionLift tab about the next lift: the video, the target, the choices and the button."""

from __future__ import annotations

import time

import bpy

from . import driver, people, targets, video_look
from .drawing import (
    COLUMNS,
    SidebarPanel,
    draw_solve_choices,
    draw_switched,
    draw_wrapped,
    split_properties,
)
from .holding import held_words, hold_words
from .lift_operators import lift_trouble
from .people import NUMBERED
from .people_operators import found_in
from .properties import LiftProperties
from .rig_panel import draw_wrong_presets
from .session import session
from .targets import armature_of
from .video_look import Look

PICTURE_SCALE = 5.0
PICTURE_SHARE = 0.46
WAITING_SHOWN = 5


class LiftPanel(SidebarPanel, bpy.types.Panel):
    """What is lifted, onto what, and the button."""

    bl_idname = "MOTIONLIFT_PT_lift"
    bl_label = "MotionLift"

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        split_properties(layout)
        layout.prop(choices, "video", text="", icon="FILE_MOVIE")
        if choices.video:
            look = video_look.of(context, choices.video, choices.turn)
            if session().looking:
                driver.follow()
            _draw_video(layout, choices, look)
        layout.prop(choices, "target")
        if trouble := targets.target_trouble(choices.target, context.active_object):
            draw_wrapped(layout.column(align=True), trouble, "INFO", COLUMNS)
        else:
            words = targets.target_words(choices.target, context.active_object)
            draw_wrapped(layout.column(align=True), words, "NONE", COLUMNS)
        if armature_of(choices.target, context.active_object) is not None:
            draw_wrong_presets(layout)
        row = layout.row()
        row.scale_y = 1.8
        row.operator("motionlift.lift_chosen_video", icon="ARMATURE_DATA")
        trouble = lift_trouble(context) or choices.video_trouble()
        if trouble:
            draw_wrapped(layout.column(align=True), trouble, "INFO", COLUMNS)
        if "preferences" in trouble:
            layout.operator("motionlift.open_preferences", icon="PREFERENCES")
        _draw_progress(layout)


class VideoPanel(SidebarPanel, bpy.types.Panel):
    """Which part of the video, and who in it."""

    bl_idname = "MOTIONLIFT_PT_video"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Trim and Person"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        split_properties(layout)
        layout.prop(choices, "use_trim")
        column = layout.column(align=True)
        column.active = choices.use_trim
        column.prop(choices, "trim_start_text")
        column.prop(choices, "trim_end_text")
        layout.prop(choices, "rotate")
        layout.prop(choices, "person")
        if choices.person == NUMBERED:
            layout.prop(choices, "person_number")
        layout.operator("motionlift.find_people", icon="VIEWZOOM")
        _draw_people(layout, choices)
        draw_switched(layout, choices, "Known Height", "use_height", "height_shown")
        draw_switched(layout, choices, "Field of View", "use_fov", "fov")


class MotionPanel(SidebarPanel, bpy.types.Panel):
    """How the motion is solved."""

    bl_idname = "MOTIONLIFT_PT_motion"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, choices = self.layout, context.scene.motionlift
        split_properties(layout)
        draw_solve_choices(layout, choices)
        layout.prop(choices, "hands")
        if armature_of(choices.target, context.active_object) is not None:
            layout.separator()
            layout.label(text="On the Rig", icon="ARMATURE_DATA")
            for name in ("rig_hands", "rig_limbs", "rig_travel", "rig_scale", "rig_place"):
                layout.prop(choices, name)


def _draw_video(layout: bpy.types.UILayout, choices: LiftProperties, look: Look) -> None:
    """A picture of the video, what it is, and what is left of it."""
    if look.facts is None:
        if look.looking:
            layout.label(text="Looking at the video", icon="TIME")
        elif look.failed:
            draw_wrapped(layout.column(align=True), look.failed, "ERROR", COLUMNS)
        return
    split = layout.split(factor=PICTURE_SHARE)
    if look.icon:
        split.template_icon(icon_value=look.icon, scale=PICTURE_SCALE)
    column = split.column(align=True)
    column.scale_y = 0.85
    # In the middle, beside a picture that is wider than high.
    column.separator(factor=2.0)
    for line in look.facts.lines():
        column.label(text=line)
    if choices.use_trim and not choices.trim_trouble():
        column.label(text=look.facts.left(choices.trim_start, choices.trim_end))
    for warning in look.facts.warnings():
        draw_wrapped(layout.column(align=True), warning, "ERROR", COLUMNS)


def _draw_people(layout: bpy.types.UILayout, choices: LiftProperties) -> None:
    """A picture of each person to choose by."""
    crowd = found_in(choices)
    if crowd is None:
        if choices.person == NUMBERED:
            words = "Find People shows who has which number in this part of the video"
            draw_wrapped(layout.column(align=True), words, "INFO", COLUMNS)
        return
    grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    for person in crowd:
        box = grid.box().column(align=True)
        if person.icon:
            box.template_icon(icon_value=person.icon, scale=PICTURE_SCALE)
        chosen = people.is_chosen(person, choices.person, choices.person_number)
        button = box.operator("motionlift.choose_person", text=f"Person {person.number}", depress=chosen)
        button.number = person.number
        for line in filter(None, person.lines):
            draw_wrapped(box, line, "NONE", COLUMNS // 2)


def _draw_progress(layout: bpy.types.UILayout) -> None:
    state = session()
    status, ended = state.queue.status if state.queue else None, state.ended
    if words := driver.progress_words(state):
        box = layout.box().column()
        if status is None:
            draw_wrapped(box.column(align=True), words, "INFO", COLUMNS)
            number = ended.pop(0).job.number if ended else 0
        else:
            number = status.job.number
            row = box.row()
            row.label(text=status.job.name, icon="TIME")
            left = row.row()
            left.alignment = "RIGHT"
            left.label(text=status.time_words(time.monotonic()))
            box.progress(factor=status.fraction, text=status.stage_words)
        box.operator("motionlift.cancel_lift", icon="X").number = number
        # A clean-up that nothing keeps is there at once.
        held = [finished for finished in ended if finished.job.op == "lift" or hold_words(bpy.context, finished)]
        for finished in held[:WAITING_SHOWN]:
            row = box.row()
            words = held_words(bpy.context, finished)
            draw_wrapped(row.column(align=True), words, "CHECKMARK", COLUMNS)
            row.operator("motionlift.cancel_lift", text="", icon="X").number = finished.job.number
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


CLASSES = (LiftPanel, VideoPanel, MotionPanel)
