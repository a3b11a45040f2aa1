"""BVH of a take on an armature of its own: the frames and the rate that the dialog announces, and what is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.core.bvh import read_bvh
from motionlift.core.motion import Motion

from .scripts import PLACED

BVH = (
    PLACED
    + """
folder = path.parent
place("NEW", "")
figure = bpy.context.view_layer.objects.active

def write(name):
    ops.export_bvh(filepath=str(folder / f"{name}.bvh"))
    first, last = (round(frame) for frame in act().frame_range)
    placed = []
    for frame in (first, last):
        scene.frame_set(frame)
        x, y, z = figure.pose.bones["pelvis"].head
        placed.append([100 * x, 100 * z, -100 * y])
    return [last - first + 1, scene.render.fps, placed]

written = {}
written["untouched"] = write("untouched")
act().frame_start, act().frame_end = 10, 30
written["a part"] = write("a part")
act().frame_start, act().frame_end = 1, 60
written["beyond"] = write("beyond")
act().frame_start, act().frame_end = 1, written["untouched"][0]
scene.render.fps = 30
written["other rate"] = write("other rate")
scene.render.fps = 24
shoulder = figure.pose.bones["left_shoulder"]
shoulder.location = (0, 0.2, 0)
written["posed"] = write("posed")
for frame in (5, 20):
    shoulder.keyframe_insert("location", frame=frame)
written["keyed"] = write("keyed")
clean(floor_height=0.2)
written["cleaned"] = write("cleaned")
result["written"] = written
"""
)


def test_what_is_announced_is_written(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    motion = make_motion(frames=60, swing=0.5)
    motion.save(path)
    written = in_blender(BVH, path, sys.executable)["written"]
    assert written["untouched"][0] == round((len(motion) - 1) / motion.fps * 24) + 1
    assert written["a part"][0] == 21
    clips = {name: read_bvh(tmp_path / f"{name}.bvh") for name in written}
    for name, (frames, rate, placed) in written.items():
        assert len(clips[name]) == frames, name
        assert abs(clips[name].frame_time * rate - 1) < 1e-6, name
        # The figure's root where the armature has it.
        np.testing.assert_allclose(clips[name].values[[0, -1], :3], placed, atol=0.05, err_msg=name)
    np.testing.assert_array_equal(clips["other rate"].values, clips["untouched"].values)
    np.testing.assert_array_equal(clips["a part"].values, clips["untouched"].values[9:30])
    # What someone moved is moved, by as much, and stays so through clean-up.
    for name in ("posed", "keyed", "cleaned"):
        assert _longest(clips[name]) > _longest(clips["untouched"]) + 1.0, name


def _longest(clip: Any) -> float:
    """How far from its root the left elbow gets, in centimetres, by offsets and by channels of position."""
    joint = clip.names.index("left_shoulder")
    first = sum(len(channels) for channels in clip.channels[:joint])
    moves = [first + n for n, channel in enumerate(clip.channels[joint]) if channel.endswith("position")]
    return float(np.linalg.norm(clip.values[:, moves], axis=-1).max()) if moves else 0.0
