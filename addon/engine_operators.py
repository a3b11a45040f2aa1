"""The buttons of the preferences: setting the video engine up, checking and removing it."""

from __future__ import annotations

import logging
from pathlib import Path

import bpy

from ..bridge.engine import greet_engine
from ..core.jobs import MotionLiftError, internal_error
from . import engine_state, environment
from .commands import LOG_LINES
from .engine import NO_ENGINE
from .engine_setup import EngineSetup
from .engine_state import EngineState
from .polls import SaysWhy
from .preferences import ROOT_PACKAGE, engine_folder, engine_python, setup_plan, setup_trouble
from .session import session
from .threads import in_thread

log = logging.getLogger(__name__)

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
            _install(setup)
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
        """The size is not known yet, or what there is is in use."""
        setup = session().setup
        if session().busy:
            return "The video engine is in use"
        return "" if setup is not None and setup.state.phase == "ready" else "Set Up Video Engine comes first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin."""
        setup = session().setup
        assert setup is not None
        _install(setup)
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
        state.end()
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
    """Start the video engine and have it say what it consists of: versions, devices, models, disk"""

    bl_idname = "motionlift.check_engine"
    bl_label = "Check Video Engine"

    wait: bpy.props.BoolProperty(
        name="Wait", description="Come back when it is done, for scripts", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """There is none yet, or it is at it."""
        asking = session().asking
        if asking is not None and not asking.done():
            return "It is being looked at"
        return "" if engine_python(context) is not None else NO_ENGINE

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Have the preferences show what is found, or what is wrong and what to do."""
        python = engine_python(context)
        if python is None:
            return {"CANCELLED"}
        session().asking = asking = in_thread(_look_at, python, engine_folder())
        if not (self.wait or bpy.app.background):
            _redraw_while_running()
            return {"FINISHED"}
        try:
            found = asking.result()
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"The video engine runs: {found.versions}, on {found.devices}")
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


def _install(setup: EngineSetup) -> None:
    """Begin, without workers at rest: they have loaded, and Windows keeps, what is about to be replaced."""
    session().end()
    setup.install()


def _redraw_while_running() -> None:
    """Have the preferences drawn again and again until the set-up rests."""
    if not bpy.app.timers.is_registered(_redraw):
        bpy.app.timers.register(_redraw, first_interval=REDRAW_SECONDS, persistent=True)


def _look_at(python: Path, folder: Path) -> EngineState:
    greet_engine(python, folder)
    found = engine_state.ask(python, folder)
    engine_state.remember(python, folder, found)
    return found


def _redraw() -> float | None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "VIEW_3D"):
                area.tag_redraw()
    state = session()
    if state.asking is not None and state.asking.done():
        asked, state.asking = state.asking, None
        try:
            asked.result()
        except MotionLiftError as error:
            _tell(error)
        except Exception as error:
            log.exception("looking at the video engine")
            _tell(internal_error(error, "Please report it."))
    running = state.setup is not None and state.setup.state.running
    return REDRAW_SECONDS if running or state.asking is not None else None


def _tell(error: MotionLiftError) -> None:
    session().tell("", error)
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[-1]):
            bpy.ops.motionlift.show_error("INVOKE_DEFAULT")


CLASSES = (SetUpEngine, InstallEngine, CancelSetUp, RemoveEngine, CopySetUpLog, CheckEngine, OpenPreferences)
