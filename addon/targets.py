"""What a motion is put on. The one place that knows the kinds of targets: another kind is another class here."""

from __future__ import annotations

from typing import Protocol

import bpy

from ..bridge.blender.armature import add_figure, rewrite_figure
from ..core.motion import Motion

NEW_ARMATURE, ACTIVE_ARMATURE = "NEW", "ACTIVE"


class Target(Protocol):
    """Something that a motion, evenly sampled at the scene's rate, can be written onto."""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """A new Action for `motion` that begins at the scene's first frame; the object that it animates."""
        ...

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
        """Write `motion` into the Action that animates `figure`, in place of what `write` put there."""
        ...


class NewArmature:
    """An armature made for the motion: one bone a joint."""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`."""
        return add_figure(context, motion, name)

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
        """See `Target.rewrite`."""
        rewrite_figure(figure, motion, first_frame)


def target_named(kind: str) -> Target:
    """The target of a kind that `target_trouble` accepts."""
    return {NEW_ARMATURE: NewArmature}[kind]()


def target_trouble(kind: str) -> str:
    """Why nothing can be written onto a target of this kind; empty where it can."""
    if kind == ACTIVE_ARMATURE:
        return "Lifting onto an armature of yours is not there yet: choose New Armature"
    return ""
