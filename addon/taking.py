"""What is ready, into the scene: in slices where it is long, and what is told of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import bpy

from ..bridge.blender.drafts import DraftLost
from ..core.jobs import Cancelled, MotionLiftError, internal_error
from . import batch, camera, clean_results, edited, people, results
from .drafting import AnyDraft
from .lift_jobs import Finished
from .session import SLICE_SECONDS, Session
from .takes import drop_empty

log = logging.getLogger(__name__)


def take_result(
    context: bpy.types.Context,
    finished: Finished,
    state: Session,
    drafts: Sequence[AnyDraft] = (),
    checked: bool = False,
) -> None:
    """Put a finished job's result into the scene and remember what to tell. Failures are remembered too.

    `drafts`: what was written of it beforehand; `checked`: the Action is known not to be edited by hand.
    """
    if finished.job.op == "people":
        state.tell(*people.take(finished))
        return
    lifted = finished.job.op == "lift"
    error = finished.error
    message = ""
    began = time.perf_counter()
    if error is None:
        try:
            if lifted:
                message = results.place_lift(context, finished, drafts)
            else:
                message = clean_results.place_clean_up(context, finished, drafts, checked)
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
        if not batch.waiting():
            state.tell(batch.summary(context.scene.motionlift_batch))
    elif isinstance(error, Cancelled) or (error is not None and error.code == "cancelled"):
        if lifted:
            state.tell(f"{finished.job.name}: cancelled")
    else:
        state.tell(message, error)


def take_filmed(context: bpy.types.Context, state: Session) -> None:
    """Put camera and footage that are ready into the scene and remember what to tell. Failures are remembered too."""
    filming, state.filming = state.filming, None
    assert filming is not None
    began = time.perf_counter()
    try:
        filmed = filming.result()
        if filming.cancelled:
            raise Cancelled
        state.tell(camera.place(context, filming.plan, filmed))
        state.undo_step = "Camera & Footage"
    except Cancelled as told:
        state.tell(f"{filming.plan.action}: footage cancelled", told if bpy.app.background else None)
    except MotionLiftError as told:
        state.tell("", told)
    except Exception as unforeseen:
        log.exception("placing the camera of %s", filming.plan.action)
        state.tell("", internal_error(unforeseen, "The scene is as it was. Please report it."))
    state.slowest_result_s = max(state.slowest_result_s, time.perf_counter() - began)


def is_written(context: bpy.types.Context, finished: Finished, state: Session) -> bool:
    """Whether nothing long is left to do on Blender's thread before a result is placed; does a slice of what is: first
    the keys are written, beside what is shown, then the Action is looked through for edits by hand."""
    plan, began = finished.job.payload, time.perf_counter()
    if finished.error is not None or not isinstance(plan, results.LiftPlan | clean_results.CleanUpPlan):
        return True
    if state.drafting is None and finished.prepared is not None:
        try:
            drafting = clean_results.drafting_of(context, finished)
        except Exception:  # It is tried again when it is placed, and told then.
            log.exception("the keys of %s beforehand", finished.job.name)
            drafting = None
        state.drafting = None if drafting is None else (finished, drafting)
    if state.drafting is not None and state.drafting[0] is finished:
        try:
            while not state.drafting[1].advance():
                if state.drafting[1].weighty or time.perf_counter() - began > SLICE_SECONDS:
                    return _noted(state, began, False)
        except DraftLost:
            log.info("the keys of %s are written anew", finished.job.name)
            state.end_draft()
            return False
        except Exception:
            log.exception("the keys of %s beforehand", finished.job.name)
            state.end_draft()
            return True
    if isinstance(plan, clean_results.CleanUpPlan) and (action := plan.found) is not None:
        if plan.keep_edits:
            return _noted(state, began, edited.find_work(action, SLICE_SECONDS))
        if not plan.new_action:
            return _noted(state, began, edited.find_out(action, SLICE_SECONDS) is not None)
    return _noted(state, began, True)


def _noted(state: Session, began: float, answer: bool) -> bool:
    state.slowest_tick_s = max(state.slowest_tick_s, time.perf_counter() - began)
    return answer


def is_as_written(finished: Finished) -> bool:
    """Whether a clean-up's Action is known not to be edited by hand."""
    plan = finished.job.payload
    action = plan.found if isinstance(plan, clean_results.CleanUpPlan) else None
    return action is not None and edited.known(action) is False
