"""Working in Object Mode although the animator poses: what we do needs it, and Pose Mode is where they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bpy

from ...core.jobs import MotionLiftError

LEFT_AND_ENTERED = ("OBJECT", "POSE")
"""The modes in which nothing is half done: they may be left for a moment."""


@contextlib.contextmanager
def in_object_mode(context: bpy.types.Context) -> Iterator[None]:
    """Object Mode for as long as the block lasts; then Pose Mode again, if it was on and the same object is active.

    Raises `MotionLiftError` (`object_mode`) in modes of which something would be lost.
    """
    if context.mode == "OBJECT":
        yield
        return
    if context.mode not in LEFT_AND_ENTERED:
        raise MotionLiftError("object_mode", "This needs Object Mode or Pose Mode.", "Switch to Object Mode first.")
    objects = context.view_layer.objects
    active, posed = objects.active, [item for item in context.selected_objects if item.mode == "POSE"]
    bpy.ops.object.mode_set(mode="OBJECT")
    try:
        yield
    finally:
        if active is not None and objects.active == active:
            for item in posed:
                item.select_set(True)
            bpy.ops.object.mode_set(mode="POSE")
