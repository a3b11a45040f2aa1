"""Drives a real, windowed Blender through what comes before a lift: the video, trim, people, the rig's bones, the test
pose, and what is told where something is wrong.

    MOTIONLIFT_ENGINE=<python of the video engine> MOTIONLIFT_SHOTS=<folder> [MOTIONLIFT_CROWD=<video of several>] \\
        blender --enable-event-simulate --python tests/gui/before_lift.py

See driving.py for what is needed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driving import (
    VIDEO,
    call,
    drive,
    found,
    module,
    open_sidebar,
    package,
    press,
    shot,
    take_processor_time,
    time_draws,
    unfold,
    until,
    view,
    watch_gaps,
)

CROWD = Path(os.environ.get("MOTIONLIFT_CROWD", VIDEO))
FOLDER = Path(tempfile.mkdtemp())
"""The file and its videos lie there, so that no picture shows where."""


def steps() -> Iterator[float]:
    """What an animator does; yields the seconds to wait before the next step."""
    session = module("session").session()
    take_processor_time()
    ops, scene = bpy.ops.motionlift, bpy.context.scene
    choices = scene.motionlift
    video_look = module("video_look")
    bpy.context.preferences.addons[package()].preferences.engine_python = os.environ["MOTIONLIFT_ENGINE"]
    panels = [cls for cls in (*module("lift_panels").CLASSES, *module("rig_panel").CLASSES) if hasattr(cls, "draw")]
    found["longest_draw_ms"] = time_draws(panels)
    for source, name in ((VIDEO, "walk.mp4"), (CROWD, "park.mp4")):
        shutil.copy(source, FOLDER / name)
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "shot.blend"))
    yield 1.0
    open_sidebar()
    yield 1.0
    shot("1_nothing")
    view()["area"].spaces[0].show_region_ui = False
    unfold(panels)
    open_sidebar()
    began = time.monotonic()
    gaps = watch_gaps()
    # As Blender does where a file is let go over the view.
    with bpy.context.temp_override(**view()):
        bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=str(FOLDER), files=[{"name": "walk.mp4"}])
    found["dropped"] = choices.video
    if not choices.video:  # Blender 5 asks which of two handlers is meant.
        yield 1.0
        shot("2_dropped")
        press("C", 60, 30)
        yield 0.5
        found["dropped"] = f"asked: {choices.video}"
    yield from until(lambda: (look := video_look.known(choices.video)) and look.facts)
    found["look_s"] = round(time.monotonic() - began, 2)
    yield 1.0
    found["look_gap_ms"] = round(1000 * gaps())
    shot("2_video")
    call(bpy.ops.wm.call_menu, name="TOPBAR_MT_file_import")
    yield 1.0
    shot("2_import_menu")
    press("ESC")
    yield 0.5
    for name, text in (("notes.mp4", "no video"), ("empty.mp4", "")):
        broken = FOLDER / name
        broken.write_text(text)
        choices.video = f"//{name}"
        yield from until(lambda: (look := video_look.known(choices.video)) and look.trouble)
        yield 0.5
        shot(f"3_{broken.stem}")
    choices.video = "//gone.mp4"
    yield 1.0
    shot("3_gone")
    choices.video = "//park.mp4"
    choices.use_trim = True
    choices.trim_start_text, choices.trim_end_text = "0:01", "3.5"
    yield from until(lambda: (look := video_look.known(choices.video)) and look.facts)
    yield 1.0
    shot("4_trim")
    gaps = watch_gaps()
    began = time.monotonic()
    call(ops.find_people)
    yield 1.5
    shot("5_finding")
    yield from until(lambda: not session.busy)
    found["people_s"] = round(time.monotonic() - began, 2)
    yield 1.5
    found["people_gap_ms"] = round(1000 * gaps())
    shot("6_people")
    crowd = module("people_operators").found_in(choices)
    found["people"] = [person.lines for person in crowd or ()]
    if crowd:
        call(ops.choose_person, "EXEC_DEFAULT", number=crowd[-1].number)
    yield 1.0
    shot("7_chosen")
    # A rig: Rigify's own meta-rig, with a bone in disorder. What was seen makes room.
    for cls in panels:
        if cls.__name__ in ("VideoPanel", "MotionPanel"):
            bpy.utils.unregister_class(cls)
    with bpy.context.temp_override(**view()):
        bpy.ops.preferences.addon_enable(module="rigify")
        for thing in list(bpy.data.objects):
            bpy.data.objects.remove(thing)
        bpy.ops.object.armature_human_metarig_add()
    rig = bpy.context.view_layer.objects.active
    with bpy.context.temp_override(**view()):
        bpy.ops.view3d.view_selected()
    yield 1.0
    shot("8_rig")
    call(ops.correct_bones)
    rig.motionlift.rows[2].bone = ""
    yield 1.5
    shot("10_correcting")
    before = rig.pose.bones["upper_arm.L"].matrix_basis.copy()
    call(ops.test_pose)
    yield 1.0
    shot("11_test_pose")
    posed = rig.pose.bones["upper_arm.L"].matrix_basis.copy()
    call(ops.test_pose)
    yield 0.5
    back = rig.pose.bones["upper_arm.L"].matrix_basis.copy()
    found["test_pose"] = [before != posed, before == back]
    call(bpy.ops.ed.undo)
    call(bpy.ops.ed.undo)
    yield 0.5
    rig = bpy.context.view_layer.objects.active
    found["test_pose_undone"] = [rig.motionlift.test_pose == "", rig.pose.bones["upper_arm.L"].matrix_basis == before]
    shot("12_back")
    for cls in panels:
        if cls.__name__ in ("VideoPanel", "BonesPanel"):
            (bpy.utils.unregister_class if cls.is_registered else bpy.utils.register_class)(cls)
        elif not cls.is_registered:
            bpy.utils.register_class(cls)
    yield 1.0
    shot("13_options")
    bpy.utils.unregister_class(next(cls for cls in panels if cls.__name__ == "VideoPanel"))
    call(ops.lift_chosen_video)
    yield from until(lambda: not session.driven)
    found["message"], found["error_told"] = session.message, session.error
    found["slowest_result_ms"] = round(1000 * session.slowest_result_s, 2)
    bpy.context.scene.frame_set(30)
    yield 1.0
    shot("14_lifted")
    figure = bpy.context.view_layer.objects.active
    found["action"] = [figure.name, figure.animation_data.action.name]
    found["slowest_tick_ms"] = round(1000 * session.slowest_tick_s, 2)


drive(steps())
