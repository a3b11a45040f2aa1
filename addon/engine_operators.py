"""The buttons of the preferences: setting the video engine up, checking and removing it."""

from __future__ import annotations

import bpy

from ..bridge.engine import greet_engine
from ..core.jobs import MotionLiftError
from . import environment
from .commands import LOG_LINES
from .engine import NO_ENGINE
from .engine_setup import EngineSetup
from .polls import SaysWhy
from .preferences import ROOT_PACKAGE, engine_folder, engine_python, setup_plan, setup_trouble
from .session import session

REDRAW_SECONDS = 0.2


class SetUpEngine(SaysWhy):
    """Make the video engine's own Python environment, apart from Blender's. The size of the download is told first"""

    bl_idname = "motionlift.set_up_engine"
    bl_label = "Set Up Video Engine"

    wait: bpy.props.BoolProperty(
        name="Wait", description="Install without asking and come back when done", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """No permission to go online, or it runs."""
        return setup_trouble(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin to look up what is needed; with `wait` do everything."""
        session().setup = setup = EngineSetup(setup_plan(context))
        setup.look_up()
        if not (self.wait or bpy.app.background):
            _redraw_while_running()
            return {"FINISHED"}
        if setup.wait().phase == "ready":
            setup.install()
            setup.wait()
        if setup.state.error is not None:
            self.report({"ERROR"}, str(setup.state.error))
            return {"CANCELLED"}
        self.report({"INFO"}, setup.state.words)
        return {"FINISHED"}


class InstallEngine(SaysWhy):
    """Fetch the packages, install them, and lift a second of the sample to see that all is well"""

    bl_idname = "motionlift.install_engine"
    bl_label = "Install"
    bl_options = {"INTERNAL"}  # noqa: RUF012 (Blender wants a set)

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """The size is not known yet."""
        setup = session().setup
        return "" if setup is not None and setup.state.phase == "ready" else "Set Up Video Engine comes first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin."""
        setup = session().setup
        assert setup is not None
        setup.install()
        _redraw_while_running()
        return {"FINISHED"}


class CancelSetUp(bpy.types.Operator):
    """Stop the set-up. What was fetched is kept for the next time"""

    bl_idname = "motionlift.cancel_set_up"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop it, or forget what was looked up."""
        setup = session().setup
        if setup is not None and setup.state.running:
            setup.cancel()
        else:
            session().setup = None
        return {"FINISHED"}


class RemoveEngine(SaysWhy):
    """Delete the video engine's environment and everything that was fetched for it"""

    bl_idname = "motionlift.remove_engine"
    bl_label = "Remove Video Engine"

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """It is in use."""
        state = session()
        return "It is in use" if state.busy or (state.setup is not None and state.setup.state.running) else ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def execute(self, context: bpy.types.Context) -> set[str]:
        """End the worker and delete."""
        state = session()
        state.end(wait=True)
        state.setup = None
        try:
            environment.remove(engine_folder())
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class CopySetUpLog(bpy.types.Operator):
    """Copy what the set-up wrote"""

    bl_idname = "motionlift.copy_set_up_log"
    bl_label = "Copy Log"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """To the clipboard."""
        setup = session().setup
        if setup is not None:
            context.window_manager.clipboard = setup.log_tail(LOG_LINES)
        return {"FINISHED"}


class CheckEngine(SaysWhy):
    """Start the video engine and ask for its version"""

    bl_idname = "motionlift.check_engine"
    bl_label = "Check Video Engine"

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """There is none yet."""
        return "" if engine_python(context) is not None else NO_ENGINE

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Report the engine's version, or what is wrong and what to do."""
        python = engine_python(context)
        if python is None:
            return {"CANCELLED"}
        try:
            hello = greet_engine(python, engine_folder())
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"The video engine runs: MotionLift {hello.version}")
        return {"FINISHED"}


class OpenPreferences(bpy.types.Operator):
    """Open the extension's preferences, where the video engine is set up"""

    bl_idname = "motionlift.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Blender's own window, on our entry."""
        shown: set[str] = bpy.ops.preferences.addon_show(module=ROOT_PACKAGE)
        return shown


def _redraw_while_running() -> None:
    """Have the preferences drawn again and again until the set-up rests."""
    bpy.app.timers.register(_redraw, first_interval=REDRAW_SECONDS)


def _redraw() -> float | None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "VIEW_3D"):
                area.tag_redraw()
    setup = session().setup
    return REDRAW_SECONDS if setup is not None and setup.state.running else None


CLASSES = (SetUpEngine, InstallEngine, CancelSetUp, RemoveEngine, CopySetUpLog, CheckEngine, OpenPreferences)
