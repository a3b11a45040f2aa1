"""BVH files whose zero pose is no T-pose: every joint stays where it is, and figures stand at rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge.bvh import motion_to_bvh
from motionlift.bridge.bvh_rig import motion_of_bvh, rig_of_bvh, sized
from motionlift.bridge.bvh_turns import rested_bvh
from motionlift.bridge.match import match
from motionlift.bridge.preset import Preset
from motionlift.bridge.zero_pose import stood
from motionlift.core.bvh import BvhClip, BvhOptions, positions, read_bvh, write_bvh
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion
from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    conjugate,
    from_axis_angle,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
)

FREE = ("wrist", "toe", "head", "neck")
"""What is not told by the joints' positions: how these are turned about themselves is taken from the frames."""


def as_source(clip: BvhClip, presets: dict[str, Preset]) -> Motion:
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    return motion_of_bvh(clip, sized(raw, rig_map), rig_map)


def along_one_axis(clip: BvhClip) -> BvhClip:
    """All bones along +X at zero, legs beside the spine, as in LaFAN1."""
    turns = np.tile(IDENTITY, (len(clip.names), 1))
    for joint in range(len(clip.names)):
        children = np.flatnonzero(clip.parents == joint)
        way = clip.offsets[children[0]] if len(children) else clip.end_sites[joint][0]
        turns[joint] = minimal_rotation(normalise(way), np.array([1.0, 0.0, 0.0]))
    return rested_bvh(clip, turns)


def any_zero(clip: BvhClip) -> BvhClip:
    """A zero pose that means nothing; the root's is kept, so that hips and shoulders are apart."""
    numbers = np.random.default_rng(5)
    turns = normalise(numbers.normal(size=(len(clip.names), 4)))
    return rested_bvh(clip, turns)


@pytest.mark.parametrize("zero", [along_one_axis, any_zero])
@pytest.mark.parametrize("options", [BvhOptions(), BvhOptions(up="Z", unit="m")])
def test_any_zero_pose_gives_the_same_motion(
    walk: Motion, presets: dict[str, Preset], zero: Callable[[BvhClip], BvhClip], options: BvhOptions
) -> None:
    clip = motion_to_bvh(walk, options)
    laid = zero(clip)
    np.testing.assert_allclose(positions(laid), positions(clip), atol=1e-4 * np.abs(positions(clip)).max())
    truth, seen = as_source(clip, presets), as_source(laid, presets)
    np.testing.assert_allclose(seen.joint_positions, truth.joint_positions, atol=0.05)
    away = np.degrees(angle_between(seen.world_rotations(), truth.world_rotations()))
    for name, angle in zip(truth.joint_names, away.mean(0), strict=True):
        assert angle < (25 if name.endswith(FREE) else 12), (name, angle)


def test_a_figure_that_lies_at_zero_and_is_raised(walk: Motion, presets: dict[str, Preset]) -> None:
    """Z up at zero, Y up in every frame."""
    clip = motion_to_bvh(walk)
    lying = rested_bvh(clip, np.tile(from_axis_angle(np.array([1.0, 0, 0]), np.pi / 2), (len(clip.names), 1)))
    assert np.ptp(rig_of_bvh(lying).heads[:, 2]) > np.ptp(rig_of_bvh(lying).heads[:, 1])
    truth, seen = as_source(clip, presets), as_source(lying, presets)
    np.testing.assert_allclose(seen.joint_positions, truth.joint_positions, atol=1e-3)
    assert np.degrees(angle_between(seen.world_rotations(), truth.world_rotations())).max() < 1.0


def test_zero_poses_that_stand_are_left_alone(walk: Motion, presets: dict[str, Preset]) -> None:
    """Also where the person lies in every frame, with the head to the axis that is up in other files."""
    down = from_axis_angle(np.array([1.0, 0, 0]), np.full(len(walk), -np.pi / 2))
    for motion in (walk, _lying(walk, down)):
        for options in (BvhOptions(), BvhOptions(up="Z", unit="m")):
            clip = motion_to_bvh(motion, options)
            raw = rig_of_bvh(clip)
            assert stood(clip, raw, match(raw, presets).rig_map).turns is None


def test_mocap_is_left_alone(mocap_files: list[Path], presets: dict[str, Preset]) -> None:
    for path in mocap_files[:: max(1, len(mocap_files) // 12)]:
        clip = read_bvh(path)
        raw = rig_of_bvh(clip)
        assert stood(clip, raw, match(raw, presets).rig_map).turns is None


def _lying(motion: Motion, turn: Array) -> Motion:
    root = np.tile([0.0, 0.0, 0.15], (len(motion), 1))
    return dataclasses.replace(motion, local_rotations=_turned(motion, turn), root_translation=root)


def _turned(motion: Motion, turn: Array) -> Array:
    rotations = motion.local_rotations.copy()
    rotations[:, 0] = multiply(turn, rotations[:, 0])
    return rotations


def test_zero_poses_turn_there_and_back(walk: Motion) -> None:
    clip = motion_to_bvh(walk)
    turns = normalise(np.random.default_rng(3).normal(size=(len(clip.names), 4)))
    there = rested_bvh(clip, turns)
    back = rested_bvh(there, conjugate(turns))
    np.testing.assert_allclose(back.offsets, clip.offsets, atol=1e-9)
    np.testing.assert_allclose(positions(back), positions(clip), atol=1e-6)
    for joint, (seen, ends) in enumerate(zip(there.end_sites, clip.end_sites, strict=True)):
        np.testing.assert_allclose(seen, rotate(turns[joint], ends), atol=1e-9)


def test_as_a_target(
    tmp_path: Path, walk: Motion, presets: dict[str, Preset], run: Callable[..., tuple[int, str, str]]
) -> None:
    """What is written has the file's own zero pose, and stands where the motion does."""
    walk.save(tmp_path / "walk.motion.npz")
    clip = motion_to_bvh(walk)
    laid = along_one_axis(clip)
    write_bvh(tmp_path / "laid.bvh", laid)
    arguments = ["retarget", tmp_path / "walk.motion.npz", "--skeleton", tmp_path / "laid.bvh", "--place", "filmed"]
    code, _, err = run(*arguments, "-o", tmp_path / "out.bvh")
    assert code == 0, err
    out, laid = read_bvh(tmp_path / "out.bvh"), read_bvh(tmp_path / "laid.bvh")
    np.testing.assert_allclose(out.offsets, laid.offsets, atol=1e-4)
    assert out.channels == laid.channels
    order = [out.names.index(name) for name in clip.names]
    np.testing.assert_allclose(positions(out)[:, order], positions(clip), atol=6)
    write_bvh(tmp_path / "laid.bvh", dataclasses.replace(laid, values=laid.values[:0]))
    code, _, err = run(*arguments, "-o", tmp_path / "none.bvh")
    assert code == 1
    assert "T-pose" in err
    assert not (tmp_path / "none.bvh").exists()


def test_a_figure_that_never_stands_is_refused(walk: Motion, presets: dict[str, Preset]) -> None:
    down = from_axis_angle(np.array([1.0, 0, 0]), np.full(len(walk), -np.pi / 2))
    legs = np.broadcast_to(from_axis_angle(np.array([1.0, 0, 0]), 1.9), (len(walk), 4))
    rotations = _turned(walk, down)
    for side in ("left", "right"):
        rotations[:, walk.joint(f"{side}_hip")] = legs
    curled = dataclasses.replace(walk, local_rotations=rotations)
    with pytest.raises(MotionLiftError) as caught:
        as_source(along_one_axis(motion_to_bvh(curled)), presets)
    assert caught.value.code == "no_t_pose"
