"""Choosing a video, lifting it, stopping that, and what is told about it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ..bridge.blender.modes import LEFT_AND_ENTERED
from ..core.jobs import MotionLiftError
from . import driver, results, targets, video_look
from .drawing import POPUP_WIDTH, draw_wrapped
from .engine import NO_ENGINE, engine_queue
from .file_names import file_named, kept_name
from .lift_jobs import Job
from .polls import SaysWhy
from .preferences import engine_python
from .session import session
from .takes import VIDEO_SUFFIXES, new_take

TAB_SECONDS = 0.1
TAB_TRIES = 20
"""How often, and how many times, our tab is looked for in a sidebar that is being opened."""


def lift_trouble(context: bpy.types.Context) -> str:
    """Why nothing can be lifted now, whatever the video; empty where it can."""
    if engine_python(context) is None:
        return NO_ENGINE
    if context.mode not in LEFT_AND_ENTERED:
        return "Switch to Object Mode first"
    return targets.target_trouble(context.scene.motionlift.target, context.active_object)


def start_lift(context: bpy.types.Context, video: Path, batch: str = "") -> Job:
    """Queue the lift of a video with the scene's choices. Raises `MotionLiftError`.

    `batch`: its place in a list of videos, which are lifted whole.
    """
    choices = context.scene.motionlift
    settings = choices.settings()
    if batch:
        settings = dataclasses.replace(settings, start=None, end=None)
    queue = engine_queue(context)
    taken = {*bpy.data.objects.keys(), *bpy.data.armatures.keys(), *bpy.data.actions.keys()}
    taken |= {job.output.parent.name for job in session().jobs}
    output = new_take(video, results.folders(), taken)
    active = context.active_object
    # One of many does not change the rate under those before it.
    placing = dataclasses.replace(choices.placing(), rate="KEEP") if batch else choices.placing()
    kind = targets.resolved(choices.target, active)
    options = targets.options_for(kind, choices.rig_options(choices.foot_lock))
    name, uid = (active.name, active.session_uid) if active else ("", 0)
    plan = results.LiftPlan(kind, name, options, placing, batch, context.scene.session_uid, uid)
    rate = placing.sampling(results.scene_rate(context.scene))
    job = Job("lift", output.parent.name, video, output, settings, rate, plan)
    queue.add(job)
    return job


class LiftVideo(SaysWhy, ImportHelper):
    """Turn a video of a person into animation on an armature. Blender stays usable while it runs"""

    bl_idname = "motionlift.lift_video"
    bl_label = "Video to Animation"

    filename_ext = ""
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES), options={"HIDDEN"}
    )
    filepath: bpy.props.StringProperty(
        name="Video",
        description="The video; without one, that of the panel",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    wait: bpy.props.BoolProperty(
        name="Wait", description="Come back when it is done, for scripts", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """No engine, mode or target for it."""
        return lift_trouble(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the lift; with `wait`, and in the background always, be back when the Action is there."""

        def begin() -> None:
            name = self.filepath or context.scene.motionlift.video
            if trouble := video_look.trouble(name):
                raise MotionLiftError("no_file", f"{trouble}.", "Check the name.")
            start_lift(context, file_named(name))

        return driver.work_off(self, context, begin)


class LiftChosenVideo(SaysWhy):
    """Turn the chosen video into animation. Blender stays usable while it runs; a second lift waits for the first"""

    bl_idname = "motionlift.lift_chosen_video"
    bl_label = "Lift Video to Armature"

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """As `LiftVideo`, and no video, or nothing left of it."""
        choices = context.scene.motionlift
        return lift_trouble(context) or str(choices.video_trouble())

    def execute(self, context: bpy.types.Context) -> set[str]:
        """As `LiftVideo` does."""
        try:
            video = str(file_named(context.scene.motionlift.video))
            found: set[str] = bpy.ops.motionlift.lift_video("EXEC_DEFAULT", filepath=video)
        except RuntimeError as error:
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
            return {"CANCELLED"}
        return found


class ChooseVideo(bpy.types.Operator):
    """Choose a video for the MotionLift tab; several go into its list"""

    bl_idname = "motionlift.choose_video"
    bl_label = "Choose Video for MotionLift"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filepath: bpy.props.StringProperty(
        name="Video", description="The video to lift next", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the file into the panel, and the panel into sight; several that were dropped at once into the list."""
        if len(self.files) > 1:
            paths = [Path(self.directory) / element.name for element in self.files]
            count = context.scene.motionlift_batch.add(path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES)
            _show_tab(context)
            self.report({"INFO"}, f"{count} more videos are in the list Several Videos of the MotionLift tab")
            return {"FINISHED"}
        path = Path(self.filepath)
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            self.report(
                {"ERROR"}, f"{path.name} is no video that we know. Its name ends in {', '.join(VIDEO_SUFFIXES)}."
            )
            return {"CANCELLED"}
        context.scene.motionlift.video = kept_name(self.filepath)
        _show_tab(context)
        self.report({"INFO"}, f"{path.name} is chosen: press Lift Video to Armature in the MotionLift tab")
        return {"FINISHED"}


class CancelLift(SaysWhy):
    """Stop this lift. What was detected of it, but for the last seconds, is kept for the next time"""

    bl_idname = "motionlift.cancel_lift"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    number: bpy.props.IntProperty(
        description="The job's number; 0 is the one that runs, else the one that came first", options={"SKIP_SAVE"}
    )

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """Nothing runs: then ESC means what it always does."""
        return "" if session().busy else "Nothing runs"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel the job of that number: that one alone."""
        state, queue = session(), session().queue
        running = [queue.status.job] if queue is not None and queue.status else []
        ended = [finished.job for finished in state.ended]
        waiting = list(queue.waiting) if queue is not None else []
        if not (self.number or running or ended) and state.filming is not None:
            state.filming.cancel()
        elif jobs := [job for job in (*running, *ended, *waiting) if self.number in (0, job.number)]:
            job = jobs[0]
            if job in ended:
                state.drop(lambda finished: finished.job == job)
                state.tell(f"{job.name}: cancelled")
            elif queue is not None:
                queue.cancel(job)
        driver.show_progress(context, state)
        return {"FINISHED"}


class ShowError(bpy.types.Operator):
    """Say what went wrong with the last lift, and what to do"""

    bl_idname = "motionlift.show_error"
    bl_label = "MotionLift"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the pop-up."""
        opened: set[str] = context.window_manager.invoke_popup(self, width=POPUP_WIDTH)
        return opened

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Nothing is left to do."""
        return {"FINISHED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The error's words and a button that copies them."""
        error = session().error
        if error is None:
            return
        column = self.layout.column(align=True)
        draw_wrapped(column, error.message, "ERROR")
        column.separator()
        draw_wrapped(column, error.hint)
        self.layout.operator("motionlift.copy_log")


class CopyLog(bpy.types.Operator):
    """Copy the error and the end of the video engine's log"""

    bl_idname = "motionlift.copy_log"
    bl_label = "Copy Log"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """To the clipboard."""
        state = session()
        log = state.queue.client.log_tail(200) if state.queue else ""
        context.window_manager.clipboard = f"{state.error or state.message}\n\n{log}"
        return {"FINISHED"}


def _show_tab(context: bpy.types.Context) -> None:
    """Open the sidebar of the 3D view at hand on our tab."""
    area = context.area
    if area is None or area.type != "VIEW_3D":
        return
    context.space_data.show_region_ui = True
    address, left = area.as_pointer(), TAB_TRIES

    def turn() -> float | None:
        nonlocal left
        left -= 1
        return None if _turned(address) or not left else TAB_SECONDS

    if turn() is not None and not bpy.app.background:
        bpy.app.timers.register(turn, first_interval=TAB_SECONDS)


def _turned(address: int) -> bool:
    """Whether the sidebar of the area at this address shows our tab now, or there is none any more. Until a region was
    drawn open Blender refuses to turn it to a tab."""
    areas = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    area = next((area for area in areas if area.as_pointer() == address), None)
    if area is None:
        return True
    for region in area.regions:
        if region.type == "UI" and region.width > 1:
            try:
                region.active_panel_category = "MotionLift"
            except (AttributeError, TypeError):
                return False
            return True
    return False


CLASSES = (LiftVideo, LiftChosenVideo, ChooseVideo, CancelLift, ShowError, CopyLog)
