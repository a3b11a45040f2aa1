"""Motion capture on the mannequin: a file of our own making, and the library where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlift.core.bvh import BvhClip, positions, read_bvh, write_bvh
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import Array, forward_kinematics
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.synthesis.captured import FAMILIES, perform_bvh
from motionlift.core.synthesis.performance import Performance


def _positions(performance: Performance) -> Array:
    return forward_kinematics(
        ANIMATION_21.parents, performance.rest_offsets, performance.root_translation, performance.local_rotations
    )[0]


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
    path = tmp_path / "clip.bvh"
    write_bvh(path, _tilted_rest_clip())
    performance = perform_bvh(path)
    clip = read_bvh(path)
    theirs = positions(clip)[:, [clip.names.index(name) for name in ANIMATION_21.joints]]
    theirs = theirs[..., [0, 2, 1]] * [1.0, -1.0, 1.0]
    pairs = [(ANIMATION_21.index(start), ANIMATION_21.index(end)) for start, end in _BONES]
    np.testing.assert_allclose(
        _directions(_positions(performance), pairs), _directions(theirs, pairs)[: len(performance.times)], atol=2e-4
    )


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
