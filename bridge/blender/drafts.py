"""An Action that is written little by little while Blender goes on, and shown when it is whole.

Until then nothing uses it, so nothing half-made is seen, played or saved. Between the steps an animator may do
anything: what they hold of Blender is looked up again by name, and a draft that does not fit any more is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from ..reduce import ReducedKeys
from ..retarget import Retargeted
from . import versions
from .curve_prints import CurveName, prints_of
from .key_curves import bone_channels, keyed_paths, write_bezier, write_curves, write_switch
from .written import Keyed, remember

MARK = "motionlift_draft"
"""The custom property of an Action that is not whole yet."""


class DraftLost(Exception):  # noqa: N818 (it happens, and is no error)
    """Undo, or an animator, has taken the draft away."""


class Draft:
    """Keys of `done` on `figure`, one a frame from `first_frame` on or those of `reduced`, and the `switches`, in a
    copy of its Action that nothing shows yet. What bones did that we key, gives way; all else comes along."""

    def __init__(
        self,
        figure: bpy.types.Object,
        done: Retargeted,
        first_frame: int,
        switches: Mapping[str, float] | None = None,
        reduced: ReducedKeys | None = None,
    ) -> None:
        previous = figure.animation_data_create().action
        self._done, self._switches, self._first = done, dict(switches or {}), first_frame
        self._reduced = reduced
        self._figure, self._previous = figure.name, "" if previous is None else previous.name
        self._dropped = keyed_paths(figure, done) | set(self._switches)
        self._channels = bone_channels(figure, done, reduced)
        action, self._slot = versions.detached_action(figure, "MotionLift draft")
        action[MARK] = True
        self._action = action.name
        if done.object_location is not None:
            self._dropped.add("location")
        curves = self._curves()
        for curve in [curve for curve in curves.fcurves if curve.data_path in self._dropped]:
            curves.fcurves.remove(curve)
        self._others = prints_of(curves)
        self._keyed: dict[CurveName, Keyed] = {}
        self._listed: list[tuple[str, int, str]] = []
        self._left = self._write()

    def advance(self) -> bool:
        """Write some more, for a few milliseconds; whether all is written then. Raises `DraftLost`."""
        return next(self._left, True) is True

    def fits(self, figure: bpy.types.Object, done: Retargeted, first_frame: int, switches: Mapping[str, float]) -> bool:
        """Whether this is what would be written onto `figure` now: nothing around it has changed meanwhile."""
        previous = figure.animation_data.action if figure.animation_data else None
        if done is not self._done or (figure.name, first_frame) != (self._figure, self._first):
            return False
        if dict(switches) != self._switches or ("" if previous is None else previous.name) != self._previous:
            return False
        if bpy.data.actions.get(self._action) is None:
            return False
        owner = versions.current_curves(figure.animation_data) if previous is not None else None
        now = {} if owner is None else prints_of(owner, {curve.data_path for curve in owner.fcurves} - self._dropped)
        return now == self._others

    def show(self, figure: bpy.types.Object) -> bpy.types.Action:
        """Write what is left, let `figure` play the Action, and remember in it what was written. Raises
        `DraftLost`."""
        while not self.advance():
            pass
        action = self._found()
        curves = self._curves()
        del action[MARK]
        versions.show_action(figure, action, self._slot)
        last = self._first + len(self._done) - 1
        action.use_fake_user = True
        action.use_frame_range = True
        action.frame_start, action.frame_end = float(self._first), float(last)
        count, fps = len(self._done), self._done.fps
        remember(action, curves, self._listed, self._switches, self._first, count, fps, self._keyed)
        return action

    def discard(self) -> None:
        """Throw it away, if it is still there."""
        action = bpy.data.actions.get(self._action)
        if action is not None and MARK in action:
            bpy.data.actions.remove(action)

    def _write(self) -> Iterator[bool]:
        frames: Array = np.arange(self._first, self._first + len(self._done), dtype=np.float64)
        for channel in self._channels:
            curves = self._curves()
            if channel.keys is None:
                values = channel.values
                self._keyed |= write_curves(curves, channel.path, frames, values, channel.group, channel.indices)
            else:
                write_bezier(curves, channel, self._first)
            self._listed += [(channel.path, index, channel.mode) for index in channel.indices]
            yield False
        for path, value in self._switches.items():
            write_switch(self._curves(), path, float(self._first), value)

    def _found(self) -> bpy.types.Action:
        action = bpy.data.actions.get(self._action)
        if action is None or MARK not in action:
            raise DraftLost
        return action

    def _curves(self) -> Any:
        return versions.curves_in_slot(self._found(), self._slot)


def discard_lost() -> None:
    """Throw away drafts that undo has brought back: nobody goes on with them."""
    for action in [action for action in bpy.data.actions if MARK in action]:
        bpy.data.actions.remove(action)
