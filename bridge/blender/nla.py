"""Actions that play as NLA strips: finding their curves, and working on them as if they played alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy

from ...core.jobs import MotionLiftError
from . import versions


def is_tweaked(figure: bpy.types.Object) -> bool:
    """Whether a strip of `figure` is in Tweak Mode: until it is left Blender lets nobody give it another Action."""
    return figure.animation_data is not None and bool(figure.animation_data.use_tweak_mode)


def refuse_tweaked(figure: bpy.types.Object) -> None:
    """Raises `MotionLiftError` (`tweak_mode`) as long as a strip of `figure` is in Tweak Mode."""
    if is_tweaked(figure):
        raise MotionLiftError(
            "tweak_mode", f"A strip of {figure.name} is in Tweak Mode.", "Leave the strip (Tab in the NLA editor)."
        )


def strips_of(figure: bpy.types.Object, action: bpy.types.Action) -> list[bpy.types.NlaStrip]:
    """The strips of `figure` that play `action`."""
    animation = figure.animation_data
    if animation is None:
        return []
    return [strip for track in animation.nla_tracks for strip in track.strips if strip.action == action]


def playing_strips(figure: bpy.types.Object) -> list[bpy.types.NlaStrip]:
    """The strips of `figure` that are not muted, those of a track that plays solo first, else from the topmost track
    down."""
    tracks = list(reversed(figure.animation_data.nla_tracks)) if figure.animation_data else []
    tracks = [track for track in tracks if track.is_solo or not track.mute]
    tracks.sort(key=lambda track: not track.is_solo)
    return [strip for track in tracks for strip in track.strips if strip.action and not strip.mute]


def played_actions(figure: bpy.types.Object) -> list[bpy.types.Action]:
    """What moves `figure`, the most telling first: its own Action, then those of `playing_strips`; where a track plays
    solo, which silences the others and the own Action, the other way round."""
    animation = figure.animation_data
    if animation is None:
        return []
    own, strips = [animation.action] if animation.action else [], [strip.action for strip in playing_strips(figure)]
    solo = any(track.is_solo for track in animation.nla_tracks)
    return strips + own if solo else own + strips


def player_of(action: bpy.types.Action) -> bpy.types.Object | None:
    """An object that `action` moves."""
    return next((item for item in bpy.data.objects if action in played_actions(item)), None)


def curves_in(figure: bpy.types.Object, action: bpy.types.Action) -> Any:
    """What holds the curves that `figure` plays of `action`, alone or as a strip: has `fcurves`, `groups`.

    None where the figure does not play it.
    """
    animation = figure.animation_data
    if animation is None or action is None:
        return None
    if animation.action == action:
        return versions.current_curves(animation)
    strips = strips_of(figure, action)
    if not strips:
        return None
    return versions.strip_curves(strips[0])


@contextlib.contextmanager
def alone(figure: bpy.types.Object, action: bpy.types.Action) -> Iterator[None]:
    """As long as the block lasts `action`, a strip of `figure`, is its only Action; what it is in the end takes the
    strip's place, and what the strip shows of it is the same part. An Action that plays alone already just goes on."""
    animation = figure.animation_data
    with _plainly(animation):
        strips = strips_of(figure, action)
        if animation.action == action or not strips:
            yield
            return
        before, slot = animation.action, getattr(animation, "action_slot", None)
        muted, span = [(strip, strip.mute) for strip in strips], tuple(action.frame_range)
        versions.reuse_action(figure, action)
        try:
            yield
        finally:
            made, made_slot = animation.action, getattr(animation, "action_slot", None)
            for strip, mute in muted:
                if made is not None:
                    strip.action = made
                    if made_slot is not None:
                        strip.action_slot = made_slot
                    _fit(strip, span)
                strip.mute = mute
            animation.action = before
            if before is not None and slot is not None:
                animation.action_slot = slot


def _fit(strip: bpy.types.NlaStrip, span: tuple[float, float]) -> None:
    """Let a strip, whose Action had the frames `span`, show the same part of it now that it may be longer or shorter:
    at another rate it is."""
    (was_first, was_last), (first, last) = span, strip.action.frame_range
    if (was_first, was_last) == (first, last) or was_last <= was_first:
        return
    longer = (last - first) / (was_last - was_first)
    start, end = (first + (at - was_first) * longer for at in (strip.action_frame_start, strip.action_frame_end))
    # Blender holds that the end lies after the start at any moment.
    strip.action_frame_end = max(end, strip.action_frame_end)
    strip.action_frame_start, strip.action_frame_end = start, end


@contextlib.contextmanager
def _plainly(animation: bpy.types.AnimData) -> Iterator[None]:
    """As long as the block lasts no strip is edited in place, which would hold the Action fast and at the strip's
    time, and no track plays solo, which would silence it."""
    tweaked = animation.use_tweak_mode
    solo = next((track for track in animation.nla_tracks if track.is_solo), None)
    if tweaked:
        animation.use_tweak_mode = False
    if solo is not None:
        solo.is_solo = False
    try:
        yield
    finally:
        if solo is not None:
            solo.is_solo = True
        if tweaked:
            animation.use_tweak_mode = True
