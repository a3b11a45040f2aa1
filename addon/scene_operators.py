"""What the sidebar offers around a take: the camera that filmed it, and its footage."""

from __future__ import annotations

import bpy
from bpy_extras.io_utils import ImportHelper

from . import camera, driver, results
from .file_names import file_named
from .polls import SaysWhy
from .session import session
from .take_operators import ShowsTake
from .takes import VIDEO_SUFFIXES


class AddCamera(ShowsTake, ImportHelper):
    """Add the camera that filmed this take, with the footage behind the figure, and look through it"""

    bl_idname = "motionlift.add_camera"
    bl_label = "Camera & Footage"

    filename_ext = ""
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES), options={"HIDDEN"}
    )
    filepath: bpy.props.StringProperty(
        name="Footage",
        description="The video, where it is not where it was",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    wait: bpy.props.BoolProperty(
        name="Wait", description="Come back when it is done, for scripts", options={"HIDDEN", "SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the footage only where it is gone."""
        if camera.footage_of(results.required_action(context)) is None:
            self.report({"WARNING"}, "The footage is not where it was: choose it")
            opened: set[str] = super().invoke(context, event)
            return opened
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Have it made ready; with `wait`, and in the background always, be back when it is there."""

        def begin() -> None:
            action = results.required_action(context)
            video = file_named(self.filepath) if self.filepath else camera.footage_of(action)
            camera.begin(context, action, video)

        return driver.work_off(self, context, begin)


class CancelFootage(SaysWhy):
    """Stop preparing the footage. Nothing of it stays"""

    bl_idname = "motionlift.cancel_footage"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012 (Blender wants a set)

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """Only while there is something to stop."""
        return "" if session().filming is not None else "Nothing runs"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Give it up."""
        filming = session().filming
        if filming is not None:
            filming.cancel()
        driver.show_progress(context, session())
        return {"FINISHED"}


CLASSES = (AddCamera, CancelFootage)
