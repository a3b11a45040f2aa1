"""*Keep my edits*: what was changed by hand in a take, applied again to a new take on the same rig.

An edit is the difference between what a curve is now and what we wrote: for rotations what turns the bone, in its own
axes, from our pose to the animator's, so that it means the same on whatever the new take does there; for all else what
was added. It belongs to a time after the take's start; where the new take goes on longer the last difference stays. A
bone that was keyed in another rotation mode since is turned by what is keyed in that.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import bpy
import numpy as np

from ...core.rotation import IDENTITY, Array, conjugate, continuous, multiply, normalise
from ..channels import rotation_channels, rotation_property, rotations_of
from ..rig import AXIS_ANGLE, QUATERNION
from . import nla
from .curve_prints import name_of
from .key_curves import SWITCHES_GROUP, write_curves
from .written import Written, owner_in, sampled, written_in

T = TypeVar("T")

SAME = 1e-6
"""Radians, metres and so on: a difference that is none."""
SAME_TURN = 1e-4
"""Of half an angle in radians: what bringing rotations into another mode changes."""


@dataclass(frozen=True)
class HandEdits:
    """What was changed by hand. turns (F, 4) by the path of the bone; added (F,) by path and component; keys (frames
    after the start, values) of switches by path; removed: properties of which every curve was deleted.

    fps: of F.
    """

    turns: Mapping[str, Array]
    added: Mapping[tuple[str, int], Array]
    switches: Mapping[str, Array]
    removed: frozenset[str]
    fps: float

    def __bool__(self) -> bool:
        return bool(self.turns or self.added or self.switches or self.removed)

    def paths(self) -> list[str]:
        """What was changed, for the animator to see: bones and properties as Blender writes them."""
        return sorted({*self.turns, *(path for path, _ in self.added), *self.switches, *self.removed})


def hand_edits(action: bpy.types.Action) -> HandEdits | None:
    """What was changed by hand in `action` since we wrote it; None for an Action that is not ours.

    Seen is what the curves do during the take: keys before and after it are not, and stay in the Action.
    """
    return run(reading_edits(action.name))


def reading_edits(name: str) -> Generator[None, None, HandEdits | None]:
    """`hand_edits` of the Action of that name in many small steps, between which Blender may go on; the Action must not
    change meanwhile. Raises `KeyError` where it is gone."""
    written = written_in(bpy.data.actions[name])
    if written is None:
        return None
    values, there = written.values.copy(), []
    for row, (path, index, _) in enumerate(written.curves):
        curve = _owner(bpy.data.actions[name], written).fcurves.find(path, index=index)
        there.append(curve is not None)
        if curve is not None:
            values[row] = sampled(curve, written.first_frame, written.values.shape[1])
        yield
    rows: dict[str, list[int]] = {}
    for row, (path, _, _) in enumerate(written.curves):
        rows.setdefault(path, []).append(row)
    turns, added, removed = {}, {}, set()
    turning = turning_now(bpy.data.actions[name], written)
    for path, its in rows.items():
        yield
        if path in turning:
            components = [written.curves[row][1] for row in its]
            ours = _rotations(written.values[its].T, components, written.curves[its[0]][2])
            difference = multiply(conjugate(ours), _turned(bpy.data.actions[name], written, *turning[path]))
            if np.abs(difference[:, 1:]).max() > SAME_TURN:
                turns[path.rpartition(".")[0]] = continuous(difference)
        elif not any(there[row] for row in its):
            removed.add(path)
        elif np.abs(values[its] - written.values[its]).max() <= SAME:
            continue
        elif written.curves[its[0]][2]:
            mode = written.curves[its[0]][2]
            components = [written.curves[row][1] for row in its]
            ours, theirs = (_rotations(each[its].T, components, mode) for each in (written.values, values))
            turns[path.rpartition(".")[0]] = continuous(multiply(conjugate(ours), theirs))
        else:
            added.update({(path, written.curves[row][1]): values[row] - written.values[row] for row in its})
    switches = {}
    owner = _owner(bpy.data.actions[name], written)
    for path, value in written.switches.items():
        curve = owner.fcurves.find(path, index=0)
        if curve is None:
            removed.add(path)
            continue
        keys = np.array([point.co for point in curve.keyframe_points], float).reshape(-1, 2)
        keys[:, 0] -= written.first_frame
        if keys.shape != (1, 2) or np.abs(keys - [0.0, value]).max() > SAME:
            switches[path] = keys
    return HandEdits(turns, added, switches, frozenset(removed), written.fps)


def turning_now(action: bpy.types.Action, written: Written) -> dict[str, tuple[str, str]]:
    """By the path of a bone's rotation that we wrote, the path that turns the bone now and its rotation mode, where
    that mode is another since and the bone was keyed in it."""
    figure, owner, found = nla.player_of(action), _owner(action, written), {}
    keyed = {curve.data_path for curve in owner.fcurves}
    for path in {path for path, _, mode in written.curves if mode}:
        bone_path = path.rpartition(".")[0]
        try:
            mode = figure.path_resolve(bone_path).rotation_mode if figure is not None else ""
        except ValueError:  # There is no such bone any more.
            continue
        now = f"{bone_path}.{rotation_property(mode)}"
        if mode and now != path and now in keyed:
            found[path] = (now, mode)
    return found


def _turned(action: bpy.types.Action, written: Written, path: str, mode: str) -> Array:
    """The rotations (F, 4) of the curves on `path` during the take."""
    curves = [curve for curve in _owner(action, written).fcurves if curve.data_path == path]
    values = np.stack([sampled(curve, written.first_frame, written.values.shape[1]) for curve in curves], 1)
    return _rotations(values, [curve.array_index for curve in curves], mode)


def run(steps: Generator[None, None, T]) -> T:
    """What comes of it, all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def apply_edits(figure: bpy.types.Object, edits: HandEdits) -> None:
    """Apply `edits` to the take that `apply_keys` has just put on `figure`.

    Its Action then counts as changed by hand, and what was written without the edits stays known: they can be kept
    again. Curves with an edit get a key in every frame. Edits of what the new take does not key are left out.
    """
    action = figure.animation_data.action
    written = written_in(action)
    if written is None:
        return
    curves = _owner(action, written)
    frames: Array = written.first_frame + np.arange(written.values.shape[1], dtype=np.float64)
    at = np.arange(len(frames)) / written.fps * edits.fps
    for bone, turns in edits.turns.items():
        its = [row for row, (path, _, mode) in enumerate(written.curves) if mode and path.rpartition(".")[0] == bone]
        if not its:
            continue
        path, _, mode = written.curves[its[0]]
        components = [written.curves[row][1] for row in its]
        more = normalise(_resampled(turns, at))
        edited = multiply(_rotations(written.values[its].T, components, mode), more)
        locked = np.array([False, *(axis not in components for axis in range(3))])
        values = rotation_channels(edited, mode, locked)[:, components]
        _rewrite(curves, path, frames, values, components)
    for path in {path for path, _ in edits.added}:
        its = [row for row, (other, _, _) in enumerate(written.curves) if other == path]
        components = [written.curves[row][1] for row in its]
        none = np.zeros(1)
        added = [_resampled(edits.added.get((path, index), none)[:, None], at) for index in components]
        if its:
            _rewrite(curves, path, frames, written.values[its].T + np.concatenate(added, 1), components)
    for path, keys in edits.switches.items():
        if path in written.switches:
            at = keys[:, 0] * (written.fps / edits.fps) + written.first_frame
            _rewrite(curves, path, at, keys[:, 1:], [0], SWITCHES_GROUP, True)
    ours = written.names
    for curve in [curve for curve in curves.fcurves if curve.data_path in edits.removed and name_of(curve) in ours]:
        curves.fcurves.remove(curve)


def _owner(action: bpy.types.Action, written: Written) -> Any:
    return owner_in(action, {*(path for path, _, _ in written.curves), *written.switches})


def _rotations(values: Array, components: Sequence[int], mode: str) -> Array:
    """Rotations (F, 4) of the values (F, C) of some components of a rotation; the others are those of no rotation."""
    none = IDENTITY if mode == QUATERNION else np.zeros(4 if mode == AXIS_ANGLE else 3)
    whole = np.tile(none, (len(values), 1))
    whole[:, list(components)] = values
    return rotations_of(whole, mode)


def _resampled(values: Array, at: Array) -> Array:
    """Values (F, C) at fractional frames (N,); the last one after the end."""
    frames = np.arange(len(values))
    return np.stack([np.interp(at, frames, column) for column in values.T], 1)


def _rewrite(
    curves: Any, path: str, frames: Array, values: Array, components: Sequence[int],
    group: str = "", constant: bool = False,
) -> None:  # fmt: skip
    for index in components:
        old = curves.fcurves.find(path, index=index)
        if old is not None:
            group = group or (old.group.name if old.group else "")
            curves.fcurves.remove(old)
    write_curves(curves, path, frames, values, group or "MotionLift", components)
    if constant:
        for key in curves.fcurves.find(path, index=0).keyframe_points:
            key.interpolation = "CONSTANT"
