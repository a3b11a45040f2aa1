"""What a curve is in a few bytes: of the keys that lie in Blender, or of those that are about to lie there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import versions

CurveName = tuple[str, int]
"""A curve's data path and the component that it moves."""


def name_of(curve: bpy.types.FCurve) -> CurveName:
    """What a curve is known by."""
    return curve.data_path, curve.array_index


def key_kind(name: str, identifier: str, otherwise: str = "") -> int:
    """The number of a keyframe's enum property, or of `otherwise` where a version lacks it."""
    return versions.enum_value(bpy.types.Keyframe, name, identifier, otherwise or identifier)


def keyed_print(co: NDArray[np.float32], interpolation: int) -> bytes:
    """`curve_print` of a new curve with keys `co` (2F,), frame and value in turn, of one kind that is not BEZIER."""
    return _print(False, [], co, np.full(len(co) // 2, interpolation, np.int32), ())


def curve_print(curve: bpy.types.FCurve) -> bytes:
    """A hash of a curve's keys, how they are joined, its modifiers and whether it counts.

    Of handles only where some key is BEZIER: others bend nothing, and Blender recalculates them.
    """
    points = curve.keyframe_points
    co, kinds = np.empty(2 * len(points), np.float32), np.empty(len(points), np.int32)
    points.foreach_get("co", co)
    points.foreach_get("interpolation", kinds)
    handles = []
    if np.any(kinds == key_kind("interpolation", "BEZIER")):
        for side in ("handle_left", "handle_right"):
            handles.append(np.empty_like(co))
            points.foreach_get(side, handles[-1])
    return _print(curve.mute, [modifier.type for modifier in curve.modifiers], co, kinds, handles)


def _print(mute: bool, modifiers: list[str], *arrays: Any) -> bytes:
    told = hashlib.sha256(f"{bool(mute)} {modifiers}".encode())
    co, kinds, handles = arrays
    for array in (co, kinds, *handles):
        told.update(array.tobytes())
    return told.digest()


def prints_of(owner: Any, paths: Iterable[str] | None = None) -> dict[CurveName, bytes]:
    """The prints of the curves that `owner` holds, of those on `paths` where they are given."""
    wanted = None if paths is None else set(paths)
    return {
        (curve.data_path, curve.array_index): curve_print(curve)
        for curve in owner.fcurves
        if wanted is None or curve.data_path in wanted
    }


def joined(prints: Mapping[CurveName, bytes]) -> str:
    """One hash of them all, in whatever order they lie in the Action."""
    told = hashlib.sha256()
    for (path, index), each in sorted(prints.items()):
        told.update(f"{path}[{index}]".encode() + each)
    return told.hexdigest()[:32]
