"""Keyframes in bulk, whole curves at a time (fifty times faster than `keyframe_insert`), and Actions made of them.

An Action of ours is a copy of the one that the rig had, so that what bones we do not touch did goes on, with our
curves in place of what those bones did that we do. It remembers a hash of what we wrote: who changes a key by hand
will not have it overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from ..channels import free_columns, rotation_channels, rotation_property
from ..reduce import Keys, ReducedKeys
from ..retarget import Retargeted
from . import versions
from .curve_prints import CurveName, key_kind, keyed_print
from .handiwork import is_as_written
from .written import Keyed, remember

LONGEST_NAME = 56
"""Bytes; Blender before 5.0 holds 63, and a number follows."""
SWITCHES_GROUP = "MotionLift switches"


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


def apply_keys(
    figure: bpy.types.Object,
    done: Retargeted,
    name: str,
    first_frame: int,
    switches: Mapping[str, float] | None = None,
    replace: bool = False,
    reduced: ReducedKeys | None = None,
) -> bpy.types.Action:
    """Give `figure` an Action with the keys of `done`, one a frame from `first_frame` on, and return it.

    The Action is called `name`, or `name_t02`, `name_t03` ... where there is one already; with `replace`, one of that
    name which holds what we wrote and nothing else is written anew. The previous Action stays, with a fake user.
    `switches`: values by data path, keyed once; `reduced`: keys to write instead of one a frame. The motion is at the
    scene's rate already.
    """
    animation = figure.animation_data_create()
    previous = animation.action
    old = bpy.data.actions.get(_short(name))
    replaced = old if replace and old is not None and is_as_written(old) else None
    if previous is not None:
        previous.use_fake_user = True
    channels = list(bone_channels(figure, done, reduced))
    written = {channel.path for channel in channels} | set(switches or {})
    dropped = _dropped_paths(figure, done) | written
    action, curves = versions.copied_action(figure, free_action_name(name) if replaced is None else "replacing")
    for curve in [curve for curve in curves.fcurves if curve.data_path in dropped]:
        curves.fcurves.remove(curve)
    frames: Array = np.arange(first_frame, first_frame + len(done), dtype=np.float64)
    keyed: dict[CurveName, Keyed] = {}
    for channel in channels:
        if channel.keys is None:
            keyed |= write_curves(curves, channel.path, frames, channel.values, channel.group, channel.indices)
        else:
            write_bezier(curves, channel, first_frame)
    for path, value in (switches or {}).items():
        write_switch(curves, path, float(first_frame), value)
    if replaced is not None:
        title = replaced.name
        bpy.data.actions.remove(replaced)
        action.name = title
    action.use_fake_user = True
    action.use_frame_range = True
    action.frame_start, action.frame_end = frames[0], frames[-1]
    listed = [(channel.path, index, channel.mode) for channel in channels for index in channel.indices]
    remember(action, curves, listed, dict(switches or {}), first_frame, len(done), done.fps, keyed)
    return action


def bone_channels(figure: bpy.types.Object, done: Retargeted, reduced: ReducedKeys | None = None) -> Iterable[Channel]:
    """What to key: rotations in each bone's own mode, locations of those that travel, locked components left out."""
    rig = done.rig
    for bone in sorted({*done.rotations, *done.locations}):
        name = rig.names[bone]
        path = figure.pose.bones[name].path_from_id()
        if bone in done.locations:
            free = [axis for axis in range(3) if not rig.locked_location[bone, axis]]
            if free:
                keys = reduced.locations[bone] if reduced else None
                yield Channel(f"{path}.location", free, done.locations[bone][:, free], name, keys)
        if bone in done.rotations:
            mode = rig.rotation_modes[bone]
            values = rotation_channels(done.rotations[bone], mode)
            # Locks of x, y, z on a quaternion were taken as angles already.
            whole = mode in ("QUATERNION", "AXIS_ANGLE") and not rig.locked_rotation[bone, 0]
            free = list(range(values.shape[1])) if whole else free_columns(mode, rig.locked_rotation[bone])
            if free:
                keys = reduced.rotations[bone] if reduced else None
                yield Channel(f"{path}.{rotation_property(mode)}", free, values[:, free], name, keys, mode)
    if done.object_location is not None:
        free = [axis for axis in range(3) if not figure.lock_location[axis]]
        parented = np.array(figure.matrix_local @ figure.matrix_world.inverted(), float)
        local = done.object_location @ parented[:3, :3].T + parented[:3, 3]
        yield Channel("location", free, local[:, free], "Object Transforms")


def _dropped_paths(figure: bpy.types.Object, done: Retargeted) -> set[str]:
    """Every location and rotation of the bones that we key, in whatever mode."""
    paths = set()
    for bone in {*done.rotations, *done.locations}:
        path = figure.pose.bones[done.rig.names[bone]].path_from_id()
        names = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle")
        paths |= {f"{path}.{name}" for name in names}
    return paths


def free_action_name(name: str) -> str:
    """`name`, or `name_t02`, `name_t03` ... where an Action has it already."""
    name = _short(name)
    count, free = 1, name
    while free in bpy.data.actions:
        count += 1
        free = f"{name}_t{count:02d}"
    return free


def _short(name: str) -> str:
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")


def push_to_nla(figure: bpy.types.Object) -> bpy.types.NlaStrip:
    """Turn the figure's Action into a strip of the same name on a new track, which then plays alone."""
    animation = figure.animation_data
    action, slot = animation.action, getattr(animation, "action_slot", None)
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(action.frame_start), action)
    if slot is not None:
        strip.action_slot = slot
    animation.action = None
    return strip
