"""BVH files as targets and as sources, without Blender."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from motionlift.bridge.bvh import motion_to_bvh, save_bvh
from motionlift.bridge.bvh_rig import keyed_bvh, motion_of_bvh, rig_of_bvh, sized
from motionlift.bridge.bvh_turns import carried_bvh, turned_bvh
from motionlift.bridge.match import match
from motionlift.bridge.planting import rest_joints
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.core.bvh import BvhClip, BvhOptions, positions, read_bvh, write_bvh
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, from_axis_angle, multiply, normalise, rotate, to_matrix
from motionlift.core.solving.contacts import RECORDED, find_contacts

LAYOUTS = [BvhOptions(), BvhOptions(up="Z", unit="m"), BvhOptions(forward="X", unit="mm", order="ZXY")]


def as_source(clip: BvhClip, presets: dict[str, Preset]) -> Motion:
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    return motion_of_bvh(clip, sized(raw, rig_map), rig_map)


def onto(motion: Motion, clip: BvhClip, presets: dict[str, Preset], **options: object) -> BvhClip:
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    done = retarget(motion, sized(raw, rig_map), rig_map, RetargetOptions(**options))  # type: ignore[arg-type]
    return keyed_bvh(done, clip, motion.fps)


@pytest.mark.parametrize("options", LAYOUTS)
def test_our_own_file_is_the_same_motion(walk: Motion, presets: dict[str, Preset], options: BvhOptions) -> None:
    again = as_source(motion_to_bvh(walk, options), presets)
    order = [again.joint(name) for name in walk.joint_names]
    # Only where the floor is, is found anew: feet rest on it.
    rise = again.joint_positions[0, 0] - walk.joint_positions[0, 0]
    np.testing.assert_allclose(rise[:2], 0, atol=1e-6)
    assert abs(rise[2]) < 0.01
    np.testing.assert_allclose(again.joint_positions[:, order] - rise, walk.joint_positions, atol=2e-4)
    np.testing.assert_allclose(again.rest_offsets[order], walk.rest_offsets, atol=1e-5)


@pytest.mark.parametrize("options", LAYOUTS)
def test_onto_our_own_skeleton_in_any_layout(walk: Motion, presets: dict[str, Preset], options: BvhOptions) -> None:
    clip = motion_to_bvh(walk, options)
    empty = dataclasses.replace(clip, values=np.zeros((1, clip.values.shape[1])))
    done = onto(walk, empty, presets, place="filmed")
    np.testing.assert_allclose(
        positions(done), positions(clip), atol=1e-4 * {"cm": 100, "m": 1, "mm": 1000}[options.unit]
    )
    assert done.channels == clip.channels
    assert done.frame_time == pytest.approx(1 / walk.fps)
    assert np.abs(np.diff(done.values, axis=0))[:, 3:].max() < 60


def test_mocap_comes_back_onto_its_own_skeleton(mocap_files: list[Path], presets: dict[str, Preset]) -> None:
    clip = read_bvh(mocap_files[len(mocap_files) // 2])
    motion = as_source(clip, presets)
    assert 0.6 < motion.rest_offsets[0, 2] < 1.2
    back = onto(motion, clip, presets, place="filmed", plant_feet=False)
    seen, truth = positions(back), positions(clip)
    for bone, following in [("LeftUpLeg", "LeftLeg"), ("LeftLeg", "LeftFoot"), ("RightArm", "RightForeArm"),
                            ("RightForeArm", "RightHand")]:  # fmt: skip
        a, b = clip.names.index(bone), clip.names.index(following)
        angle = normalise(seen[:, b] - seen[:, a]) - normalise(truth[:, b] - truth[:, a])
        assert np.degrees(np.linalg.norm(angle, axis=-1)).max() < 1.0


def test_mocap_stands_on_its_soles(mocap_files: list[Path], presets: dict[str, Preset]) -> None:
    """Of a file whose legs are spread at rest: soles are below ankles, and feet that stand whole are on the floor,
    though they are never quite level."""
    clip = read_bvh(mocap_files[len(mocap_files) // 2])
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    motion = motion_of_bvh(clip, sized(raw, rig_map), rig_map, partial(find_contacts, limits=RECORDED))
    rest, contacts = rest_joints(motion), motion.contacts > 0.5
    for first, side in ((0, "left"), (2, "right")):
        ankle = motion.joint(f"{side}_ankle")
        assert 0.02 < rest[ankle, 2] < 0.12
        whole = contacts[:, first : first + 2].all(1)
        assert whole.sum() > 5
        rise = motion.joint_positions[whole, ankle, 2] - rest[ankle, 2]
        assert abs(np.median(rise)) < 0.015


def test_hips_that_cannot_travel_are_carried(walk: Motion, presets: dict[str, Preset]) -> None:
    """A file whose root is above the hips, which have no position channels."""
    clip = motion_to_bvh(walk)
    names = ("reference", *clip.names)
    channels = (clip.channels[0], clip.channels[0][3:], *clip.channels[1:])
    parents = np.concatenate([[-1, 0], clip.parents[1:] + 1])
    nested = dataclasses.replace(
        clip,
        names=names,
        parents=parents,
        offsets=np.concatenate([np.zeros((1, 3)), clip.offsets]),
        channels=channels,
        end_sites=(np.empty((0, 3)), *clip.end_sites),
        values=np.zeros((1, clip.values.shape[1] + 3)),
    )
    done = onto(walk, nested, presets, place="filmed")
    np.testing.assert_allclose(positions(done)[:, 1:], positions(clip), atol=0.01)


def test_turned_clips_are_the_same_pose(walk: Motion) -> None:
    clip = motion_to_bvh(walk)
    turn = from_axis_angle(normalise(np.array([1.0, 2, 3])), 1.1)
    np.testing.assert_allclose(positions(turned_bvh(clip, turn, 0.5)), 0.5 * rotate(turn, positions(clip)), atol=1e-6)


@pytest.mark.parametrize("topless", [False, True])
def test_an_object_carries_its_clip(walk: Motion, topless: bool) -> None:
    """Where the joints are, wherever the object goes; also under the root without channels that Blender writes."""
    clip = motion_to_bvh(walk)
    if topless:
        clip = dataclasses.replace(
            clip,
            names=("__0", *clip.names),
            channels=((), *clip.channels),
            parents=np.concatenate([[-1], clip.parents + 1]),
            offsets=np.concatenate([np.zeros((1, 3)), clip.offsets]),
            end_sites=(np.empty((0, 3)), *clip.end_sites),
        )
    count = np.linspace(0.0, 1.0, len(clip))
    turn = multiply(from_axis_angle(np.array([0.0, 0.0, 1.0]), 2 * count), from_axis_angle(np.array([1.0, 0, 0]), 1.5))
    carrier = np.tile(np.eye(4), (len(clip), 1, 1))
    carrier[:, :3, :3] = to_matrix(turn) * 0.01
    carrier[:, :3, 3] = np.stack([3 * count, count**2, np.sin(count)], -1)
    wanted = np.einsum("fij,fkj->fki", carrier[:, :3, :3], positions(clip)) + carrier[:, None, :3, 3]
    seen = positions(carried_bvh(clip, carrier))
    np.testing.assert_allclose(seen[:, topless:], wanted[:, topless:], atol=1e-6)
    still = np.repeat(carrier[:1], len(clip), 0)
    stood = carried_bvh(clip, still)
    np.testing.assert_allclose(stood.offsets, 0.01 * rotate(turn[0], clip.offsets), atol=1e-9)


def test_contacts_are_those_that_are_found(walk: Motion, presets: dict[str, Preset]) -> None:
    seen: list[tuple[int, ...]] = []

    def find(points: Array, confidence: Array, times: Array) -> Array:
        seen.append(points.shape)
        return (points[..., 2] < 0.03).astype(float)

    clip = motion_to_bvh(walk)
    raw = rig_of_bvh(clip)
    rig_map = match(raw, presets).rig_map
    motion = motion_of_bvh(clip, sized(raw, rig_map), rig_map, find)
    assert seen == [(len(walk), 4, 3)]
    assert 0.3 < motion.contacts.mean() < 1


def test_commands(tmp_path: Path, walk: Motion, run: Callable[..., tuple[int, str, str]]) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    save_bvh(walk, tmp_path / "other.bvh", BvhOptions(up="Z", unit="m"))
    code, out, err = run(
        "retarget", tmp_path / "walk.motion.npz", "--skeleton", tmp_path / "other.bvh", "-o", tmp_path / "a.bvh"
    )
    assert (code, err) == (0, "")
    assert "300 frames on 21 bones (MotionLift, 100% sure)" in out
    assert len(read_bvh(tmp_path / "a.bvh")) == 300
    code, out, _ = run(
        "retarget", tmp_path / "a.bvh", "--skeleton", tmp_path / "other.bvh", "-o", tmp_path / "b.bvh", "--fps", "15"
    )
    assert code == 0
    assert "150 frames" in out
    code, out, _ = run("match", tmp_path / "other.bvh", "--save", tmp_path / "mine.toml")
    assert code == 0
    assert "left thigh" in out
    code, out, _ = run("presets", "check", tmp_path / "mine.toml")
    assert code == 0
    code, out, _ = run("presets", "list", "--presets", tmp_path)
    assert "mine" in out
    assert "(yours)" in out
    code, out, _ = run("presets", "show", "mixamo")
    assert 'title = "Mixamo"' in out


def test_wrong_requests(tmp_path: Path, walk: Motion, run: Callable[..., tuple[int, str, str]]) -> None:
    motion, other = tmp_path / "walk.motion.npz", tmp_path / "other.bvh"
    walk.save(motion)
    save_bvh(walk, other)
    out = tmp_path / "a.bvh"
    clip = read_bvh(other)
    write_bvh(tmp_path / "none.bvh", dataclasses.replace(clip, values=clip.values[:0]))
    strange = dataclasses.replace(clip, names=tuple(f"q{number}x" for number in range(len(clip.names))))
    write_bvh(tmp_path / "strange.bvh", strange)
    requests: list[tuple[list[str | Path], int, str]] = [
        (["retarget", motion, "-o", out], 2, "--skeleton"),
        (["retarget", motion, "--skeleton", other, "-o", tmp_path / "a.fbx"], 2, "a.fbx"),
        (["retarget", motion, "--skeleton", other, "-o", out, "--travel", "fly"], 2, "in_place"),
        (["retarget", motion, "--skeleton", other, "-o", out, "--travel", "object"], 2, "no object"),
        (["retarget", motion, "--skeleton", other, "-o", out, "--travel", "root"], 1, "no root bone"),
        (["retarget", motion, "--skeleton", other, "-o", other], 2, "exists"),
        (["retarget", motion, "--skeleton", tmp_path / "no.bvh", "-o", out], 1, "no file"),
        (["retarget", tmp_path / "none.bvh", "--skeleton", other, "-o", out], 1, "no frames"),
        (["retarget", motion, "--skeleton", tmp_path / "strange.bvh", "-o", out], 1, "left thigh"),
        (["retarget", motion, "--skeleton", other, "-o", out, "--preset", "mixamu"], 1, "no preset mixamu"),
        (["presets", "show", "mixamu"], 2, "mixamo"),
        (["match", motion], 2, ".blend"),
    ]
    for arguments, code, said in requests:
        seen, _, err = run(*arguments)
        assert seen == code, (arguments, err)
        assert said in err, (arguments, err)
        assert not out.exists()
