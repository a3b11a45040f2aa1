"""What an animator does with a take: keep edits, move contacts, export, film, tidy up; with the real engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.replant import replanted
from motionlift.core.motion import Motion, resample
from motionlift.core.rotation import conjugate, multiply, normalise

from .test_lift import ENABLED

InBlender = Callable[..., Any]

LIFTED = (
    ENABLED
    + """
import shutil
import numpy as np
from motionlift.addon import results
from motionlift.bridge.blender import contacts, nla, versions
from motionlift.bridge.blender.written import written_in
sample, python, folder = arguments
folder = Path(folder)
entry.preferences.engine_python = python
video = folder / "läufer im park.mp4"
shutil.copy(sample, video)
scene = bpy.context.scene
scene.render.fps, scene.frame_start, scene.frame_end = 30, 11, 20
choices = scene.motionlift
choices.use_trim, choices.trim_end, choices.target = True, 1.2, "NEW"
ops.lift_video(filepath=str(video), wait=True)
figure = bpy.context.view_layer.objects.active

def act():
    return results.required_action(bpy.context)

def curve(path, index):
    (found,) = [c for c in nla.curves_in(figure, act()).fcurves if c.data_path == path and c.array_index == index]
    return found

def values(path):
    indices = sorted(c.array_index for c in nla.curves_in(figure, act()).fcurves if c.data_path == path)
    return [[curve(path, i).evaluate(11.0 + f) for i in indices] for f in range(len(written_in(act()).values[0]))]

def clean(path):
    written = written_in(act())
    return np.array([v for v, (p, _, _) in zip(written.values, written.curves) if p == path]).T.tolist()

ARM = 'pose.bones["left_shoulder"].rotation_quaternion'
ROOT = 'pose.bones["pelvis"].location'
"""
)

KEEP = (
    LIFTED
    + """
from mathutils import Quaternion
take = act().motionlift
turn = Quaternion((0, 0, 1), 0.5)
for key in range(10, 20):
    points = [curve(ARM, index).keyframe_points[key] for index in range(4)]
    for point, value in zip(points, Quaternion([p.co[1] for p in points]) @ turn):
        point.co[1] = value
for point in curve(ROOT, 2).keyframe_points:
    point.co[1] += 0.25
curve(ROOT, 0).keyframe_points.insert(3, 7.0)
curve('pose.bones["head"].rotation_quaternion', 1).mute = True
figure.pose.bones["neck"].scale = (1, 1, 1)
figure.pose.bones["neck"].keyframe_insert("scale", frame=12)
result["before"] = [clean(ARM), values(ARM), clean(ROOT), values(ROOT)]
take.smoothing = 0.95
result["refused"] = refusal(ops.clean_up, wait=True)
result["done"] = sorted(ops.keep_edits(wait=True))
result["after"] = [clean(ARM), values(ARM), clean(ROOT), values(ROOT)]
result["message"] = session().message
outside = [key for key in curve(ROOT, 0).keyframe_points if key.co[0] < 11]
result["outside"] = [[key.co[0], key.co[1]] for key in outside]
result["mute"] = curve('pose.bones["head"].rotation_quaternion', 1).mute
result["scale"] = len(curve('pose.bones["neck"].scale', 0).keyframe_points)
result["smoothing"], result["still_edited"] = act().motionlift.smoothing, results.edited(act())
result["actions"] = sorted(bpy.data.actions.keys())
# Once more, and into another Action, which leaves this one alone.
act().motionlift.smoothing = 0.2
ops.keep_edits(wait=True)
result["again"] = [clean(ROOT), values(ROOT)]
left = values(ARM)
act().motionlift.smoothing = 0.6
first = act()
ops.keep_edits(new_action=True, wait=True)
result["new"] = [first.name, act().name, values(ARM) != left]
versions.reuse_action(figure, first)
result["left_alone"] = values(ARM) == left
act().motionlift.smoothing = 0.1
ops.reset_choices()
result["reset"] = [act().motionlift.differs, act().motionlift.smoothing]
"""
)


def test_edits_by_hand_are_carried_over(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(KEEP, sample_video, engine_python, tmp_path)
    assert "Keep My Edits" in seen["refused"]
    assert seen["done"] == ["FINISHED"]
    arms = [np.array(seen[when][:2]) for when in ("before", "after")]
    # The arm is turned by the same half radian in its own axes, on whatever the new solve does there.
    turns = [multiply(conjugate(normalise(ours)), normalise(theirs)) for ours, theirs in arms]
    turns = [turn * np.sign(turn[:, :1]) for turn in turns]
    np.testing.assert_allclose(turns[1], turns[0], atol=1e-5)
    assert np.max(np.abs(turns[0][12] - [np.cos(0.25), 0, 0, np.sin(0.25)])) < 1e-5
    assert np.max(np.abs(arms[1][0] - arms[0][0])) > 1e-4
    ours, theirs = np.array(seen["after"][2:])
    np.testing.assert_allclose(theirs - ours, np.tile([0, 0, 0.25], (len(ours), 1)), atol=1e-5)
    assert seen["outside"] == [[3.0, 7.0]]
    assert seen["mute"]
    assert seen["scale"] == 1
    assert seen["smoothing"] == pytest.approx(0.95)
    assert seen["still_edited"]
    assert seen["actions"] == ["läufer im park"]
    assert "Your edits are kept: left_shoulder, pelvis and head" in seen["message"].replace(", head", " and head")
    ours, theirs = np.array(seen["again"])
    np.testing.assert_allclose(theirs - ours, np.tile([0, 0, 0.25], (len(ours), 1)), atol=1e-5)
    first, new, differs = seen["new"]
    assert (first, new) == ("läufer im park", "läufer im park_t02")
    assert differs
    assert seen["left_alone"]
    assert seen["reset"] == [False, pytest.approx(0.2)]


CONTACTS = (
    LIFTED
    + """
take = act().motionlift
result["unshown"] = [refusal(ops.apply_contacts, wait=True), refusal(ops.toggle_contact, point="left_heel"),
                     refusal(ops.remove_contacts)]
ops.show_contacts()
result["points"] = contacts.shown_names(figure)
result["edited"] = results.edited(act())
result["none"] = refusal(ops.toggle_contact, point="left_ear")
# The left foot is let go from the sixth frame on, and the right one stands from the tenth to the twentieth.
for point, frames in (("left_heel", (16, None)), ("left_toe_tip", (16, None)),
                      ("right_heel", (20, 30)), ("right_toe_tip", (20, 30))):
    keys = curve(contacts.data_path(point), 0).keyframe_points
    keys.clear()
    for frame, value in [(11, point.startswith("left")), (frames[0], point.startswith("right")), (frames[1], 0)]:
        if frame is not None:
            keys.insert(frame, float(value)).interpolation = "CONSTANT"
result["applied"] = sorted(ops.apply_contacts(wait=True))
result["shown"] = take.shown
result["held"] = take.own_contacts
result["heads"] = [heads(figure, 11 + frame) for frame in range(36)]
result["edges"] = contacts.read_edges(figure, 11, 30.0)
result["message"] = session().message
take.smoothing = 0.9
ops.clean_up(wait=True)
result["smooth"] = [act().motionlift.shown, contacts.read_edges(figure, 11, 30.0) == result["edges"]]
result["smooth_heads"] = [heads(figure, 11 + frame) for frame in range(36)]
# At another rate they are where they were in time.
scene.render.fps = 60
act().motionlift.smoothing = 0.8
ops.clean_up(wait=True)
result["at_60"] = sorted(key.co[0] for key in curve(contacts.data_path("right_heel"), 0).keyframe_points)
scene.render.fps = 30
act().motionlift.foot_lock = False
result["unplanted"] = refusal(ops.apply_contacts, wait=True)
act().motionlift.foot_lock = True
ops.show_contacts()
result["put_back"] = contacts.read_edges(figure, 11, act().motionlift.fps) != result["edges"]
ops.remove_contacts()
result["removed"] = contacts.shown_names(figure)
ops.clean_up(wait=True)
result["by_itself"] = [act().motionlift.own_contacts, act().motionlift.shown]
"""
)


def test_feet_stand_where_contact_keys_say(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(CONTACTS, sample_video, engine_python, tmp_path)
    assert all("Show the contacts first" in told for told in seen["unshown"])
    assert set(seen["points"]) >= {"left_heel", "left_toe_tip", "right_heel", "right_toe_tip"}
    assert not seen["edited"]
    assert "left ear" in seen["none"]
    assert seen["applied"] == ["FINISHED"]
    assert seen["held"]
    assert "feet planted" in seen["message"]
    motion = resample(Motion.load(Path(seen["shown"])), 30.0)
    assert not motion.source["settings"]["foot_lock"]
    wanted = np.zeros_like(motion.contacts)
    names = motion.contact_names
    for point in ("left_heel", "left_toe_tip"):
        wanted[:5, names.index(point)] = 1
    for point in ("right_heel", "right_toe_tip"):
        wanted[9:19, names.index(point)] = 1
    expected = replanted(dataclasses.replace(motion, contacts=wanted))
    found = np.array([[heads[name] for name in motion.joint_names] for heads in seen["heads"]])
    np.testing.assert_allclose(found, expected.joint_positions[: len(found)], atol=1e-4)
    # The right foot stands still while its keys say so, whatever smoothing is chosen later.
    for frames in (seen["heads"], seen["smooth_heads"]):
        ankle = np.array([heads["right_ankle"] for heads in frames])[9:19]
        assert np.max(np.linalg.norm(np.diff(ankle, axis=0), axis=-1)) < 1e-4
    assert seen["smooth"][0] != seen["shown"]
    assert seen["smooth"][1]
    assert seen["at_60"] == [11, 29, 49]
    assert "Turn Plant Feet on" in seen["unplanted"]
    assert seen["put_back"]
    assert seen["removed"] == []
    own, shown = seen["by_itself"]
    assert not own
    assert Motion.load(Path(shown)).source["settings"].get("foot_lock", True)


OUT = (
    LIFTED
    + """
def state():
    return [scene.name, scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps,
            sorted(o.name for o in bpy.context.selected_objects), bpy.context.view_layer.objects.active.name, data()]

# A mesh that the figure deforms, and something else that is selected.
mesh = bpy.data.meshes.new("Body")
mesh.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [(0, 1, 2)])
body = bpy.data.objects.new("Body", mesh)
scene.collection.objects.link(body)
body.parent = figure
body.modifiers.new("Armature", "ARMATURE").object = figure
scene.frame_set(17)
before = state()
for kind in ("bvh", "fbx", "glb"):
    operator = getattr(ops, f"export_{kind}")
    path = folder / f"out put.{kind}"
    result[kind] = [sorted(operator(filepath=str(path))), path.stat().st_size]
    result[f"{kind}_again"] = refusal(operator, filepath=str(path))
    result[f"{kind}_kept"] = path.stat().st_size
    operator(filepath=str(path), overwrite=True)
ops.export_fbx(filepath=str(folder / "named"))
result["named"] = (folder / "named.fbx").is_file()
result["no_folder"] = refusal(ops.export_glb, filepath=str(folder / "nowhere" / "a.glb"))
result["same"] = state() == before
# By hand: what is written is what the Action shows.
for point in curve(ROOT, 0).keyframe_points:
    point.co[1] += 1.0
ops.export_bvh(filepath=str(folder / "edited.bvh"))
bpy.ops.object.mode_set(mode="EDIT")
result["mode"] = refusal(ops.export_bvh, filepath=str(folder / "edited.bvh"))
# Who poses goes on posing.
bpy.ops.object.mode_set(mode="POSE")
ops.export_glb(filepath=str(folder / "posed.glb"))
result["posing"] = [bpy.context.mode, figure.mode, (folder / "posed.glb").is_file()]
choices.target = "ACTIVE"
ops.lift_video(filepath=str(video), wait=True)
result["still_posing"] = [bpy.context.mode, bpy.context.view_layer.objects.active.name, act().name]
choices.target = "NEW"
ops.lift_video(filepath=str(video), wait=True)
result["made"] = [bpy.context.mode, bpy.context.view_layer.objects.active != figure]
bpy.ops.object.select_all(action="DESELECT")
figure.select_set(True)
bpy.context.view_layer.objects.active = figure

# The camera that filmed it, once.
result["camera"] = sorted(ops.add_camera())
ops.add_camera()
cameras = [item for item in bpy.data.objects if item.type == "CAMERA"]
result["cameras"] = [[camera.name, len(camera.data.background_images)] for camera in cameras]
result["scene_camera"] = scene.camera.name
result["film"] = Path(bpy.path.abspath(cameras[0].data.background_images[0].image.filepath)).name
video.rename(folder / "elsewhere.mp4")
result["no_footage"] = refusal(ops.add_camera)
ops.add_camera(filepath=str(folder / "elsewhere.mp4"))
result["moved"] = Path(act().motionlift.video).name
result["left"] = len([item for item in bpy.data.objects if item.type == "CAMERA"])
"""
)


def test_a_take_goes_out_and_the_scene_stays(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(OUT, sample_video, engine_python, tmp_path)
    for kind in ("bvh", "fbx", "glb"):
        finished, size = seen[kind]
        assert finished == ["FINISHED"]
        assert size > 1000
        assert "exists already" in seen[f"{kind}_again"]
        assert seen[f"{kind}_kept"] == size
    assert seen["named"]
    assert "does not exist" in seen["no_folder"]
    assert seen["same"]
    plain, edited = ((tmp_path / name).read_text().splitlines() for name in ("out put.bvh", "edited.bvh"))
    assert plain[0] == edited[0] == "HIERARCHY"
    frames = [next(int(line.split()[1]) for line in lines if line.startswith("Frames:")) for lines in (plain, edited)]
    assert frames[0] == frames[1] == 36
    # A metre aside, in centimetres, whatever the axes.
    roots = [np.array(lines[-1].split()[:3], float) for lines in (plain, edited)]
    assert np.linalg.norm(roots[1] - roots[0]) == pytest.approx(100.0, abs=2.0)
    assert "Object Mode" in seen["mode"]
    assert seen["posing"] == ["POSE", "POSE", True]
    assert seen["still_posing"] == ["POSE", "läufer im park", "läufer im park_t02"]
    assert seen["made"] == ["OBJECT", True]
    assert seen["camera"] == ["FINISHED"]
    assert seen["cameras"] == [["läufer im park_t02 camera", 1]]
    assert seen["scene_camera"] == "läufer im park_t02 camera"
    assert seen["film"] == "läufer im park.mp4"
    assert "Choose the video" in seen["no_footage"]
    assert seen["moved"] == "elsewhere.mp4"
    assert seen["left"] == 1


PLACING = (
    LIFTED
    + """
result["extended"], result["fps"] = scene.frame_end, scene.render.fps
scene.render.fps, scene.frame_end = 24, 500
choices.scene_rate, choices.scene_range, choices.use_nla, choices.use_fake_user = "SET", "SET", True, False
ops.lift_video(filepath=str(video), wait=True)
figure = bpy.context.view_layer.objects.active
animation = figure.animation_data
result["set"] = [scene.render.fps / scene.render.fps_base, scene.frame_end]
result["strips"] = [[track.name, strip.name, strip.action.name]
                    for track in animation.nla_tracks for strip in track.strips]
result["own"], result["fake_user"] = animation.action and animation.action.name, act().use_fake_user
before = heads(figure, 20)["pelvis"]
take = act().motionlift
take.travel = "IN_PLACE"
result["cleaned"] = sorted(ops.clean_up(wait=True))
result["moves"] = max(abs(a - b) for a, b in zip(before, heads(figure, 20)["pelvis"])) > 1e-4
ops.show_contacts()
result["contacts"] = sorted(ops.apply_contacts(wait=True))
result["strip"] = [[strip.action.name, strip.mute] for track in animation.nla_tracks for strip in track.strips]
result["still"] = animation.action is None
ops.export_glb(filepath=str(folder / "strip.glb"))
result["glb"] = (folder / "strip.glb").stat().st_size
choices.scene_range = "KEEP"
scene.frame_end = 15
ops.lift_video(filepath=str(video), wait=True)
result["kept"] = scene.frame_end

# Files: what nothing shows is deleted, once the file has a place; a take that is gone is found again.
result["unsaved"] = refusal(ops.prune_takes)
blend = folder / "my shots" / "shot.blend"
blend.parent.mkdir()
bpy.ops.wm.save_as_mainfile(filepath=str(blend))
bpy.context.view_layer.objects.active = figure
(blend.parent / "other.blend").write_bytes(b"")
from motionlift.addon import take_files
result["others"] = take_files.other_blends()
old = blend.parent / "motionlift" / "old"
old.mkdir()
shutil.copy(results.take_file(take.take), old / "old.motion.npz")
takes = blend.parent / "motionlift"
files = lambda: sorted(str(path.relative_to(takes)) for path in takes.rglob("*.npz"))
result["files"] = [files(), [path.name for path in take_files.unused()]]
result["pruned"] = sorted(ops.prune_takes())
result["pruned_files"], result["folder"] = files(), old.exists()
away = folder / "away"
shutil.move(blend.parent / "motionlift", away)
for path in results.folders()[1].rglob("*.npz"):
    path.unlink()
result["missing"] = [take_files.missing(act()), refusal(ops.clean_up, wait=True)]
(folder / "bad.motion.npz").write_text("no")
result["bad"] = refusal(ops.locate_take, filepath=str(folder / "bad.motion.npz"))
place = next(path for path in away.rglob("*.npz") if path.parent.name == Path(act().motionlift.take).parent.name)
result["located"] = sorted(ops.locate_take(filepath=str(place)))
result["found"] = [act().motionlift.take, sorted(ops.clean_up(wait=True))]
result["report"] = sorted(ops.show_report())
"""
)


def test_scene_strip_and_files_as_chosen(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path
) -> None:
    seen = in_blender(PLACING, sample_video, engine_python, tmp_path)
    name = "läufer im park"
    assert (seen["extended"], seen["fps"]) == (46, 30)
    assert seen["set"] == [30.0, 46]
    assert seen["strips"] == [[f"{name}_t02"] * 3]
    assert seen["own"] is None
    assert not seen["fake_user"]
    assert seen["cleaned"] == ["FINISHED"]
    assert seen["moves"]
    assert seen["contacts"] == ["FINISHED"]
    assert seen["strip"] == [[f"{name}_t02", False]]
    assert seen["still"]
    assert seen["glb"] > 1000
    assert seen["kept"] == 15
    assert "Save the file first" in seen["unsaved"]
    assert seen["others"] == ["other.blend"]
    files, unused = seen["files"]
    assert "old/old.motion.npz" in files
    assert "old.motion.npz" in unused
    assert seen["pruned"] == ["FINISHED"]
    assert sorted(set(files) - set(seen["pruned_files"])) == sorted(path for path in files if Path(path).name in unused)
    assert f"{name}/{name}.motion.npz" in seen["pruned_files"]
    assert not seen["folder"]
    missing, told = seen["missing"]
    assert missing
    assert "is not at" in told
    assert "Not a motion file" in seen["bad"]
    assert seen["located"] == ["FINISHED"]
    take, cleaned = seen["found"]
    assert take.startswith("//motionlift")
    assert cleaned == ["FINISHED"]
    assert seen["report"] == ["FINISHED"]
