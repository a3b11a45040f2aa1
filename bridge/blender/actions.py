"""Keyframes in bulk: whole curves at a time, fifty times faster than `keyframe_insert`."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from . import versions


def write_curves(curves: Any, data_path: str, frames: Array, values: Array, group: str) -> None:
    """Key every component of a property at every frame.

    `curves` is what `versions.assign_action` returned; `data_path` the property's, seen from the animated object;
    `frames` (F,) in the scene's frames; `values` (F, C), one column a component. Keys are LINEAR and of type
    GENERATED; the curves stand in the group named `group`, made if needed.
    """
    key = bpy.types.Keyframe
    linear = versions.enum_value(key, "interpolation", "LINEAR", "LINEAR")
    generated = versions.enum_value(key, "type", "GENERATED", "KEYFRAME")
    channels = curves.groups.get(group) or curves.groups.new(group)
    for component, column in enumerate(values.T):
        curve = curves.fcurves.new(data_path, index=component)
        curve.group = channels
        points = curve.keyframe_points
        points.add(len(frames))
        points.foreach_set("co", np.column_stack([frames, column]).astype(np.float32).ravel())
        points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
        points.foreach_set("type", np.full(len(frames), generated, np.int32))
        curve.update()
