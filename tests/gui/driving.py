"""What the scripts share that drive a real, windowed Blender and take a picture of each step, for people to look at.

MotionLift is installed as an extension there. A script hands `drive` a generator that does what an animator does and
yields the seconds to wait before the next step. `MOTIONLIFT_SHOTS` names the folder for pictures, taken with
ImageMagick's `import`, so this needs X11; `MOTIONLIFT_ENGINE` the Python of the video engine. The last line printed is
JSON: what was found.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

REPOSITORY = Path(__file__).parents[2]
SHOTS = Path(os.environ["MOTIONLIFT_SHOTS"])
SAMPLE = REPOSITORY / "samples/walk_wave_squat.truth.motion.npz"
VIDEO = Path(os.environ.get("MOTIONLIFT_VIDEO", REPOSITORY / "samples/walk_wave_squat.mp4"))
PATIENCE_SECONDS = 120.0
LEFT = "LEFTMOUSE"
found: dict[str, Any] = {"shots": []}
_blocked: list[float] = []
"""When a picture was taken, for which Blender stands still."""


def package() -> str:
    """The extension's package, wherever it was installed from."""
    names: list[str] = list(bpy.context.preferences.addons.keys())
    return next(name for name in names if name.endswith(".motionlift"))


def installed(name: str) -> Any:
    """A module of the installed extension: `core.motion`."""
    return importlib.import_module(f"{package()}.{name}")


def module(name: str) -> Any:
    """A module of the installed add-on: `session`."""
    return installed(f"addon.{name}")


def view() -> dict[str, Any]:
    """The 3D view, as operators want it."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "screen": window.screen, "area": area, "region": region}


def call(operator: Any, context: str = "INVOKE_DEFAULT", **options: Any) -> set[str]:
    """An operator as if called from the 3D view, undo step and all."""
    with bpy.context.temp_override(**view()):
        called: set[str] = operator(context, True, **options)
    return called


def press(kind: str, x: int = 400, y: int = 500) -> None:
    """A key or button pressed and let go at a place of the window, where Blender can pretend so."""
    window = view()["window"]
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(kind, value, x=x, y=y)


def shot(name: str, area: str = "") -> None:
    """A picture of the whole screen, or of the part `<width>x<height>+<x>+<y>`."""
    crop = ["-crop", area, "+repage"] if area else []
    subprocess.run(["import", "-window", "root", *crop, str(SHOTS / f"{name}.png")], check=True)
    found["shots"].append(name)
    _blocked.append(time.perf_counter())


def sidebar_part() -> str:
    """The part of the screen where the sidebar is, for `shot`; the window is at the screen's corner."""
    area = view()["area"]
    region = next(region for region in area.regions if region.type == "UI")
    window = view()["window"]
    return f"{region.width}x{region.height}+{region.x}+{window.height - region.y - region.height}"


def take_processor_time() -> None:
    """Have our steps measured by what they cost Blender's thread, where `MOTIONLIFT_SHARED` says that others use the
    machine too and the clock tells of them."""
    if os.environ.get("MOTIONLIFT_SHARED"):
        found["measured"] = "processor time"
        for name in ("driver", "taking"):
            module(name).time = SimpleNamespace(perf_counter=time.thread_time, monotonic=time.monotonic)
        _clock.now = time.thread_time


_clock = SimpleNamespace(now=time.perf_counter)


def time_draws(panels: list[Any]) -> dict[str, float]:
    """Watches how long panels take to be drawn and polled: the longest of each so far, in milliseconds."""
    longest: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(panel: Any, context: Any) -> Any:
            began = _clock.now()
            try:
                return function(panel, context)
            finally:
                took = 1000 * (_clock.now() - began)
                longest[name] = round(max(longest.get(name, 0.0), took), 1)

        return wrapped

    for cls in panels:
        cls.draw = timed(cls.__name__, cls.draw)
    return longest


def open_sidebar() -> None:
    """The sidebar of the 3D view, open."""
    view()["area"].spaces[0].show_region_ui = True


def unfold(panels: list[Any]) -> None:
    """Have panels open that begin closed, before they are drawn for the first time."""
    folded(lambda cls: cls not in panels and "DEFAULT_CLOSED" in getattr(cls, "bl_options", ()))


def folded(closed: Callable[[Any], bool]) -> None:
    """Have the tab's panels begin closed or open, all registered again: they stand in the order of that."""
    modules = map(module, ("lift_panels", "rig_panel", "placing_panel", "batch_panel", "take_panels"))
    classes = [cls for panels in modules for cls in panels.CLASSES]
    for cls in classes:
        bpy.utils.unregister_class(cls)
        if issubclass(cls, bpy.types.Panel):
            cls.bl_options = {"DEFAULT_CLOSED"} if closed(cls) else set()
    for cls in classes:
        bpy.utils.register_class(cls)


def watch_gaps() -> Callable[[], float]:
    """Watches how long Blender's timers are kept waiting: by us, by drawing, by anything. Ends when it is asked, and
    gives the longest in seconds."""
    state = {"last": time.perf_counter(), "largest": 0.0, "ended": False}

    def tick() -> float | None:
        now = time.perf_counter()
        if not any(state["last"] <= blocked <= now for blocked in _blocked):
            state["largest"] = max(state["largest"], now - state["last"])
        state["last"] = now
        return None if state["ended"] else 0.005

    def ask() -> float:
        state["ended"] = True
        return float(state["largest"])

    bpy.app.timers.register(tick)
    return ask


def until(ready: Callable[[], object], pause: float = 0.05) -> Iterator[float]:
    """Wait, with `yield from`, until something is so. Raises `TimeoutError`."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError
        yield pause


def settled() -> Iterator[float]:
    """Waits, with `yield from`, until nothing of ours runs or is about to."""
    session = module("session").session()
    yield 0.05
    yield from until(lambda: not (session.busy or session.driven or module("clean_up").wanted()))


def close_browser() -> None:
    """Close the file browser that an operator has opened."""
    window = bpy.context.window_manager.windows[0]
    browser = next(area for area in window.screen.areas if area.type == "FILE_BROWSER")
    region = next(region for region in browser.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=browser, region=region):
        bpy.ops.file.cancel("EXEC_DEFAULT")


def drive(steps: Iterator[float]) -> None:
    """Do the steps, each when its time has come; print what was found and quit."""

    def step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            pass
        except Exception:  # noqa: BLE001 (told in the output)
            found["error"] = traceback.format_exc()
            shot("error")
        sys.stdout.write("\n" + json.dumps(found, default=str) + "\n")
        sys.stdout.flush()
        bpy.ops.wm.quit_blender()
        return None

    SHOTS.mkdir(parents=True, exist_ok=True)
    bpy.context.preferences.view.show_splash = False
    # Also when another file is opened.
    bpy.app.timers.register(step, first_interval=2.0, persistent=True)
