"""An Action made anew like another one, curve by curve: copying a long one whole takes longer than Blender may stand
still."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import versions
from .curve_prints import CurveName, name_of
from .spans import POINTS
from .written import KEPT

OF_KEYS = ("easing", "type", "interpolation", "handle_left_type", "handle_right_type")
SHAPES = ("amplitude", "back", "period")
"""What a keyframe has: two numbers, one of several kinds, one number."""
OF_CURVES = ("extrapolation", "mute", "lock", "hide", "color_mode", "color", "auto_smoothing")
OF_ASSETS = ("author", "description", "copyright", "license", "catalog_id")
OF_GROUPS = ("color_set", "lock", "mute", "use_pin")


def can_be_rebuilt(action: bpy.types.Action, curves: Any, dropped: Collection[CurveName]) -> bool:
    """Whether all there is of `action` but its curves `dropped` can be made anew by `copy_curve` and
    `copy_rest`: one slot, and neither modifiers nor baked samples. `curves`: what holds its curves."""
    if not versions.has_one_slot(action):
        return False
    kept = (curve for curve in curves.fcurves if name_of(curve) not in dropped)
    return not any(len(curve.modifiers) or len(curve.sampled_points) for curve in kept)


def names_of(curves: Any, dropped: Collection[CurveName]) -> list[CurveName]:
    """The curves that are not among those `dropped`."""
    return [name for name in map(name_of, curves.fcurves) if name not in dropped]


def copy_curve(source: bpy.types.FCurve, curves: Any) -> bpy.types.FCurve:
    """A curve in `curves` with the keys, looks and group of `source`, which has neither modifiers nor samples."""
    target = curves.fcurves.new(source.data_path, index=source.array_index)
    if source.group is not None:
        target.group = _group_like(source.group, curves)
    count = len(source.keyframe_points)
    target.keyframe_points.add(count)
    points, kinds, numbers = (np.empty(size, kind) for size, kind in ((2 * count, "f4"), (count, "i4"), (count, "f4")))
    for names, values in ((OF_KEYS, kinds), (SHAPES, numbers), (POINTS, points)):
        for name in names:
            _copy_values(source, target, name, values)
    for name in OF_CURVES:
        setattr(target, name, getattr(source, name))
    # Not `update`: it would move handles that were copied as they are.
    return target


def copy_rest(source: bpy.types.Action, target: bpy.types.Action) -> None:
    """What an Action has besides curves, but its name, users and range: properties of people and add-ons, pose
    markers. What we remember of curves that we wrote is left out."""
    for name in source.keys():  # noqa: SIM118 (Blender's data cannot be iterated)
        if name not in KEPT:
            target[name] = versions.plain_property(source[name])
    versions.copy_registered(source, target)
    for marker in source.pose_markers:
        target.pose_markers.new(marker.name).frame = marker.frame
    target.use_cyclic = source.use_cyclic


def copy_asset(source: bpy.types.Action, target: bpy.types.Action) -> None:
    """Let `target` be the asset that `source` is, if it is one: no copy of an Action is. With its preview."""
    told = source.asset_data
    if told is None:
        return
    target.asset_mark()
    made = target.asset_data
    for name in OF_ASSETS:
        setattr(made, name, getattr(told, name))
    for tag in told.tags:
        made.tags.new(tag.name, skip_if_exists=True)
    made.active_tag = told.active_tag
    for name in told.keys():  # noqa: SIM118 (Blender's data cannot be iterated)
        made[name] = versions.plain_property(told[name])
    picture = source.preview
    if picture is not None and all(picture.image_size):
        pixels = np.empty(len(picture.image_pixels), np.int32)
        picture.image_pixels.foreach_get(pixels)
        copied = target.preview_ensure()
        copied.image_size = picture.image_size
        copied.image_pixels.foreach_set(pixels)


def _copy_values(source: bpy.types.FCurve, target: bpy.types.FCurve, name: str, values: NDArray[Any]) -> None:
    source.keyframe_points.foreach_get(name, values)
    target.keyframe_points.foreach_set(name, values)


def _group_like(group: bpy.types.ActionGroup, curves: Any) -> bpy.types.ActionGroup:
    found = curves.groups.get(group.name)
    if found is None:
        found = curves.groups.new(group.name)
        for name in OF_GROUPS:
            setattr(found, name, getattr(group, name))
    return found
