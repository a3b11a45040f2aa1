"""Footage and its sound around a take, as Blender shows and plays them."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.motion import Motion

from .test_actions import PRELUDE

FOOTAGE = (
    PRELUDE
    + """
from motionlift.bridge.footage import Footage
from motionlift.bridge.blender.footage import add_sound, keep_relative, remove_sound, show_footage
from motionlift.bridge.blender.scene import add_camera

def listed():
    strips = versions.sequence_strips(scene)
    return [[s.name, s.channel, s.frame_final_start, s.frame_final_end, round(float(s.frame_start), 4)] for s in strips]
"""
)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Ten seconds of a tone."""
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((8000 * np.sin(np.arange(480_000) * 0.05)).astype("<i2").tobytes())
    return path


def test_pictures_follow_the_frames(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], sample_video: Path, tmp_path: Path
) -> None:
    make_motion(frames=40).save(tmp_path / "take.motion.npz")
    script = (
        FOOTAGE
        + """
motion = Motion.load(Path(arguments[0]))
camera = add_camera(motion, np.eye(4), 11, "film")
show_footage(camera, Footage(Path(arguments[1])), len(motion), 11)
data = camera.data
background = data.background_images[0]
result["shown"] = [data.show_background_images, background.image.source, background.frame_method]
result["pictures"] = []
for frame in range(len(motion)):
    scene.frame_set(11 + frame)
    user = camera.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.background_images[0].image_user
    result["pictures"].append(11 + frame - user.frame_start + user.frame_offset)
result["refreshed"] = background.image_user.use_auto_refresh
try:
    show_footage(camera, Footage(Path("no.mp4")), len(motion), 11)
except MotionLiftError as error:
    result["missing"] = error.code
result["once"] = len(data.background_images)
"""
    )
    found = in_blender(script, tmp_path / "take.motion.npz", sample_video)
    assert found["shown"] == [True, "MOVIE", "FIT"]
    assert found["pictures"] == list(range(40))
    assert found["refreshed"]
    assert found["missing"] == "no_file"
    assert found["once"] == 1


def test_sound_lies_where_the_take_is(in_blender: Callable[..., Any], sample_video: Path, sound: Path) -> None:
    """At the take's first frame the strip plays what was to be heard then, beside strips that are there already."""
    script = (
        FOOTAGE
        + """
scene.render.fps = 24
path, sound = Path(arguments[0]), Path(arguments[1])
before = scene.sequence_editor is None
silent = add_sound(scene, Footage(path), 48, 11, "walk")
result["silent"] = [silent, (scene.sequence_editor is None) == before]
result["audible"] = bool(bpy.app.build_options.audaspace)
if not result["audible"]:
    # As the wheel of 4.2: the pictures are there without the sound.
    result["mute"] = add_sound(scene, Footage(path, False, sound, 0.0), 48, 11, "walk")
else:
    mine = versions.sequence_strips(scene).new_sound("mine", str(sound), 1, 30)
    add_sound(scene, Footage(path, False, sound, 0.0), 48, 11, "walk")
    result["first"] = listed()
    add_sound(scene, Footage(path, True, sound, 2.02), 48, 11, "walk")
    result["trimmed"] = listed()
    strip = [s for s in versions.sequence_strips(scene) if s.name == "walk"][0]
    result["offset"] = float(strip.frame_offset_start)
    add_sound(scene, Footage(path, True, sound, 9.0), 48, 11, "other")
    result["short"] = [each for each in listed() if each[0] == "other"]
    # A take that is called otherwise by now has one sound still, on the nearest frame at 23.976 a second.
    scene.render.fps_base = 1.001
    add_sound(scene, Footage(path, True, sound, 2.0), 48, 101, "hop", "hop/hop.npz")
    add_sound(scene, Footage(path, True, sound, 2.0), 48, 101, "hop_t02", "hop/hop.npz")
    result["called"] = [each for each in listed() if "hop" in each[0]]
    remove_sound(scene, "hop/hop.npz")
    scene.render.fps_base = 1.0
    remove_sound(scene, "walk")
    result["removed"] = [each[0] for each in listed()]
    try:
        add_sound(scene, Footage(path, False, Path("no.mp4"), 0.0), 48, 11, "walk")
    except MotionLiftError as error:
        result["missing"] = error.code
"""
    )
    found = in_blender(script, sample_video, sound)
    assert found["silent"] == [None, True]
    if not found["audible"]:
        assert found["mute"] is None
        return
    assert found["first"][0][:3] == ["mine", 1, 30]
    assert found["first"][1] == ["walk", 2, 11, 59, 11]
    ((name, channel, start, end, begun),) = [strip for strip in found["trimmed"] if strip[0] == "walk"]
    assert (name, channel, start, end) == ("walk", 2, 11, 59)
    # What is heard at the first frame lies 2.02 s into the file, to within half a frame.
    assert abs((start - begun) / 24 - 2.02) <= 0.5 / 24
    ((name, _, start, _, begun),) = found["called"]
    assert (name, start, begun) == ("hop_t02", 101, 53)
    assert found["short"][0][2:4] == [11, 11 + 24]
    assert sorted(found["removed"]) == ["mine", "other"]
    assert found["missing"] == "no_file"


def test_the_command_takes_the_footage_along(
    in_blender: Callable[..., Any], walk: Motion, sample_video: Path, tmp_path: Path
) -> None:
    """Into a .blend at another rate than the clip's: a proxy beside it, found when both are moved."""
    pytest.importorskip("av")
    walk.save(tmp_path / "walk.motion.npz")
    out = tmp_path / "out"
    out.mkdir()
    script = """
import subprocess, sys, shutil
from pathlib import Path
import numpy as np
take, video, folder = map(Path, arguments)
bpy.ops.object.armature_add()
figure = bpy.context.object
from motionlift.core.motion import Motion
from motionlift.bridge.blender.armature import add_figure
motion = Motion.load(take)
bpy.ops.wm.read_factory_settings(use_empty=True)
figure = add_figure(bpy.context, motion, "hero")
figure.animation_data_clear()
bpy.ops.wm.save_as_mainfile(filepath=str(take.with_name("hero.blend")))
command = [sys.executable, "-m", "motionlift", "retarget", str(take), "--rig", str(take.with_name("hero.blend")),
           "-o", str(folder / "walk.blend"), "--footage", str(video), "--fps", "24"]
done = subprocess.run(command, capture_output=True, text=True)
result["said"], result["code"] = done.stdout + done.stderr, done.returncode
moved = folder.with_name("moved")
shutil.move(folder, moved)
bpy.ops.wm.open_mainfile(filepath=str(moved / "walk.blend"))
camera = bpy.context.scene.camera
background = camera.data.background_images[0]
result["file"] = background.image.filepath
result["size"] = list(background.image.size)
result["user"] = [background.image_user.frame_start, background.image_user.frame_duration]
result["files"] = sorted(path.name for path in moved.iterdir())
again = subprocess.run(command, capture_output=True, text=True)
result["again"] = again.returncode
"""
    found = in_blender(script, tmp_path / "walk.motion.npz", sample_video, out)
    assert found["code"] == 0, found["said"]
    assert found["files"] == ["walk.blend", "walk.footage_24.mp4"]
    assert found["file"] == "//walk.footage_24.mp4"
    assert found["size"] == [854, 480]
    assert found["user"] == [1, 240]
