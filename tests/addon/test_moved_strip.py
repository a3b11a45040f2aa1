"""A take whose NLA strip was moved: what is said and done about it is where the scene shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .scripts import WITH_PERSON

PLACED = (
    WITH_PERSON
    + """
from motionlift.addon import camera, results, take_operators, taking
from motionlift.addon.filming import Filming
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.addon.placing import Placing
from motionlift.bridge.blender import contacts, versions
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
path, video = Path(arguments[0]), Path(arguments[1])
scene.render.fps = 24
figure = armature(person())

def placed(nla=True):
    plan = results.LiftPlan("ACTIVE", figure.name, choices.rig_options(True), Placing(nla=nla))
    job = Job("lift", "walk", video, path, LiftSettings(), 24.0, plan)
    taking.take_result(bpy.context, Finished(job, ((path, Motion.load(path)),), ({},), clip_fps=24.0), session())
    assert session().error is None, session().error
    action = results.shown_action(bpy.context)
    strips = [strip for track in figure.animation_data.nla_tracks for strip in track.strips if strip.action == action]
    return action, strips[0] if strips else None
"""
)

MOVED = (
    PLACED
    + """
action, strip = placed()
take = action.motionlift
for start, words in ((30, "right foot slides"), (20, "left foot slides")):
    place = take.places.add()
    place.start, place.end, place.words = start, start + 5, words
marked = lambda: [[mark.frame, mark.name] for mark in scene.timeline_markers]

def told():
    scene.frame_set(1)
    found = []
    for backwards in (False, False, True, True):
        ops.check_next(backwards=backwards)
        found.append(scene.frame_current)
    ops.mark_places()
    found.append([mark.frame for mark in scene.timeline_markers])
    ops.mark_places()
    return [found, take_operators.report_lines(bpy.context)[-2:]]

result["still"] = told()
strip.frame_start_ui = 101
result["moved"] = told()
strip.scale = 2.0
result["stretched"] = told()
strip.use_reverse = True
result["backwards"] = told()
strip.scale, strip.use_reverse, strip.action_frame_start = 1.0, False, 28
strip.frame_start_ui = 101
result["cut"] = told()
strip.action_frame_start = 1
strip.frame_start_ui = 101
ops.show_contacts()
keys = lambda: {key.co[0] for c in curves_of(action) if "left heel" in c.data_path for key in c.keyframe_points}
before = keys()
scene.frame_set(150)
ops.toggle_contact(point="left_heel")
result["key"] = sorted(keys() - before)
"""
)


def test_places_and_contacts_follow_the_strip(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    make_motion(frames=96, fps=24.0).save(tmp_path / "walk.motion.npz")
    seen = in_blender(MOVED, tmp_path / "walk.motion.npz", tmp_path / "walk.mp4")
    assert seen["still"][0] == [20, 30, 20, 30, [20, 30]]
    assert seen["still"][1] == ["Frames 20 to 25: left foot slides", "Frames 30 to 35: right foot slides"]
    assert seen["moved"][0] == [120, 130, 120, 130, [120, 130]]
    assert seen["moved"][1] == ["Frames 120 to 125: left foot slides", "Frames 130 to 135: right foot slides"]
    assert seen["stretched"][0] == [139, 159, 139, 159, [139, 159]]
    # The Action's 96th frame comes first.
    assert seen["backwards"][0] == [223, 243, 223, 243, [223, 243]]
    assert seen["backwards"][1] == ["Frames 223 to 233: right foot slides", "Frames 243 to 253: left foot slides"]
    assert seen["cut"][0] == [103, 103, 103, 103, [103]]
    assert seen["key"] == [50]
