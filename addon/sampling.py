"""Results at the rate at which they are wanted: who changes the scene's while a lift runs does not get it too slow."""

from __future__ import annotations

import logging
from dataclasses import replace

from ..bridge.bvh import evenly_sampled
from ..core.jobs import MotionLiftError, internal_error
from ..core.motion import Motion
from .lift_jobs import Finished
from .prepared import Wanted, prepare

log = logging.getLogger(__name__)

IN_STEP = 1e-5
"""Rates that differ by less, as a share, stay in step: within a tenth of a frame after ten thousand."""


def is_at(finished: Finished, fps: float | None) -> bool:
    """Whether the motions of a finished job have `fps` samples a second, where a rate is wanted."""
    return fps is None or all(abs(motion.fps / fps - 1) <= IN_STEP for _, motion in finished.motions)


def at_rate(finished: Finished, fps: float | None) -> Finished:
    """The finished job with its motions at `fps`: as they are, or anew from their files, since sampling twice loses
    detail. Raises `MotionLiftError` as `Motion.load`."""
    if fps is None or is_at(finished, fps):
        return finished
    anew = ((path, evenly_sampled(Motion.load(path), fps)) for path, _ in finished.motions)
    return replace(finished, motions=tuple(anew))


def prepared_at(finished: Finished, wanted: Wanted | None, fps: float | None) -> Finished:
    """The finished job at `fps` with what can be worked out for placing it; for a thread. What goes wrong is the job's
    error."""
    before = finished
    try:
        finished = at_rate(finished, fps)
    except MotionLiftError as error:
        return replace(finished, error=error)
    except Exception as unforeseen:
        log.exception("reading %s again", finished.job.output)
        return replace(finished, error=internal_error(unforeseen, "Please report it."))
    if wanted is not None and finished is not before:
        # Contacts were found frame for frame.
        motions = [motion for _, motion in finished.motions]
        wanted = None if wanted.contacts is not None else replace(wanted, motions=motions)
    return replace(finished, prepared=None if wanted is None else prepare(wanted))
