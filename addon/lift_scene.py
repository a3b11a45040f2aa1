"""The scene that a lift was begun in: it belongs there, whatever is shown when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bpy

from ..bridge.blender.lasting import with_uid
from .lift_jobs import Finished


def scene_of(finished: Finished) -> bpy.types.Scene | None:
    """The scene that a result belongs to; None for the one at hand: where it belongs to none, or that one is gone."""
    return with_uid(bpy.data.scenes, getattr(finished.job.payload, "scene", 0))


def missed_scene(context: bpy.types.Context, finished: Finished) -> str:
    """The name of the scene that a finished lift waits for, since no window shows it; empty where it need not wait."""
    scene = _scene_of_lift(finished)
    return "" if scene in (None, context.scene) or _window_of(context, scene) is not None else scene.name


@contextlib.contextmanager
def in_its_scene(context: bpy.types.Context, finished: Finished) -> Iterator[None]:
    """As long as the block lasts `context` is a window that shows the scene of a finished lift. For scripts, which
    cannot wait until one does, the window at hand shows it meanwhile."""
    scene = _scene_of_lift(finished)
    if scene in (None, context.scene):
        yield
        return
    window = _window_of(context, scene)
    if window is not None:
        with context.temp_override(window=window):
            yield
        return
    window = context.window or context.window_manager.windows[0]
    before, window.scene = window.scene, scene
    try:
        yield
    finally:
        window.scene = before


def _scene_of_lift(finished: Finished) -> bpy.types.Scene | None:
    """`scene_of` a lift that is put there; another solve of what is there needs no scene around it."""
    return scene_of(finished) if finished.error is None and finished.job.op == "lift" else None


def _window_of(context: bpy.types.Context, scene: bpy.types.Scene) -> bpy.types.Window | None:
    return next((window for window in context.window_manager.windows if window.scene == scene), None)
