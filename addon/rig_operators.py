"""Saying which bones of an armature play which part: presets, correcting by hand, and looking at the test pose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..bridge import match as matching
from ..bridge.blender.rigs import check_editable, read_tree
from ..bridge.blender.test_pose import leave_test_pose, take_test_pose
from ..bridge.correcting import doubled
from ..bridge.preset_files import SUFFIX, read_preset, save_preset
from ..bridge.preset_text import preset_of
from ..core.files import check_output
from ..core.jobs import MotionLiftError
from . import rig_map
from .polls import SaysWhy
from .rig_map import AUTO

NO_ARMATURE = "Select an armature"


class OnArmature(SaysWhy):
    """For operators on the active armature; Blender never gets to know this one."""

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """No armature, or one whose properties and pose cannot be changed."""
        figure = context.active_object
        if figure is None or figure.type != "ARMATURE":
            return NO_ARMATURE
        try:
            check_editable(figure)
        except MotionLiftError as error:
            return str(error)
        return ""

    def told(self, error: MotionLiftError) -> set[str]:
        """Report what went wrong."""
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}


class ChoosePreset(OnArmature):
    """Say what kind of rig this is. What was corrected by hand is forgotten"""

    bl_idname = "motionlift.choose_preset"
    bl_label = "Choose Preset"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

    preset: bpy.props.StringProperty(
        name="Preset", description="`auto`, a family of rigs, or a preset file", default=AUTO, options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The menu's tooltips."""
        if properties.preset == AUTO:
            return "Find out what kind of rig this is from its bones"
        return "Take this armature for a rig of this kind. What was corrected by hand is forgotten"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it if it fits."""
        figure = context.active_object
        try:
            tree = read_tree(figure)
            if self.preset.lower().endswith(SUFFIX):
                matching.with_preset(tree, read_preset(Path(bpy.path.abspath(self.preset))))
            elif self.preset != AUTO:
                rig_map.presets().check(self.preset)
                matching.match(tree, rig_map.presets().known, self.preset)
        except MotionLiftError as error:
            return self.told(error)
        said = rig_map.properties_of(figure)
        said.preset = self.preset
        said.forget()
        return {"FINISHED"}


class CorrectBones(OnArmature):
    """List every part of the body with its bone, to be changed by hand"""

    bl_idname = "motionlift.correct_bones"
    bl_label = "Correct by Hand"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the rows; where nothing was found they are empty."""
        figure = context.active_object
        try:
            found = rig_map.match_of(figure)
        except MotionLiftError as error:
            if error.code != "not_humanoid":
                return self.told(error)
            found = matching.unknown()
        rig_map.correct_from(figure, found)
        return {"FINISHED"}


class ForgetCorrections(OnArmature):
    """Go back to the bones that were found"""

    bl_idname = "motionlift.forget_corrections"
    bl_label = "Forget Corrections"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """Nothing to forget."""
        return super().trouble(context) or (
            "" if rig_map.properties_of(context.active_object).said() else "Nothing was corrected"
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Empty the rows."""
        rig_map.properties_of(context.active_object).forget()
        return {"FINISHED"}


class SavePreset(OnArmature, ExportHelper):
    """Save which bones play which part as a preset, for other rigs with the same names. In the folder offered it is
    recognised by itself from then on"""

    bl_idname = "motionlift.save_preset"
    bl_label = "Save Preset"

    filename_ext = SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Offer our folder and the armature's name."""
        name = bpy.path.clean_name(context.active_object.name)
        self.filepath = str(rig_map.preset_folder() / f"{name}{SUFFIX}")
        opened: set[str] = super().invoke(context, event)
        return opened

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the map as it stands."""
        figure = context.active_object
        path = Path(bpy.path.abspath(self.filepath))
        try:
            if words := doubled(rig_map.properties_of(figure).said()):
                raise MotionLiftError("doubled_bone", f"{words}.", "Correct one of them.")
            found = rig_map.match_of(figure)
            # The file dialog has asked already whether to replace a file.
            check_output(path, overwrite=True)
            save_preset(preset_of(found.rig_map, path.stem.replace("_", " ")), path)
        except MotionLiftError as error:
            return self.told(error)
        self.report({"INFO"}, f"Written: {path.name}")
        return {"FINISHED"}


class LoadPreset(OnArmature, ImportHelper):
    """Take a preset from a file for this armature"""

    bl_idname = "motionlift.load_preset"
    bl_label = "Load Preset"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filename_ext = SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin in our folder."""
        self.filepath = str(rig_map.preset_folder()) + "/"
        opened: set[str] = super().invoke(context, event)
        return opened

    def execute(self, context: bpy.types.Context) -> set[str]:
        """As if it were chosen from the menu."""
        try:
            done: set[str] = bpy.ops.motionlift.choose_preset("EXEC_DEFAULT", preset=self.filepath)
        except RuntimeError as error:
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
            return {"CANCELLED"}
        return done


class TestPose(OnArmature):
    """Stand in the T-pose that the bones imply: arms to the sides, palms down, feet to the front. What is off there is
    wrong in the list. Nothing is keyed; press again to go back"""

    bl_idname = "motionlift.test_pose"
    bl_label = "Test Pose"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """No map to pose by."""
        if trouble := super().trouble(context):
            return trouble
        figure = context.active_object
        try:
            rig_map.match_of(figure)
        except MotionLiftError as error:
            return "" if rig_map.properties_of(figure).test_pose else error.message
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """There, or back."""
        figure, scene = context.active_object, context.scene
        said = rig_map.properties_of(figure)
        if said.test_pose:
            leave_test_pose(scene, figure, said.test_pose)
            said.test_pose = ""
            return {"FINISHED"}
        try:
            said.test_pose = take_test_pose(figure, rig_map.match_of(figure).rig_map, scene.frame_current)
        except MotionLiftError as error:
            return self.told(error)
        return {"FINISHED"}


class PresetMenu(bpy.types.Menu):
    """The presets that there are"""

    bl_idname = "MOTIONLIFT_MT_presets"
    bl_label = "Preset"

    def draw(self, context: bpy.types.Context) -> None:
        """Automatic first, then by title."""
        self.layout.operator(ChoosePreset.bl_idname, text="Automatic").preset = AUTO
        self.layout.separator()
        for family, preset in sorted(rig_map.presets().known.items(), key=lambda item: item[1].title.lower()):
            self.layout.operator(ChoosePreset.bl_idname, text=preset.title).preset = family


CLASSES = (
    ChoosePreset,
    CorrectBones,
    ForgetCorrections,
    SavePreset,
    LoadPreset,
    TestPose,
    PresetMenu,
)
