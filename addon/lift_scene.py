"""The scene that a lift was begun in: it belongs there, whatever is shown when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bpy

from ..bridge.blender.lasting import with_uid
from .lift_jobs import Finished


def scene_of(finished: Finished) -> bpy.types.Scene | None:
    """The scene that a finished lift goes into; None for the one at hand: where nothing goes into a scene, or that one
    is gone."""
    if finished.error is not None or finished.job.op != "lift":
        return None
    return with_uid(bpy.data.scenes, getattr(finished.job.payload, "scene", 0))


def missed_scene(context: bpy.types.Context, finished: Finished) -> str:
    """The name of the scene that a finished lift waits for, since no window shows it; empty where it need not wait."""
    scene = scene_of(finished)
    return "" if scene in (None, context.scene) or _window_of(context, scene) is not None else scene.name


@contextlib.contextmanager
def in_its_scene(context: bpy.types.Context, finished: Finished) -> Iterator[None]:
    """As long as the block lasts `context` is a window that shows the scene of a finished lift. For scripts, which
    cannot wait until one does, the window at hand shows it meanwhile."""
    scene = scene_of(finished)
    if scene in (None, context.scene):
        yield
        return
    window = _window_of(context, scene)
    if window is not None:
        with context.temp_override(window=window):
            yield
        return
    before, window = context.window.scene, context.window
    window.scene = scene
    try:
        yield
    finally:
        window.scene = before


def _window_of(context: bpy.types.Context, scene: bpy.types.Scene) -> bpy.types.Window | None:
    return next((window for window in context.window_manager.windows if window.scene == scene), None)
