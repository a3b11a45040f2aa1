"""Errors that were put in are found again, joint by joint."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.core import camera
from motionlift.core.jobs import MotionLiftError
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.skeleton import BODY_26, INTERPOLATED, MEDIAPIPE_33, REFERENCE_HEIGHT
from motionlift.core.training.bodies import bone_frames
from motionlift.core.training.detector_errors import DetectorErrors, measure_errors
from motionlift.core.training.mocap import QUANTUM, PackedTakes
from motionlift.core.training.pairs import PairClip

SIZE = (1280, 960)
K = camera.intrinsics(SIZE, 40.0)
FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
KNEE, WRIST = BODY_26.index("left_knee"), BODY_26.index("right_wrist")
OFFSET = np.array([0.02, -0.015, 0.01])


def film(takes: PackedTakes, seed: int, height: float = REFERENCE_HEIGHT) -> PairClip:
    """A take seen by a detector that errs on one knee and one wrist."""
    random = np.random.default_rng(seed)
    take = seed % 2
    points = QUANTUM * takes.points[takes.starts[take] : takes.starts[take + 1]].astype(float)
    joints = (points - points[:, :1]) @ FROM_WORLD.T * (height / REFERENCE_HEIGHT) + [0.0, 0.0, 6.0]
    frames = len(joints)
    pixels = camera.project(joints, K)
    axes = bone_frames(torch.from_numpy(joints[None]).float())[0].double().numpy()
    pixel = K[0, 0] / 6.0 * (height / REFERENCE_HEIGHT)
    pixels[:, KNEE] += pixel * (axes[:, KNEE, :2] @ OFFSET + 0.01 * random.normal(size=2))
    wander = np.zeros((frames, 2))
    keep = math.exp(-1 / 30 / 0.2)
    for frame in range(1, frames):
        wander[frame] = keep * wander[frame - 1] + 0.02 * math.sqrt(1 - keep**2) * random.normal(size=2)
    pixels[:, WRIST] += pixel * wander
    lost = np.arange(frames) < 9
    pixels[lost, WRIST] += 0.3 * pixel
    confidence = np.full((frames, 26), 0.9)
    confidence[lost, WRIST] = 0.4
    keypoints = Keypoints2D(
        np.arange(frames) / 30, pixels, confidence, np.ones(frames, bool), SIZE,
        np.zeros((frames, len(MEDIAPIPE_33), 3)),
    )  # fmt: skip
    return PairClip(keypoints, joints, K, height, "made up")


@pytest.fixture(scope="module")
def errors(takes: PackedTakes) -> DetectorErrors:
    return measure_errors(film(takes, seed, REFERENCE_HEIGHT * (0.8 + 0.02 * seed)) for seed in range(24))


def test_an_offset_is_found_in_its_bones_axes(errors: DetectorErrors) -> None:
    knee = errors.joints["left_knee"]
    np.testing.assert_allclose(knee.offset_mm, 1000 * OFFSET, atol=6)
    assert knee.place_mm == pytest.approx(10, abs=4)
    assert knee.wander_mm < 3
    assert knee.outlier_share == 0


def test_wandering_is_told_from_outliers(errors: DetectorErrors) -> None:
    wrist = errors.joints["right_wrist"]
    assert wrist.wander_mm == pytest.approx(20, abs=6)
    assert wrist.wander_s == pytest.approx(0.2, abs=0.08)
    assert wrist.outlier_share == pytest.approx(0.1, abs=0.02)
    assert wrist.confidence == pytest.approx(0.9, abs=0.01)
    assert wrist.confidence_off == pytest.approx(0.4, abs=0.02)


def test_what_is_exact_has_no_errors(errors: DetectorErrors) -> None:
    for name, joint in errors.joints.items():
        if name not in ("left_knee", "right_wrist"):
            assert joint.place_mm == joint.wander_mm == joint.outlier_share == 0
            assert math.isnan(joint.confidence_off)
    assert not set(errors.joints) & set(INTERPOLATED)
    assert errors.swapped_legs_share == 0
    assert (errors.films, errors.frames) == (24, 24 * 90)


def test_exchanged_legs_are_counted(takes: PackedTakes) -> None:
    clip = film(takes, 0)
    legs = [BODY_26.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")]
    other = [BODY_26.mirror[index] for index in legs]
    clip.keypoints.pixels[:45, legs] = clip.keypoints.pixels[:45, other]
    # Legs that cross in the picture cannot be told apart.
    assert 0.2 < measure_errors([clip]).swapped_legs_share <= 0.5


def test_it_is_written_and_read(errors: DetectorErrors, tmp_path: Path) -> None:
    errors.save(tmp_path / "errors.json")
    again = DetectorErrors.load(tmp_path / "errors.json")
    assert again.of_joints("wander_mm").shape == (26,)
    np.testing.assert_array_equal(again.of_joints("place_mm"), errors.of_joints("place_mm"))
    (tmp_path / "other.json").write_text("{}")
    for path in (tmp_path / "other.json", tmp_path / "missing.json"):
        with pytest.raises(MotionLiftError) as caught:
            DetectorErrors.load(path)
        assert caught.value.code == "bad_errors"


def test_films_without_anyone_are_refused() -> None:
    with pytest.raises(MotionLiftError) as caught:
        measure_errors([])
    assert caught.value.code == "bad_pairs"
