"""The target *New Rigify Human*: made, written again, taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.motion import Motion

SCRIPT = """
from pathlib import Path
import motionlift
from motionlift.addon import targets
from motionlift.core.motion import Motion

motionlift.register()

def counts():
    return {kind: len(getattr(bpy.data, kind)) for kind in
            ("objects", "armatures", "meshes", "collections", "texts", "actions")}

def torso(figure, frame):
    bpy.context.scene.frame_set(frame)
    return list(figure.pose.bones["DEF-spine"].head)

scene = bpy.context.scene
scene.frame_start = 5
motion, other = (Motion.load(Path(path)) for path in arguments)
before = counts()
result["trouble"] = targets.target_trouble(targets.NEW_RIGIFY, None)
target = targets.target_named(targets.NEW_RIGIFY)
figure = target.write(bpy.context, motion, "walk")
result["words"] = target.words(motion)
result["names"] = [figure.name, figure.animation_data.action.name]
result["ways"] = [torso(figure, 5), torso(figure, 24)]
# Clean-up: by another target of the same kind, as after the file was opened again.
made = counts()
targets.target_named(targets.NEW_RIGIFY, figure.name).rewrite(figure, other, 5)
result["rewritten"] = [torso(figure, 5), torso(figure, 24), counts() == made, figure.animation_data.action.name]
target.remove(figure)
result["removed"] = counts() == before
"""


def test_a_new_rigify_human(in_blender: Callable[..., Any], tmp_path: Path, make_motion: Callable[..., Motion]) -> None:
    motions = [evenly_sampled(make_motion(frames=20, swing=0.3, seed=seed), 24) for seed in (0, 1)]
    paths = [tmp_path / f"{number}.motion.npz" for number in range(2)]
    for motion, path in zip(motions, paths, strict=True):
        motion.save(path)
    seen = in_blender(SCRIPT, *paths)
    assert seen["trouble"] == ""
    assert "of walk (Rigify)" in seen["words"]
    assert "Rigify was enabled" in seen["words"]
    assert seen["names"] == ["walk", "walk"]
    first, last, same, name = seen["rewritten"]
    assert same
    assert name == "walk"
    assert first != seen["ways"][0]
    assert seen["ways"][0] != seen["ways"][1]
    assert first != last
    assert seen["removed"]
