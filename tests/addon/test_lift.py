"""Lifting in a real Blender without windows, with the real engine and the committed sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.jobs import PERSON_CHOICES
from motionlift.core.motion import Motion, resample

from .scripts import DRAWING, ENABLED, WITH_SAMPLE

InBlender = Callable[..., Any]

LIFT = (
    WITH_SAMPLE
    + """
import time
from motionlift.addon.lift_jobs import Job
from motionlift.core.jobs import LiftSettings
video = sample_as("läufer im park.mp4")
scene.render.fps, scene.frame_start, scene.frame_end = 24, 5, 20
choices.use_trim, choices.trim_end, choices.target = True, 1.0, "NEW"
before = data()
result["finished"] = sorted(ops.lift_video(filepath=str(video), wait=True))
figure = bpy.context.view_layer.objects.active
action = figure.animation_data.action
take = action.motionlift
result["names"] = [figure.name, action.name, figure.data.name]
result["new"] = {kind: sorted(set(names) - set(before[kind])) for kind, names in data().items()}
result["fake_user"], result["range"], result["end"] = action.use_fake_user, list(action.frame_range), scene.frame_end
result["take"], result["headline"], result["message"] = take.take, take.headline, session().message
result["heads"] = [heads(figure, frame) for frame in (5, 15)]

# The file gets a place: the take comes along, and is found there on another machine.
blend = folder / "my shots" / "shot 1.blend"
blend.parent.mkdir()
bpy.ops.wm.save_as_mainfile(filepath=str(blend))
result["beside"] = sorted(path.name for path in (blend.parent / "motionlift").rglob("*.npz"))
shutil.rmtree(Path(take.take).parent)
engine = session().queue.client
process = engine._process
bpy.ops.wm.open_mainfile(filepath=str(blend))
result["engine_stays"] = [session().queue.client is engine, engine.alive, engine._process is process]
figure = bpy.context.view_layer.objects.active
action = figure.animation_data.action
take = action.motionlift
result["reopened"] = [take.differs, take.smoothing]
take.travel, take.smoothing = "IN_PLACE", 0.8
result["differs"] = take.differs
result["cleaned"] = sorted(ops.clean_up(wait=True))
result["after"] = [take.differs, action == figure.animation_data.action, len(curves_of(action)), take.shown]
result["ways"] = [heads(figure, frame)["pelvis"] for frame in (5, 15)]
ops.use_clip_rate(wait=True)
rate = bpy.context.scene.render
result["rate"] = [rate.fps / rate.fps_base, len(curves_of(action)[0].keyframe_points)]

# A hand edit is never written over.
curves_of(action)[0].keyframe_points[3].co[1] += 1.0
edited = [point.co[1] for point in curves_of(action)[0].keyframe_points]
take.smoothing = 0.1
result["refused"] = refusal(ops.clean_up, wait=True)
result["kept"] = edited == [point.co[1] for point in curves_of(action)[0].keyframe_points]
result["anew"] = sorted(ops.clean_up(new_action=True, wait=True))
result["actions"] = sorted(a.name for a in bpy.data.actions if a.use_fake_user)
result["used"] = figure.animation_data.action.name
result["still_kept"] = edited == [point.co[1] for point in curves_of(action)[0].keyframe_points]
result["slot"] = getattr(figure.animation_data, "action_slot", True) is not None

# Places to check, the report, and the way to other programs.
shown = figure.animation_data.action.motionlift
shown.places.clear()
result["nothing"] = refusal(ops.check_next)
for start in (18, 8):
    place = shown.places.add()
    place.start, place.end, place.words = start, start + 2, "left foot slides"
visited = []
bpy.context.scene.frame_set(5)
for backwards in (False, False, False, True):
    ops.check_next(backwards=backwards)
    visited.append(bpy.context.scene.frame_current)
result["visited"] = visited
result["report"] = sorted(ops.show_report())
ops.export_bvh(filepath=str(folder / "out.bvh"))
result["bvh"] = (folder / "out.bvh").read_text()[:9]
result["lifted_again"] = sorted(ops.lift_video(filepath=str(video)))
result["again"] = bpy.context.view_layer.objects.active.animation_data.action.motionlift.take

# What is at work when its file is closed ends with it.
engine = session().queue.client
session().queue.add(Job("lift", "lost", video, folder / "lost.motion.npz", LiftSettings(), None))
session().queue.tick()
busy = session().queue.busy
bpy.ops.wm.open_mainfile(filepath=str(blend))
end = time.monotonic() + 20
while engine.alive and time.monotonic() < end:
    time.sleep(0.02)
result["closed"] = [busy, session().queue is None, engine.alive, (folder / "lost.motion.npz").exists()]
"""
)


def test_a_lift_from_video_to_clean_up(
    in_blender: InBlender,
    sample_video: Path,
    engine_python: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = in_blender(LIFT, sample_video, engine_python, tmp_path)
    name = "läufer im park"
    assert seen["finished"] == ["FINISHED"]
    assert seen["names"] == [name, name, name]
    assert seen["new"] == {kind: [name] for kind in ("objects", "armatures", "actions")}
    assert seen["fake_user"]
    assert seen["range"] == [5, 5 + 23]
    assert seen["end"] == 28
    assert f"{name}: 24 frames on 21 bones." in seen["message"]
    assert "Clip 30, scene 24" in seen["message"]
    assert "frames at 30 a second" in seen["headline"]
    assert seen["beside"] == [f"{name}.motion.npz"]
    motion = resample(Motion.load(tmp_path / "my shots/motionlift" / name / f"{name}.motion.npz"), 24.0)
    for frame, heads in zip((0, 10), seen["heads"], strict=True):
        expected = dict(zip(motion.joint_names, motion.joint_positions[frame], strict=True))
        for joint, head in heads.items():
            np.testing.assert_allclose(head, expected[joint], atol=1e-4)
    assert seen["engine_stays"] == [True, True, True]
    assert seen["reopened"] == [False, 0.5]
    assert seen["differs"]
    assert seen["cleaned"] == ["FINISHED"]
    differs, same_action, curves, shown = seen["after"]
    assert (differs, same_action, curves) == (False, True, 3 + 4 * len(motion.joint_names))
    assert shown.startswith("//motionlift")
    cleaned = resample(Motion.load(tmp_path / "my shots" / shown.removeprefix("//")), 24.0)
    np.testing.assert_allclose(seen["ways"], cleaned.root_translation[[0, 10]], atol=1e-4)
    assert np.max(np.abs(cleaned.root_translation - motion.root_translation)) > 0.05
    assert seen["rate"] == [30.0, 30]
    assert "edited by hand" in seen["refused"]
    assert seen["kept"]
    assert seen["still_kept"]
    assert seen["anew"] == ["FINISHED"]
    assert seen["actions"] == [name, f"{name}_t02"]
    assert seen["used"] == f"{name}_t02"
    assert seen["slot"]
    assert "Nothing to check" in seen["nothing"]
    assert seen["visited"] == [8, 18, 8, 18]
    assert seen["report"] == ["FINISHED"]
    assert seen["bvh"] == "HIERARCHY"
    assert seen["lifted_again"] == ["FINISHED"]
    assert seen["again"].startswith("//motionlift")
    assert f"{name}_t03" in seen["again"]
    assert seen["closed"] == [True, True, False, False]


ON_A_RIG = (
    WITH_SAMPLE
    + """
video = sample_as("walk.mp4")
scene.render.fps, scene.frame_start = 30, 1
choices.use_trim, choices.trim_end, choices.target = True, 1.0, "NEW"
ops.lift_video(filepath=str(video), wait=True)
rig = bpy.context.view_layer.objects.active
rig.name = "Hero"
first = rig.animation_data.action
result["first"] = [heads(rig, frame) for frame in (1, 25)]
before = data()
choices.target = "ACTIVE"
result["finished"] = sorted(ops.lift_video(filepath=str(video), wait=True))
action = rig.animation_data.action
result["message"] = session().message
result["names"] = [first.name, action.name, first.use_fake_user, action.use_fake_user]
after = data()
result["new"] = {kind: sorted(set(names) - set(before[kind])) for kind, names in after.items()}
result["on_rig"] = [heads(rig, frame) for frame in (1, 25)]
take = action.motionlift
take.smoothing = 0.9
result["cleaned"] = sorted(ops.clean_up(wait=True))
again = rig.animation_data.action
result["after"] = [again.name, again.motionlift.take, again.motionlift.smoothing, sorted(data()["actions"])]
curves_of(again)[0].keyframe_points[3].co[1] += 1.0
again.motionlift.smoothing = 0.2
result["refused"] = refusal(ops.clean_up, wait=True)
bpy.data.armatures.remove(rig.data)
result["no_rig"] = refusal(ops.lift_video, filepath=str(video), wait=True)
"""
)


def _apart(heads: dict[str, list[float]], feet: bool) -> Any:
    """All distances between a pose's heads, with or without legs: what does not depend on where it was put."""
    legs = ("knee", "ankle", "toe")
    places = np.array([heads[name] for name in sorted(heads) if feet or not name.endswith(legs)])
    return np.linalg.norm(places[:, None] - places[None], axis=-1)


def test_a_lift_onto_an_armature_of_ones_own(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(ON_A_RIG, sample_video, engine_python, tmp_path)
    assert seen["finished"] == ["FINISHED"]
    # Nothing is added but the Action; the one before is kept.
    assert seen["new"] == {"objects": [], "armatures": [], "actions": ["walk_t02"]}
    assert seen["names"] == ["walk", "walk_t02", True, True]
    assert "bones of Hero" in seen["message"]
    assert "Previous Action kept: walk" in seen["message"]
    # A rig of the motion's own bones takes the motion's poses.
    for made, own in zip(seen["first"], seen["on_rig"], strict=True):
        np.testing.assert_allclose(_apart(own, feet=False), _apart(made, feet=False), atol=2e-3)
        # Feet are planted again, on the rig's own legs.
        np.testing.assert_allclose(_apart(own, feet=True), _apart(made, feet=True), atol=0.05)
    assert seen["cleaned"] == ["FINISHED"]
    name, take, smoothing, actions = seen["after"]
    assert (name, actions) == ("walk_t02", ["walk", "walk_t02"])
    assert take
    assert smoothing == pytest.approx(0.9)
    assert "edited by hand" in seen["refused"]
    assert "Select an armature" in seen["no_rig"]


FAILING = (
    ENABLED
    + """
import threading, time
sample, python, folder = arguments
folder = Path(folder)
before = data()
result["no_engine"] = refusal(ops.lift_video, filepath=sample)
entry.preferences.engine_python = str(folder / "no python")
result["bad_engine"] = refusal(ops.lift_video, filepath=sample)
entry.preferences.engine_python = python
result["no_file"] = refusal(ops.lift_video, filepath=str(folder / "gone.mp4"))
(folder / "notes.mp4").write_text("no video")
result["no_video"] = refusal(ops.lift_video, filepath=str(folder / "notes.mp4"))
choices = bpy.context.scene.motionlift
result["unchosen"] = refusal(ops.lift_chosen_video)
choices.video = str(folder / "gone.mp4")
result["gone"] = refusal(ops.lift_chosen_video)
choices.target = "ACTIVE"
result["target"] = refusal(ops.lift_video, filepath=sample)
choices.target = "NEW"
choices.use_trim, choices.trim_start, choices.trim_end = True, 3.0, 2.0
result["trim"] = refusal(ops.lift_video, filepath=sample)
choices.use_trim = False
rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
bpy.context.scene.collection.objects.link(rig)
bpy.context.view_layer.objects.active = rig
bpy.ops.object.mode_set(mode="EDIT")
result["mode"] = refusal(ops.lift_video, filepath=sample)
bpy.ops.object.mode_set(mode="OBJECT")
bpy.data.armatures.remove(rig.data)
result["no_take"] = refusal(ops.clean_up)
result["not_chosen"] = refusal(ops.choose_video, filepath=str(folder / "a.txt"))
ops.choose_video(filepath=sample)
result["chosen"] = choices.video == sample

def at_work(do):
    def watch():
        while not (queue := session().queue) or not queue.status or queue.status.stage != "detect":
            time.sleep(0.01)
        result["asked"] = time.monotonic()
        do(queue)
    threading.Thread(target=watch, daemon=True).start()

at_work(lambda queue: queue.client.terminate())
result["killed"] = refusal(ops.lift_chosen_video)
at_work(lambda queue: queue.cancel(queue.status.job))
result["cancelled"] = refusal(ops.lift_video, filepath=sample)
result["seconds"] = time.monotonic() - result["asked"]
result["unchanged"] = data() == before
from motionlift.addon.results import folders
result["left"] = [str(path) for folder in folders() for path in folder.rglob("*")]
client = session().queue.client
bpy.ops.wm.read_factory_settings(use_empty=True)
end = time.monotonic() + 10
while client.alive and time.monotonic() < end:
    time.sleep(0.02)
result["ended"] = not client.alive and session().queue is None
"""
)


def test_what_goes_wrong_is_told_and_leaves_nothing(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(FAILING, sample_video, engine_python, tmp_path)
    assert "Set up the video engine" in seen["no_engine"]
    assert "does not start" in seen["bad_engine"]
    assert "There is no file gone.mp4" in seen["no_file"]
    assert "notes.mp4" in seen["no_video"]
    assert "Choose a video first" in seen["unchosen"]
    assert "There is no file gone.mp4" in seen["gone"]
    assert "choose New Armature" in seen["target"]
    assert "later than the start" in seen["trim"]
    assert "Object Mode" in seen["mode"]
    assert "lifted Action" in seen["no_take"]
    assert "is no video" in seen["not_chosen"]
    assert seen["chosen"]
    assert "stopped unexpectedly" in seen["killed"]
    assert "Cancelled" in seen["cancelled"]
    assert seen["seconds"] < 1.0
    assert seen["unchanged"]
    assert seen["left"] == []
    assert seen["ended"]


SETTING_UP = (
    ENABLED
    + """
result["offline"] = refusal(ops.set_up_engine) if not bpy.app.online_access else "online"
entry.preferences.wheels = arguments[0]
result["no_folder"] = refusal(ops.set_up_engine, wait=True)
Path(arguments[0]).mkdir()
result["no_wheels"] = refusal(ops.set_up_engine, wait=True)
result["install_first"] = refusal(ops.install_engine)
result["removed"] = sorted(ops.remove_engine())
from motionlift.addon.preferences import engine_folder, engine_words
result["left"] = [path.name for path in engine_folder().glob("*")]
result["words"] = engine_words(bpy.context)[0]
"""
)

OFFLINE = (
    ENABLED
    + DRAWING
    + """
from motionlift.addon import preferences
from motionlift.addon.engine_setup import SetupState
system = bpy.context.preferences.system

def drawn():
    Layout.drawn = []
    preferences._draw_setup(Layout(), entry.preferences, None, SetupState())
    return Layout.drawn

system.use_online_access = False
result["offline"] = drawn()
bpy.ops.extensions.userpref_allow_online()
result["allowed"] = [bpy.app.online_access, drawn()]
system.use_online_access = False
entry.preferences.wheels = arguments[0]
result["wheels"] = drawn()
"""
)


def test_online_access_is_one_button_away(in_blender: InBlender, tmp_path: Path) -> None:
    seen = in_blender(OFFLINE, tmp_path)
    set_up = "Set Up Video Engine"
    assert [words[:19] for words in seen["offline"]] == [set_up, "Allow Online Access", "Allow Online Access"]
    assert seen["allowed"] == [True, [set_up]]
    assert seen["wheels"] == [set_up]


def test_the_engine_is_not_set_up_without_permission_or_wheels(in_blender: InBlender, tmp_path: Path) -> None:
    seen = in_blender(SETTING_UP, tmp_path / "empty")
    assert seen["offline"] == "online" or "Allow Online Access" in seen["offline"]
    assert "There is no folder" in seen["no_folder"]
    assert "lacks a package" in seen["no_wheels"]
    assert "comes first" in seen["install_first"]
    assert seen["removed"] == ["FINISHED"]
    assert seen["left"] == []
    assert "not set up yet" in seen["words"]


def test_everyone_who_can_be_asked_for_can_be_chosen() -> None:
    pytest.importorskip("bpy")
    from motionlift.addon.properties import PERSON_ITEMS

    assert {item[0] for item in PERSON_ITEMS} == {*PERSON_CHOICES, "number"}
