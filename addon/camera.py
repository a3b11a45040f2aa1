"""The camera that filmed a take, into the scene, with the footage behind the figure."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy
import numpy as np

from ..bridge.blender.footage import add_footage
from ..bridge.blender.rigs import read_rig
from ..bridge.blender.scene import add_camera
from ..core.jobs import MotionLiftError
from . import results, rig_map, targets
from .filming import CameraPlan, Filmed, Filming
from .preferences import engine_folder, engine_python
from .session import session

OF_TAKE = "motionlift_take"
"""The custom property of a camera of ours that names the take's file."""


def footage_of(action: bpy.types.Action) -> Path | None:
    """The video that the Action's take was lifted from, if it is still there."""
    kept = action.motionlift.video
    path = Path(bpy.path.abspath(kept)) if kept else None
    return path if path is not None and path.is_file() else None


def begin(context: bpy.types.Context, action: bpy.types.Action, video: Path | None) -> Filming:
    """Have the take's camera and `video` made ready.

    Raises `MotionLiftError`: `no_file`, `take_missing`, `footage_busy`, and what matching raises.
    """
    if video is None:
        raise MotionLiftError("no_file", "The footage of this take is not known.", "Choose the video.")
    state = session()
    if state.filming is not None:
        raise MotionLiftError(
            "footage_busy", "Other footage is being prepared.", "Wait until it is done, or cancel it."
        )
    state.filming = Filming(_plan(context, action, video))
    return state.filming


def _plan(context: bpy.types.Context, action: bpy.types.Action, video: Path) -> CameraPlan:
    figure, properties = results.animated_by(context, action), action.motionlift
    assert figure is not None
    own = properties.target == targets.NEW_ARMATURE
    python = engine_python(context)
    view = context.space_data
    return CameraPlan(
        action=action.name,
        shown=results.take_file(properties.shown),
        video=video,
        first_frame=properties.first_frame,
        fps=properties.fps,
        options=properties.retarget_options(),
        world=np.array(figure.matrix_world, float),
        rig=None if own else read_rig(figure, action),
        rig_map=None if own else rig_map.match_of(figure).rig_map,
        engine=None if python is None else (python, engine_folder()),
        view=view.as_pointer() if view is not None and view.type == "VIEW_3D" else 0,
    )


def place(context: bpy.types.Context, plan: CameraPlan, filmed: Filmed) -> str:
    """Add the camera with its footage, in place of those of this take that are there, and say so.

    Raises `MotionLiftError`: `take_changed` where the Action shows something else by now, and what `add_footage`
    raises; then nothing was added.
    """
    action = bpy.data.actions.get(plan.action)
    if action is None or not _is_shown(action, plan) or results.animated_by(context, action) is None:
        raise MotionLiftError("take_changed", f"{plan.action} has changed meanwhile.", "Press Camera & Footage again.")
    properties = action.motionlift
    with contextlib.ExitStack() as failing:
        camera = add_camera(filmed.motion, filmed.world_from_motion, plan.first_frame, f"{action.name} camera")
        failing.callback(_remove, camera)
        add_footage(camera, filmed.footage, len(filmed.motion), plan.first_frame, action.name)
        failing.pop_all()
    for old in [item for item in bpy.data.objects if item.get(OF_TAKE) == properties.take]:
        _remove(old)
    camera.name = camera.data.name = f"{action.name} camera"
    camera[OF_TAKE] = properties.take
    properties.video = results.stored(plan.video)
    _look_through(context, camera, plan.view)
    return f"{camera.name}: as {plan.video.name} was filmed"


def _is_shown(action: bpy.types.Action, plan: CameraPlan) -> bool:
    """Whether the Action still shows what the plan is about."""
    properties = action.motionlift
    try:
        shown = results.take_file(properties.shown)
    except MotionLiftError:
        return False
    now = (shown, properties.first_frame, properties.fps, properties.retarget_options())
    return now == (plan.shown, plan.first_frame, plan.fps, plan.options)


def _remove(camera: bpy.types.Object) -> None:
    """The camera with what was made for it."""
    data = camera.data
    actions = [item.animation_data.action for item in (camera, data) if item.animation_data]
    bpy.data.objects.remove(camera)
    bpy.data.cameras.remove(data)
    for action in actions:
        if action is not None:
            bpy.data.actions.remove(action)


def _look_through(context: bpy.types.Context, camera: bpy.types.Object, wanted: int) -> None:
    """Show the 3D view at the address `wanted` through `camera`; the scene's own camera stays what it is, if it has
    one."""
    if context.scene.camera is None:
        context.scene.camera = camera
    windows = context.window_manager.windows if context.window_manager else ()
    for area in (area for window in windows for area in window.screen.areas):
        view = area.spaces.active
        if view is not None and view.type == "VIEW_3D" and view.as_pointer() == wanted:
            view.use_local_camera = context.scene.camera != camera
            view.camera = camera
            view.region_3d.view_perspective = "CAMERA"
            area.tag_redraw()
