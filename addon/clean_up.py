"""Solving a take again: which Actions want it, and starting it once their sliders rest."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection
from pathlib import Path

import bpy

from ..bridge.blender.contacts import shown_names
from ..core.jobs import LiftSettings, MotionLiftError
from . import clean_results, edited, results
from .engine import engine_queue, engine_waiting
from .lift_jobs import Job
from .properties import TakeProperties
from .session import SLICE_SECONDS, session
from .takes import cleaned

REST_SECONDS = 0.25
"""A slider that has not moved for so long is where it was wanted."""

_wanted: dict[str, float] = {}
"""When the choices of an Action, by name, were last changed."""


def settings_changed(properties: TakeProperties) -> None:
    """Called by Blender when a choice of an Action's clean-up changes: it is applied soon.

    Scripts and the background call the operator instead.
    """
    if bpy.app.background or bpy.context.window is None:
        return
    _wanted[properties.id_data.name] = time.monotonic()
    get_ready()
    from .driver import follow

    follow()


def wanted() -> bool:
    """Whether an Action waits for its sliders to rest."""
    return bool(_wanted)


def forget() -> None:
    """Drop the wishes: another file is opened."""
    _wanted.clear()


def get_ready() -> None:
    """Start the engine, if there is one that rests, so that the first change of a slider need not wait for it."""
    queue = engine_waiting(bpy.context)
    if queue is not None:
        queue.get_ready()


def get_ready_soon() -> None:
    """`get_ready` once Blender has drawn what it draws: nothing may be started from there."""
    if not (bpy.app.background or bpy.app.timers.is_registered(get_ready)):
        bpy.app.timers.register(get_ready, first_interval=0.0)


def take_shown() -> None:
    """Called while a panel is drawn that shows a take: at the file's first the engine gets ready, so that it is when
    clean-up is unfolded. Where it leaves, idle, it stays away until it is wanted."""
    if not session().take_seen:
        session().take_seen = True
        get_ready_soon()


def start_wanted(context: bpy.types.Context) -> bool:
    """Start the clean-up of Actions whose sliders rest; an earlier one of the same Action is given up.

    An Action that was edited by hand waits until its animator has said what becomes of the edits. Returns whether one
    could not be started: the session has the error.
    """
    now, failed = time.monotonic(), False
    for name in [name for name, changed in _wanted.items() if now - changed >= REST_SECONDS]:
        under_way = [plan for plan in _under_way() if plan.called == name]
        if any(plan.new_action for plan in under_way):  # That one gets them when it is there.
            continue
        action = bpy.data.actions.get(name)
        by_hand = None if action is None else edited.find_out(action, SLICE_SECONDS)
        if action is not None and by_hand is None:  # It is read on next time.
            continue
        del _wanted[name]
        if action is None:
            continue
        if not action.motionlift.differs or by_hand:
            _give_up_outdated([name])
            continue
        try:
            begin(context, action, contacts=any(plan.contacts for plan in under_way), checked=True)
        except MotionLiftError as error:
            session().tell("", error)
            failed = True
    return failed


def begin(
    context: bpy.types.Context,
    action: bpy.types.Action,
    new_action: bool = False,
    keep_edits: bool = False,
    contacts: bool = False,
    checked: bool = False,
    clip_rate: bool = False,
) -> Job:
    """Queue the clean-up of `action` with its choices as they are.

    `new_action`: a copy gets the result; `keep_edits`: edits by hand are carried over; `contacts`: feet are planted at
    the keyed contacts from now on; `checked`: the Action is known not to be edited by hand; `clip_rate`: the scene
    gets the clip's rate with the result. Raises `MotionLiftError`: no engine, the take is missing, or the Action was
    edited by hand.
    """
    if not (new_action or keep_edits or checked):
        results.refuse_edited(action)
    # What its sliders wish for is in this.
    _wanted.pop(action.name, None)
    properties: TakeProperties = action.motionlift
    original = results.take_file(properties.take)
    settings = properties.settings()
    figure = results.animated_by(context, action)
    keyed = figure is not None and bool(shown_names(figure, action))
    contacts = keyed and (contacts or properties.own_contacts)
    # Feet that were planted where the contacts are no longer could not be let go.
    solved = dataclasses.replace(settings, foot_lock=False) if contacts else settings
    queue = engine_queue(context)
    # Who moves a slider before the clip's rate is there still wants it.
    clip_rate = clip_rate or any(plan.clip_rate for plan in _under_way() if plan.called == action.name)
    give_up(action.name)
    plan = clean_results.CleanUpPlan(
        action.name, new_action, keep_edits, contacts, settings, properties.adjustment(properties.floor),
        scene=context.scene.session_uid, clip_rate=clip_rate, uid=action.session_uid,
    )  # fmt: skip
    rate = None if clip_rate else results.scene_rate(context.scene)
    shown = _shown(properties) if _is_solved(properties, settings, contacts) else None
    if shown is not None:
        job = Job("reuse", action.name, shown, shown, solved, rate, plan)
    else:
        job = Job("resolve", action.name, original, cleaned(original, solved), solved, rate, plan)
    queue.add(job)
    return job


def _is_solved(properties: TakeProperties, settings: LiftSettings, contacts: bool) -> bool:
    """Whether what the Action shows is already the solve that is wanted, and only put on the figure otherwise."""
    return settings == properties.applied_settings() and contacts == properties.own_contacts


def _shown(properties: TakeProperties) -> Path | None:
    """The file that the Action shows, where it still is."""
    try:
        return results.take_file(properties.shown)
    except MotionLiftError:
        return None


def give_up(action: str) -> None:
    """Nobody waits for clean-ups of the Action of this name any more, or for what its sliders wish for."""
    _wanted.pop(action, None)
    _drop(lambda plan: plan.called == action)


def give_up_undone() -> None:
    """After undo: what its animator has taken back is not applied. It can be with the panel's button."""
    _wanted.clear()
    _give_up_outdated({plan.called for plan in _under_way()})


def _give_up_outdated(actions: Collection[str]) -> None:
    """Nobody waits for clean-ups of these Actions that are gone, or of which other choices are chosen now."""

    def is_outdated(plan: clean_results.CleanUpPlan) -> bool:
        action = plan.found
        return action is None or not action.motionlift.wants(plan.settings, plan.adjustment)

    _drop(lambda plan: plan.called in actions and is_outdated(plan))


def _under_way() -> list[clean_results.CleanUpPlan]:
    """The clean-ups that somebody waits for."""
    payloads = (job.payload for job in session().jobs)
    return [payload for payload in payloads if isinstance(payload, clean_results.CleanUpPlan)]


def _drop(unwanted: Callable[[clean_results.CleanUpPlan], bool]) -> None:
    """Nobody waits for these clean-ups any more."""

    def is_unwanted(job: Job) -> bool:
        return isinstance(job.payload, clean_results.CleanUpPlan) and unwanted(job.payload)

    state = session()
    state.drop(lambda finished: is_unwanted(finished.job))
    if state.queue is not None:
        for job in filter(is_unwanted, state.queue.jobs):
            state.queue.supersede(job)
