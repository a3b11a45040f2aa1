"""What can be done with a lifted Action: clean it up, look at its weak places, read its report, export it."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ExportHelper

from ..bridge.bvh import save_bvh
from ..core.bvh import SUFFIX as BVH_SUFFIX
from ..core.bvh import BvhOptions
from ..core.files import check_output
from ..core.jobs import MotionLiftError
from ..core.motion import Motion
from . import clean_up, driver, results
from .drawing import POPUP_WIDTH, draw_wrapped
from .engine import NO_ENGINE
from .preferences import engine_python
from .session import session

NO_TAKE = "Select an armature with a lifted Action"


class ShowsTake(bpy.types.Operator):
    """For operators on the active object's Action; Blender never gets to know this one."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where the active object shows no take."""
        if results.shown_action(context) is None:
            cls.poll_message_set(NO_TAKE)
            return False
        return True


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

    def solve(self, context: bpy.types.Context) -> set[str]:
        """Queue it; with `wait`, and in the background always, be back when it is done."""
        try:
            clean_up.begin(context, results.required_action(context), self.new_action)
            if self.wait or bpy.app.background:
                driver.run_to_end(context)
                self.report({"INFO"}, session().message)
            else:
                session().tell("")
                driver.follow()
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class CleanUp(SolvesAgain):
    """Solve this take again with the choices below. Edits by hand are never lost"""

    bl_idname = "motionlift.clean_up"
    bl_label = "Apply Clean-up"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """See `SolvesAgain.solve`."""
        return self.solve(context)


class UseClipRate(SolvesAgain):
    """Give the scene the clip's rate, and the Action a key for each of the clip's frames"""

    bl_idname = "motionlift.use_clip_rate"
    bl_label = "Use Clip Rate"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the scene's rate and have the Action written again, unless it was edited by hand."""
        action, render = results.required_action(context), context.scene.render
        try:
            if not self.new_action:
                results.refuse_edited(action)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        rate = action.motionlift.clip_fps
        render.fps, render.fps_base = round(rate), round(rate) / rate
        return self.solve(context)


class CheckNext(ShowsTake):
    """Go to the next place where the motion is doubtful"""

    bl_idname = "motionlift.check_next"
    bl_label = "Check These"

    backwards: bpy.props.BoolProperty(
        name="Backwards", description="Go to the place before", options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where there is nothing to check."""
        action = results.shown_action(context)
        if action is not None and not action.motionlift.places:
            cls.poll_message_set("Nothing to check")
            return False
        return super().poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the scene's frame, round and round, and say what is there."""
        places = sorted(results.required_action(context).motionlift.places, key=lambda place: place.start)
        scene = context.scene
        if self.backwards:
            found = next((p for p in reversed(places) if round(p.start) < scene.frame_current), places[-1])
        else:
            found = next((p for p in places if round(p.start) > scene.frame_current), places[0])
        scene.frame_set(round(found.start))
        self.report({"INFO"}, f"Frames {round(found.start)} to {round(found.end)}: {found.words}")
        return {"FINISHED"}


class ShowReport(ShowsTake):
    """Say how good this take is and what would make it better"""

    bl_idname = "motionlift.show_report"
    bl_label = "Take Report"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the pop-up."""
        opened: set[str] = context.window_manager.invoke_popup(self, width=POPUP_WIDTH)
        return opened

    def execute(self, context: bpy.types.Context) -> set[str]:
        """For scripts: report it as text."""
        self.report({"INFO"}, "\n".join(report_lines(results.required_action(context))))
        return {"FINISHED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The report's lines."""
        action = results.shown_action(context)
        if action is None:
            return
        self.layout.label(text=action.name, icon="ACTION")
        column = self.layout.column(align=True)
        for line in report_lines(action):
            draw_wrapped(column, line)


class ExportTake(ShowsTake, ExportHelper):
    """Write this take as BVH, for other programs"""

    bl_idname = "motionlift.export_bvh"
    bl_label = "Export BVH"

    filename_ext = BVH_SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{BVH_SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Suggest the take's name."""
        self.filepath = f"{results.required_action(context).name}{BVH_SUFFIX}"
        opened: set[str] = super().invoke(context, event)
        return opened

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the take that the Action shows."""
        action = results.required_action(context)
        path = Path(bpy.path.abspath(self.filepath))
        try:
            # The file dialog has asked already whether to replace a file.
            check_output(path, overwrite=True)
            save_bvh(Motion.load(results.take_file(action.motionlift.shown)), path, BvhOptions())
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if results.edited(action):
            self.report(
                {"WARNING"}, f"{path.name} holds the take without your edits: for these use Blender's own export"
            )
        else:
            self.report({"INFO"}, f"Written: {path.name}")
        return {"FINISHED"}


def report_lines(action: bpy.types.Action) -> list[str]:
    """The take's report in a few lines."""
    properties = action.motionlift
    lines = [properties.headline, *properties.notes.splitlines()]
    for place in properties.places:
        lines.append(f"Frames {round(place.start)} to {round(place.end)}: {place.words}")
    return [line for line in lines if line]


CLASSES = (CleanUp, UseClipRate, CheckNext, ShowReport, ExportTake)
