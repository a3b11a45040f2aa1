"""Motion capture on the mannequin: a file of our own making, and the library where it is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.bvh import BvhClip, positions, read_bvh, write_bvh
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import Array, forward_kinematics, rotate
from motionlift.core.skeleton import ANIMATION_21, contact_points, reference_rest
from motionlift.core.synthesis.captured import FAMILIES, perform_bvh
from motionlift.core.synthesis.performance import Performance


def _positions(performance: Performance) -> Array:
    return forward_kinematics(
        ANIMATION_21.parents, performance.rest_offsets, performance.root_translation, performance.local_rotations
    )[0]


def _soles(performance: Performance) -> Array:
    """Heels and toe tips (F, 4, 3)."""
    offsets, tails = performance.rest_offsets, performance.rest_tails
    joints, rotations = forward_kinematics(
        ANIMATION_21.parents, offsets, performance.root_translation, performance.local_rotations
    )
    parents, points = contact_points(tails, offsets)
    return np.asarray(joints[:, parents] + rotate(rotations[:, parents], points))


def _directions(joints: Array, pairs: list[tuple[int, int]]) -> Array:
    vectors = np.stack([joints[:, end] - joints[:, start] for start, end in pairs], 1)
    directions: Array = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return directions


_BONES = [
    (f"{side}_{start}", f"{side}_{end}")
    for side in ("left", "right")
    for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
]


def _tilted_rest_clip() -> BvhClip:
    """Our own joints in BVH's axes, twice our size, with the arms of the zero pose 20 degrees down."""
    offsets, _ = reference_rest()
    tilt = np.radians(20)
    y_up = offsets[:, [0, 2, 1]] * [2.0, 2.0, -2.0]
    for joint in ("left_elbow", "left_wrist", "right_elbow", "right_wrist"):
        index = ANIMATION_21.index(joint)
        length = y_up[index, 0]
        y_up[index] = [length * np.cos(tilt), -abs(length) * np.sin(tilt), 0.0]
    channels = ("Zrotation", "Xrotation", "Yrotation")
    names = ANIMATION_21.joints
    columns = [("Xposition", "Yposition", "Zposition", *channels), *[channels] * (len(names) - 1)]
    random = np.random.default_rng(5)
    values = 25 * np.cumsum(random.normal(size=(20, sum(map(len, columns)))), 0) / 20
    values[:, :3] = [0.0, 2 * offsets[0, 2], 0.0]
    for joint in ("left_knee", "right_knee"):
        # A hinge that bends backwards.
        first = 3 + 3 * ANIMATION_21.index(joint)
        values[:, first : first + 3] = np.abs(values[:, first + 1 : first + 2]) * [0.0, 1.0, 0.0]
    return BvhClip(
        names=names,
        parents=np.array(ANIMATION_21.parents),
        offsets=y_up,
        channels=tuple(columns),
        end_sites=tuple(np.zeros((0, 3)) for _ in names),
        frame_time=1 / 30,
        values=values,
    )


def test_limbs_point_where_the_file_says(tmp_path: Path) -> None:
    """In the air: legs of feet that stand are bent to them."""
    path = tmp_path / "clip.bvh"
    clip = _tilted_rest_clip()
    clip.values[:, 1] += 4.0 * np.arange(len(clip.values)) / 30
    write_bvh(path, clip)
    performance = perform_bvh(path)
    assert not performance.contacts.any()
    clip = read_bvh(path)
    theirs = positions(clip)[:, [clip.names.index(name) for name in ANIMATION_21.joints]]
    theirs = theirs[..., [0, 2, 1]] * [1.0, -1.0, 1.0]
    pairs = [(ANIMATION_21.index(start), ANIMATION_21.index(end)) for start, end in _BONES]
    # What the floor lifts is left out.
    above = _soles(performance)[..., 2].min(1) > 1e-6
    assert above.mean() > 0.8
    np.testing.assert_allclose(
        _directions(_positions(performance), pairs)[above],
        _directions(theirs, pairs)[: len(performance.times)][above],
        atol=2e-4,
    )


def _standing_clip(pitch_degrees: float, slide: float = 0.0, frames: int = 90) -> BvhClip:
    """Our own body on the spot, nodding its chest; feet turned toes up by an angle that a recording may have, its
    pelvis sliding to and fro by `slide` m."""
    clip = _tilted_rest_clip()
    values = np.zeros((frames, clip.values.shape[1]))
    columns = [(name, channel) for name, names in zip(clip.names, clip.channels, strict=True) for channel in names]
    for side in ("left", "right"):
        # About the figure's left, toes come up by a negative turn.
        values[:, columns.index((f"{side}_ankle", "Xrotation"))] = -pitch_degrees
    values[:, columns.index(("chest", "Xrotation"))] = 10 * np.sin(np.arange(frames) / 9)
    values[:, 0] = 2 * slide * np.sin(np.arange(frames) / 20)
    values[:, 1] = 2 * reference_rest()[0][0, 2]
    return replace(clip, values=values)


@pytest.mark.parametrize("pitch", [-9.0, 0.0, 6.0])
def test_soles_that_stand_are_level_and_on_the_floor(tmp_path: Path, pitch: float) -> None:
    path = tmp_path / "clip.bvh"
    write_bvh(path, _standing_clip(pitch, slide=0.01))
    performance = perform_bvh(path)
    assert performance.contacts.min() == 1.0
    soles = _soles(performance)
    assert np.abs(soles[..., 2]).max() < 1e-9
    assert np.abs(soles - soles[0]).max() < 1e-9, "they do not slide along with the pelvis"
    # The feet did not turn to the side for it.
    np.testing.assert_allclose(soles[0, ::2, 0], soles[0, 1::2, 0], atol=1e-9)
    rest = perform_bvh_of(tmp_path, _standing_clip(0.0))
    assert _positions(performance)[..., 2] == pytest.approx(_positions(rest)[..., 2], abs=0.01)


def perform_bvh_of(folder: Path, clip: BvhClip) -> Performance:
    write_bvh(folder / "other.bvh", clip)
    return perform_bvh(folder / "other.bvh")


def test_feet_of_the_library_stand_where_they_are_planted(mocap_files: list[Path]) -> None:
    for path in mocap_files[:: max(1, len(mocap_files) // 6)][:6]:
        performance = perform_bvh(path, stop=4.0)
        soles, held = _soles(performance), performance.contacts > 0.5
        still = held[1:] & held[:-1]
        assert np.linalg.norm(np.diff(soles, axis=0), axis=-1)[still].max(initial=0.0) < 1e-6, path.name
        assert soles[..., 2].min() > -0.1, path.name
        flat = np.repeat(held.reshape(-1, 2, 2).all(-1), 2, axis=1)
        low = flat & (np.abs(soles[..., 2]) < 0.05)
        assert np.abs(soles[..., 2])[low].max(initial=0.0) < 1e-6, path.name


def test_the_library_walks_upright_on_the_floor(mocap_files: list[Path]) -> None:
    walks = [path for path in mocap_files if path.name == "02_01.bvh"]
    if not walks:
        pytest.skip("the walk is not in the library")
    performance = perform_bvh(walks[0], start=0.0, stop=2.0)
    joints = _positions(performance)
    names = ANIMATION_21.index
    assert np.all(joints[:, names("head"), 2] > 1.3)
    assert 0.8 < performance.root_translation[:, 2].mean() < 0.93
    assert 0.03 < joints[:, [names("left_ankle"), names("right_ankle")], 2].min() < 0.12
    travel = performance.root_translation[-1] - performance.root_translation[0]
    across = joints[0, names("left_hip")] - joints[0, names("right_hip")]
    assert np.cross(across[:2], travel[:2]) < 0, "it walks forward: its left is to the left of its way"
    assert performance.contacts.max() == 1.0


def test_a_stretch_outside_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.bvh"
    write_bvh(path, _tilted_rest_clip())
    with pytest.raises(MotionLiftError) as error:
        perform_bvh(path, start=30.0)
    assert error.value.code == "bad_trim"


def test_unknown_joints_are_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.bvh"
    path.write_text(
        "HIERARCHY\nROOT Blob\n{\n OFFSET 0 0 0\n CHANNELS 3 Zrotation Xrotation Yrotation\n End Site\n {\n"
        "  OFFSET 0 1 0\n }\n}\nMOTION\nFrames: 2\nFrame Time: 0.03\n0 0 0\n0 0 0\n"
    )
    with pytest.raises(MotionLiftError, match="Hips") as error:
        perform_bvh(path)
    assert error.value.code == "unknown_skeleton"


def test_every_family_names_every_joint() -> None:
    for family in FAMILIES:
        names = [family.theirs(joint) for joint in ANIMATION_21.joints]
        assert len(set(names)) == len(ANIMATION_21)
