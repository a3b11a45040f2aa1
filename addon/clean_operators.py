"""Having a take solved again: with other choices, at the clip's rate, with edits by hand carried over."""

from __future__ import annotations

import bpy

from . import clean_up, driver, results
from .engine import NO_ENGINE
from .preferences import engine_python
from .take_operators import ShowsTake


class SolvesAgain(ShowsTake):
    """For operators that have the active object's take solved again."""

    new_action: bpy.props.BoolProperty(
        name="New Action", description="Leave the Action as it is and make another", options={"SKIP_SAVE"}
    )
    wait: bpy.props.BoolProperty(
        name="Wait", description="Come back when it is done, for scripts", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey without a take or an engine."""
        if engine_python(context) is None:
            cls.poll_message_set(NO_ENGINE)
            return False
        return super().poll(context)

    def solve(
        self, context: bpy.types.Context, keep_edits: bool = False, contacts: bool = False, clip_rate: bool = False
    ) -> set[str]:
        """Queue it; with `wait`, and in the background always, be back when it is done."""

        def begin() -> None:
            action = results.required_action(context)
            clean_up.begin(context, action, self.new_action, keep_edits, contacts, clip_rate=clip_rate)

        return driver.work_off(self, context, begin)


class CleanUp(SolvesAgain):
    """Solve this take again with the choices above. Edits by hand are never lost"""

    bl_idname = "motionlift.clean_up"
    bl_label = "Apply Clean-up"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """See `SolvesAgain.solve`."""
        return self.solve(context)


class KeepEdits(SolvesAgain):
    """Solve this take again with the choices above and put your own edits on top of the result"""

    bl_idname = "motionlift.keep_edits"
    bl_label = "Keep My Edits"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """See `SolvesAgain.solve`."""
        return self.solve(context, keep_edits=True)


class UseClipRate(SolvesAgain):
    """Give the scene the clip's rate, and the Action a key for each of the clip's frames"""

    bl_idname = "motionlift.use_clip_rate"
    bl_label = "Use Clip Rate"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Have the Action written again, unless it was edited by hand; the scene's rate is set with it."""
        return self.solve(context, clip_rate=True)


class ResetChoices(ShowsTake):
    """Put the choices back to those of the Action as it is. Another solve of it that is under way is given up"""

    bl_idname = "motionlift.reset_choices"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """From what was applied."""
        action = results.required_action(context)
        clean_up.give_up(action.name)
        action.motionlift.choose_applied()
        return {"FINISHED"}


CLASSES = (CleanUp, KeepEdits, UseClipRate, ResetChoices)
