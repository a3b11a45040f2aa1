"""The camera that filmed a take, into the scene, with the footage behind the figure."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy
import numpy as np

from ..bridge.blender.footage import add_footage
from ..bridge.blender.lasting import with_uid
from ..bridge.blender.rigs import read_rig
from ..bridge.blender.scene import add_camera
from ..bridge.blender.strip_time import timing
from ..core.jobs import MotionLiftError
from . import results, rig_map, targets
from .file_names import file_named, keep_names
from .filming import CameraPlan, Filmed, Filming
from .preferences import engine_folder, engine_python
from .session import session
from .takes import take_key

OF_TAKE, CALLED = "motionlift_take", "motionlift_camera"
"""The custom properties of a camera of ours that name the take (see `take_key`) and the camera as we called it: copies
have both, but not the name."""


def footage_of(action: bpy.types.Action) -> Path | None:
    """The video that the Action's take was lifted from, if it is still there."""
    kept = action.motionlift.video
    path = file_named(kept) if kept else None
    return path if path is not None and path.is_file() else None


def begin(context: bpy.types.Context, action: bpy.types.Action, video: Path | None) -> Filming:
    """Have the take's camera and `video` made ready.

    Raises `MotionLiftError`: `no_file`, `take_missing`, `footage_busy`, `plays_backwards`, and what matching raises.
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
    frame = context.scene.frame_current
    pace = timing(figure, action, frame).pace
    if pace < 0:
        raise MotionLiftError(
            "plays_backwards",
            f"{action.name} plays backwards, and footage cannot.",
            "Turn Reverse off in the NLA editor.",
        )
    python = engine_python(context)
    view = context.space_data
    return CameraPlan(
        action=action.name,
        action_uid=action.session_uid,
        scene=context.scene.session_uid,
        frame=frame,
        shown=results.take_file(properties.shown),
        video=video,
        first_frame=properties.first_frame,
        fps=properties.fps,
        pace=pace,
        clip_fps=properties.clip_fps,
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
    # Of another solve the Action is made anew, under its name.
    action = with_uid(bpy.data.actions, plan.action_uid) or bpy.data.actions.get(plan.action)
    scene = with_uid(bpy.data.scenes, plan.scene)
    figure = results.animated_by(context, action)
    if action is None or scene is None or figure is None or not _is_shown(figure, action, plan):
        raise MotionLiftError("take_changed", f"{plan.action} has changed meanwhile.", "Press Camera & Footage again.")
    properties, take = action.motionlift, take_key(action.motionlift.take)
    start = round(timing(figure, action, plan.frame).to_scene(plan.first_frame))
    with contextlib.ExitStack() as failing, context.temp_override(scene=scene):
        camera = add_camera(filmed.motion, filmed.world_from_motion, start, f"{action.name} camera")
        failing.callback(_remove, camera)
        add_footage(camera, filmed.footage, len(filmed.motion), start, action.name, take)
        keep_names(filmed.footage)
        failing.pop_all()
    old = _camera_of(scene, take)
    if old is not None:
        _replace(scene, old, camera)
    camera.name = camera.data.name = f"{action.name} camera"
    camera[OF_TAKE], camera[CALLED] = take, camera.name
    properties.video = results.stored(plan.video)
    _look_through(scene, context, camera, plan.view)
    return f"{camera.name}: as {plan.video.name} was filmed"


def _is_shown(figure: bpy.types.Object, action: bpy.types.Action, plan: CameraPlan) -> bool:
    """Whether the Action still shows what the plan is about, as fast."""
    properties = action.motionlift
    try:
        shown = results.take_file(properties.shown)
    except MotionLiftError:
        return False
    pace = timing(figure, action, plan.frame).pace
    now = (shown, properties.first_frame, properties.fps, pace, properties.retarget_options())
    return now == (plan.shown, plan.first_frame, plan.fps, plan.pace, plan.options)


def _camera_of(scene: bpy.types.Scene, take: str) -> bpy.types.Object | None:
    """Our camera of a take in a scene. Copies of it that an animator made are the animator's."""
    found = [item for item in scene.objects if item.type == "CAMERA" and take_key(item.get(OF_TAKE, "")) == take]

    def strangeness(camera: bpy.types.Object) -> tuple[bool, bool, bool, str]:
        called, shared = camera.get(CALLED, ""), len(camera.users_scene) > 1
        return (shared, camera.name != called, not camera.name.startswith(called), camera.name)

    return min(found, key=strangeness, default=None)


def _replace(scene: bpy.types.Scene, old: bpy.types.Object, camera: bpy.types.Object) -> None:
    """Let `camera` be what `old` was, to markers, constraints and collections too. Other scenes keep theirs."""
    top = scene.collection.objects
    if len(old.users_scene) == 1:
        # It comes to where the other lies; Blender 5.2 would list it twice where both are.
        top.unlink(camera)
        old.user_remap(camera)
        _remove(old)
        return
    for marker in scene.timeline_markers:
        marker.camera = camera if marker.camera == old else marker.camera
    if scene.camera == old:
        scene.camera = camera
    if old.name in top:
        top.unlink(old)


def _remove(camera: bpy.types.Object) -> None:
    """The camera with what was made for it and nothing else uses."""
    data = camera.data
    actions = [item.animation_data.action for item in (camera, data) if item.animation_data]
    bpy.data.objects.remove(camera)
    if not data.users:
        bpy.data.cameras.remove(data)
    for action in actions:
        if action is not None and not action.users:
            bpy.data.actions.remove(action)


def _look_through(scene: bpy.types.Scene, context: bpy.types.Context, camera: bpy.types.Object, wanted: int) -> None:
    """Show the 3D view at the address `wanted` through `camera`; the scene's own camera stays what it is, if it has
    one."""
    if scene.camera is None:
        scene.camera = camera
    windows = [w for w in context.window_manager.windows if w.scene == scene] if context.window_manager else []
    for area in (area for window in windows for area in window.screen.areas):
        view = area.spaces.active
        if view is not None and view.type == "VIEW_3D" and view.as_pointer() == wanted:
            view.use_local_camera = scene.camera != camera
            view.camera = camera
            view.region_3d.view_perspective = "CAMERA"
            area.tag_redraw()
