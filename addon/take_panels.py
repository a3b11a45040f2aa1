"""What the sidebar shows of the active object's take: its places to check, clean-up, contacts, and ways out."""

from __future__ import annotations

import bpy

from ..bridge.blender import contacts
from ..bridge.blender.scene import marks
from ..bridge.blender.strip_time import timing
from . import clean_up, edited, results, take_files
from .contact_operators import shown_points
from .drawing import COLUMNS, SidebarPanel, draw_adjust_choices, draw_solve_choices, draw_wrapped, split_properties
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
        clean_up.take_shown()
        layout, action = self.layout, results.required_action(context)
        row = layout.row()
        row.label(text=action.name, icon="ACTION")
        row.operator("motionlift.show_report", text="", icon="TEXT")
        places = results.shown_places(context)
        row = layout.row(align=True)
        row.operator("motionlift.check_next", text="", icon="TRIA_LEFT").backwards = True
        row.operator("motionlift.check_next", text=f"Check These: {len(places)}" if places else "Nothing to Check")
        row.operator("motionlift.check_next", text="", icon="TRIA_RIGHT")
        row.operator("motionlift.mark_places", text="", icon="MARKER_HLT", depress=bool(marks(context.scene)))
        now = context.scene.frame_current
        for place in places:
            if place.start <= now <= place.end:
                draw_wrapped(layout.column(align=True), place.words, "ERROR", COLUMNS)
        if rates := results.other_rate(context, action):
            draw_wrapped(layout.column(align=True), rates, "INFO", COLUMNS)
            layout.operator("motionlift.use_clip_rate")
        _draw_camera(layout)
        row = layout.row(align=True)
        for kind in ("bvh", "fbx", "glb"):
            row.operator(f"motionlift.export_{kind}", text=kind.upper(), icon="EXPORT")
        if take_files.missing(action):
            words = "The take's file is missing, so it cannot be cleaned up"
            draw_wrapped(layout.column(align=True), words, "ERROR", COLUMNS)
            layout.operator("motionlift.locate_take", icon="FILE_FOLDER")


def _draw_camera(layout: bpy.types.UILayout) -> None:
    filming = session().filming
    if filming is None:
        layout.operator("motionlift.add_camera", icon="CAMERA_DATA")
        return
    row = layout.row(align=True)
    row.progress(factor=filming.fraction, text=filming.words)
    row.operator("motionlift.cancel_footage", text="", icon="X")


class CleanUpPanel(SidebarPanel, bpy.types.Panel):
    """Solving the take again."""

    bl_idname = "MOTIONLIFT_PT_clean_up"
    bl_parent_id = "MOTIONLIFT_PT_take"
    bl_label = "Clean-up"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender. Whoever opens this means to use it: the engine gets ready."""
        layout, action = self.layout, results.required_action(context)
        split_properties(layout)
        draw_solve_choices(layout, action.motionlift)
        draw_adjust_choices(layout, action.motionlift)
        clean_up.get_ready_soon()
        if not action.motionlift.differs or session().busy:
            return
        if edited.known(action):
            draw_wrapped(layout.column(align=True), "You have edited this Action by hand", "INFO", COLUMNS)
            layout.operator("motionlift.keep_edits", icon="ACTION_TWEAK")
        else:
            layout.operator("motionlift.clean_up")
        row = layout.row(align=True)
        row.operator("motionlift.clean_up", text="To a New Action").new_action = True
        row.operator("motionlift.reset_choices", icon="LOOP_BACK")


class ContactsPanel(SidebarPanel, bpy.types.Panel):
    """Where feet stand, point by point."""

    bl_idname = "MOTIONLIFT_PT_contacts"
    bl_parent_id = "MOTIONLIFT_PT_take"
    bl_label = "Contacts"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, points = self.layout, shown_points(context)
        if not points:
            layout.operator("motionlift.show_contacts", icon="KEYFRAME_HLT")
            return
        action = results.required_action(context)
        figure, frame = results.animated_by(context, action), context.scene.frame_current
        assert figure is not None
        layout.label(text=f"At frame {frame}:")
        grid = layout.grid_flow(columns=2, row_major=True, even_columns=True, align=True)
        for point in sorted(points, key=_order):
            holds = contacts.holds_at(figure, point, timing(figure, action, frame).to_action(frame), action)
            name = contacts.words(point).title()
            icon = "PINNED" if holds else "UNPINNED"
            grid.operator("motionlift.toggle_contact", text=name, icon=icon, depress=holds).point = point
        layout.operator("motionlift.apply_contacts", icon="CON_FLOOR")
        row = layout.row(align=True)
        row.operator("motionlift.show_contacts", text="As Lifted", icon="LOOP_BACK")
        row.operator("motionlift.remove_contacts", text="Remove", icon="X")


def _order(point: str) -> tuple[bool, str, bool]:
    """Feet first, what is left beside what is right, heels before toes."""
    part = point.partition("_")[2]
    return (point not in contacts.FEET, part, point.startswith("right"))


class FilesPanel(SidebarPanel, bpy.types.Panel):
    """The files that takes are kept in."""

    bl_idname = "MOTIONLIFT_PT_files"
    bl_parent_id = "MOTIONLIFT_PT_take"
    bl_label = "Files"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, action = self.layout, results.required_action(context)
        column = layout.column(align=True)
        draw_wrapped(column, results.take_words(action), "FILE", COLUMNS)
        layout.operator("motionlift.locate_take", icon="FILE_FOLDER")
        layout.operator("motionlift.prune_takes", icon="TRASH")
        layout.operator("motionlift.copy_log", icon="COPYDOWN")


CLASSES = (TakePanel, CleanUpPanel, ContactsPanel, FilesPanel)
