"""The list of videos in the sidebar."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import batch
from .drawing import COLUMNS, SidebarPanel, draw_wrapped
from .lift_operators import lift_trouble
from .session import session

ICONS = {batch.WAITING: "FILE_MOVIE", batch.DONE: "CHECKMARK", batch.FAILED: "ERROR"}


class VideoList(bpy.types.UIList):
    """The videos, each with how it stands."""

    bl_idname = "MOTIONLIFT_UL_videos"

    def draw_item(
        self, context: bpy.types.Context, layout: bpy.types.UILayout, data: bpy.types.PropertyGroup,
        item: batch.BatchVideo, icon: int, active_data: bpy.types.PropertyGroup, active_property: str,
        index: int = 0, flag: int = 0,
    ) -> None:  # fmt: skip
        """Called by Blender for each."""
        queue = session().queue
        status = queue.status if queue is not None else None
        row = layout.row(align=True)
        at_work = status is not None and getattr(status.job.payload, "batch", "") == item.ident
        row.label(text=Path(item.path).name, icon="TIME" if at_work else ICONS[item.state])
        told = row.row()
        told.alignment = "RIGHT"
        if at_work and status is not None:
            told.label(text=status.stage_words)
        elif item.ident in batch.waiting():
            told.label(text="waits")


class BatchPanel(SidebarPanel, bpy.types.Panel):
    """Many videos, one after the other."""

    bl_idname = "MOTIONLIFT_PT_batch"
    bl_label = "Several Videos"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """What was dropped is seen while the panel is closed."""
        if count := len(context.scene.motionlift_batch.to_do()):
            self.layout.label(text=f"{count} to do")

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, listed = self.layout, context.scene.motionlift_batch
        row = layout.row()
        row.template_list(VideoList.bl_idname, "", listed, "videos", listed, "index", rows=4)
        column = row.column(align=True)
        column.operator("motionlift.batch_add", text="", icon="ADD")
        column.operator("motionlift.batch_add_folder", text="", icon="FILE_FOLDER")
        column.operator("motionlift.batch_remove", text="", icon="REMOVE")
        column.separator()
        column.operator("motionlift.batch_move", text="", icon="TRIA_UP").down = False
        column.operator("motionlift.batch_move", text="", icon="TRIA_DOWN").down = True
        if 0 <= listed.index < len(listed.videos) and (words := listed.videos[listed.index].words):
            failed = listed.videos[listed.index].state == batch.FAILED
            draw_wrapped(layout.box().column(align=True), words, "ERROR" if failed else "CHECKMARK", COLUMNS)
        if batch.waiting():
            layout.operator("motionlift.cancel_batch", icon="X")
        else:
            count = len(listed.to_do())
            text = f"Lift {count} Video{'s' * (count != 1)}" if count else "Lift All"
            layout.operator("motionlift.lift_batch", text=text, icon="ARMATURE_DATA")
        if listed.videos:
            layout.label(text=batch.summary(listed), icon="INFO")
            if context.scene.motionlift.turn is not None:
                words = f"All are turned by {context.scene.motionlift.turn}°, as chosen under Trim and Person"
                draw_wrapped(layout.column(align=True), words, "INFO", COLUMNS)
            if trouble := lift_trouble(context):
                draw_wrapped(layout.column(align=True), trouble, "INFO", COLUMNS)


CLASSES = (VideoList, BatchPanel)
