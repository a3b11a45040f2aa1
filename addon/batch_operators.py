"""Filling the list of videos, and lifting it."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ..core.jobs import MotionLiftError
from . import batch, driver
from .file_names import file_named
from .lift_jobs import Job
from .lift_operators import lift_trouble, start_lift
from .session import session
from .takes import VIDEO_SUFFIXES


class AddVideos(bpy.types.Operator, ImportHelper):
    """Add videos to the list"""

    bl_idname = "motionlift.batch_add"
    bl_label = "Add Videos"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    filename_ext = ""
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES), options={"HIDDEN"}
    )
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """`files` in `directory`, or `filepath` alone."""
        names = [element.name for element in self.files if element.name]
        paths = [Path(self.directory) / name for name in names] or [Path(bpy.path.abspath(self.filepath))]
        unknown = [path.name for path in paths if path.suffix.lower() not in VIDEO_SUFFIXES]
        if unknown:
            self.report({"ERROR"}, f"No video that we know: {', '.join(unknown)}")
            return {"CANCELLED"}
        return _added(self, context, paths)


class AddFolder(bpy.types.Operator):
    """Add all videos of a folder to the list"""

    bl_idname = "motionlift.batch_add_folder"
    bl_label = "Add Folder"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    directory: bpy.props.StringProperty(
        name="Folder", description="The folder with the videos", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Have it chosen."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """By name."""
        try:
            paths = batch.videos_in(Path(bpy.path.abspath(self.directory)))
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return _added(self, context, paths)


class _HasVideos(bpy.types.Operator):
    """For operators that need a list."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where it is empty."""
        if not context.scene.motionlift_batch.videos:
            cls.poll_message_set("Add videos first")
            return False
        return True


class RemoveVideo(_HasVideos):
    """Take the chosen video out of the list. Its Action stays"""

    bl_idname = "motionlift.batch_remove"
    bl_label = "Remove Video"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    everything: bpy.props.BoolProperty(name="All", description="Empty the list", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """A lift of it that waits or runs is stopped."""
        listed = context.scene.motionlift_batch
        for index in range(len(listed.videos) - 1, -1, -1) if self.everything else [listed.index]:
            if 0 <= index < len(listed.videos):
                _cancel({listed.videos[index].ident})
                listed.videos.remove(index)
        listed.index = min(listed.index, max(len(listed.videos) - 1, 0))
        return {"FINISHED"}


class MoveVideo(_HasVideos):
    """Move the chosen video in the list"""

    bl_idname = "motionlift.batch_move"
    bl_label = "Move Video"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    down: bpy.props.BoolProperty(name="Down", description="Towards the end of the list", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """By one place; those at the ends stay."""
        listed = context.scene.motionlift_batch
        goal = listed.index + (1 if self.down else -1)
        if not 0 <= goal < len(listed.videos):
            return {"CANCELLED"}
        listed.videos.move(listed.index, goal)
        listed.index = goal
        return {"FINISHED"}


class LiftBatch(_HasVideos):
    """Lift every video of the list that is not lifted yet, one Action each. One that fails is told and left out"""

    bl_idname = "motionlift.lift_batch"
    bl_label = "Lift All"

    wait: bpy.props.BoolProperty(
        name="Wait", description="Come back when all is done, for scripts", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey with an empty or finished list, and as a single lift."""
        if not super().poll(context):
            return False
        if not context.scene.motionlift_batch.to_do():
            cls.poll_message_set("Everything is lifted: remove a video and add it again to lift it anew")
            return False
        if trouble := lift_trouble(context):
            cls.poll_message_set(trouble)
        return not trouble

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue what is to do; with `wait`, and in the background always, be back when all is done."""
        listed, busy = context.scene.motionlift_batch, batch.waiting()
        for video in listed.to_do():
            if video.ident in busy:
                continue
            video.state, video.words = batch.WAITING, ""
            try:
                path = file_named(video.path)
                if not path.is_file():
                    raise MotionLiftError("no_file", f"There is no file {path.name}.", "Check the name.")
                start_lift(context, path, video.ident)
            except MotionLiftError as error:
                video.state, video.words = batch.FAILED, str(error)
        session().tell("")
        try:
            if self.wait or bpy.app.background:
                driver.run_to_end(context)
            else:
                driver.follow()
                return {"FINISHED"}
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        failed = any(video.state == batch.FAILED for video in listed.videos)
        self.report({"WARNING" if failed else "INFO"}, batch.summary(listed))
        return {"FINISHED"}


class CancelBatch(bpy.types.Operator):
    """Stop lifting the list. What is lifted stays"""

    bl_idname = "motionlift.cancel_batch"
    bl_label = "Cancel All"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where nothing of it waits or runs."""
        if not batch.waiting():
            cls.poll_message_set("Nothing of the list is being lifted")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Everything of every list."""
        _cancel(batch.waiting())
        driver.show_progress(context, session())
        return {"FINISHED"}


def _added(operator: bpy.types.Operator, context: bpy.types.Context, paths: list[Path]) -> set[str]:
    count = context.scene.motionlift_batch.add(paths)
    known = len(paths) - count
    operator.report({"INFO"}, f"Added {count} video{'s' * (count != 1)}" + (f", {known} known already" * bool(known)))
    return {"FINISHED"} if count else {"CANCELLED"}


def _cancel(idents: set[str]) -> None:
    def is_of_them(job: Job) -> bool:
        return getattr(job.payload, "batch", "") in idents - {""}

    state = session()
    state.drop(lambda finished: is_of_them(finished.job))
    if state.queue is not None:
        for job in filter(is_of_them, state.queue.jobs):
            state.queue.cancel(job)


CLASSES = (AddVideos, AddFolder, RemoveVideo, MoveVideo, LiftBatch, CancelBatch)
