"""Solving a take again: which Actions want it, and starting it once their sliders rest."""

from __future__ import annotations

import time

import bpy

from ..core.jobs import MotionLiftError
from . import results
from .engine import engine_queue
from .lift_queue import Job
from .properties import TakeProperties
from .session import session
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
    from .driver import follow

    follow()


def wanted() -> bool:
    """Whether an Action waits for its sliders to rest."""
    return bool(_wanted)


def forget() -> None:
    """Drop the wishes: another file is opened."""
    _wanted.clear()


def start_wanted(context: bpy.types.Context) -> None:
    """Start the clean-up of Actions whose sliders rest; an earlier one of the same Action is stopped first."""
    now = time.monotonic()
    for name in [name for name, changed in _wanted.items() if now - changed >= REST_SECONDS]:
        del _wanted[name]
        action = bpy.data.actions.get(name)
        if action is None or not action.motionlift.differs:
            continue
        try:
            begin(context, action, new_action=False)
        except MotionLiftError as error:
            session().tell("", error)


def begin(context: bpy.types.Context, action: bpy.types.Action, new_action: bool) -> Job:
    """Queue the clean-up of `action` with its choices as they are.

    Raises `MotionLiftError`: no engine, the take is missing, or the Action was edited by hand.
    """
    if not new_action:
        results.refuse_edited(action)
    properties: TakeProperties = action.motionlift
    original = results.take_file(properties.take)
    settings = properties.settings()
    queue = engine_queue(context)
    for job in [*queue.waiting, *([queue.status.job] if queue.status else [])]:
        if isinstance(job.payload, results.CleanUpPlan) and job.payload.action == action.name:
            queue.cancel(job)
    plan = results.CleanUpPlan(action.name, new_action)
    rate = results.scene_rate(context.scene)
    job = Job("resolve", action.name, original, cleaned(original, settings), settings, rate, plan)
    queue.add(job)
    return job
