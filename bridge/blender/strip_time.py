"""Where in the scene an Action's frames are: an Action that plays as an NLA strip may be moved, cut, stretched, turned
round and repeated there, and its own frames know nothing of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy

from . import nla


@dataclass(frozen=True)
class Timing:
    """The scene's frame `offset + pace * frame` shows an Action's `frame`; of the Action it shows `first` to `last`,
    `repeat` times. As it is: an Action that plays alone. `pace` is negative where it plays backwards."""

    pace: float = 1.0
    offset: float = 0.0
    first: float = -math.inf
    last: float = math.inf
    repeat: float = 1.0

    def to_scene(self, frame: float) -> float:
        """The scene's frame that shows `frame`, the first time where it is repeated."""
        return self.offset + self.pace * frame

    def to_action(self, frame: float) -> float:
        """The Action's frame that the scene shows at `frame`; before and after the strip, as if that went on."""
        found = (frame - self.offset) / self.pace
        if self.repeat <= 1.0:
            return found
        length = self.last - self.first
        passed = self.last - found if self.pace < 0 else found - self.first
        cycle = min(max(math.floor(passed / length), 0), math.ceil(self.repeat) - 1)
        return found - math.copysign(cycle * length, self.pace)

    def covers(self, frame: float) -> bool:
        """Whether it plays at the scene's `frame`."""
        if not math.isfinite(self.last):
            return True
        start = min(self.to_scene(self.first), self.to_scene(self.last))
        return start <= frame <= start + (self.last - self.first) * self.repeat * abs(self.pace)

    def part(self, start: float, end: float) -> tuple[float, float] | None:
        """The scene's frames, first and last, of what it plays of the Action's `start` to `end`; None of nothing."""
        start, end = max(start, self.first), min(end, self.last)
        if start > end + 0.5:  # Places lie between frames.
            return None
        first, last = sorted((self.to_scene(min(start, end)), self.to_scene(end)))
        return first, last


def timings(figure: bpy.types.Object | None, action: bpy.types.Action, now: float) -> list[Timing]:
    """How `figure` plays `action`, alone or as strips, that which plays at the scene's frame `now` first."""
    animation = None if figure is None else figure.animation_data
    if animation is None:
        return [Timing()]
    if animation.action == action:
        return [_tweaked(animation) if animation.use_tweak_mode else Timing()]
    found = [_of(strip) for strip in nla.playing_strips(figure) if strip.action == action]
    return sorted(found, key=lambda timing: not timing.covers(now)) or [Timing()]


def timing(figure: bpy.types.Object | None, action: bpy.types.Action, now: float) -> Timing:
    """The first of `timings`."""
    return timings(figure, action, now)[0]


def _of(strip: bpy.types.NlaStrip) -> Timing:
    first, last = strip.action_frame_start, strip.action_frame_end
    pace = -strip.scale if strip.use_reverse else strip.scale
    offset = strip.frame_start - pace * (last if strip.use_reverse else first)
    return Timing(pace, offset, first, last, strip.repeat)


def _tweaked(animation: bpy.types.AnimData) -> Timing:
    """Of the strip whose Action is being edited in place: Blender alone knows which it is."""
    offset = animation.nla_tweak_strip_time_to_scene(0.0)
    return Timing(animation.nla_tweak_strip_time_to_scene(1.0) - offset, offset)
