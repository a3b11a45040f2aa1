"""Motions as BVH: our reader and Blender's own importer find the figure where it was, in every layout."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge.bvh import bvh_to_motion, evenly_sampled, file_from_world, motion_to_bvh, save_bvh
from motionlift.core import bvh
from motionlift.core.bvh import UNITS, BvhOptions, positions, read_bvh
from motionlift.core.hand_skeleton import FINGER_JOINTS, HIGHEST, LOWEST
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion
from motionlift.core.rotation import from_axis_angle, multiply, rotate
from motionlift.core.skeleton import ANIMATION_21
from motionlift.core.solving.fingers import append_fingers

MotionMaker = Callable[..., Motion]
LAYOUTS = [
    BvhOptions(),
    BvhOptions(up="Z"),
    BvhOptions(up="Z", forward="X", unit="m"),
    BvhOptions(forward="-X", unit="mm"),
    BvhOptions(forward="-Z", order="ZXY"),
    BvhOptions(up="Z", forward="Y", unit="m", order="XYZ"),
]

IMPORT_IN_BLENDER = """
import json, sys
import bpy
import numpy as np
path, scale, forward, up, frames, out = json.loads(sys.argv[-1])
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_anim.bvh(filepath=path, global_scale=scale, axis_forward=forward, axis_up=up, update_scene_fps=True)
figure = bpy.context.object
result = {"fps": bpy.context.scene.render.fps / bpy.context.scene.render.fps_base, "heads": [], "tails": []}
for frame in range(frames):
    bpy.context.scene.frame_set(frame + 1)
    world = figure.matrix_world
    result["heads"].append({b.name: list(world @ b.head) for b in figure.pose.bones})
    result["tails"].append({b.name: list(world @ b.tail) for b in figure.pose.bones})
result["rest"] = {b.name: list(figure.matrix_world @ b.head_local) for b in figure.data.bones}
with open(out, "w") as file:
    json.dump(result, file)
"""


def with_fingers(motion: Motion) -> Motion:
    """The motion with hands that open and close."""
    share = 0.5 - 0.5 * np.cos(5 * motion.times)
    angles = LOWEST + share[:, None, None, None] * (HIGHEST - LOWEST)
    return append_fingers(motion, np.repeat(angles, 2, 1), np.ones((len(motion), 2)))


@pytest.mark.parametrize("fingers", [False, True], ids=["body", "fingers"])
@pytest.mark.parametrize("options", LAYOUTS)
def test_round_trip_through_our_reader(
    tmp_path: Path, make_motion: MotionMaker, options: BvhOptions, fingers: bool
) -> None:
    motion = with_fingers(make_motion()) if fingers else make_motion()
    save_bvh(motion, tmp_path / "a.bvh", options)
    clip = read_bvh(tmp_path / "a.bvh")
    order = [clip.names.index(name) for name in motion.joint_names]
    seen = positions(clip)[:, order] / UNITS[options.unit]
    np.testing.assert_allclose(seen, rotate(file_from_world(options), motion.joint_positions), atol=1e-5)
    again = bvh_to_motion(clip, options)
    np.testing.assert_allclose(again.joint_positions, motion.joint_positions, atol=1e-5)
    np.testing.assert_allclose(again.rest_offsets, motion.rest_offsets, atol=1e-5)
    np.testing.assert_allclose(again.rest_tails, motion.rest_tails, atol=1e-5)
    np.testing.assert_allclose(again.contact_offsets, motion.contact_offsets, atol=1e-5)
    assert again.joint_names == motion.joint_names
    assert again.fps == motion.fps


@pytest.mark.parametrize("options", LAYOUTS)
def test_axes_take_up_to_up_and_front_to_front(options: BvhOptions) -> None:
    turn = file_from_world(options)
    for ours, theirs in [([0.0, 0, 1], options.up), ([0.0, -1, 0], options.facing)]:
        expected = np.eye(3)["XYZ".index(theirs[-1])] * (-1 if theirs.startswith("-") else 1)
        np.testing.assert_allclose(rotate(turn, np.array(ours)), expected, atol=1e-12)


def test_zero_angles_are_the_t_pose_and_the_root_has_no_offset(make_motion: MotionMaker) -> None:
    clip = motion_to_bvh(make_motion(swing=0.0))
    np.testing.assert_allclose(clip.values[:, 3:], 0, atol=1e-12)
    np.testing.assert_array_equal(clip.offsets[0], 0)
    pose = dict(zip(clip.names, (positions(clip) - positions(clip)[:, :1])[0], strict=True))
    assert pose["left_wrist"][0] > 50
    assert pose["right_wrist"][0] < -50
    assert pose["head"][1] > 40
    assert pose["left_ankle"][1] < -70
    assert pose["left_toe"][2] > pose["left_ankle"][2] + 5
    leaves = [name for name, ends in zip(clip.names, clip.end_sites, strict=True) if len(ends)]
    assert sorted(leaves) == ["head", "left_toe", "left_wrist", "right_toe", "right_wrist"]


def test_fingers_are_joints_like_others(make_motion: MotionMaker) -> None:
    clip = motion_to_bvh(with_fingers(make_motion()))
    assert set(FINGER_JOINTS) <= set(clip.names)
    leaves = [name for name, ends in zip(clip.names, clip.end_sites, strict=True) if len(ends)]
    assert "left_pinky_3" in leaves
    assert "left_wrist" not in leaves
    named = dict(zip(clip.names, clip.channels, strict=True))
    assert named["left_index_2"] == ("Yrotation", "Xrotation", "Zrotation")
    # A finger bends about the axis that points forwards, the last; the middle one is its own.
    columns = clip.columns()[clip.names.index("left_index_2")]
    np.testing.assert_allclose(clip.values[:, columns["Xrotation"]], 0.0, atol=1e-9)
    assert np.ptp(clip.values[:, columns["Zrotation"]]) > 90


def test_channels(make_motion: MotionMaker) -> None:
    clip = motion_to_bvh(make_motion())
    named = dict(zip(clip.names, clip.channels, strict=True))
    assert named["pelvis"] == ("Xposition", "Yposition", "Zposition", "Yrotation", "Zrotation", "Xrotation")
    assert named["right_elbow"] == ("Yrotation", "Xrotation", "Zrotation")
    assert named["left_knee"] == ("Yrotation", "Zrotation", "Xrotation")
    z_up = motion_to_bvh(make_motion(), BvhOptions(up="Z"))
    assert z_up.channels[z_up.names.index("right_elbow")] == ("Zrotation", "Xrotation", "Yrotation")
    forced = motion_to_bvh(make_motion(), BvhOptions(order="XZY"))
    assert {channels[-3:] for channels in forced.channels} == {("Xrotation", "Zrotation", "Yrotation")}


@pytest.mark.parametrize("options", LAYOUTS)
def test_angles_do_not_jump_while_a_figure_spins(make_motion: MotionMaker, options: BvhOptions) -> None:
    motion = make_motion(frames=120, swing=0.5)
    rotations = motion.local_rotations.copy()
    rotations[:, 0] = multiply(from_axis_angle(np.array([0.0, 0, 1]), motion.times * 6), rotations[:, 0])
    clip = motion_to_bvh(
        dataclasses.replace(motion, local_rotations=rotations), BvhOptions(options.up, options.forward, options.unit)
    )
    assert np.max(np.abs(np.diff(clip.values[:, 3:], axis=0))) < 60
    assert np.ptp(clip.values[:, 3:6], axis=0).max() > 900


def test_frame_time_is_the_true_rate(tmp_path: Path, make_motion: MotionMaker) -> None:
    save_bvh(make_motion(frames=3, fps=30000 / 1001), tmp_path / "a.bvh")
    assert read_bvh(tmp_path / "a.bvh").frame_time == pytest.approx(1001 / 30000, abs=1e-9)


def test_other_rates_and_uneven_times_are_resampled(make_motion: MotionMaker) -> None:
    motion = make_motion(frames=61, fps=60.0)
    assert len(motion_to_bvh(motion, BvhOptions(fps=30.0))) == 31
    half = positions(motion_to_bvh(motion, BvhOptions(fps=30.0)))
    np.testing.assert_allclose(half, positions(motion_to_bvh(motion))[::2], atol=1e-6)
    uneven = make_motion(fps=30.0, times=np.delete(np.arange(40) / 30, [5, 6, 17]))
    assert len(motion_to_bvh(uneven)) == 40
    rounded = make_motion(fps=30.0, times=np.round(np.arange(40) / 30, 3))
    np.testing.assert_allclose(
        np.sort(motion_to_bvh(rounded).values[:, 0]), np.sort(100 * rounded.root_translation[:, 0]), atol=1e-9
    )


@pytest.mark.parametrize(("rate", "whole"), [(24000 / 1001, 24), (30000 / 1001, 30), (60000 / 1001, 60)])
def test_the_rate_that_blender_keeps_in_single_precision_is_the_clips_own(
    make_motion: MotionMaker, rate: float, whole: int
) -> None:
    motion = make_motion(frames=300, fps=rate)
    in_blender = whole / float(np.float32(1.001))
    assert in_blender != rate
    assert evenly_sampled(motion, in_blender) is motion


def test_foreign_skeletons_and_empty_files_are_refused(make_motion: MotionMaker) -> None:
    clip = motion_to_bvh(make_motion())
    foreign = dataclasses.replace(clip, names=("Hips", *clip.names[1:]))
    empty = dataclasses.replace(clip, values=clip.values[:0])
    for broken, code in [(foreign, "foreign_bvh"), (empty, "bad_bvh")]:
        with pytest.raises(MotionLiftError) as caught:
            bvh_to_motion(broken)
        assert caught.value.code == code


@pytest.mark.parametrize(("options", "forward"), [(BvhOptions(), "-Z"), (BvhOptions(up="Z", unit="m"), "Y")])
def test_blender_imports_it(tmp_path: Path, make_motion: MotionMaker, options: BvhOptions, forward: str) -> None:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed")
    motion = make_motion(frames=12, fps=30000 / 1001)
    path, out = tmp_path / "läufer.bvh", tmp_path / "seen.json"
    save_bvh(motion, path, options)
    arguments = json.dumps([str(path), 1 / UNITS[options.unit], forward, options.up, len(motion), str(out)])
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_IN_BLENDER, arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(out.read_text())
    # Blender stores single precision and places the armature by its bones: 0.1 mm is the tolerance.
    heads = np.array([[frame[name] for name in ANIMATION_21.joints] for frame in seen["heads"]])
    np.testing.assert_allclose(heads, motion.joint_positions, atol=1e-4)
    head = ANIMATION_21.index("head")
    crown = motion.joint_positions[:, head] + rotate(motion.world_rotations()[:, head], motion.rest_tails[head])
    np.testing.assert_allclose([frame["head"] for frame in seen["tails"]], crown, atol=1e-4)
    assert seen["fps"] == pytest.approx(30000 / 1001, rel=1e-4)
    rest = np.array([seen["rest"][name] for name in ANIMATION_21.joints])
    bones = rest - rest[list(ANIMATION_21.parents)]
    np.testing.assert_allclose(bones[1:], motion.rest_offsets[1:], atol=1e-6)


def test_an_hour_takes_a_few_kilobytes_a_frame(
    make_motion: MotionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fingers: what comes on top with length, beside the motion."""
    monkeypatch.setattr(bvh, "STRETCH", 64)
    peaks = []
    for frames in (400, 800):
        angles = np.zeros((frames, 2, 5, 4))
        motion = append_fingers(make_motion(frames=frames), angles, np.ones((frames, 2)))
        tracemalloc.start(1)
        save_bvh(motion, tmp_path / f"{frames}.bvh")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 400 < 3500
