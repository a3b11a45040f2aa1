"""Finding the people of the chosen video, and choosing one."""

from __future__ import annotations

import bpy

from . import driver, people
from .engine import NO_ENGINE
from .people import NUMBERED, Person, Search
from .polls import SaysWhy
from .preferences import engine_python
from .properties import LiftProperties


class FindPeople(SaysWhy):
    """Look for everyone in the video, to choose by a picture. Takes as long as the first part of a lift, which then
    need not be done again"""

    bl_idname = "motionlift.find_people"
    bl_label = "Find People"

    wait: bpy.props.BoolProperty(
        name="Wait", description="Come back when it is done, for scripts", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """No engine, no video, nothing left of it."""
        if engine_python(context) is None:
            return NO_ENGINE
        return str(context.scene.motionlift.video_trouble())

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue it; with `wait`, and in the background always, be back when they are found."""
        return driver.work_off(self, context, lambda: people.begin(context))


class ChoosePerson(SaysWhy):
    """Lift this person"""

    bl_idname = "motionlift.choose_person"
    bl_label = "Choose Person"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    number: bpy.props.IntProperty(name="Number", description="The person's number", min=1, default=1)

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """Nobody to choose."""
        return "" if found_in(context.scene.motionlift) else "Find People comes first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the number into the panel."""
        choices = context.scene.motionlift
        if self.number not in [person.number for person in found_in(choices) or ()]:
            self.report({"ERROR"}, f"There is no person {self.number}. Look for people again.")
            return {"CANCELLED"}
        choices.person, choices.person_number = NUMBERED, self.number
        driver.redraw_panels(context)
        return {"FINISHED"}


def found_in(choices: LiftProperties) -> tuple[Person, ...] | None:
    """Who was found in the panel's video as it is trimmed now; None where nobody has looked."""
    if not choices.video or choices.trim_trouble():
        return None
    return people.found(Search.of(choices.video, choices.settings()))


CLASSES = (FindPeople, ChoosePerson)
