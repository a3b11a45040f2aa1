"""A look at a character before anything is lifted for it: what is wrong with it is said before minutes have passed.

Blender opens the file in a process of its own, `python -m motionlift.bridge.commands.ahead PLACE PRESET`, which ends
with it: nobody wants Blender beside a lift. Its answer is one line on standard output that begins with `ANSWER` and
holds JSON: null, or an error's code, message and hint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from ...core.jobs import MotionLiftError
from .presets import chosen

ANSWER = "MOTIONLIFT-ANSWER "


def check_character(place: str, preset: str) -> None:
    """Raises what would stop a motion from being put onto the armature of `file.blend[:Armature]` with `preset`:
    `MotionLiftError` as `blender.files.opened_armature`, `blender.rigs.read_rig`, `check_editable` and `chosen`."""
    command = [sys.executable, "-m", __name__, place, preset]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    told = [line.removeprefix(ANSWER) for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    # Whatever ended it without an answer will be met, and told, again when the motion is there.
    if told and (error := json.loads(told[-1])):
        raise MotionLiftError(*error)


def _look(place: str, preset: str) -> tuple[str, str, str] | None:
    from ..blender.files import opened_armature
    from ..blender.rigs import check_editable, read_rig

    try:
        figure = opened_armature(place)
        check_editable(figure)
        chosen(read_rig(figure), preset, None)
    except MotionLiftError as error:
        return (error.code, error.message, error.hint)
    return None


if __name__ == "__main__":
    sys.stdout.write(f"\n{ANSWER}{json.dumps(_look(*sys.argv[1:]))}\n")
    sys.stdout.flush()
    # Some wheels of Blender crash or hang when Python takes them apart.
    os._exit(0)
