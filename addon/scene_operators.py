"""The camera that filmed a take, and its footage, around the figure: on request."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.io_utils import ImportHelper

from ..bridge.adjusting import adjusted, leaned
from ..bridge.blender.footage import add_footage
from ..bridge.blender.rigs import read_rig
from ..bridge.blender.scene import add_camera
from ..bridge.bvh import evenly_sampled
from ..bridge.footage import Footage, prepared, proxy_path
from ..bridge.retarget import retarget
from ..core.jobs import MotionLiftError
from ..core.motion import SUFFIX, Motion
from ..core.rotation import Array
from . import results, rig_map, targets
from .preferences import engine_folder, engine_python
from .properties import TakeProperties
from .take_operators import ShowsTake
from .takes import VIDEO_SUFFIXES

OF_TAKE = "motionlift_take"
"""The custom property of a camera of ours that names the take's file."""


class AddCamera(ShowsTake, ImportHelper):
    """Add the camera that filmed this take, with the footage behind the figure, and look through it"""

    bl_idname = "motionlift.add_camera"
    bl_label = "Camera & Footage"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender wants a set)

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

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the footage only where it is gone."""
        if footage_of(results.required_action(context)) is None:
            self.report({"WARNING"}, "The footage is not where it was: choose it")
            opened: set[str] = super().invoke(context, event)
            return opened
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add camera and footage; those of this take that are there already are replaced."""
        action = results.required_action(context)
        try:
            video = Path(bpy.path.abspath(self.filepath)) if self.filepath else footage_of(action)
            camera = place_camera(context, action, video)
        except MotionLiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if video is not None:
            action.motionlift.video = results.stored(video)
        _look_through(context, camera)
        self.report({"INFO"}, f"{camera.name}: as {video.name if video else 'the take'} was filmed")
        return {"FINISHED"}


def footage_of(action: bpy.types.Action) -> Path | None:
    """The video that the Action's take was lifted from, if it is still there."""
    kept = action.motionlift.video
    path = Path(bpy.path.abspath(kept)) if kept else None
    return path if path is not None and path.is_file() else None


def place_camera(context: bpy.types.Context, action: bpy.types.Action, video: Path | None) -> bpy.types.Object:
    """Add the take's camera with `video` behind it. Raises `MotionLiftError`: `take_missing`, `no_file`, and what
    `retarget` raises; then nothing was added."""
    figure, properties = results.animated_by(context, action), action.motionlift
    assert figure is not None
    take = results.take_file(properties.shown)
    motion = evenly_sampled(Motion.load(take), properties.fps)
    placed = _world_from_motion(figure, motion, properties)
    motion = _as_it_stands(motion, properties)
    if video is None:
        raise MotionLiftError("no_file", "The footage of this take is not known.", "Choose the video.")
    with contextlib.ExitStack() as failing:
        camera = add_camera(motion, placed, properties.first_frame, f"{action.name} camera")
        failing.callback(_remove, camera)
        footage = _in_step(context, motion, video, take)
        add_footage(camera, footage, len(motion), properties.first_frame, action.name)
        failing.pop_all()
    for old in [item for item in bpy.data.objects if item.get(OF_TAKE) == properties.take]:
        _remove(old)
    camera.name = camera.data.name = f"{action.name} camera"
    camera[OF_TAKE] = properties.take
    return camera


def _in_step(context: bpy.types.Context, motion: Motion, video: Path, take: Path) -> Footage:
    """The footage frame by frame with `motion`: the video itself, or where that would drift a proxy beside the take.

    Without a video engine it is the video. Raises what `prepared` raises.
    """
    python = engine_python(context)
    if python is None:
        return Footage(video)
    proxy = proxy_path(take.parent, take.name.removesuffix(SUFFIX), motion.fps)
    return prepared(python, engine_folder(), motion, video, proxy, overwrite=True)


def _world_from_motion(figure: bpy.types.Object, motion: Motion, properties: TakeProperties) -> Array:
    """Where the take stands (4, 4): where it was put when it was retargeted, or where its own armature is."""
    if properties.target == targets.NEW_ARMATURE:
        return np.array(figure.matrix_world, float)
    mapped = rig_map.match_of(figure).rig_map
    return retarget(motion, read_rig(figure), mapped, properties.retarget_options()).world_from_motion


def _as_it_stands(motion: Motion, properties: TakeProperties) -> Motion:
    """The motion with what was set right about it and is not part of where it was put."""
    adjustment = properties.retarget_options().adjustment
    return (adjusted if properties.target == targets.NEW_ARMATURE else leaned)(motion, adjustment)


def _remove(camera: bpy.types.Object) -> None:
    """The camera with what was made for it."""
    data = camera.data
    actions = [item.animation_data.action for item in (camera, data) if item.animation_data]
    bpy.data.objects.remove(camera)
    bpy.data.cameras.remove(data)
    for action in actions:
        if action is not None:
            bpy.data.actions.remove(action)


def _look_through(context: bpy.types.Context, camera: bpy.types.Object) -> None:
    """Show the 3D view at hand through `camera`; the scene's own camera stays what it is, if it has one."""
    if context.scene.camera is None:
        context.scene.camera = camera
    view = context.space_data
    if view is not None and view.type == "VIEW_3D":
        view.use_local_camera = context.scene.camera != camera
        view.camera = camera
        view.region_3d.view_perspective = "CAMERA"


CLASSES = (AddCamera,)
