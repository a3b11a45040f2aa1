"""What scripts share that drive a real, windowed Blender: calling operators, taking pictures, going on step by step.

Pictures are taken with ImageMagick's `import`, so this needs X11.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

SHOTS = Path(os.environ["MOTIONLIFT_SHOTS"])
found: dict[str, Any] = {"shots": []}
"""What a script finds out; printed as JSON in the last line."""


def package() -> str:
    """The extension's package, wherever it was installed from."""
    names: list[str] = list(bpy.context.preferences.addons.keys())
    return next(name for name in names if name.endswith(".motionlift"))


def view() -> dict[str, Any]:
    """The 3D view, as operators want it."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "screen": window.screen, "area": area, "region": region}


def call(operator: Any, context: str = "INVOKE_DEFAULT", **options: Any) -> set[str]:
    """An operator as if called from the 3D view."""
    with bpy.context.temp_override(**view()):
        called: set[str] = operator(context, **options)
    return called


def press(key: str) -> None:
    """A key, with the pointer over the 3D view."""
    window = view()["window"]
    window.event_simulate(key, "PRESS", x=400, y=500)
    window.event_simulate(key, "RELEASE", x=400, y=500)


def shot(name: str) -> None:
    """A picture of the whole screen."""
    subprocess.run(["import", "-window", "root", str(SHOTS / f"{name}.png")], check=True)
    found["shots"].append(name)


def wait_for(done: Callable[[], object], seconds: float = 120.0) -> Iterator[float]:
    """Waits until `done()`, to be yielded from; an error after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"still not {done}")
        yield 0.02


def drive(steps: Iterator[float]) -> None:
    """Go through `steps`, which yield the seconds to wait before the next, print `found`, and quit."""

    def step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            pass
        except Exception:  # noqa: BLE001 (told in the output)
            found["error"] = traceback.format_exc()
            shot("error")
        sys.stdout.write("\n" + json.dumps(found) + "\n")
        sys.stdout.flush()
        bpy.ops.wm.quit_blender()
        return None

    bpy.context.preferences.view.show_splash = False
    # Opening another file must not end the script.
    bpy.app.timers.register(step, first_interval=2.0, persistent=True)
