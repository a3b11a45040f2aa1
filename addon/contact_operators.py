"""Contacts of a take on the timeline: shown as keys, changed, applied, taken away again."""

from __future__ import annotations

import bpy

from ..bridge.blender import contacts
from ..bridge.blender.strip_time import timing
from ..bridge.bvh import evenly_sampled
from ..core.jobs import MotionLiftError
from ..core.motion import Motion
from . import edited, results
from .clean_operators import SolvesAgain
from .take_operators import ShowsTake


class ShowContacts(ShowsTake):
    """Show where feet touch the floor as keys that you can move, delete and add. Keys there already are put back"""

    bl_idname = "motionlift.show_contacts"
    bl_label = "Show Contacts"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Key the contacts that the take was lifted with."""
        action = results.required_action(context)
        properties, figure = action.motionlift, results.animated_by(context, action)
        assert figure is not None
        try:
            motion = evenly_sampled(Motion.load(results.take_file(properties.take)), properties.fps)
            contacts.remove(figure, action)
            contacts.write_edges(figure, contacts.edges_of(motion), properties.first_frame, properties.fps, action)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "Contacts are keyed on the armature: see its channels in the Dope Sheet")
        return {"FINISHED"}


class _ShowsContacts(ShowsTake):
    """For operators on contacts that are shown."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where none are."""
        return super().poll(context) and _are_shown(cls, context)


class ToggleContact(_ShowsContacts):
    """Let this point stand, or let it go, from here to its next key"""

    bl_idname = "motionlift.toggle_contact"
    bl_label = "Toggle Contact"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    point: bpy.props.StringProperty(name="Point", description="Which, such as left_heel", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put a key at the scene's frame."""
        action = results.required_action(context)
        figure = results.animated_by(context, action)
        assert figure is not None
        try:
            frame = context.scene.frame_current
            holds = contacts.toggle(figure, self.point, timing(figure, action, frame).to_action(frame), action)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{contacts.words(self.point)} {'stands' if holds else 'is free'} from frame {frame} on")
        return {"FINISHED"}


class ApplyContacts(SolvesAgain):
    """Plant feet where the contact keys say, and nowhere else. Other edits by hand are kept"""

    bl_idname = "motionlift.apply_contacts"
    bl_label = "Apply Contacts"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey without an engine, without contacts, and where feet are not planted at all."""
        if not super().poll(context) or not _are_shown(cls, context):
            return False
        if not results.required_action(context).motionlift.foot_lock:
            cls.poll_message_set("Turn Plant Feet on")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """See `SolvesAgain.solve`."""
        by_hand = edited.edited(results.required_action(context))
        return self.solve(context, keep_edits=by_hand, contacts=True)


class RemoveContacts(_ShowsContacts):
    """Take the contact keys away. Feet stay as they are until the next clean-up, which plants them by itself"""

    bl_idname = "motionlift.remove_contacts"
    bl_label = "Remove Contact Keys"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Nothing of them stays."""
        action = results.required_action(context)
        figure = results.animated_by(context, action)
        assert figure is not None
        contacts.remove(figure, action)
        return {"FINISHED"}


def shown_points(context: bpy.types.Context) -> list[str]:
    """The points of the active object's take that are keyed."""
    action = results.shown_action(context)
    figure = results.animated_by(context, action)
    return contacts.shown_names(figure, action) if figure is not None else []


def _are_shown(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if not shown_points(context):
        cls.poll_message_set("Show the contacts first")
        return False
    return True


CLASSES = (ShowContacts, ToggleContact, ApplyContacts, RemoveContacts)
