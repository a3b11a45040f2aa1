"""Takes and footage of a file that is saved into another folder, with Blender's own commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.addon.takes import bring_along, relative_name
from motionlift.core.motion import Motion

from .scripts import WITH_PERSON

SAVED = (
    WITH_PERSON
    + """
import os
from motionlift.addon import camera, results, taking, targets
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
folder, made = Path(arguments[0]), Path(arguments[1])
for name in "abcd":
    (folder / name).mkdir()
video = folder / "a" / "walk.mp4"
video.write_bytes(b"a video")
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a/s.blend"))
path = folder / "a/motionlift/walk/walk.motion.npz"
path.parent.mkdir(parents=True)
shutil.copy(made, path)
armature(person())
scene.render.fps = 30
job = Job("lift", "walk", video, path, LiftSettings(), 30.0, results.LiftPlan("ACTIVE", "Rig"))
taking.take_result(bpy.context, Finished(job, ((path, Motion.load(path)),), ({},), clip_fps=30.0), session())
seen_by = bpy.data.objects.new("walk camera", None)
seen_by.use_fake_user = True
seen_by[camera.OF_TAKE] = bpy.data.actions["walk"].motionlift.take
choices.video = "//walk.mp4"
scene.motionlift_batch.add([folder / "elsewhere.mp4"])
scene.motionlift_batch.videos.add().path = "//walk.mp4"

def found():
    take = bpy.data.actions["walk"].motionlift
    footage, here = camera.footage_of(bpy.data.actions["walk"]), bpy.context.scene
    named = [take.take, take.shown, take.video, here.motionlift.video,
             *(video.path.replace(str(folder), "").replace(os.sep, "/") for video in here.motionlift_batch.videos)]
    return {
        "named": named,
        "take": results.take_file(take.take).relative_to(folder).as_posix(),
        "whole": results.take_file(take.shown).read_bytes() == made.read_bytes(),
        "footage": footage is not None and footage.samefile(video),
        "camera": bpy.data.objects["walk camera"][camera.OF_TAKE] == take.take,
    }

result["a"] = found()
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "c/copy.blend"), copy=True)
result["after copy"] = found()
result["refused"] = refusal(bpy.ops.wm.save_as_mainfile, filepath=str(folder / "none/s.blend"))
result["after refusal"] = [found(), (folder / "none").exists()]
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "b/s.blend"))
result["b"] = found()

# Another's take of that name stays what it is.
other = folder / "d/motionlift/walk/walk.motion.npz"
other.parent.mkdir(parents=True)
other.write_bytes(b"another take")
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "d/s.blend"))
result["d"] = found()
result["other"] = other.read_bytes().decode()
for name in ("b/s", "c/copy", "d/s"):
    bpy.ops.wm.open_mainfile(filepath=str(folder / f"{name}.blend"))
    result["opened " + name] = found()
result["kept"] = path.read_bytes() == made.read_bytes()
"""
)


def test_takes_and_footage_go_along(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    made = tmp_path / "made.motion.npz"
    make_motion(frames=20, swing=0.4).save(made)
    seen = in_blender(SAVED, tmp_path, made)
    take = "//motionlift/walk/walk.motion.npz"
    there = {"whole": True, "footage": True, "camera": True}
    here = {
        "named": [take, take, *["//walk.mp4"] * 2, "/elsewhere.mp4", "//walk.mp4"],
        "take": f"a/{take[2:]}",
        **there,
    }
    assert seen["a"] == seen["after copy"] == here
    assert "Cannot open" in seen["refused"]
    assert seen["after refusal"] == [here, False]
    named = [take, take, *["//../a/walk.mp4"] * 2, "/elsewhere.mp4", "//../a/walk.mp4"]
    for name in ("b", "opened b/s", "opened c/copy"):
        assert seen[name] == {"named": named, "take": f"{name.split()[-1][0]}/{take[2:]}", **there}
    second = "//motionlift/walk_t02/walk.motion.npz"
    for name in ("d", "opened d/s"):
        assert seen[name] == {"named": [second, second, *named[2:]], "take": f"d/{second[2:]}", **there}
    assert seen["other"] == "another take"
    assert seen["kept"]


FROM_WINDOWS = (
    WITH_PERSON
    + r"""
from motionlift.addon import camera, results, video_look
folder = Path(arguments[0])
for name in ("clips/walk.mp4", "shots/motionlift/walk/walk.motion.npz"):
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"a file")
choices = bpy.context.scene.motionlift
choices.video = r"//..\clips\walk.mp4"
result["unsaved"] = video_look.trouble(choices.video)
action = bpy.data.actions.new("walk")
action.use_fake_user = True
action.motionlift.video, action.motionlift.take = choices.video, r"//motionlift\walk\walk.motion.npz"
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shots/s.blend"))
result["trouble"] = video_look.trouble(choices.video)
result["footage"] = str(camera.footage_of(action).resolve())
result["take"] = str(results.take_file(action.motionlift.take).resolve())
"""
)


def test_what_was_saved_with_windows_names_the_same_files(in_blender: Callable[..., Any], tmp_path: Path) -> None:
    """There Blender writes backslashes into the names of what is chosen, and `bpy.path` elsewhere leaves them."""
    seen = in_blender(FROM_WINDOWS, tmp_path)
    assert "walk.mp4" in seen["unsaved"]
    assert seen["trouble"] == ""
    assert seen["footage"] == str((tmp_path / "clips/walk.mp4").resolve())
    assert seen["take"] == str((tmp_path / "shots/motionlift/walk/walk.motion.npz").resolve())


FOOTAGE = (
    WITH_PERSON
    + """
import os
from motionlift.addon import camera, results, taking
from motionlift.addon.filming import Filming
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.bridge.blender import versions
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
folder, made, film = map(Path, arguments)
path = versions.user_folder("motionlift", "takes") / "walk/walk.motion.npz"
path.parent.mkdir(parents=True)
shutil.copy(made, path)
# As it is made for a scene of another rate.
proxy = path.with_name("walk.footage_30.mp4")
shutil.copy(film, proxy)
figure = armature(person())
scene.render.fps = 30
job = Job("lift", "walk", film, path, LiftSettings(), 30.0, results.LiftPlan("ACTIVE", "Rig"))
taking.take_result(bpy.context, Finished(job, ((path, Motion.load(path)),), ({},), clip_fps=30.0), session())

def add(shown):
    filming = Filming(camera._plan(bpy.context, bpy.data.actions["walk"], shown))
    camera.place(bpy.context, filming.plan, filming.result())

def named():
    (background,) = scene.camera.data.background_images
    path = Path(bpy.path.abspath(background.image.filepath))
    # Blender has backslashes on Windows, and turns them when it opens a file elsewhere.
    name = background.image.filepath.replace(os.sep, "/")
    return [name, path.is_file() and path.samefile(path.resolve()), background.image.size[0] > 0]

for name in "abc":
    (folder / name).mkdir()
add(proxy)
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "c/copy.blend"), copy=True)
result["unsaved"] = Path(named()[0]) == proxy
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a/s.blend"))
result["saved"] = named()
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "b/s.blend"))
result["elsewhere"] = named()
add(Path(bpy.path.abspath("//motionlift/walk/walk.footage_30.mp4")))
result["again"] = named()
bpy.ops.wm.save_mainfile()
shutil.rmtree(path.parent)
shutil.rmtree(folder / "a")
for name in ("b/s", "c/copy"):
    bpy.ops.wm.open_mainfile(filepath=str((folder / name[0]).rename(folder / f"moved {name[0]}") / f"{name[2:]}.blend"))
    scene = bpy.context.scene
    result["moved " + name] = named()
"""
)


def test_footage_is_shown_wherever_the_folder_goes(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], sample_video: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made.motion.npz"
    make_motion(frames=20, swing=0.4).save(made)
    seen = in_blender(FOOTAGE, tmp_path, made, sample_video)
    assert seen["unsaved"]
    for when in ("saved", "elsewhere", "again", "moved b/s", "moved c/copy"):
        assert seen[when] == ["//motionlift/walk/walk.footage_30.mp4", True, True], when


def test_a_take_that_is_brought_along_takes_no_other_ones_place(tmp_path: Path) -> None:
    def take(folder: str, lifted: str, cleaned: str) -> Path:
        path = tmp_path / folder / "walk/walk.motion.npz"
        path.parent.mkdir(parents=True)
        path.write_text(lifted)
        (path.parent / "walk.clean-0123.motion.npz").write_text(cleaned)
        return path

    ours, others = take("ours", "ours", "x"), take("here", "another", "y")
    brought = bring_along(ours, tmp_path / "here")
    assert brought == tmp_path / "here/walk_t02/walk.motion.npz"
    assert brought.read_text() == "ours"
    assert others.read_text() == "another"
    # Once more it is the same one, also where another clean-up was saved meanwhile.
    (brought.parent / "walk.clean-0123.motion.npz").write_text("z")
    assert bring_along(ours, tmp_path / "here") == brought
    assert len(list((tmp_path / "here").iterdir())) == 2


def test_a_file_is_named_as_seen_from_the_blend(tmp_path: Path) -> None:
    blend = tmp_path / "shots/s.blend"
    assert relative_name(tmp_path / "shots/walk.mp4", blend) == "//walk.mp4"
    seen = relative_name(Path(os.path.join(tmp_path, "shots", "..", "clips", "läufer.mp4")), blend)
    assert seen == "//../clips/läufer.mp4"
