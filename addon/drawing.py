"""What the panels of the sidebar and the pop-ups share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import blf
import bpy

from .panel_words import wrapped

COLUMNS = 36
"""Characters that fit into the sidebar at its usual width, where nobody can say how wide it is."""
MARGINS = 68
ICON = 20
"""What tabs, panel and box, and an icon before the text, take of the sidebar's width, at a resolution scale of 1."""
FONT = 0
POPUP_WIDTH = 520
POPUP_COLUMNS = 82


class SidebarPanel:
    """A panel of our tab in the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLift"


def draw_wrapped(layout: bpy.types.UILayout, text: str, icon: str = "NONE", columns: int = POPUP_COLUMNS) -> None:
    """Labels do not wrap by themselves, and lose what does not fit. In the sidebar, for which `columns` is `COLUMNS`,
    lines are as long as it is wide."""
    for line in text.splitlines():
        for part in _lines(line, icon, columns):
            layout.label(text=part, icon=icon)
            icon = "BLANK1" if icon not in ("NONE", "BLANK1") else icon


def _lines(line: str, icon: str, columns: int) -> Iterator[str]:
    region, preferences = bpy.context.region, bpy.context.preferences
    if columns != COLUMNS or region is None or region.type != "UI":
        yield from textwrap.wrap(line, columns) or [""]
        return
    scale = preferences.system.ui_scale
    room = region.width - (MARGINS + (0 if icon == "NONE" else ICON)) * scale
    blf.size(FONT, preferences.ui_styles[0].widget.points * scale)
    yield from wrapped(line, lambda text: blf.dimensions(FONT, text)[0] <= room)


def split_properties(layout: bpy.types.UILayout) -> None:
    """Names to the left, values to the right, no dots for keyframes."""
    layout.use_property_split = True
    layout.use_property_decorate = False


def draw_solve_choices(layout: bpy.types.UILayout, choices: bpy.types.PropertyGroup) -> None:
    """What can be chosen before a lift and again after it."""
    layout.prop(choices, "smoothing", slider=True)
    layout.prop(choices, "foot_lock")
    layout.prop(choices, "floor")
    layout.prop(choices, "travel")


def draw_adjust_choices(layout: bpy.types.UILayout, choices: bpy.types.PropertyGroup) -> None:
    """What can be set right about a take that is there."""
    column = layout.column(align=True)
    for name in ("floor_height", "tilt_forward", "tilt_sideways"):
        column.prop(choices, name)
    layout.prop(choices, "scale")


def draw_switched(
    layout: bpy.types.UILayout, choices: bpy.types.PropertyGroup, heading: str, switch: str, value: str
) -> None:
    """A value that counts only where its switch is on."""
    row = layout.row(heading=heading)
    row.prop(choices, switch, text="")
    shown = row.row()
    shown.active = getattr(choices, switch)
    shown.prop(choices, value, text="")
