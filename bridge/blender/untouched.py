"""Where a figure stands and what its bones hold without the take that it plays: a new one begins there.

What a curve has set stays set when the curve is gone, and what is read off a figure that plays is that of the playhead.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ...core.rotation import Array
from .curve_prints import CurveName
from .written import first_written

LOCATION = "location"
AT_REST = {
    "location": (0.0, 0.0, 0.0),
    "rotation_euler": (0.0, 0.0, 0.0),
    "rotation_quaternion": (1.0, 0.0, 0.0, 0.0),
    "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0),
}
"""What a bone's transforms are at rest, as Blender resets them."""


def untouched_world(figure: bpy.types.Object, action: bpy.types.Action | None = None) -> Array:
    """The object's matrix (4, 4) where it stood before its take let it travel; of another its matrix now.

    `action`: the take, where it plays as a strip.
    """
    world = np.array(figure.matrix_world, float)
    if action is None and figure.animation_data:
        action = figure.animation_data.action
    start = first_written(action, LOCATION) if action is not None else {}
    if start and np.linalg.det(world) != 0:
        location = np.array([*(start.get(axis, figure.location[axis]) for axis in range(3)), 1.0], float)
        stood: Array = np.linalg.inv(location_from_world(figure)) @ location
        # No finer than Blender holds it: wherever the playhead is, it is the same.
        world[:3, 3] = stood[:3].astype(np.float32)
    return world


def location_from_world(figure: bpy.types.Object) -> Array:
    """What takes a place in the world to what the object's location must be for it to be there (4, 4): its parent with
    the inverse that was kept of it, a bone as parent and *Child Of* constraints undone, and the delta location."""
    basis: Array = np.array(figure.matrix_basis, float)
    world: Array = np.array(figure.matrix_world, float)
    found: Array = basis @ np.linalg.inv(world)
    found[:3, 3] -= np.array(figure.delta_location, float)
    return found


def rest_without_curves(figure: bpy.types.Object, action: bpy.types.Action | None, gone: Iterable[CurveName]) -> None:
    """Set what the curves `gone` of `action` have moved to rest, the object to where it stood before it travelled."""
    start = first_written(action, LOCATION) if action is not None else {}
    for path, component in gone:
        holder, _, name = path.rpartition(".")
        if path == LOCATION and component in start:
            figure.location[component] = start[component]
        elif holder.startswith("pose.bones[") and name in AT_REST:
            try:
                values = getattr(figure.path_resolve(holder), name)
            except ValueError:  # Blender's word for a path that leads nowhere: a curve of a bone that is gone.
                continue
            values[component] = AT_REST[name][component]
