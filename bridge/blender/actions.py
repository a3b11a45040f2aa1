"""Actions of ours.

One is a copy of the Action that the rig had, so that what bones we do not touch did goes on, with our curves in place
of what those bones did that we do; a take that is written again stands in place of what we wrote before. It remembers a
hash of what we wrote: who changes a key by hand will not have it overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy

from ..reduce import ReducedKeys
from ..retarget import Retargeted
from ..take_names import untaken
from .drafts import Draft, Keys
from .handiwork import is_as_written

LONGEST_NAME = 56
"""Bytes; Blender before 5.0 holds 63, and a number follows."""


def apply_keys(
    figure: bpy.types.Object,
    done: Retargeted,
    name: str,
    first_frame: int,
    switches: Mapping[str, float] | None = None,
    replace: bool = False,
    reduced: ReducedKeys | None = None,
    draft: Draft | None = None,
    again: bool = False,
) -> bpy.types.Action:
    """Give `figure` an Action with the keys of `done`, one a frame from `first_frame` on, and return it.

    The Action is called `name`, or `name_t02`, `name_t03` ... where there is one already; with `replace`, one of that
    name which holds what we wrote and nothing else is written anew. The previous Action stays, with a fake user.
    `switches`: values by data path, keyed once; `reduced`: keys to write instead of one a frame; `draft`: where these
    were written beforehand, if they still fit; `again`: the Action before is this take, and goes: only what we wrote
    there gives way. The motion is at the scene's rate already.
    """
    previous = figure.animation_data_create().action
    old = bpy.data.actions.get(_short(name))
    replaced = old if replace and old is not None and is_as_written(old) else None
    if draft is None or not draft.fits(figure, done, first_frame, switches or {}):
        draft = Draft(figure, Keys.on_rig(figure, done, reduced, again), first_frame, switches)
    if previous is not None:
        previous.use_fake_user = True
    action = draft.show(figure)
    title = free_action_name(name) if replaced is None else replaced.name
    if replaced is not None:
        bpy.data.actions.remove(replaced)
    action.name = title
    return action


def free_action_name(name: str) -> str:
    """`name`, or `name_t02`, `name_t03` ... where an Action has it already."""
    return untaken(_short(name), bpy.data.actions.__contains__)


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
