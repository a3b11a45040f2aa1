"""Drives the queues: from a timer, so that Blender stays usable, or in one go for scripts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future

import bpy

from ..core.jobs import MotionLiftError, internal_error
from . import clean_results, clean_up, edited, video_look
from .holding import held_words, hold_words, in_hand
from .lift_jobs import Finished
from .lift_scene import in_its_scene
from .sampling import is_at, prepared_at
from .session import Session, session
from .taking import is_as_written, is_written, take_filmed, take_result
from .threads import in_thread

log = logging.getLogger(__name__)

TICK_SECONDS = 0.025
REDRAW_SECONDS = 0.25
"""How often counts are drawn anew: nobody reads faster, and a sidebar drawn without a graphics card takes long."""
BETWEEN_SLICES_SECONDS = 0.01
"""What Blender gets for itself between two slices of long work."""
WAIT_SECONDS = 0.02


def push_undo(state: Session) -> None:
    """Close the step that undo takes back, if there is one open.

    A step of its own: copying the file for it takes as long as placing a result.
    """
    if state.undo_step:
        bpy.ops.ed.undo_push(message=state.undo_step)
        state.undo_step = ""


def _tick() -> float | None:
    """Called by Blender's timer until nothing is left to do. No modal operator: Blender saves no backups while one
    runs."""
    state = session()
    windows = bpy.context.window_manager.windows
    if not state.driven:  # Another file was opened.
        return None
    if not windows:
        return TICK_SECONDS
    window = next((window for window in windows if window.as_pointer() == state.window), windows[0])
    with bpy.context.temp_override(window=window):
        return _follow_in(bpy.context, state)


def _follow_in(context: bpy.types.Context, state: Session) -> float | None:
    try:
        if state.undo_step:
            push_undo(state)
        else:
            _step(context, state)
    except Exception as unforeseen:
        log.exception("following the engine")
        state.driven = False
        state.tell("", internal_error(unforeseen, "Please report it with the log."))
        _tell(state)
        return None
    if state.drafting is not None or (edited.reading() and (state.held or clean_up.wanted())):
        return BETWEEN_SLICES_SECONDS
    if state.undo_step or state.busy or state.looking or state.leaving or clean_up.wanted():
        return TICK_SECONDS
    state.driven, state.shown_words = False, ""
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(None)
    redraw_panels(context)
    return None


def _step(context: bpy.types.Context, state: Session) -> None:
    began = time.perf_counter()
    if clean_up.start_wanted(context):
        _tell(state)
    for one in state.looks.tick() if state.looks else []:
        video_look.take(one)
    state.held += _ready(context, state)
    state.slowest_tick_s = max(state.slowest_tick_s, time.perf_counter() - began)
    for one in list(state.held):
        if hold_words(context, one):
            continue
        with in_its_scene(context, one):
            if not is_at(one, clean_results.wanted_fps(context, one)):
                # The scene's rate has changed since.
                state.drop(lambda finished, one=one: finished is one)
                _begin_preparing(context, state, one)
                break
            if not is_written(context, one, state):
                break
            drafts = state.drafting[1].drafts if state.drafting is not None and state.drafting[0] is one else ()
            state.held.remove(one)
            take_result(context, one, state, drafts, is_as_written(one))
            state.end_draft()
        _tell(state)
    if state.filming is not None and state.filming.finished and not in_hand(context):
        take_filmed(context, state)
        _tell(state)
    began = time.perf_counter()
    show_progress(context, state)
    state.slowest_tick_s = max(state.slowest_tick_s, time.perf_counter() - began)


def _ready(context: bpy.types.Context, state: Session) -> list[Finished]:
    """What has ended and is worked out for placing, in the order in which it ended; begins to work out the others."""
    for one in state.queue.tick() if state.queue else []:
        _begin_preparing(context, state, one)
    ready = []
    while state.preparing and state.preparing[0][1].done():
        ready.append(state.preparing.pop(0)[1].result())
    return ready


def _begin_preparing(context: bpy.types.Context, state: Session, one: Finished) -> None:
    fps = clean_results.wanted_fps(context, one)
    wanted = None if fps is None else clean_results.preparation(context, one)
    if wanted is None and is_at(one, fps):
        ended: Future[Finished] = Future()
        ended.set_result(one)
        state.preparing.append((one, ended))
    else:
        state.preparing.append((one, in_thread(prepared_at, one, wanted, fps)))


def progress_words(state: Session) -> str:
    """One line about what runs or waits, first what ESC stops; empty when nothing does."""
    held = held_words(bpy.context, state.held[0]) if state.held else ""
    if state.queue is not None and state.queue.status is not None:
        waiting = len(state.queue.waiting)
        more = f"{waiting} more wait{'s' * (waiting == 1)}" if waiting else ""
        return "; ".join(filter(None, (state.queue.status.words(time.monotonic()), held, more)))
    if held:
        return held
    if state.preparing:
        return f"{state.preparing[0][0].job.name}: making it fit the rig"
    return f"{state.filming.plan.action}: {state.filming.words}" if state.filming is not None else ""


def show_progress(context: bpy.types.Context, state: Session) -> None:
    """Renew what panel and status bar say, where it has changed: drawing costs more than all else of a step."""
    words, now = progress_words(state), time.monotonic()
    counting = bool(words and state.shown_words) and now - state.shown_at < REDRAW_SECONDS
    if words == state.shown_words or counting:
        if state.shown_anew:
            # A panel that has grown moves those below it when it is drawn once more.
            state.shown_anew = False
            redraw_panels(context)
        return
    state.shown_words, state.shown_at, state.shown_anew = words, now, True
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
    """Have the queues driven by Blender's timers from now on."""
    state = session()
    if not state.driven and not bpy.app.background:
        state.driven = True
        state.window = bpy.context.window.as_pointer() if bpy.context.window else 0
        if not bpy.app.timers.is_registered(_tick):
            # It outlives another file: one that cannot be opened leaves the lifts of this one alone.
            bpy.app.timers.register(_tick, persistent=True)


def work_off(operator: bpy.types.Operator, context: bpy.types.Context, begin: Callable[[], object]) -> set[str]:
    """What an operator with a `wait` returns that queues something by `begin`: back at once, or with `wait`, and in the
    background always, when it is done. What goes wrong is reported."""
    try:
        begin()
        if operator.wait or bpy.app.background:
            run_to_end(context)
            operator.report({"INFO"}, session().message)
        else:
            session().tell("")
            follow()
    except MotionLiftError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    return {"FINISHED"}


def run_to_end(context: bpy.types.Context) -> None:
    """Wait until the queue is empty and take its results, for scripts. Raises the last error."""
    state = session()
    state.tell("")
    cancelled: MotionLiftError | None = None
    while state.queue is not None and state.queue.busy:
        for finished in state.queue.tick():
            with in_its_scene(context, finished):
                take_result(context, finished, state)
            push_undo(state)
            if finished.error is not None and finished.error.code == "cancelled":
                cancelled = finished.error
        time.sleep(WAIT_SECONDS)
    if state.filming is not None:
        take_filmed(context, state)
        push_undo(state)
    if cancelled is not None:
        raise cancelled
    if state.error is not None:
        raise state.error


def _tell(state: Session) -> None:
    """A pop-up for what failed; a good end stands in the panel."""
    if state.error is not None:
        bpy.ops.motionlift.show_error("INVOKE_DEFAULT")
