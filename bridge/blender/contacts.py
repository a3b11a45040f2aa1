"""Contacts of a take as keys that an animator moves, deletes and adds, and back.

Each contact point is a custom property of the armature object, on or off, keyed in its Action where it changes: what
the dope sheet shows as `contact left heel` in a group of their own. They say; the feet follow when they are applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import bpy
import numpy as np

from ...core.jobs import MotionLiftError
from ...core.motion import Motion
from ...core.rotation import Array
from ..review import contact_edges, contacts_of_edges
from . import nla, versions

GROUP = "MotionLift contacts"
PREFIX = "contact "
FEET = ("left_heel", "left_toe_tip", "right_heel", "right_toe_tip")
"""Points that are shown even where they never hold."""

Edges = Mapping[str, Sequence[tuple[float, bool]]]
"""By the name of a contact point: seconds after the take's start, and whether it holds from there on."""


def edges_of(motion: Motion) -> dict[str, list[tuple[float, bool]]]:
    """Where the contacts of `motion` change; of points other than those of the feet only what holds somewhere."""
    start = motion.times[0]
    found = {}
    for number, name in enumerate(motion.contact_names):
        edges = contact_edges(motion.contacts[:, number])
        if name in FEET or any(holds for _, holds in edges):
            found[name] = [(float(motion.times[frame] - start), holds) for frame, holds in edges]
    return found


def with_edges(motion: Motion, edges: Edges) -> Array:
    """The contacts (F, C) of `motion` with those of `edges` instead; points without edges keep theirs."""
    contacts, times = np.array(motion.contacts), motion.times - motion.times[0]
    half = 0.499 * float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    for number, name in enumerate(motion.contact_names):
        if edges.get(name):
            nearest = [(float(np.searchsorted(times, seconds - half)), float(holds)) for seconds, holds in edges[name]]
            contacts[:, number] = contacts_of_edges(nearest, len(motion))
    return contacts


def write_edges(
    figure: bpy.types.Object, edges: Edges, first_frame: float, fps: float, action: bpy.types.Action | None = None
) -> None:
    """Key the contacts of `edges` in the figure's Action, in place of what it had of them.

    `action`, here and below: which, where it plays as a strip. Raises `MotionLiftError` (`no_action`).
    """
    curves = _curves(figure, action)
    group = curves.groups.get(GROUP) or curves.groups.new(GROUP)
    constant = versions.enum_value(bpy.types.Keyframe, "interpolation", "CONSTANT", "CONSTANT")
    for name, listed in edges.items():
        figure[property_name(name)] = bool(listed[0][1])
        figure.id_properties_ui(property_name(name)).update(
            description=f"Whether the {words(name)} stays where it touches; Apply Contacts makes it so"
        )
        path = data_path(name)
        _drop(curves, path)
        curve = curves.fcurves.new(path, index=0)
        curve.group = group
        points = curve.keyframe_points
        points.add(len(listed))
        keys = [(first_frame + seconds * fps, float(holds)) for seconds, holds in listed]
        points.foreach_set("co", np.array(keys, np.float32).ravel())
        points.foreach_set("interpolation", np.full(len(keys), constant, np.int32))
        curve.update()


def read_edges(
    figure: bpy.types.Object, first_frame: float, fps: float, action: bpy.types.Action | None = None
) -> dict[str, list[tuple[float, bool]]]:
    """The contacts that are keyed now, keys in any order put into theirs. Empty where none are shown."""
    curves = _curves(figure, action)
    found = {}
    for curve in _contact_curves(curves):
        if len(curve.keyframe_points):
            keys = sorted((key.co[0], key.co[1] > 0.5) for key in curve.keyframe_points)
            found[_point(curve)] = [((frame - first_frame) / fps, holds) for frame, holds in keys]
    return found


def shown_names(figure: bpy.types.Object, action: bpy.types.Action | None = None) -> list[str]:
    """The contact points that the figure has keys for."""
    playing = action or (figure.animation_data and figure.animation_data.action)
    curves = nla.curves_in(figure, playing) if playing else None
    return [] if curves is None else [_point(curve) for curve in _contact_curves(curves)]


def toggle(figure: bpy.types.Object, name: str, frame: float, action: bpy.types.Action | None = None) -> bool:
    """Turn a contact on or off from `frame` to its next key, with a key there; returns which.

    Raises `MotionLiftError` (`no_contacts`) for a point without keys.
    """
    curve = _curves(figure, action).fcurves.find(data_path(name), index=0)
    if curve is None:
        raise MotionLiftError("no_contacts", f"There are no keys for the {words(name)}.", "Show the contacts first.")
    holds = not curve.evaluate(frame) > 0.5
    key = curve.keyframe_points.insert(frame, float(holds))
    key.interpolation = "CONSTANT"
    curve.update()
    figure[property_name(name)] = holds
    return holds


def holds_at(figure: bpy.types.Object, name: str, frame: float, action: bpy.types.Action | None = None) -> bool:
    """Whether a contact holds at `frame`, as it is keyed."""
    curve = _curves(figure, action).fcurves.find(data_path(name), index=0)
    return curve is not None and bool(curve.evaluate(frame) > 0.5)


def remove(figure: bpy.types.Object, action: bpy.types.Action | None = None) -> None:
    """Take the contacts' keys and properties off the figure and its Action."""
    names = shown_names(figure, action)
    if not names:
        return
    curves = _curves(figure, action)
    for name in names:
        _drop(curves, data_path(name))
        if property_name(name) in figure:
            del figure[property_name(name)]
    group = curves.groups.get(GROUP)
    if group is not None and not len(group.channels):
        curves.groups.remove(group)


def words(name: str) -> str:
    """A contact point as one says it."""
    return name.replace("_", " ")


def property_name(name: str) -> str:
    """The custom property of a contact point."""
    return PREFIX + words(name)


def data_path(name: str) -> str:
    """Its path, seen from the armature object."""
    return f'["{property_name(name)}"]'


def is_ours(path: str) -> bool:
    """Whether a curve on `path` is one of the contacts' keys."""
    return path.startswith(f'["{PREFIX}')


def _contact_curves(curves: Any) -> Iterable[Any]:
    return [curve for curve in curves.fcurves if is_ours(curve.data_path)]


def _drop(curves: Any, path: str) -> None:
    curve = curves.fcurves.find(path, index=0)
    if curve is not None:
        curves.fcurves.remove(curve)


def _point(curve: Any) -> str:
    """The contact point that a curve of ours is about."""
    return str(curve.data_path)[len('["' + PREFIX) : -len('"]')].replace(" ", "_")


def _curves(figure: bpy.types.Object, action: bpy.types.Action | None = None) -> Any:
    playing = action or (figure.animation_data and figure.animation_data.action)
    curves = nla.curves_in(figure, playing) if playing else None
    if curves is None:
        raise MotionLiftError("no_action", f"{figure.name} has no Action.", "Put a take on it first.")
    return curves
