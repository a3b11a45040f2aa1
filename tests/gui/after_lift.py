"""What an animator does with a lifted take, in a real, windowed Blender, with a picture of each step.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> \
        blender --enable-event-simulate --python tests/gui/after_lift.py

See driving.py for what is needed. Printed at the end: seconds from a slider to the new keys,
with the engine ready and not, what undo brings back, and what our steps cost Blender at most.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import (
    VIDEO,
    call,
    close_browser,
    drive,
    folded,
    found,
    module,
    package,
    press,
    settled,
    shot,
    until,
    view,
)

OPEN = {"MOTIONLIFT_PT_take", "MOTIONLIFT_PT_clean_up", "MOTIONLIFT_PT_contacts"}
"""Panels that are open in the pictures of the take."""


def opened(wanted: set[str]) -> None:
    """Have these sub-panels open and the other ones closed."""
    folded(lambda cls: cls.bl_idname not in wanted)


def figure() -> Any:
    return bpy.context.view_layer.objects.active


def take() -> Any:
    return module("results").required_action(bpy.context).motionlift


def curve(path: str, index: int) -> Any:
    nla = importlib.import_module(f"{package()}.bridge.blender.nla")
    action = module("results").required_action(bpy.context)
    return nla.curves_in(figure(), action).fcurves.find(path, index=index)


def pose(frame: int, bone: str) -> Any:
    bpy.context.scene.frame_set(frame)
    return figure().pose.bones[bone].matrix.copy()


def changed(name: str, before: Any, after: Any) -> None:
    """Note by how much a pose differs."""
    found[name] = round(max(abs(a - b) for row, other in zip(before, after, strict=True)
                            for a, b in zip(row, other, strict=True)), 5)  # fmt: skip


def look(workspace: str) -> Iterator[float]:
    """Go to a workspace whose sidebar was not open yet, so that panels are as `opened` says; the figure in sight."""
    bpy.context.window_manager.windows[0].workspace = bpy.data.workspaces[workspace]
    yield 0.5
    space = view()["area"].spaces[0]
    space.show_region_ui = True
    yield 0.5
    region = next(region for region in view()["area"].regions if region.type == "UI")
    region.active_panel_category = "MotionLift"
    around = space.region_3d
    around.view_location, around.view_distance = (0.0, 0.0, 0.9), 5.0
    around.view_rotation = (0.78, 0.55, 0.17, 0.25)
    yield 0.5


def timed(name: str, value: Any, choice: str = "smoothing") -> Iterator[float]:
    """Sets a choice of the take's clean-up, and notes the seconds until the new keys are there."""
    session, began = module("session").session(), time.monotonic()
    setattr(take(), choice, value)
    yield from until(lambda: not take().differs or session.error is not None)
    found[name] = round(time.monotonic() - began, 2)
    yield from settled()


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session, ops = module("session").session(), bpy.ops.motionlift
    for name in ("Cube", "Light", "Camera"):
        bpy.data.objects.remove(bpy.data.objects[name])
    folder = Path(tempfile.mkdtemp(prefix="motionlift-gui-"))
    preferences = bpy.context.preferences.addons[package()].preferences
    preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    # A window of its own stays black where no window manager runs.
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    video = folder / "walk.mp4"
    shutil.copy(VIDEO, video)
    call(bpy.ops.wm.save_as_mainfile, "EXEC_DEFAULT", filepath=str(folder / "shot.blend"))
    yield 1.0
    call(ops.choose_video, "EXEC_DEFAULT", filepath=str(video))
    opened({"MOTIONLIFT_PT_lift", "MOTIONLIFT_PT_placing"})
    yield from look("Modeling")
    choices = bpy.context.scene.motionlift
    choices.use_trim, choices.trim_start, choices.trim_end = True, 1.0, 5.0
    shot("1_before")
    call(ops.lift_chosen_video)
    yield from settled()
    found["message"] = session.message
    opened(OPEN)
    call(bpy.ops.screen.frame_jump, end=False)
    yield from look("Animation")
    bpy.context.scene.frame_set(90)
    yield 1.5
    shot("2_take")

    # The slider, at rest and again while the engine is still at it.
    before = pose(90, "left_wrist")
    session.slowest_tick_s = session.slowest_result_s = 0.0
    yield from timed("slider_s", 0.9)
    changed("slider_changed", before, pose(90, "left_wrist"))
    yield from timed("slider_again_s", 0.3)
    take().smoothing = 0.7
    yield 0.6
    yield from timed("slider_twice_s", 0.8)
    found["smoothing"] = round(take().smoothing, 2)
    found["slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)
    found["slowest_result_ms"] = round(1000 * session.slowest_result_s, 2)
    yield 0.5
    shot("3_cleaned")

    # What is set right without another solve: the figure leans, its feet stay, and the floor rises.
    foot, head = pose(90, "left_ankle"), pose(90, "head")
    yield from timed("tilt_s", 0.14, "tilt_forward")
    changed("foot_leant", foot, pose(90, "left_ankle"))
    changed("head_leant", head, pose(90, "head"))
    shot("3_leant")
    yield from timed("height_s", 0.3, "floor_height")
    yield from timed("scale_s", 0.8, "scale")
    yield 0.5
    shot("3_small_and_high")
    for choice, value in (("tilt_forward", 0.0), ("floor_height", 0.0), ("scale", 1.0)):
        yield from timed(f"{choice}_back_s", value, choice)
    changed("foot_back", foot, pose(90, "left_ankle"))

    # An edit by hand is asked about and carried over; one undo takes that back.
    path = figure().pose.bones["spine"].path_from_id() + ".rotation_quaternion"
    for key in curve(path, 3).keyframe_points:
        key.co[1] += 0.12
    curve(path, 3).update()
    call(bpy.ops.ed.undo_push, "EXEC_DEFAULT", message="An edit by hand")
    bpy.context.scene.frame_set(90)
    by_hand = pose(90, "head")
    take().smoothing = 0.1
    yield from settled()
    yield 1.0
    shot("4_edited_by_hand")
    changed("left_alone", by_hand, pose(90, "head"))
    began = time.monotonic()
    call(ops.keep_edits)
    yield from settled()
    found["keep_edits_s"], found["kept"] = round(time.monotonic() - began, 2), session.message
    yield 0.5
    shot("5_edits_kept")
    found["turned"] = round(pose(90, "head").to_quaternion().rotation_difference(by_hand.to_quaternion()).angle, 3)
    call(bpy.ops.ed.undo)
    yield 0.5
    changed("after_undo", by_hand, pose(90, "head"))
    found["undone_to"] = round(take().smoothing, 2)
    call(ops.reset_choices, "EXEC_DEFAULT")

    # Contacts, with the Dope Sheet below.
    call(ops.show_contacts, "EXEC_DEFAULT")
    sheet = next(area for area in bpy.context.screen.areas if area.type == "DOPESHEET_EDITOR")
    region = next(region for region in sheet.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=view()["window"], area=sheet, region=region):
        bpy.ops.anim.channels_expand(all=True)
    bpy.context.scene.frame_set(60)
    yield 1.0
    shot("6_contacts")
    feet = pose(60, "left_ankle")
    for point in ("left_heel", "left_toe_tip"):
        for frame in (50, 75):
            bpy.context.scene.frame_set(frame)
            call(ops.toggle_contact, "EXEC_DEFAULT", point=point)
    began = time.monotonic()
    call(ops.apply_contacts)
    yield from settled()
    found["contacts_s"], found["contacts"] = round(time.monotonic() - began, 2), session.message
    changed("foot_moved", feet, pose(60, "left_ankle"))
    yield 1.0
    shot("7_contacts_applied")
    call(bpy.ops.ed.undo)
    yield 0.5
    changed("foot_after_undo", feet, pose(60, "left_ankle"))

    # Report, camera, export, files; without the edits again, to see how the figure stands on the actor.
    for key in curve(path, 3).keyframe_points:
        key.co[1] -= 0.12
    call(ops.show_report)
    yield 1.0
    shot("8_report")
    press("ESC")
    yield 0.5
    opened({"MOTIONLIFT_PT_take", "MOTIONLIFT_PT_files"})
    yield from look("Layout")
    began = time.monotonic()
    call(ops.add_camera)
    yield from settled()
    found["camera_s"] = round(time.monotonic() - began, 2)
    bpy.context.scene.frame_set(70)
    yield 1.5
    shot("9_camera_and_footage")
    for kind in ("bvh", "fbx", "glb"):
        call(getattr(ops, f"export_{kind}"), "EXEC_DEFAULT", filepath=str(folder / f"walk.{kind}"))
    found["exported"] = sorted(path.name for path in folder.glob("walk.*"))
    for kind in ("bvh", "fbx", "glb"):
        call(getattr(ops, f"export_{kind}"))
        yield 4.0
        shot(f"10_export_{kind}")
        close_browser()
        yield 0.5
    call(ops.prune_takes)
    yield 1.0
    shot("11_unused")
    press("ESC")
    yield 0.5

    # Several videos onto new armatures, one of them none.
    clips = folder / "clips"
    clips.mkdir()
    for name in ("first", "second"):
        shutil.copy(VIDEO, clips / f"{name}.mp4")
    (clips / "broken.mp4").write_text("no video")
    call(ops.batch_add_folder, "EXEC_DEFAULT", directory=str(clips))
    opened({"MOTIONLIFT_PT_lift", "MOTIONLIFT_PT_batch"})
    yield from look("Shading")
    call(ops.lift_batch)
    yield from until(lambda: session.queue.status and session.queue.status.job.name == "second")
    yield 1.0
    shot("12_batch_running")
    yield from settled()
    listed = bpy.context.scene.motionlift_batch
    listed.index = 0
    yield 1.0
    shot("13_batch_done")
    found["batch"] = [[Path(video.path).name, video.state] for video in listed.videos]
    found["batch_error"] = str(session.error)

    # Closed and opened again, elsewhere: the engine stays. Then as if Blender had just been started, and then once the
    # engine is ready.
    moved = folder / "elsewhere"
    moved.mkdir()
    opened(set())
    yield from look("Sculpting")
    bpy.context.view_layer.objects.active = bpy.data.objects["walk"]
    call(bpy.ops.wm.save_mainfile, "EXEC_DEFAULT")
    shutil.move(folder / "shot.blend", moved / "shot.blend")
    shutil.move(folder / "motionlift", moved / "motionlift")
    call(bpy.ops.wm.open_mainfile, "EXEC_DEFAULT", filepath=str(moved / "shot.blend"))
    yield 2.0
    found["reopened_missing"] = module("take_files").missing(module("results").required_action(bpy.context))
    yield from timed("reopened_slider_s", 0.65)
    module("session").session().end()
    yield from timed("reopened_cold_slider_s", 0.45)
    module("session").session().end()
    opened(OPEN)
    yield from look("Animation")
    yield 8.0
    yield from timed("reopened_panel_open_s", 0.25)
    shot("14_reopened")
    found["objects"] = sorted(bpy.data.objects.keys())
    shutil.rmtree(folder)


drive(steps())
