"""Looking at a lifted Action: its weak places, its report; and its take's files: found again, or cleared away."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ..bridge.blender.scene import marks, remove_marks
from ..core.jobs import MotionLiftError
from ..core.motion import SUFFIX, Motion
from . import results, take_files
from .drawing import POPUP_WIDTH, draw_wrapped

NO_TAKE = "Select an armature with a lifted Action"
MOST_LISTED = 12


class ShowsTake(bpy.types.Operator):
    """For operators on the active object's Action; Blender never gets to know this one."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where the active object shows no take."""
        if results.shown_action(context) is None:
            cls.poll_message_set(NO_TAKE)
            return False
        return True


class CheckNext(ShowsTake):
    """Go to the next place where the motion is doubtful"""

    bl_idname = "motionlift.check_next"
    bl_label = "Check These"

    backwards: bpy.props.BoolProperty(
        name="Backwards", description="Go to the place before", options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where there is nothing to check."""
        return super().poll(context) and _has_places(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the scene's frame, round and round, and say what is there."""
        places, scene = results.shown_places(context), context.scene
        if self.backwards:
            found = next((p for p in reversed(places) if p.start < scene.frame_current), places[-1])
        else:
            found = next((p for p in places if p.start > scene.frame_current), places[0])
        scene.frame_set(found.start)
        self.report({"INFO"}, _place_words(found))
        return {"FINISHED"}


class MarkPlaces(ShowsTake):
    """Mark the places to check in the timeline, or take the marks away"""

    bl_idname = "motionlift.mark_places"
    bl_label = "Markers"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where there is nothing to mark."""
        return super().poll(context) and _has_places(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Those of the active object's take, in place of another's."""
        if marks(context.scene):
            remove_marks(context.scene)
        else:
            results.mark(context.scene, [results.required_action(context)])
        return {"FINISHED"}


class ShowReport(ShowsTake):
    """Say how good this take is and what would make it better"""

    bl_idname = "motionlift.show_report"
    bl_label = "Take Report"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the pop-up."""
        opened: set[str] = context.window_manager.invoke_popup(self, width=POPUP_WIDTH)
        return opened

    def execute(self, context: bpy.types.Context) -> set[str]:
        """For scripts: report it as text."""
        self.report({"INFO"}, "\n".join(report_lines(context)))
        return {"FINISHED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The report's lines."""
        action = results.shown_action(context)
        if action is None:
            return
        self.layout.label(text=action.name, icon="ACTION")
        column = self.layout.column(align=True)
        for line in report_lines(context):
            draw_wrapped(column, line)


class LocateTake(ShowsTake, ImportHelper):
    """Say where this take's file is now, where it is not beside the .blend any more"""

    bl_idname = "motionlift.locate_take"
    bl_label = "Locate Take"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    filename_ext = SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take the file in, if it is one of ours; its folder is copied beside the .blend."""
        try:
            path = Path(bpy.path.abspath(self.filepath))
            Motion.load(path)
            take_files.adopt(results.required_action(context), path)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{path.name} is the take of {results.required_action(context).name}")
        return {"FINISHED"}


class PruneTakes(bpy.types.Operator):
    """Delete the files of takes that no Action in this file shows any more. They are listed first"""

    bl_idname = "motionlift.prune_takes"
    bl_label = "Delete Unused Takes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey until the file has a place: before, takes lie where every file's do."""
        if not bpy.data.filepath:
            cls.poll_message_set("Save the file first: its takes lie beside it")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask, with the list."""
        if not take_files.unused():
            self.report({"INFO"}, "No unused takes")
            return {"CANCELLED"}
        asked: set[str] = context.window_manager.invoke_props_dialog(self, width=POPUP_WIDTH)
        return asked

    def draw(self, context: bpy.types.Context) -> None:
        """What would be deleted."""
        found = take_files.unused()
        column = self.layout.column(align=True)
        size = sum(path.stat().st_size for path in found) / 1e6
        column.label(text=f"Delete {len(found)} files ({size:.1f} MB) for good?", icon="TRASH")
        for path in found[:MOST_LISTED]:
            column.label(text=f"{path.parent.name}/{path.name}", icon="BLANK1")
        if len(found) > MOST_LISTED:
            column.label(text=f"and {len(found) - MOST_LISTED} more", icon="BLANK1")
        if others := take_files.other_blends():
            draw_wrapped(column, f"They may belong to {', '.join(others)} in the same folder.", "ERROR")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete them. Scripts do without being asked: they asked for it."""
        try:
            count, size = take_files.prune()
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Deleted {count} files, {size / 1e6:.1f} MB")
        return {"FINISHED"}


def report_lines(context: bpy.types.Context) -> list[str]:
    """The report of the active object's take in a few lines."""
    properties = results.required_action(context).motionlift
    lines = [properties.headline, *properties.notes.splitlines(), *map(_place_words, results.shown_places(context))]
    return [line for line in lines if line]


def _place_words(place: results.ScenePlace) -> str:
    return f"Frames {place.start} to {place.end}: {place.words}"


def _has_places(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if results.shown_places(context):
        return True
    cls.poll_message_set("Nothing to check")
    return False


CLASSES = (CheckNext, MarkPlaces, ShowReport, LocateTake, PruneTakes)
