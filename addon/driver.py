"""Drives the queue: from a modal operator with a timer, so that Blender stays usable, or in one go for scripts."""

from __future__ import annotations

import logging
import time

import bpy

from ..core.jobs import Cancelled, MotionLiftError, internal_error
from . import batch, clean_up, results
from .lift_queue import Finished
from .session import Session, session
from .takes import drop_empty

log = logging.getLogger(__name__)

TICK_SECONDS = 0.05
WAIT_SECONDS = 0.02


def take_result(context: bpy.types.Context, finished: Finished, state: Session) -> None:
    """Put a finished job's result into the scene and remember what to tell. Failures are remembered too."""
    lifted = finished.job.op == "lift"
    error = finished.error
    message = ""
    began = time.perf_counter()
    if error is None:
        try:
            message = (results.place_lift if lifted else results.place_clean_up)(context, finished)
            state.undo_step = "Lift Video to Armature" if lifted else "Clean Up"
        except MotionLiftError as told:
            error = told
        except Exception as unforeseen:
            log.exception("placing the result of %s", finished.job.video)
            error = internal_error(unforeseen, "The scene is as it was. Please report it.")
        state.slowest_result_s = max(state.slowest_result_s, time.perf_counter() - began)
    if error is not None and lifted:
        drop_empty(finished.job.output.parent)
    if batch.is_of_batch(finished):
        batch.note(finished, message, error)
        # Told in the list; nobody is there to close a pop-up.
        ended = "cancelled" if error is not None and error.code == "cancelled" else "failed"
        state.tell(message or f"{finished.job.name}: {ended}")
    elif isinstance(error, Cancelled) or (error is not None and error.code == "cancelled"):
        if lifted:
            state.tell(f"{finished.job.name}: cancelled")
    else:
        state.tell(message, error)


def push_undo(state: Session) -> None:
    """Close the step that undo takes back, if there is one open.

    A step of its own: copying the file for it takes as long as placing a result.
    """
    if state.undo_step:
        bpy.ops.ed.undo_push(message=state.undo_step)
        state.undo_step = ""


class RunQueue(bpy.types.Operator):
    """Follow the lifts that run"""

    bl_idname = "motionlift.run_queue"
    bl_label = "Lift Videos"
    bl_options = {"INTERNAL"}  # noqa: RUF012 (Blender wants a set)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin to follow, unless another of this kind does."""
        state = session()
        if state.driven:
            return {"CANCELLED"}
        state.driven = True
        self._timer = context.window_manager.event_timer_add(TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """A step, when the timer says so; ESC cancels what runs. Everything else goes on to Blender."""
        state = session()
        if not state.driven:  # Another file was opened.
            self._stop(context)
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS" and state.queue and state.queue.status:
            state.queue.cancel(state.queue.status.job)
            show_progress(context, state)
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if state.undo_step:
            push_undo(state)
        else:
            self._step(context, state)
        if state.undo_step or state.busy or clean_up.wanted():
            return {"PASS_THROUGH"}
        self._stop(context)
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window or the file goes."""
        self._stop(context)

    def _step(self, context: bpy.types.Context, state: Session) -> None:
        began = time.perf_counter()
        clean_up.start_wanted(context)
        finished = state.held + (state.queue.tick() if state.queue else [])
        state.held = []
        state.slowest_tick_s = max(state.slowest_tick_s, time.perf_counter() - began)
        for one in finished:
            if one.error is None and one.job.op == "lift" and context.mode != "OBJECT":
                state.held.append(one)
                continue
            take_result(context, one, state)
            _tell(state)
        began = time.perf_counter()
        show_progress(context, state)
        state.slowest_tick_s = max(state.slowest_tick_s, time.perf_counter() - began)

    def _stop(self, context: bpy.types.Context) -> None:
        session().driven, session().shown_words = False, ""
        context.window_manager.event_timer_remove(self._timer)
        for workspace in bpy.data.workspaces:
            workspace.status_text_set(None)
        redraw_panels(context)


def progress_words(state: Session) -> str:
    """One line about what runs or waits; empty when nothing does."""
    if state.held:
        return f"{state.held[0].job.name} is lifted: switch to Object Mode to get it"
    if state.queue is None or state.queue.status is None:
        return ""
    text = state.queue.status.words(time.monotonic())
    waiting = len(state.queue.waiting)
    return text + (f"; {waiting} more wait{'s' * (waiting == 1)}" if waiting else "")


def show_progress(context: bpy.types.Context, state: Session) -> None:
    """Renew what panel and status bar say, where it has changed: drawing costs more than all else of a step."""
    words = progress_words(state)
    if words == state.shown_words:
        return
    state.shown_words = words
    if context.workspace is not None:
        context.workspace.status_text_set(f"MotionLift  {words}    ESC: Cancel" if words else None)
    redraw_panels(context)


def redraw_panels(context: bpy.types.Context) -> None:
    """Have the sidebars of the 3D views drawn again."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def follow() -> None:
    """Have the queue driven by Blender's events from now on."""
    if not session().driven:
        bpy.ops.motionlift.run_queue("INVOKE_DEFAULT")


def run_to_end(context: bpy.types.Context) -> None:
    """Wait until the queue is empty and take its results, for scripts. Raises the last error."""
    state = session()
    state.tell("")
    cancelled: MotionLiftError | None = None
    while state.queue is not None and state.queue.busy:
        for finished in state.queue.tick():
            take_result(context, finished, state)
            push_undo(state)
            if finished.error is not None and finished.error.code == "cancelled":
                cancelled = finished.error
        time.sleep(WAIT_SECONDS)
    if cancelled is not None:
        raise cancelled
    if state.error is not None:
        raise state.error


def _tell(state: Session) -> None:
    """A pop-up for what failed; a good end stands in the panel."""
    if state.error is not None:
        bpy.ops.motionlift.show_error("INVOKE_DEFAULT")


CLASSES = (RunQueue,)
