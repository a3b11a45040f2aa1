"""The bones of the armature that a lift goes onto: what was found, and the means to correct it."""

from __future__ import annotations

from typing import Any

import bpy

from ..bridge.correcting import doubled, is_finger, words_of
from ..bridge.humanoid import NEEDED
from ..bridge.match import NAMES
from ..core.jobs import MotionLiftError
from . import rig_map, targets
from .drawing import COLUMNS, SidebarPanel, draw_wrapped
from .panel_words import in_panel
from .rig_operators import PresetMenu

ROWS_SHOWN = 9
NAME_SHARE = 0.42


class BoneList(bpy.types.UIList):
    """Parts of the body and their bones"""

    bl_idname = "MOTIONLIFT_UL_bones"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
    ) -> None:
        """The part, and a field to search its bone in."""
        split = layout.split(factor=NAME_SHARE)
        split.alert = not item.bone and item.role in NEEDED
        split.label(text=item.words)
        split.prop_search(item, "bone", data.id_data.data, "bones", text="")

    def filter_items(self, context: bpy.types.Context, data: Any, name: str) -> tuple[list[int], list[int]]:
        """Fingers only where they are asked for; the list's own search finds parts and bones."""
        wanted = self.filter_name.lower()
        shown = []
        for row in getattr(data, name):
            listed = row.role and (data.fingers or not is_finger(row.role))
            matches = wanted in row.words.lower() or wanted in row.bone.lower()
            shown.append(self.bitflag_filter_item if listed and matches else 0)
        return shown, []


class BonesPanel(SidebarPanel, bpy.types.Panel):
    """Which bones play which part."""

    bl_idname = "MOTIONLIFT_PT_bones"
    bl_parent_id = "MOTIONLIFT_PT_lift"
    bl_label = "Bones"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender wants a set)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only for an armature that was there before."""
        return targets.armature_of(context.scene.motionlift.target, context.active_object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, figure = self.layout, context.active_object
        said = rig_map.properties_of(figure)
        row = layout.row(align=True)
        row.menu(PresetMenu.bl_idname, text=_title(figure))
        row.operator("motionlift.load_preset", text="", icon="FILE_FOLDER")
        row.operator("motionlift.save_preset", text="", icon="FILE_TICK")
        _draw_match(layout, figure)
        draw_wrong_presets(layout)
        row = layout.row(align=True)
        if said.said():
            row.operator("motionlift.forget_corrections")
        else:
            row.operator("motionlift.correct_bones")
        row.operator("motionlift.test_pose", depress=bool(said.test_pose))
        if said.said():
            if words := doubled(said.said()):
                draw_wrapped(layout.column(align=True), words, "ERROR", COLUMNS)
            layout.prop(said, "fingers")
            layout.template_list(BoneList.bl_idname, "", said, "rows", said, "row", rows=ROWS_SHOWN)


def draw_wrong_presets(layout: bpy.types.UILayout) -> None:
    """Warnings about files of the person's own that are left out."""
    for text in rig_map.presets().warnings():
        draw_wrapped(layout.column(align=True), in_panel(text), "ERROR", COLUMNS)


def _draw_match(layout: bpy.types.UILayout, figure: bpy.types.Object) -> None:
    """What is known of an armature's bones, and how surely."""
    column = layout.column(align=True)
    try:
        found = rig_map.match_of(figure)
    except MotionLiftError as error:
        draw_wrapped(column, error.message, "ERROR", COLUMNS)
        return
    said = rig_map.properties_of(figure)
    first, *others = words_of(found)
    if said.said():
        certain = "Corrected by hand"
    elif said.preset != rig_map.AUTO:
        certain = "Chosen by hand"
    else:
        certain = "Guessed from the bones' names" if found.family == NAMES else "Recognised"
    for line in (f"{certain}: {first}", *others):
        draw_wrapped(column, line, "NONE", COLUMNS)
    if found.others and not said.said():
        titles = ", ".join(rig_map.presets().known[family].title for family in found.others)
        draw_wrapped(column, f"Also fits: {titles}", "NONE", COLUMNS)


def _title(figure: bpy.types.Object) -> str:
    try:
        return rig_map.match_of(figure).title
    except MotionLiftError:
        return "Unknown"


CLASSES = (BoneList, BonesPanel)
