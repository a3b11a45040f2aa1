"""What we wrote into an Action, remembered in it, so that what was changed by hand since can be told apart."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.rotation import Array
from ..channels import rotations_beside
from . import versions
from .curve_prints import CurveName, curve_print, joined
from .spans import Span

WRITTEN, VALUES, PRINT = "motionlift_written", "motionlift_written_values", "motionlift_print"
SLOT = "motionlift_slot"
"""The custom properties of an Action that hold what `remember` keeps: JSON, an array of float32, a hash, and the number
of the slot that we wrote into."""
KEPT = (WRITTEN, VALUES, PRINT, SLOT)


@dataclass(frozen=True)
class Keyed:
    """A curve as it was just written, a key a frame: its values (F,) float32 and its `curve_print`."""

    values: NDArray[np.float32]
    print: bytes


@dataclass(frozen=True)
class Written:
    """curves: path, component and, for rotations, the bone's rotation mode; values (C, F) at whole frames from
    `first_frame` on; `fps` of the scene then; `switches`: the paths of properties keyed once, with their values."""

    curves: tuple[tuple[str, int, str], ...]
    values: Array
    first_frame: int
    fps: float
    switches: dict[str, float]

    @property
    def names(self) -> frozenset[CurveName]:
        """The curves that we wrote, switches with them."""
        return _names(self.curves, self.switches)

    @property
    def span(self) -> Span:
        """When the take plays."""
        return Span(self.first_frame, self.first_frame + self.values.shape[1] - 1, self.fps)


def remember(
    action: bpy.types.Action,
    owner: Any,
    written: Iterable[tuple[str, int, str]],
    switches: dict[str, float],
    first_frame: int,
    count: int,
    fps: float,
    keyed: Mapping[CurveName, Keyed] | None = None,
) -> None:
    """Keep in `action` what its curves `written` are now. `owner`: what holds them; `keyed`: what was just put into
    some of them, which saves reading it back; the rest as in `Written`."""
    curves, keyed = list(written), keyed or {}
    listed = _watched({*(path for path, _, _ in curves), *switches})
    values = []
    for path, index, _ in curves:
        known = keyed.get((path, index))
        values.append(known.values if known else sampled(owner.fcurves.find(path, index=index), first_frame, count))
    told = {"curves": curves, "switches": switches, "first": first_frame, "count": count, "fps": fps}
    action[WRITTEN] = json.dumps(told)
    versions.set_array(action, VALUES, np.array(values, np.float32).ravel())
    prints = {
        (curve.data_path, curve.array_index): known.print if known else curve_print(curve)
        for curve in owner.fcurves
        if curve.data_path in listed
        for known in [keyed.get((curve.data_path, curve.array_index))]
    }
    action[PRINT] = joined(prints)
    action[SLOT] = versions.slot_number(owner)


def written_in(action: bpy.types.Action) -> Written | None:
    """What `remember` kept; None in an Action that is not ours."""
    told, values = _told(action), action.get(VALUES)
    if told is None or values is None:
        return None
    curves = tuple((path, index, mode) for path, index, mode in told["curves"])
    return Written(
        curves=curves,
        values=np.array(values, np.float32).reshape(len(curves), told["count"]).astype(float),
        first_frame=told["first"],
        fps=told["fps"],
        switches=told["switches"],
    )


def names_in(action: bpy.types.Action) -> frozenset[CurveName] | None:
    """The curves that we wrote into `action`, switches with them; None in an Action that is not ours."""
    told = _told(action)
    return None if told is None else _names(told["curves"], told["switches"])


def span_in(action: bpy.types.Action) -> Span | None:
    """When the take plays that we wrote into `action`; None in an Action that is not ours."""
    told = _told(action)
    return None if told is None else Span(told["first"], told["first"] + told["count"] - 1, told["fps"])


def _told(action: bpy.types.Action) -> dict[str, Any] | None:
    """The JSON that `remember` kept; None in an Action that is not ours."""
    stored = action.get(WRITTEN)
    return json.loads(stored) if isinstance(stored, str) else None


def _names(curves: Iterable[tuple[str, int, str]], switches: Iterable[str]) -> frozenset[CurveName]:
    return frozenset((*((path, index) for path, index, _ in curves), *((path, 0) for path in switches)))


def watched_paths(action: bpy.types.Action) -> frozenset[str] | None:
    """The paths of the curves that we wrote into `action`, and of the rotations that take their place where a bone's
    rotation mode is changed; None in an Action that is not ours."""
    names = names_in(action)
    return None if names is None else _watched({path for path, _ in names})


def _watched(paths: Collection[str]) -> frozenset[str]:
    return frozenset((*paths, *(other for path in paths for other in rotations_beside(path))))


def first_written(action: bpy.types.Action, path: str) -> dict[int, float]:
    """What we wrote into the take's first frame of the curves on `path`, by component; none where we wrote none."""
    told, values = _told(action), action.get(VALUES)
    if told is None or values is None:
        return {}
    rows = enumerate(told["curves"])
    return {index: float(values[row * told["count"]]) for row, (other, index, _) in rows if other == path}


def owner_in(action: bpy.types.Action, paths: Collection[str]) -> Any:
    """What holds our curves: what `remember` saw. Where that is not known, because older versions wrote the Action or
    4.2 saved it, what has most of those on `paths`."""
    owners = versions.curve_owners(action)
    ours = [owner for owner in owners if versions.slot_number(owner) == action.get(SLOT)]
    return max(ours or owners, key=lambda owner: sum(curve.data_path in paths for curve in owner.fcurves))


def sampled(curve: bpy.types.FCurve, first_frame: int, count: int) -> Array:
    """What a curve is (F,) at whole frames, as Blender evaluates it."""
    points = curve.keyframe_points
    frames = np.arange(first_frame, first_frame + count)
    if len(points) == count and not curve.modifiers:
        keys, kinds = np.empty(2 * count, np.float32), np.empty(count, np.int32)
        points.foreach_get("co", keys)
        points.foreach_get("interpolation", kinds)
        linear = versions.enum_value(bpy.types.Keyframe, "interpolation", "LINEAR", "LINEAR")
        if np.array_equal(keys[::2], frames) and np.all(kinds == linear):
            return keys[1::2].astype(float)
    return np.array([curve.evaluate(float(frame)) for frame in frames], np.float32).astype(float)
