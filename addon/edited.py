"""Whether someone has edited a lifted Action since we wrote it.

To be sure takes reading all of its curves, which for a long take is longer than Blender may stand still. So it is done
curve by curve, and remembered until Blender says that the Action has changed.
"""

from __future__ import annotations

import time

import bpy

from ..bridge.blender.hand_work import HandWork, HandWorkReading, hand_work
from ..bridge.blender.handiwork import Fingerprinting, fingerprint
from ..bridge.blender.written import VALUES

SHORT = 50_000
"""Keys of an Action that is read in one go, whatever is known of it."""

_known: dict[str, tuple[str, bool]] = {}
"""By the name of an Action: what its curves were when we wrote them, and whether they are something else."""
_reading: dict[str, Fingerprinting] = {}
_work: dict[str, HandWorkReading] = {}


def edited(action: bpy.types.Action) -> bool:
    """Whether the curves are not as we wrote them: read now, whatever was known before."""
    answer = bool(action.motionlift.fingerprint != fingerprint(action))
    _known[action.name] = (action.motionlift.fingerprint, answer)
    return answer


def known(action: bpy.types.Action) -> bool | None:
    """What is known of it without much reading; None where nothing is."""
    if len(action.get(VALUES, ())) <= SHORT:
        return edited(action)
    written, answer = _known.get(action.name, ("", False))
    return answer if written and written == action.motionlift.fingerprint else None


def find_out(action: bpy.types.Action, seconds: float) -> bool | None:
    """`known`, or read on for at most so long; None where that was too short: ask again."""
    if (answer := known(action)) is not None:
        return answer
    began = time.perf_counter()
    reading = _reading.setdefault(action.name, Fingerprinting(action))
    while not reading.advance():
        if time.perf_counter() - began > seconds:
            return None
    del _reading[action.name]
    _known[action.name] = (action.motionlift.fingerprint, reading.result != action.motionlift.fingerprint)
    return _known[action.name][1]


def find_work(action: bpy.types.Action, seconds: float) -> bool:
    """Read what was done to it by hand, for at most so long; whether `work_of` need not read any more."""
    began = time.perf_counter()
    found = _work.setdefault(action.name, HandWorkReading(action))
    while not found.advance():
        if time.perf_counter() - began > seconds:
            return False
    return True


def work_of(action: bpy.types.Action) -> HandWork | None:
    """What was done to it by hand; None for an Action that is not ours."""
    found = _work.pop(action.name, None)
    return found.result if found is not None and found.finished else hand_work(action)


def reading() -> bool:
    """Whether an Action is half read."""
    return bool(_reading) or any(not found.finished for found in _work.values())


def touched(names: set[str]) -> None:
    """These Actions were changed by someone: what was known, or half read, of them counts no more."""
    for name in names:
        _known.pop(name, None)
        _reading.pop(name, None)
        _work.pop(name, None)


def forget() -> None:
    """Undo, or another file: nothing is known any more."""
    _known.clear()
    _reading.clear()
    _work.clear()
