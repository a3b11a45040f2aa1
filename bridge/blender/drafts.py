"""An Action that is written little by little while Blender goes on, and shown when it is whole.

Until then nothing uses it, so nothing half-made is seen, played or saved. Between the steps an animator may do
anything: what they hold of Blender is looked up again by name, and a draft that does not fit any more is thrown away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from ..reduce import ReducedKeys
from ..retarget import Retargeted
from . import versions
from .curve_prints import CurveName, curve_print, name_of, prints_of
from .giving_way import NO_CURVES, GivingWay, before_another_solve
from .key_curves import (
    Channel,
    bone_channels,
    names_keyed,
    names_written,
    write_bezier,
    write_curves,
    write_switch,
)
from .rebuilding import can_be_rebuilt, copy_curve, copy_rest, names_of
from .spans import Span, carried, carry
from .untouched import rest_without_curves
from .written import Keyed, names_in, remember, span_in

MARK = "motionlift_draft"
"""The custom property of an Action that is not whole yet."""


class DraftLost(Exception):  # noqa: N818 (it happens, and is no error)
    """Undo, or an animator, has taken the draft away."""


@dataclass(frozen=True, eq=False)
class Keys:
    """What is to be written: `count` keys, one a frame, on each of `channels`, or the keys that these have. `of`: what
    it was made of, by which it is told; `names`: the curves that the channels are; `fps` of the scene; `again`: whether
    they take the place of what we wrote before; `cleared`: the curves that give way if not."""

    of: object
    channels: Iterable[Channel]
    names: frozenset[CurveName]
    count: int
    fps: float
    again: bool = True
    cleared: frozenset[CurveName] = NO_CURVES

    @staticmethod
    def on_rig(
        figure: bpy.types.Object, done: Retargeted, reduced: ReducedKeys | None = None, again: bool = False
    ) -> Keys:
        """Those of `done` on the rig `figure`, or those of `reduced`."""
        channels, names = bone_channels(figure, done, reduced), names_written(figure, done)
        return Keys(done, channels, names, len(done), done.fps, again, names_keyed(figure, done))

    def giving_way(self, action: bpy.types.Action | None, curves: Any, switches: Iterable[str] = ()) -> GivingWay:
        """What they and `switches` meet in the `curves` of `action`."""
        wanted = self.names | {(path, 0) for path in switches}
        if self.again:
            return before_another_solve(action, curves, wanted)
        # What we wrote there before as well: the way may have lain on another bone, or on the object.
        ours = None if action is None else names_in(action)
        return GivingWay(wanted | self.cleared | (ours or NO_CURVES))

    def spans(self, action: bpy.types.Action | None, first_frame: int) -> tuple[Span, Span] | None:
        """When the take plays in `action` and when these keys do, where that differs: what else is in it goes along."""
        before, now = self.span_before(action), self.span(first_frame)
        return None if before is None or (before.first, before.fps) == (now.first, now.fps) else (before, now)

    def span(self, first_frame: int) -> Span:
        """When they play, from `first_frame` on."""
        return Span(first_frame, first_frame + self.count - 1, self.fps)

    def span_before(self, action: bpy.types.Action | None) -> Span | None:
        """When the take plays in `action` whose place they take; None if they take none."""
        return span_in(action) if self.again and action is not None else None


class Draft:
    """`keys` on `figure` from `first_frame` on, and the `switches`, in an Action like the one that it has, that nothing
    shows yet. What gives way says `giving_way.py`; all else comes along."""

    def __init__(
        self,
        figure: bpy.types.Object,
        keys: Keys,
        first_frame: int,
        switches: Mapping[str, float] | None = None,
    ) -> None:
        animation = figure.animation_data_create()
        previous = animation.action
        self._keys, self._switches, self._first = keys, dict(switches or {}), first_frame
        self._figure, self._previous = figure.name, "" if previous is None else previous.name
        owner = versions.current_curves(animation)
        self._way = keys.giving_way(previous, owner, self._switches)
        dropped = self._way.dropped
        # Of an Action that moves nothing here, an empty one or one of another object, there is nothing to copy.
        self._to_copy: list[CurveName] | None = [] if owner is None else None
        if owner is not None and can_be_rebuilt(previous, owner, dropped):
            self._to_copy = names_of(owner, dropped)
        whole = self._to_copy is None
        action, self._slot = versions.detached_action(figure, "MotionLift draft", copied=whole)
        action[MARK] = True
        self._action = action.name
        self._others: dict[CurveName, bytes] = {}
        self._spans = keys.spans(previous, first_frame)
        if whole:
            curves = self._curves()
            _drop(curves, dropped)
            self._others = prints_of(curves)
            _carry(curves.fcurves, self._spans)
        self._keyed: dict[CurveName, Keyed] = {}
        self._listed: list[tuple[str, int, str]] = []
        self._left = self._write()

    @property
    def figure(self) -> str:
        """The name of the object that it is for."""
        return str(self._figure)

    def advance(self) -> bool:
        """Write some more, for a few milliseconds; whether all is written then. Raises `DraftLost`."""
        return next(self._left, True) is True

    def fits(self, figure: bpy.types.Object, of: object, first_frame: int, switches: Mapping[str, float]) -> bool:
        """Whether this is what would be written onto `figure` now: nothing around it has changed meanwhile."""
        previous = figure.animation_data.action if figure.animation_data else None
        if of is not self._keys.of or (figure.name, first_frame) != (self._figure, self._first):
            return False
        if dict(switches) != self._switches or ("" if previous is None else previous.name) != self._previous:
            return False
        if bpy.data.actions.get(self._action) is None:
            return False
        if not self._finished():
            return False
        owner = versions.current_curves(figure.animation_data) if previous is not None else None
        kept = [] if owner is None else [c for c in owner.fcurves if name_of(c) not in self._way.dropped]
        return {name_of(curve): curve_print(curve) for curve in kept} == self._others

    def show(self, figure: bpy.types.Object) -> bpy.types.Action:
        """Write what is left, let `figure` play the Action, and remember in it what was written.

        Raises `DraftLost`, and what goes wrong with writing; then there is no draft any more.
        """
        try:
            while not self.advance():
                pass
            action, previous = self._found(), figure.animation_data.action
            curves = self._curves()
            if self._to_copy is not None and previous is not None:
                copy_rest(previous, action)
            _carry_markers(action, self._spans)
            before = versions.current_curves(figure.animation_data)
            gone = [] if before is None else names_of(before, set(names_of(curves, ())))
            versions.show_action(figure, action, self._slot)
        except Exception:
            self.discard()
            raise
        del action[MARK]
        rest_without_curves(figure, previous, gone)
        action.use_fake_user = True
        keys = self._keys
        _set_range(action, keys.span(self._first), previous, keys.span_before(previous))
        switches = self._written_switches()
        remember(action, curves, self._listed, switches, self._first, keys.count, keys.fps, self._keyed)
        return action

    def discard(self) -> None:
        """Throw it away, if it is still there."""
        action = bpy.data.actions.get(self._action)
        if action is not None and MARK in action:
            bpy.data.actions.remove(action)

    def _finished(self) -> bool:
        try:
            while not self.advance():
                pass
        except DraftLost:
            return False
        return True

    def _write(self) -> Iterator[bool]:
        for path, index in self._to_copy or ():
            if (curve := self._other(path, index)) is not None:
                self._others[path, index] = curve_print(curve)
                _carry([copy_curve(curve, self._curves())], self._spans)
            yield False
        for channel in _without(self._keys.channels, self._way.theirs):
            self._keyed |= _write_channel(self._curves(), channel, self._first, self._keys.count)
            self._listed += _listed(channel)
            yield False
        for path, value in self._written_switches().items():
            write_switch(self._curves(), path, float(self._first), value)

    def _written_switches(self) -> dict[str, float]:
        return {path: value for path, value in self._switches.items() if (path, 0) not in self._way.theirs}

    def _other(self, path: str, index: int) -> bpy.types.FCurve | None:
        """A curve of the Action before; None where it is gone, which `fits` notices."""
        figure = bpy.data.objects.get(self._figure)
        previous = figure.animation_data.action if figure is not None and figure.animation_data else None
        if previous is None or previous.name != self._previous:
            return None
        owner = versions.current_curves(figure.animation_data)
        return None if owner is None else owner.fcurves.find(path, index=index)

    def _found(self) -> bpy.types.Action:
        action = bpy.data.actions.get(self._action)
        if action is None or MARK not in action:
            raise DraftLost
        return action

    def _curves(self) -> Any:
        return versions.curves_in_slot(self._found(), self._slot)


def write_over(figure: bpy.types.Object, keys: Keys, first_frame: int) -> bpy.types.Action:
    """Write `keys` into the Action that `figure` has, in place of what we wrote there, here and now, and return it:
    scripts that hold it go on with it."""
    action, curves = figure.animation_data.action, versions.current_curves(figure.animation_data)
    way = keys.giving_way(action, curves)
    _drop(curves, way.dropped)
    spans = keys.spans(action, first_frame)
    _carry(curves.fcurves, spans)
    _carry_markers(action, spans)
    keyed: dict[CurveName, Keyed] = {}
    listed: list[tuple[str, int, str]] = []
    for channel in _without(keys.channels, way.theirs):
        keyed |= _write_channel(curves, channel, first_frame, keys.count)
        listed += _listed(channel)
    _set_range(action, keys.span(first_frame), action, keys.span_before(action))
    remember(action, curves, listed, {}, first_frame, keys.count, keys.fps, keyed)
    return action


def _drop(curves: Any, names: Collection[CurveName]) -> None:
    for curve in [curve for curve in curves.fcurves if name_of(curve) in names]:
        curves.fcurves.remove(curve)


def _carry(curves: Iterable[bpy.types.FCurve], spans: tuple[Span, Span] | None) -> None:
    if spans is not None:
        for curve in curves:
            carry(curve, *spans)


def _carry_markers(action: bpy.types.Action, spans: tuple[Span, Span] | None) -> None:
    if spans is not None:
        for marker in action.pose_markers:
            marker.frame = round(float(carried(np.array([marker.frame]), *spans)[0]))


def _without(channels: Iterable[Channel], names: Collection[CurveName]) -> Iterator[Channel]:
    """The channels less these curves."""
    for channel in channels:
        columns = [column for column, index in enumerate(channel.indices) if (channel.path, index) not in names]
        if len(columns) == len(channel.indices):
            yield channel
        elif columns:
            indices = [channel.indices[column] for column in columns]
            yield replace(channel, indices=indices, values=channel.values[:, columns])


def _write_channel(curves: Any, channel: Channel, first_frame: int, count: int) -> dict[CurveName, Keyed]:
    if channel.keys is not None:
        write_bezier(curves, channel, first_frame)
        return {}
    frames: Array = np.arange(first_frame, first_frame + count, dtype=np.float64)
    return write_curves(curves, channel.path, frames, channel.values, channel.group, channel.indices)


def _listed(channel: Channel) -> list[tuple[str, int, str]]:
    return [(channel.path, index, channel.mode) for index in channel.indices]


def _set_range(
    action: bpy.types.Action, span: Span, previous: bpy.types.Action | None = None, before: Span | None = None
) -> None:
    """The range of the take, or where the take was written in `previous` `before` and its range was set by hand, that.

    Switched off by hand it stays off."""
    used, first, last = True, float(span.first), float(span.last)
    if previous is not None and before is not None:
        used = previous.use_frame_range
        by_hand = np.array([previous.frame_start, previous.frame_end])
        if tuple(by_hand) != (before.first, before.last):
            first, last = np.round(carried(by_hand, before, span)) if before.fps != span.fps else by_hand
    action.frame_start, action.frame_end, action.use_frame_range = first, last, used


def discard_lost() -> None:
    """Throw away drafts that undo has brought back: nobody goes on with them."""
    for action in [action for action in bpy.data.actions if MARK in action]:
        bpy.data.actions.remove(action)
