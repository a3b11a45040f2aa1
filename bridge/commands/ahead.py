"""A look at a character before anything is lifted for it: what is wrong with it is said before minutes have passed."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection

from ...core.jobs import MotionLiftError
from .presets import chosen

_Told = tuple[str, str, str] | None


def check_character(place: str, preset: str) -> None:
    """Raises what would stop a motion from being put onto the armature of `file.blend[:Armature]` with `preset`:
    `MotionLiftError` as `blender.files.opened_armature`, `blender.rigs.read_rig`, `check_editable` and `chosen`.

    Blender opens the file in a process of its own, which ends with it: nobody wants Blender beside a lift.
    """
    apart = multiprocessing.get_context("spawn")
    receiving, sending = apart.Pipe(duplex=False)
    process = apart.Process(target=_look, args=(place, preset, sending), daemon=True)
    process.start()
    sending.close()
    try:
        told: _Told = receiving.recv()
    except EOFError:
        # Whatever ended it will be met, and told, again when the motion is there.
        told = None
    process.join()
    if told is not None:
        raise MotionLiftError(*told)


def _look(place: str, preset: str, sending: Connection) -> None:
    from ..blender.files import opened_armature
    from ..blender.rigs import check_editable, read_rig

    # What Blender says of the file, it says again later.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    told: _Told = None
    try:
        figure = opened_armature(place)
        check_editable(figure)
        chosen(read_rig(figure), preset, None)
    except MotionLiftError as error:
        told = (error.code, error.message, error.hint)
    sending.send(told)
    sending.close()
    # Some wheels of Blender crash or hang when Python takes them apart.
    os._exit(0)
