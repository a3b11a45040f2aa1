"""How a take comes into the scene, and its files on the disk, with the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scripts import LIFTED

InBlender = Callable[..., Any]

PLACING = (
    LIFTED
    + """
result["extended"], result["fps"] = scene.frame_end, scene.render.fps
marked = lambda: [[mark.frame, mark.name] for mark in scene.timeline_markers]
result["marked"] = sorted(frame for frame, _ in marked()) == sorted({round(p.start) for p in act().motionlift.places})
scene.timeline_markers.clear()
scene.timeline_markers.new("the user's", frame=3)
result["marks"] = [marked()]
act().motionlift.places.clear()
for start, words in ((14.4, "left hand hidden or unclear"), (12, "whole figure lost")):
    place = act().motionlift.places.add()
    place.start, place.end, place.words = start, start + 2, words
for _ in range(2):
    ops.mark_places()
    result["marks"].append(marked())
ops.mark_places()
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
files = lambda: sorted(path.relative_to(takes).as_posix() for path in takes.rglob("*.npz"))
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
    assert seen["marked"]
    none, some, again = seen["marks"]
    assert none == again == [[3, "the user's"]]
    assert some == [[3, "the user's"], [12, "ML: check whole figure lost"], [14, "ML: check L hand hidden or unclear"]]
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
