"""Retargeting inside another Blender: `blender --background --python inside.py -- REQUEST` (see `outside.py`).

The request is JSON: root (the folder of this package), motion, place, preset, presets, options, output, fps, name,
reduce, footage; or, for a Rigify human alone, root, rigify, motion, output and name. The answer is one line on standard
output that begins with `ANSWER` and holds JSON: the action's name, frames, bones, title, sure and notes (of a human
alone its rig), or an error's code, message and hint. Nothing is imported from the folder around the package, so this
Blender's own modules stay what they are.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

ANSWER = "MOTIONLIFT-ANSWER "


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Animate and export what the request says; an error that can be told to the user is an answer too."""
    package = types.ModuleType("motionlift")
    package.__path__ = [request["root"]]
    package.__dict__["__version__"] = request["version"]
    sys.modules.setdefault("motionlift", package)
    from motionlift.bridge import match as matching
    from motionlift.bridge.blender.export import animate_and_export
    from motionlift.bridge.blender.rigify import write_rigify_human
    from motionlift.bridge.footage import answered
    from motionlift.bridge.retarget import RetargetOptions
    from motionlift.core.jobs import MotionLiftError
    from motionlift.core.motion import Motion

    try:
        if request.get("rigify"):
            motion, output = Motion.load(Path(request["motion"])), Path(request["output"])
            return write_rigify_human(motion, output, request["name"]).to_json()
        folder = request["presets"] and Path(request["presets"])
        done = animate_and_export(
            Motion.load(Path(request["motion"])),
            request["place"],
            lambda rig: matching.chosen(rig, request["preset"], folder),
            RetargetOptions.from_json(request["options"]),
            Path(request["output"]),
            request["fps"],
            request["name"],
            request["reduce"],
            request["footage"] and answered(request["footage"]),
        )
    except MotionLiftError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    found = done.found
    return {
        "action": done.action, "frames": done.frames, "bones": done.bones, "title": found.title, "sure": found.sure,
        "notes": done.notes,
    }  # fmt: skip


if __name__ == "__main__":
    answer = main(json.loads(sys.argv[sys.argv.index("--") + 1]))
    sys.stdout.write(f"\n{ANSWER}{json.dumps(answer)}\n")
    sys.stdout.flush()
