"""What an animator chooses before a lift, in a real Blender without windows, with the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .scripts import WITH_PERSON

InBlender = Callable[..., Any]

VIDEO = (
    WITH_PERSON
    + """
from motionlift.addon import driver, people, people_operators, rig_map, targets, video_look
import time
sample, python, folder = arguments
folder = Path(folder)

def looked(name):
    choices.video = str(name)
    look = video_look.of(bpy.context, choices.video, choices.turn)
    end = time.monotonic() + 60
    while session().looking and time.monotonic() < end:
        for one in session().looks.tick():
            video_look.take(one)
        time.sleep(0.02)
    return video_look.of(bpy.context, choices.video, choices.turn)

result["no_engine"] = [look := video_look.of(bpy.context, sample), look.looking][1]
result["find_no_engine"] = refusal(ops.find_people)
entry.preferences.engine_python = python
look = looked(sample)
facts = look.facts
result["facts"] = [facts.width, facts.height, facts.seconds, facts.frames, look.trouble, look.looking]
(folder / "notes.mp4").write_text("no video")
result["notes"] = [looked(folder / "notes.mp4").trouble, refusal(ops.lift_chosen_video), refusal(ops.find_people)]
# Chosen again it is looked at again.
import shutil
shutil.copy(sample, folder / "notes.mp4")
result["mended"] = [looked(folder / "notes.mp4").trouble, looked(folder / "notes.mp4").facts.frames]
result["gone"] = [looked(folder / "gone.mp4").trouble, refusal(ops.lift_chosen_video)]
choices.video = ""
result["none"] = [refusal(ops.lift_chosen_video), refusal(ops.find_people)]
entry.preferences.engine_python = str(folder / "no python")
look = looked(folder / "notes.mp4")
result["broken"] = [look.failed, look.trouble, look.looking]
entry.preferences.engine_python = python

# Trim, typed in any way.
looked(sample)
choices.use_trim = True
typed = []
for text in ("2", "0:03.5", "nonsense", "-4", ""):
    choices.trim_start_text = text
    typed.append([choices.trim_start, choices.trim_start_text])
result["typed"] = typed
choices.trim_end_text = "0:01"
result["trimmed"] = [choices.settings().start, choices.settings().end]
choices.trim_start_text = "5"
result["turned"] = [choices.trim_trouble(), refusal(ops.lift_chosen_video), refusal(ops.find_people)]
choices.trim_start_text, choices.trim_end_text = "99", ""
result["after"] = refusal(ops.lift_chosen_video)
choices.trim_start_text, choices.trim_end_text = "1", "2"

# People.
result["nothing_runs"] = refusal(ops.cancel_lift)
result["too_early"] = refusal(ops.choose_person, number=1)
result["found"] = sorted(ops.find_people())
result["told"] = session().message
crowd = people_operators.found_in(choices)
result["people"] = [[one.number, *one.lines] for one in crowd]
result["wrong"] = refusal(ops.choose_person, number=7)
ops.choose_person(number=1)
result["chosen"] = choices.settings().person
choices.trim_end_text = "2.5"
result["other_trim"] = refusal(ops.choose_person, number=1)

# Turned, it is looked at anew, and whoever was found is somewhere else.
choices.trim_end_text = "2"
result["still_found"] = len(people_operators.found_in(choices))
choices.rotate = "90"
facts = looked(sample).facts
result["rotated"] = [choices.settings().rotate, facts.width, facts.height, people_operators.found_in(choices)]
choices.rotate = "auto"
facts = looked(sample).facts
result["rotated_back"] = [choices.settings().rotate, facts.width, len(people_operators.found_in(choices))]

# All choices reach the engine.
choices.use_fov, choices.fov = True, 1.0
choices.use_height, choices.height = True, 1.8
settings = choices.settings()
result["settings"] = [settings.fov_degrees, settings.height_m]
# In a scene in centimetres a person of 1.82 m is 182 long, which Blender shows as 1.82 m.
scene.unit_settings.scale_length, choices.height_shown = 0.01, 182.0
result["in_centimetres"] = [choices.settings().height_m, choices.height_shown]
scene.unit_settings.system = "NONE"
choices.height_shown = 1.75
result["without_units"] = choices.settings().height_m
choices.rig_hands, choices.rig_limbs, choices.rig_travel = "free", "fk", "object"
choices.foot_lock = False
options = choices.rig_options(choices.foot_lock)
result["options"] = [options.hands, options.limbs, options.travel, options.plant_feet]
"""
)


def test_the_video_the_trim_and_the_person(
    in_blender: InBlender,
    sample_video: Path,
    engine_python: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = in_blender(VIDEO, sample_video, engine_python, tmp_path)
    assert not seen["no_engine"]
    assert seen["in_centimetres"] == [1.82, pytest.approx(182)]
    assert seen["without_units"] == 1.75
    assert "Set up the video engine" in seen["find_no_engine"]
    assert seen["facts"] == [854, 480, pytest.approx(10.0), 300, "", False]
    assert all("not a video" in words for words in seen["notes"])
    assert seen["mended"] == ["", 300]
    assert all("There is no file gone.mp4" in words for words in seen["gone"])
    assert all("Choose a video first" in words for words in seen["none"])
    failed, trouble, looking = seen["broken"]
    assert "does not start" in failed
    assert (trouble, looking) == ("", False)
    assert seen["typed"] == [[2, "0:02.0"], [3.5, "0:03.5"], [3.5, "0:03.5"], [3.5, "0:03.5"], [0, "0:00.0"]]
    assert seen["trimmed"] == [None, 1.0]
    assert all("later than its start" in words for words in seen["turned"])
    assert "after the video's end" in seen["after"]
    assert "Nothing runs" in seen["nothing_runs"]
    assert "Find People comes first" in seen["too_early"]
    assert seen["found"] == ["FINISHED"]
    assert "1 person found" in seen["told"]
    ((number, when, called),) = seen["people"]
    assert (number, when[:6]) == (1, "0:01.0")
    assert "largest" in called
    assert "There is no person 7" in seen["wrong"]
    assert seen["chosen"] == "1"
    assert "Find People comes first" in seen["other_trim"]
    assert seen["still_found"] == 1
    assert seen["rotated"] == [90, 480, 854, None]
    assert seen["rotated_back"] == [None, 854, 1]
    assert seen["settings"] == [pytest.approx(57.3, abs=0.01), pytest.approx(1.8)]
    assert seen["options"] == ["free", "fk", "object", False]


BONES = (
    WITH_PERSON
    + """
from motionlift.addon import driver, people, people_operators, rig_map, targets, video_look
folder = Path(arguments[0])
motion_file = arguments[1]
result["nobody"] = [refusal(ops.test_pose), refusal(ops.choose_preset), refusal(ops.correct_bones)]
result["automatic"] = [targets.resolved("AUTO", None), targets.target_words("AUTO", None)]
figure = armature(person())
result["resolved"] = [targets.resolved("AUTO", figure), targets.resolved("NEW", figure)]
result["words"] = targets.target_words("AUTO", figure)
said = figure.motionlift
result["unchanged"] = refusal(ops.forget_corrections)
result["wrong"] = [refusal(ops.choose_preset, preset="no such"), refusal(ops.choose_preset, preset="rigify"),
                   refusal(ops.choose_preset, preset=str(folder / "gone.toml")), said.preset]

# By hand: the spine's empty row takes a bone, and another appears.
ops.correct_bones()
rows = lambda: [(row.role, row.bone) for row in said.rows]
result["rows"] = rows()
before = rows()
index = next(i for i, row in enumerate(said.rows) if row.role == "neck" and row.bone)
said.rows[index].bone = ""
result["missing"] = list(rig_map.match_of(figure).missing)
spare = next(i for i, row in enumerate(said.rows) if row.role == "spine" and not row.bone)
said.rows[spare].bone = "Neck"
result["spine"] = [bone for role, bone in rows() if role == "spine"]
result["mapped"] = list(rig_map.match_of(figure).rig_map.bones["spine"])
said.rows[index + 1].bone = "Neck"
result["doubled"] = [targets.target_trouble("AUTO", figure), refusal(ops.save_preset, filepath=str(folder / "x.toml"))]
said.rows[index + 1].bone = ""
ops.forget_corrections()
result["forgotten"] = [len(said.rows), targets.target_trouble("AUTO", figure)]

# Presets: saved, loaded, and recognised by themselves from our folder.
def strange(name):
    for old, new in (("Left", "l_"), ("Right", "r_"), ("Hips", "Zero"), ("Leg", "Pin")):
        name = name.replace(old, new)
    return "q" + name

bpy.data.objects.remove(figure)
figure = armature(person(strange))
said = figure.motionlift
result["strange"] = targets.target_trouble("ACTIVE", figure)
result["test_refused"] = refusal(ops.test_pose)
ops.correct_bones()
roles = {"Zero": "pelvis", "Spine": "spine", "Neck": "neck", "Head": "head"}
parts = {"Shoulder": "clavicle", "Arm": "shoulder", "ForeArm": "elbow", "Hand": "wrist", "UpPin": "hip", "Pin": "knee",
         "Foot": "ankle", "ToeBase": "toe"}
for part, role in parts.items():
    roles |= {f"{side[0]}_{part}": f"{side}_{role}" for side in ("left", "right")}
for name, role in roles.items():
    next(row for row in said.rows if row.role == role).bone = "q" + name
result["by_hand"] = [targets.target_trouble("ACTIVE", figure), list(rig_map.match_of(figure).missing)]
ops.save_preset(filepath=str(folder / "mine.toml"))
ops.forget_corrections()
ops.load_preset(filepath=str(folder / "mine.toml"))
result["loaded"] = [said.preset == str(folder / "mine.toml"), rig_map.match_of(figure).title,
                    list(rig_map.match_of(figure).missing)]
ops.choose_preset(preset="auto")
result["unknown_again"] = targets.target_trouble("ACTIVE", figure) != ""
import shutil
shutil.copy(folder / "mine.toml", rig_map.preset_folder() / "mine.toml")
result["own"] = [rig_map.match_of(figure).family, targets.target_trouble("ACTIVE", figure)]

# A file of one's own that is wrong is left out, whatever else there is.
(rig_map.preset_folder() / "broken.toml").write_text("format = 1\\nbones = [")
result["wrong_file"] = [rig_map.match_of(figure).family, targets.target_trouble("ACTIVE", figure),
                        rig_map.presets().warnings(), refusal(ops.choose_preset, preset="broken")]
(rig_map.preset_folder() / "broken.toml").unlink()
result["mended"] = rig_map.presets().warnings()

# The test pose, there and back, and gone when a lift is put on.
import numpy as np
basis = lambda: [v for bone in figure.pose.bones for row in bone.matrix_basis for v in row]
bones = figure.pose.bones
bones["ql_Arm"].rotation_quaternion = (0.9, 0.1, 0.3, 0.1)
bpy.context.view_layer.update()
start = basis()
ops.test_pose()
bpy.context.view_layer.update()
way = bones["ql_Hand"].head - bones["ql_Arm"].head
result["posed"] = [list(way.normalized()), bool(said.test_pose), len(bpy.data.actions)]
ops.test_pose()
bpy.context.view_layer.update()
result["back"] = [bool(np.allclose(basis(), start, atol=1e-5)), said.test_pose]
from motionlift.core.motion import Motion
from motionlift.bridge.bvh import evenly_sampled
ops.test_pose()
figure.data.pose_position = "REST"
rig = targets.target_named("ACTIVE", figure.name, choices.rig_options(choices.foot_lock))
rig.write(bpy.context, evenly_sampled(Motion.load(Path(motion_file)), 24.0), "take")
result["lifted"] = [said.test_pose, figure.animation_data.action.name, rig.words(None)]
figure.data.pose_position = "POSE"
bpy.ops.object.mode_set(mode="EDIT")
result["edit"] = refusal(ops.test_pose)
bpy.ops.object.mode_set(mode="OBJECT")

# What was said stays in the file, and a dog is no person.
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "rig.blend"))
ops.choose_preset(preset=str(folder / "mine.toml"))
bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=str(folder / "rig.blend"))
result["reopened"] = bpy.context.view_layer.objects.active.motionlift.preset == str(folder / "mine.toml")
scene = bpy.context.scene
dog = armature([("a", (0, 0, 0), (0, 0, 1), ""), ("b", (0, 0, 1), (0, 1, 1), "a")])
result["dog"] = [targets.target_trouble("AUTO", dog), targets.target_trouble("NEW", dog)]
"""
)


def test_the_bones_of_a_rig(in_blender: InBlender, tmp_path: Path) -> None:
    motion = Path(__file__).resolve().parents[2] / "samples/walk_wave_squat.truth.motion.npz"
    seen = in_blender(BONES, tmp_path, motion)
    assert all("Select an armature" in words for words in seen["nobody"])
    assert seen["automatic"] == ["NEW", "Makes a new armature"]
    assert seen["resolved"] == ["ACTIVE", "NEW"]
    assert seen["words"].startswith("Rig: ")
    assert "Nothing was corrected" in seen["unchanged"]
    no_such, not_fitting, gone, kept = seen["wrong"]
    assert "There is no preset no such" in no_such
    assert "no humanoid" in not_fitting
    assert "There is no preset" in gone
    assert kept == "auto"
    rows = [tuple(row) for row in seen["rows"]]
    assert [bone for role, bone in rows if role == "spine"] == ["Spine", ""]
    assert ("left_knee", "LeftLeg") in rows
    assert seen["missing"] == ["neck"]
    assert seen["spine"] == ["Spine", "Neck", ""]
    assert seen["mapped"] == ["Spine", "Neck"]
    assert all("Neck is given to both" in words for words in seen["doubled"])
    assert seen["forgotten"] == [0, ""]
    assert "no humanoid" in seen["strange"]
    assert "no humanoid" in seen["test_refused"]
    assert seen["by_hand"] == ["", []]
    assert seen["loaded"] == [True, "mine", []]
    assert seen["unknown_again"]
    family, trouble, (warning,), refused = seen["wrong_file"]
    assert (family, trouble) == ("mine", "")
    assert "broken.toml" in warning
    assert "left out" in warning
    assert "broken.toml" in refused
    assert seen["mended"] == []
    assert seen["own"] == ["mine", ""]
    way, posed, actions = seen["posed"]
    np.testing.assert_allclose(way, (1, 0, 0), atol=0.02)
    assert (posed, actions) == (True, 0)
    assert seen["back"] == [True, ""]
    test_pose, action, words = seen["lifted"]
    assert (test_pose, action) == ("", "take")
    assert "bones of Rig (mine)" in words
    assert "Rig is in Rest Position" in words
    assert "Edit Mode" in seen["edit"]
    assert seen["reopened"]
    assert "no humanoid" in seen["dog"][0]
    assert seen["dog"][1] == ""
