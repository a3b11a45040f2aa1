"""Posing a rig as its map says a T-pose is, to be looked at, and back. Nothing is keyed."""

from __future__ import annotations

import json
from typing import Any

import bpy
import numpy as np

from ..channels import rotation_channels, rotation_property
from ..humanoid import RigMap
from ..retarget import RetargetOptions, retarget
from ..standing import t_pose_motion
from .rigs import SOLVER_STRETCH, check_editable, read_rig, switch_values


def take_test_pose(figure: bpy.types.Object, rig_map: RigMap, frame: int) -> str:
    """Put `figure` into the T-pose that `rig_map` implies; the pose it had, for `leave_test_pose`.

    `frame`: the scene's, in which the pose was. Raises `MotionLiftError` as `retarget`, `read_rig` and
    `check_editable`.
    """
    check_editable(figure)
    done = retarget(t_pose_motion(), read_rig(figure), rig_map, RetargetOptions(plant_feet=False))
    # Not as it was read: what bones follow their carriers may have put them in another order.
    names = done.rig.names
    before: dict[str, list[float]] = {}
    for bone, rotations in done.rotations.items():
        posed = figure.pose.bones[names[bone]]
        name, locked = rotation_property(posed.rotation_mode), done.rig.locked_rotation[bone]
        values = rotation_channels(rotations, posed.rotation_mode, locked)[0]
        _put(figure, f"{posed.path_from_id()}.{name}", values, before)
    for bone, locations in done.locations.items():
        _put(figure, f"{figure.pose.bones[names[bone]].path_from_id()}.location", locations[0], before)
    for path, value in switch_values(figure, rig_map, "auto").items():
        before[path] = [_set_switch(figure, path, value)]
    figure.update_tag()
    return json.dumps({"frame": frame, "values": before})


def leave_test_pose(scene: bpy.types.Scene, figure: bpy.types.Object, before: str) -> None:
    """Give `figure` the pose back that `take_test_pose` returned. Bones that are gone meanwhile are passed over."""
    stored: dict[str, Any] = json.loads(before)
    for path, values in stored["values"].items():
        try:
            if path.endswith(("]", f".{SOLVER_STRETCH}")):
                _set_switch(figure, path, values[0])
            else:
                _put(figure, path, np.array(values), {})
        except ValueError:  # Blender's word for a path that leads nowhere.
            continue
    figure.update_tag()
    if scene.frame_current != stored["frame"]:
        # The pose of another frame was put back: what is animated belongs to this one.
        scene.frame_set(scene.frame_current)


def _put(figure: bpy.types.Object, path: str, values: Any, before: dict[str, list[float]]) -> None:
    holder, _, name = path.rpartition(".")
    bone = figure.path_resolve(holder)
    before[path] = [float(value) for value in getattr(bone, name)]
    setattr(bone, name, [float(value) for value in values])


def _set_switch(figure: bpy.types.Object, path: str, value: float) -> float:
    """Set a switch and return what it was. A custom property keeps its kind: what was a whole number stays one."""
    if not path.endswith("]"):
        holder, _, name = path.rpartition(".")
        bone = figure.path_resolve(holder)
        was = getattr(bone, name)
        setattr(bone, name, value)
        return float(was)
    holder, _, name = path.rpartition('["')
    bone, key = figure.path_resolve(holder), bpy.utils.unescape_identifier(name.removesuffix('"]'))
    if key not in bone:
        raise ValueError(path)
    # By its name and not by its path, which gives words for a property that is a choice.
    before = bone[key]
    bone[key] = type(before)(value)
    return float(before)
