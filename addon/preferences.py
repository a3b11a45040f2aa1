"""The extension's preferences: the video engine's environment, or another Python that has it."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

from ..bridge.blender.versions import user_folder
from . import engine_state, environment
from .drawing import draw_wrapped
from .engine_setup import EngineSetup, SetupState
from .environment import SetupPlan
from .session import session
from .torch_build import has_nvidia

ROOT_PACKAGE = __package__.rpartition(".")[0]
"""`motionlift`, or `bl_ext.<repository>.motionlift` where Blender installed it."""

LOG_LINES_SHOWN = 6
LOG_COLUMNS = 100
NAME_SHARE = 0.18
NOT_ONLINE = "Allow Online Access in Preferences > System, or choose a folder of wheels"


class MotionLiftPreferences(bpy.types.AddonPreferences):
    """What belongs to the machine rather than to a file."""

    bl_idname = ROOT_PACKAGE

    engine_python: bpy.props.StringProperty(
        name="Existing Python",
        description="The Python program of an environment that has the video engine's packages, "
        "instead of one made here. Empty: the one made here",
        subtype="FILE_PATH",
    )
    wheels: bpy.props.StringProperty(
        name="Folder of Wheels",
        description="Install from this folder of .whl files instead of from the network",
        subtype="DIR_PATH",
    )
    gpu: bpy.props.BoolProperty(
        name="For NVIDIA GPU",
        description="Fetch the build of torch for NVIDIA GPUs: a larger download, and faster lifts where there is one",
        default=has_nvidia(),
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The panel in Edit > Preferences > Add-ons."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        setup = session().setup
        state = setup.state if setup else SetupState()
        words, icon = engine_words(context)
        layout.label(text=words, icon=icon)
        if not self.engine_python:
            _draw_setup(layout, self, setup, state)
        if not state.running:
            _draw_state(layout, engine_python(context))
        header, body = layout.panel("motionlift_engine_options", default_closed=True)
        header.label(text="Other Ways")
        if body is not None:
            body.prop(self, "engine_python")
            body.prop(self, "wheels")
            if sys.platform != "darwin":  # There torch has but one build.
                body.prop(self, "gpu")


def preferences_of(context: bpy.types.Context) -> MotionLiftPreferences | None:
    """Ours, or None while the extension is not enabled."""
    addon = context.preferences.addons.get(ROOT_PACKAGE)
    return addon.preferences if addon is not None else None


def engine_folder() -> Path:
    """Where the engine's environment is made."""
    return environment.engine_place(user_folder(ROOT_PACKAGE, "engine"), "{}.{}".format(*bpy.app.version))


def engine_python(context: bpy.types.Context) -> Path | None:
    """The video engine's Python: the one the preferences name, else the one made here; None where there is none, or
    while it is being made."""
    preferences = preferences_of(context)
    if preferences is not None and preferences.engine_python:
        return Path(bpy.path.abspath(preferences.engine_python))
    folder, setup = engine_folder(), session().setup
    changing = setup is not None and setup.state.phase in ("installing", "checking")
    if changing or environment.installed(folder) in ("no", "broken"):
        return None
    return environment.environment_python(folder)


def engine_words(context: bpy.types.Context) -> tuple[str, str]:
    """The engine's state in one line, and an icon for it."""
    preferences = preferences_of(context)
    if preferences is not None and preferences.engine_python:
        return f"The video engine is {preferences.engine_python}", "FILE_SCRIPT"
    return {
        "no": ("The video engine is not set up yet: lifting needs it once", "INFO"),
        "broken": ("The Python that the video engine was made with is gone: set it up again", "ERROR"),
        "old": ("The video engine is of an earlier version: set it up again", "ERROR"),
        "yes": ("The video engine is ready", "CHECKMARK"),
    }[environment.installed(engine_folder())]


def setup_plan(context: bpy.types.Context) -> SetupPlan:
    """What the preferences ask for, made from Blender's own Python."""
    preferences = preferences_of(context)
    wheels = Path(bpy.path.abspath(preferences.wheels)) if preferences and preferences.wheels else None
    return SetupPlan(blender_python(), engine_folder(), wheels, bool(preferences and preferences.gpu))


def setup_trouble(context: bpy.types.Context) -> str:
    """Why the engine cannot be set up now; empty where it can."""
    if trouble := environment.platform_trouble():
        return trouble
    setup = session().setup
    if setup is not None and setup.state.running:
        return "The set-up runs already"
    if session().busy:
        return "The video engine is in use"
    preferences = preferences_of(context)
    if not bpy.app.online_access and not (preferences and preferences.wheels):
        return NOT_ONLINE
    return ""


def blender_python() -> Path:
    """The Python program that Blender brings."""
    return Path(sys.executable)


def _draw_setup(
    layout: bpy.types.UILayout, preferences: MotionLiftPreferences, setup: EngineSetup | None, state: SetupState
) -> None:
    row = layout.row()
    row.scale_y = 1.4
    if state.running:
        if state.fraction is not None:
            layout.progress(factor=state.fraction, text=state.words)
        else:
            layout.label(text=state.words, icon="TIME")
        row.operator("motionlift.cancel_set_up", icon="X")
    elif state.phase == "ready":
        # Nothing where all is there, or no server told.
        size = f"{_verb(preferences)} {state.bytes_to_fetch / 1e6:.0f} MB and " if state.bytes_to_fetch else ""
        row.operator("motionlift.install_engine", text=f"{size}Install", icon="IMPORT")
        row.operator("motionlift.cancel_set_up", text="Not Now", icon="X")
    else:
        there = environment.installed(engine_folder()) == "yes"
        row.scale_y = 1.0 if there else row.scale_y
        words = "Set Up Again" if there else "Set Up Video Engine"
        row.operator("motionlift.set_up_engine", text=words, icon="FILE_REFRESH" if there else "IMPORT")
        if state.phase == "cancelled":
            layout.label(text=state.words, icon="INFO")
        if trouble := setup_trouble(bpy.context):
            layout.label(text=trouble, icon="INFO")
            if trouble == NOT_ONLINE:  # Blender's own button, which its extensions' list has too.
                layout.operator("extensions.userpref_allow_online", text="Allow Online Access", icon="CHECKMARK")
    if state.error is not None:
        column = layout.column(align=True)
        hint, *log = state.error.hint.splitlines() or [""]
        for line in (state.error.message, hint, *log[-LOG_LINES_SHOWN:]):
            column.label(text=line[:LOG_COLUMNS])
    elif setup is not None and state.phase != "done":
        box = layout.box().column(align=True)
        box.scale_y = 0.7
        for line in setup.log_tail(LOG_LINES_SHOWN).splitlines():
            box.label(text=line[:LOG_COLUMNS])
    if setup is not None:
        layout.operator("motionlift.copy_set_up_log", icon="COPYDOWN")


def _draw_state(layout: bpy.types.UILayout, python: Path | None) -> None:
    """What the engine consists of, as it was found the last time it looked at itself; of one that is not whole, how to
    get rid of it."""
    folder, asking = engine_folder(), session().asking
    state = engine_state.remembered(python, folder) if python is not None else None
    if state is not None:
        box = layout.box().column(align=True)
        for name, found in state.lines(engine_state.free_bytes(folder)):
            split = box.split(factor=NAME_SHARE)
            split.label(text=name)
            split.label(text=found)
        for trouble in state.troubles:
            draw_wrapped(box, trouble, "ERROR", LOG_COLUMNS)
    row = layout.row(align=True)
    if python is not None:
        busy = asking is not None and not asking.done()
        words = "Looking at the Video Engine" if busy else "Check Video Engine"
        row.operator("motionlift.check_engine", text=words, icon="INFO")
    if environment.occupied(folder):
        row.operator("motionlift.remove_engine", icon="TRASH")


def _verb(preferences: MotionLiftPreferences) -> str:
    return "Unpack" if preferences.wheels else "Download"


CLASSES = (MotionLiftPreferences,)
