"""The queue of the engine that the preferences name."""

from __future__ import annotations

import bpy

from ..core.jobs import MotionLiftError
from .lift_queue import LiftQueue
from .preferences import engine_folder, engine_python
from .session import session

NO_ENGINE = "Set up the video engine in the extension's preferences first"


def engine_queue(context: bpy.types.Context) -> LiftQueue:
    """The queue of the engine in use. Raises `MotionLiftError` (`no_engine`, `engine_busy`)."""
    python = engine_python(context)
    if python is None:
        raise MotionLiftError("no_engine", "There is no video engine yet.", NO_ENGINE + ".")
    return session().queue_for(python, engine_folder())


def engine_waiting(context: bpy.types.Context) -> LiftQueue | None:
    """The queue of the engine in use where there is one and it has nothing to do."""
    python = engine_python(context)
    if python is None or session().busy:
        return None
    return session().queue_for(python, engine_folder())
