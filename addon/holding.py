"""What keeps a result from being put into the scene now, and what is told of it."""

from __future__ import annotations

import bpy

from ..bridge.blender import nla
from ..bridge.blender.modes import LEFT_AND_ENTERED
from . import clean_results
from .lift_jobs import Finished
from .lift_scene import in_its_scene, missed_scene

INTERRUPTED = ("TRANSFORM_OT_", "VIEW3D_OT_", "RENDER_OT_", "OBJECT_OT_", "POSE_OT_", "WM_OT_")
"""Blender's own modal operators during which the scene is not changed under the animator's hands."""


def hold_words(context: bpy.types.Context, finished: Finished) -> str:
    """What keeps a result from being put into the scene now; empty where nothing does, or where it is an error."""
    if finished.error is not None:
        return ""
    if scene := missed_scene(context, finished):
        return f"show the scene {scene} to get it"
    with in_its_scene(context, finished):
        return _in_scene(context, finished)


def _in_scene(context: bpy.types.Context, finished: Finished) -> str:
    """`hold_words` where the scene is shown that the result goes into."""
    lifted, figure = finished.job.op == "lift", clean_results.figure_of(context, finished)
    # A clean-up only minds the mode of its own rig.
    if (lifted and context.mode not in LEFT_AND_ENTERED) or (figure is not None and figure.mode == "EDIT"):
        return "switch to Object Mode to get it"
    if figure is not None and nla.is_tweaked(figure):
        return "leave the strip (Tab in the NLA editor) to get it"
    return "it comes as soon as you are done with this" if lifted and in_hand(context) else ""


def held_words(context: bpy.types.Context, finished: Finished) -> str:
    """What becomes of a result that is there: `walk is lifted: switch to Object Mode to get it`."""
    words, lifted = hold_words(context, finished), finished.job.op == "lift"
    if lifted or words:
        return f"{finished.job.name} is {'lifted' if lifted else 'solved'}: {words or 'writing the keys'}"
    return f"{finished.job.name}: writing the keys"


def in_hand(context: bpy.types.Context) -> bool:
    """Whether the animator has something in hand, so that the scene should not change now."""
    for window in context.window_manager.windows:
        for operator in getattr(window, "modal_operators", ()):
            # Those of other add-ons may run for as long as Blender does.
            if operator.bl_idname.startswith(INTERRUPTED):
                return True
    return False
