"""A list of videos, lifted unattended: what fails is told and left out; and every operator before it has a take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .scripts import ENABLED

InBlender = Callable[..., Any]
CLIP_SECONDS = 0.8


@pytest.fixture
def short_clip(sample_video: Path, tmp_path: Path) -> Path:
    """The beginning of the sample, its packets copied."""
    av = pytest.importorskip("av")
    path = tmp_path / "short.mp4"
    with av.open(str(sample_video)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None and float(packet.dts * packet.time_base) < CLIP_SECONDS:
                packet.stream = copied
                target.mux(packet)
    return path


BATCH = (
    ENABLED
    + """
sample, python, folder = arguments[:3]
folder = Path(folder)
entry.preferences.engine_python = python
from motionlift.addon import batch
clips = folder / "clips à lever"
clips.mkdir()
listed, choices = bpy.context.scene.motionlift_batch, bpy.context.scene.motionlift
result["empty"] = [refusal(ops.lift_batch), refusal(ops.batch_remove), refusal(ops.batch_move)]
result["no_videos"] = refusal(ops.batch_add_folder, directory=str(clips))
result["no_folder"] = refusal(ops.batch_add_folder, directory=str(folder / "nowhere"))
result["no_video"] = refusal(ops.batch_add, filepath=str(folder / "notes.txt"))
result["nothing_runs"] = refusal(ops.cancel_batch)
shutil.copy(arguments[3], clips / "b.mp4")
(clips / "a.mp4").write_text("no video")
(clips / "notes.txt").write_text("no video either")
ops.batch_add_folder(directory=str(clips))
names = lambda: [Path(video.path).name for video in listed.videos]
# As Blender calls it for several that are dropped at once.
dropped = [{"name": "b.mp4"}, {"name": "gone.mp4"}]
ops.choose_video(filepath=str(clips / "b.mp4"), files=dropped, directory=str(clips))
result["dropped"] = [names(), choices.video]
ops.batch_add(files=[{"name": "b.mp4"}, {"name": "gone.mp4"}], directory=str(clips))
result["names"] = names()
listed.index = 0
ops.batch_move(down=True)
result["moved"] = names()
result["at_the_end"] = [sorted(ops.batch_move(down=True)), sorted(ops.batch_move(down=True))]
ops.batch_move()
ops.batch_add(filepath=str(folder / "again.mp4"))
ops.batch_remove()
result["removed"] = names()

# Onto one rig: an Action each, whatever fails between.
shutil.copy(clips / "b.mp4", clips / "c.mp4")
ops.batch_add(filepath=str(clips / "c.mp4"))
choices.target = "NEW"
ops.lift_video(filepath=str(clips / "c.mp4"), wait=True)
rig = bpy.context.view_layer.objects.active
rig.name = "Hero"
choices.target = "ACTIVE"
choices.use_trim, choices.trim_start, choices.trim_end = True, 0.1, 0.2
choices.scene_rate = "SET"
bpy.context.scene.render.fps = 24
result["done"] = sorted(ops.lift_batch(wait=True))
result["states"] = [[Path(video.path).name, video.state, video.words] for video in listed.videos]
result["summary"], result["told"] = batch.summary(listed), session().message
result["actions"] = sorted(action.name for action in bpy.data.actions if action.motionlift.take)
result["objects"] = sorted(bpy.data.objects.keys())
result["frames"] = [len(curves_of(bpy.data.actions[name])[0].keyframe_points) for name in ("b", "c_t02")]
result["fps"] = bpy.context.scene.render.fps
result["to_do"] = [Path(video.path).name for video in listed.to_do()]
# What failed is tried again, what is lifted is not.
(clips / "a.mp4").unlink()
(clips / "gone.mp4").unlink(missing_ok=True)
ops.batch_remove(everything=True)
shutil.copy(clips / "b.mp4", clips / "a.mp4")
ops.batch_add(filepath=str(clips / "a.mp4"))
ops.batch_add(filepath=str(clips / "b.mp4"))

# Another part of them than what was detected already: there is something to cancel.
choices.trim_end = 0.25

# As ESC does: between two looks at the engine.
queue = session().queue
look = queue.tick

def look_and_stop():
    ended = look()
    for job in [*queue.waiting, *([queue.status.job] if queue.status else [])]:
        queue.cancel(job)
    return ended

queue.tick = look_and_stop
result["cancelled"] = refusal(ops.lift_batch, wait=True)
queue.tick = look
result["after"] = [[video.state, video.words] for video in listed.videos]
choices.target = "NEW"
ops.lift_batch(wait=True)
result["anew"] = [batch.summary(listed), refusal(ops.lift_batch)]
result["new"] = sorted(set(bpy.data.objects.keys()) - set(result["objects"]))
bpy.context.view_layer.objects.active = None
choices.target = "ACTIVE"
result["no_rig"] = refusal(ops.lift_chosen_video)
without = {}
for name, options in (("clean_up", {}), ("keep_edits", {}), ("use_clip_rate", {}), ("reset_choices", {}),
                      ("check_next", {}), ("show_report", {}), ("locate_take", {"filepath": "a"}),
                      ("show_contacts", {}), ("toggle_contact", {}), ("apply_contacts", {}), ("remove_contacts", {}),
                      ("export_bvh", {"filepath": "a"}), ("export_fbx", {"filepath": "a"}),
                      ("export_glb", {"filepath": "a"}), ("add_camera", {})):
    without[name] = refusal(getattr(ops, name), **options)
result["without"] = without
"""
)


def test_a_list_of_videos_is_lifted_unattended(
    in_blender: InBlender, sample_video: Path, engine_python: Path, weights: Path, tmp_path: Path, short_clip: Path
) -> None:
    seen = in_blender(BATCH, sample_video, engine_python, tmp_path, short_clip)
    assert all("Add videos first" in told for told in seen["empty"])
    assert "no video in clips" in seen["no_videos"]
    assert "cannot be read" in seen["no_folder"]
    assert "notes.txt" in seen["no_video"]
    assert "Nothing of the list" in seen["nothing_runs"]
    assert seen["dropped"] == [["a.mp4", "b.mp4", "gone.mp4"], ""]
    assert seen["names"] == ["a.mp4", "b.mp4", "gone.mp4"]
    assert seen["moved"] == ["b.mp4", "a.mp4", "gone.mp4"]
    assert seen["at_the_end"] == [["FINISHED"], ["CANCELLED"]]
    assert seen["removed"] == ["b.mp4", "gone.mp4", "a.mp4"] or seen["removed"] == ["b.mp4", "a.mp4", "gone.mp4"]
    assert seen["done"] == ["FINISHED"]
    states = {name: (state, words) for name, state, words in seen["states"]}
    assert {name: state for name, (state, _) in states.items()} == {
        "a.mp4": "FAILED", "b.mp4": "DONE", "c.mp4": "DONE", "gone.mp4": "FAILED",
    }  # fmt: skip
    assert "There is no file gone.mp4" in states["gone.mp4"][1]
    assert "a.mp4" in states["a.mp4"][1]
    assert "bones of Hero" in states["b.mp4"][1]
    assert seen["summary"].startswith("2 lifted; 2 failed: ")
    assert seen["told"] == seen["summary"]
    assert seen["actions"] == ["b", "c", "c_t02"]
    assert seen["objects"] == ["Hero"]
    # Whole videos, at the rate that the scene keeps, whatever is chosen for one.
    assert seen["fps"] == 24
    assert all(15 < frames < 30 for frames in seen["frames"])
    assert sorted(seen["to_do"]) == ["a.mp4", "gone.mp4"]
    assert "Cancelled" in seen["cancelled"]
    assert seen["after"] == [["WAITING", "Cancelled."]] * 2
    summary, refused = seen["anew"]
    assert summary == "2 lifted"
    assert "Everything is lifted" in refused
    assert seen["new"] == ["a", "b_t02"]
    assert seen["no_rig"]
    for name, told in seen["without"].items():
        assert "Select an armature with a lifted Action" in told, name
