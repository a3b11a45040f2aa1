"""Writing a take, as the Action has it now, for other programs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
from bpy_extras.io_utils import ExportHelper

from ..bridge.adjusting import adjusted
from ..bridge.blender.handiwork import shows_take_alone
from ..bridge.blender.modes import LEFT_AND_ENTERED
from ..bridge.blender.shown import export_shown, shown_frames
from ..bridge.blender.written import span_in
from ..bridge.bvh import evenly_sampled, motion_to_bvh
from ..core.bvh import BvhClip, BvhOptions, write_bvh
from ..core.files import check_output
from ..core.jobs import MotionLiftError, UsageError
from ..core.motion import Motion
from . import edited, results, rig_map, targets
from .drawing import COLUMNS, draw_wrapped
from .take_operators import ShowsTake


class _ExportsTake(ShowsTake, ExportHelper):
    """For operators that write the active object's take to a file; `contents`: what a person should know of it."""

    contents: tuple[str, ...] = ()

    overwrite: bpy.props.BoolProperty(
        name="Replace Existing File", description="Write over a file of that name", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey without a take, and while something is edited: exporters want Object Mode."""
        if super().poll(context) and context.mode not in LEFT_AND_ENTERED:
            cls.poll_message_set("Switch to Object Mode first")
            return False
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Suggest the take's name, beside the .blend, with a number where a file has it already."""
        name = bpy.path.clean_name(results.required_action(context).name)
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(free_path(folder / f"{name}{self.filename_ext}"))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        """Beside the files: what will be written, and whether over a file that is there."""
        action = results.shown_action(context)
        if action is None:
            return
        first, last = shown_frames(action)
        column = self.layout.column(align=True)
        rate = results.scene_rate(context.scene)
        for line in (f"Frames {first} to {last}, {rate:.5g} a second", *self.contents):
            draw_wrapped(column, line, columns=COLUMNS)
        self.layout.prop(self, "overwrite")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write what the Action shows, edits by hand included; the scene stays as it is."""
        action = results.required_action(context)
        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), self.filename_ext))
        try:
            if path.exists() and not self.overwrite:
                raise UsageError(
                    "output_exists", f"{path.name} exists already.", "Choose another name, or tick Replace Existing."
                )
            check_output(path, overwrite=True)
            with _hourglass(context):
                _write(context, action, path)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Written: {path.name} ({path.stat().st_size / 1e6:.1f} MB)")
        return {"FINISHED"}


class ExportBVH(_ExportsTake, bpy.types.Operator):
    """Write this take as BVH: a skeleton and its motion"""

    bl_idname = "motionlift.export_bvh"
    bl_label = "Export BVH"

    contents = ("The skeleton alone", "Centimetres, Y up")
    filename_ext = ".bvh"
    filter_glob: bpy.props.StringProperty(default="*.bvh", options={"HIDDEN"})


class ExportFBX(_ExportsTake, bpy.types.Operator):
    """Write this take as FBX for game engines: one animation under its name, meshes included, no leaf bones"""

    bl_idname = "motionlift.export_fbx"
    bl_label = "Export FBX"

    contents = ("Skeleton, meshes and one animation", "Of a control rig, the bones that deform", "No leaf bones")
    filename_ext = ".fbx"
    filter_glob: bpy.props.StringProperty(default="*.fbx", options={"HIDDEN"})


class ExportGLB(_ExportsTake, bpy.types.Operator):
    """Write this take as binary glTF: one animation under its name, meshes included"""

    bl_idname = "motionlift.export_glb"
    bl_label = "Export GLB"

    contents = ("Skeleton, meshes and one animation", "Of a control rig, the bones that deform")
    filename_ext = ".glb"
    filter_glob: bpy.props.StringProperty(default="*.glb", options={"HIDDEN"})


def free_path(path: Path) -> Path:
    """`path`, or with `_2`, `_3` ... at the end of its name where there is a file already."""
    count, free = 1, path
    while free.exists():
        count += 1
        free = path.with_name(f"{path.stem}_{count}{path.suffix}")
    return free


@contextlib.contextmanager
def _hourglass(context: bpy.types.Context) -> Iterator[None]:
    """The pointer that asks to wait; there is none in the background."""
    window = context.window
    if window is not None:
        window.cursor_set("WAIT")
    try:
        yield
    finally:
        if window is not None:
            window.cursor_set("DEFAULT")


def _write(context: bpy.types.Context, action: bpy.types.Action, path: Path) -> None:
    figure = results.animated_by(context, action)
    assert figure is not None
    # The take's own file says more: the T-pose, and angle orders that stay away from singular ones.
    clip = _untouched(figure, action, results.scene_rate(context.scene)) if path.suffix == ".bvh" else None
    if clip is not None:
        write_bvh(path, clip)
        return
    export_shown(figure, action, path, _has_controls(figure))


def _untouched(figure: bpy.types.Object, action: bpy.types.Action, rate: float) -> BvhClip | None:
    """The frames that `action` shows, at `rate`, from the take's own file; None where it shows something else, or other
    frames, than what was made of that."""
    properties, span = action.motionlift, span_in(action)
    if properties.target != targets.NEW_ARMATURE or properties.own_contacts or span is None:
        return None
    first, last = shown_frames(action)
    if first < span.first or last > span.last or not shows_take_alone(figure, action) or edited.edited(action):
        return None
    motion = evenly_sampled(Motion.load(results.take_file(properties.shown)), span.fps)
    if len(motion) != span.last - span.first + 1:
        return None
    clip = motion_to_bvh(adjusted(motion, properties.retarget_options().adjustment), BvhOptions())
    return replace(clip, frame_time=1.0 / rate, values=clip.values[first - span.first : last - span.first + 1])


def _has_controls(figure: bpy.types.Object) -> bool:
    """Whether the rig is one that is animated by controls."""
    try:
        return bool(rig_map.match_of(figure).rig_map.all_switches("auto"))
    except MotionLiftError:
        return False


CLASSES = (ExportBVH, ExportFBX, ExportGLB)
