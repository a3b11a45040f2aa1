"""Keyframes in bulk, whole curves at a time: fifty times faster than `keyframe_insert`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from ..channels import PROPERTIES, ROTATIONS, free_columns, rotation_channels, rotation_property
from ..reduce import Keys, ReducedKeys
from ..retarget import Retargeted
from ..rig import Rig
from . import versions
from .curve_prints import CurveName, key_kind, keyed_print
from .untouched import location_from_world
from .written import Keyed

SWITCHES_GROUP, OBJECT_GROUP = "MotionLift switches", "Object Transforms"


@dataclass(frozen=True)
class Channel:
    """What to write: a property's path seen from the object, and values (F, C) for the components `indices`; or instead
    of values in every frame, reduced keys with all components. `mode`: of a rotation, the bone's rotation mode."""

    path: str
    indices: Sequence[int]
    values: Array
    group: str
    keys: Keys | None = None
    mode: str = ""


def write_curves(
    curves: Any, data_path: str, frames: Array, values: Array, group: str, indices: Sequence[int] | None = None
) -> dict[CurveName, Keyed]:
    """Key components of a property at every frame.

    `curves` is what `versions.assign_action` returned; `data_path` the property's, seen from the animated object;
    `frames` (F,) in the scene's frames; `values` (F, C), one column a component of `indices` (by default all). Keys
    are LINEAR and of type GENERATED; the curves stand in the group named `group`, made if needed. Returns what was
    written, for `remember`.
    """
    linear, generated = key_kind("interpolation", "LINEAR"), key_kind("type", "GENERATED", "KEYFRAME")
    kinds, types = np.full(len(frames), linear, np.int32), np.full(len(frames), generated, np.int32)
    channels = curves.groups.get(group) or curves.groups.new(group)
    co = np.empty(2 * len(frames), np.float32)
    co[::2] = frames
    written = {}
    for component, column in zip(indices or range(values.shape[1]), values.T, strict=True):
        co[1::2] = column
        curve = curves.fcurves.new(data_path, index=component)
        curve.group = channels
        points = curve.keyframe_points
        points.add(len(frames))
        points.foreach_set("co", co)
        points.foreach_set("interpolation", kinds)
        points.foreach_set("type", types)
        curve.update()
        written[data_path, component] = Keyed(co[1::2].copy(), keyed_print(co, linear))
    return written


def write_bezier(curves: Any, channel: Channel, first_frame: int) -> None:
    """Write reduced keys: free handles a third of the way to the next key, of type GENERATED."""
    keys = channel.keys
    assert keys is not None
    generated, bezier = key_kind("type", "GENERATED", "KEYFRAME"), key_kind("interpolation", "BEZIER")
    free = versions.enum_value(bpy.types.Keyframe, "handle_left_type", "ALIGNED", "FREE")
    group = curves.groups.get(channel.group) or curves.groups.new(channel.group)
    frames = keys.frames + float(first_frame)
    third = np.diff(frames, prepend=frames[0] - 1, append=frames[-1] + 1) / 3
    count = len(frames)
    for component in channel.indices:
        curve = curves.fcurves.new(channel.path, index=component)
        curve.group = group
        points = curve.keyframe_points
        points.add(count)
        value, slope = keys.values[:, component], keys.slopes[:, component]
        before, after = third[:-1], third[1:]
        for name, at, height in (
            ("co", frames, value),
            ("handle_left", frames - before, value - slope * before),
            ("handle_right", frames + after, value + slope * after),
        ):
            points.foreach_set(name, np.column_stack([at, height]).astype(np.float32).ravel())
        for name, number in (
            ("interpolation", bezier), ("type", generated), ("handle_left_type", free), ("handle_right_type", free),
        ):  # fmt: skip
            points.foreach_set(name, np.full(count, number, np.int32))
        curve.update()


def write_switch(curves: Any, data_path: str, frame: float, value: float) -> None:
    """One CONSTANT key that sets a property."""
    write_curves(curves, data_path, np.array([frame]), np.array([[value]]), SWITCHES_GROUP, [0])
    curve = curves.fcurves.find(data_path, index=0)
    curve.keyframe_points[0].interpolation = "CONSTANT"


def bone_channels(figure: bpy.types.Object, done: Retargeted, reduced: ReducedKeys | None = None) -> Iterator[Channel]:
    """What to key: rotations in each bone's own mode, locations of those that travel, locked components left out.

    `figure` is looked at now, not when the channels are asked for.
    """
    rig = done.rig
    paths = {bone: figure.pose.bones[rig.names[bone]].path_from_id() for bone in {*done.rotations, *done.locations}}
    return chain(_channels_of_bones(done, paths, reduced), list(_object_channel(figure, done)))


def _channels_of_bones(done: Retargeted, paths: Mapping[int, str], reduced: ReducedKeys | None) -> Iterator[Channel]:
    rig = done.rig
    for bone in sorted(paths):
        name, path = rig.names[bone], paths[bone]
        if bone in done.locations:
            free = _free_axes(rig, bone)
            if free:
                keys = reduced.locations[bone] if reduced else None
                yield Channel(f"{path}.location", free, done.locations[bone][:, free], name, keys)
        if bone in done.rotations:
            mode = rig.rotation_modes[bone]
            values = rotation_channels(done.rotations[bone], mode, rig.locked_rotation[bone])
            free = _free_turns(rig, bone)
            if free:
                keys = reduced.rotations[bone] if reduced else None
                yield Channel(f"{path}.{rotation_property(mode)}", free, values[:, free], name, keys, mode)


def _free_axes(rig: Rig, bone: int) -> list[int]:
    return [axis for axis in range(3) if not rig.locked_location[bone, axis]]


def _free_turns(rig: Rig, bone: int) -> list[int]:
    mode = rig.rotation_modes[bone]
    # Locks of x, y, z on a quaternion were taken as angles already.
    whole = mode in PROPERTIES and not rig.locked_rotation[bone, 0]
    return list(range(4)) if whole else free_columns(mode, rig.locked_rotation[bone])


def _object_channel(figure: bpy.types.Object, done: Retargeted) -> Iterator[Channel]:
    if done.object_location is not None:
        free = _free_object_axes(figure)
        from_world = location_from_world(figure)
        local = done.object_location @ from_world[:3, :3].T + from_world[:3, 3]
        yield Channel("location", free, local[:, free], OBJECT_GROUP)


def _free_object_axes(figure: bpy.types.Object) -> list[int]:
    return [axis for axis in range(3) if not figure.lock_location[axis]]


def names_written(figure: bpy.types.Object, done: Retargeted) -> frozenset[CurveName]:
    """The curves that `bone_channels` is about to write."""
    rig, names = done.rig, set()
    if done.object_location is not None:
        names |= {("location", axis) for axis in _free_object_axes(figure)}
    for bone in done.locations:
        path = figure.pose.bones[rig.names[bone]].path_from_id()
        names |= {(f"{path}.location", axis) for axis in _free_axes(rig, bone)}
    for bone in done.rotations:
        path = figure.pose.bones[rig.names[bone]].path_from_id()
        turned = rotation_property(rig.rotation_modes[bone])
        names |= {(f"{path}.{turned}", column) for column in _free_turns(rig, bone)}
    return frozenset(names)


def names_keyed(figure: bpy.types.Object, done: Retargeted) -> frozenset[CurveName]:
    """Every location and rotation of the bones that we key, in whatever mode: what they had there before the first take
    gives way."""
    paths = {"location"} if done.object_location is not None else set()
    for bone in {*done.rotations, *done.locations}:
        path = figure.pose.bones[done.rig.names[bone]].path_from_id()
        paths |= {f"{path}.{name}" for name in ("location", *ROTATIONS)}
    return frozenset((path, index) for path in paths for index in range(4))
