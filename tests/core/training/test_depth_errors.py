"""The depths that the noise makes up have the errors that were measured: they are found again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.core.keypoints import Keypoints2D
from motionlift.core.skeleton import BODY_26, MEDIAPIPE_33, REFERENCE_HEIGHT, body_from_mediapipe
from motionlift.core.training.cameras import film as filmed
from motionlift.core.training.depth_errors import BoneDepth, DepthErrors, FigureDepth, depth_errors, measure_depths
from motionlift.core.training.mocap import QUANTUM, PackedTakes
from motionlift.core.training.noise import NoiseModel, depth_cue
from motionlift.core.training.pairs import PairClip

FRAMES = 64
STEP_S = 1 / 15
FROM_LANDMARKS = body_from_mediapipe()


def film(seed: int, flat: float = 1.0, tilted: float = 0.0, turned: float = 0.0) -> PairClip:
    """Somebody whose landmarks lie anywhere and drift, with depths of a figure that is flattened, tilted and turned."""
    random = np.random.default_rng(seed)
    count = len(MEDIAPIPE_33)
    landmarks = 0.3 * random.normal(size=(1, count, 3)) + 0.02 * random.normal(size=(FRAMES, count, 3)).cumsum(0)
    joints = np.einsum("jl,flk->fjk", FROM_LANDMARKS, landmarks)
    world = landmarks.copy()
    world[..., 2] = landmarks @ [turned, tilted, flat]
    keypoints = Keypoints2D(
        np.arange(FRAMES) * STEP_S, np.zeros((FRAMES, 26, 2)), np.ones((FRAMES, 26)), np.ones(FRAMES, bool), (640, 480),
        world,
    )  # fmt: skip
    return PairClip(
        keypoints, joints - joints[:, :1] + np.array([0.0, 0.0, 5.0]), np.eye(3), REFERENCE_HEIGHT, "made up"
    )


def test_a_figures_slopes_are_found_again() -> None:
    turns = 0.2 * np.random.default_rng(0).normal(size=60)
    found = measure_depths(film(seed, 0.7, 0.1, float(turn)) for seed, turn in enumerate(turns))
    assert found is not None
    flat, tilted, turned = found.figure
    np.testing.assert_allclose(flat, (0.7, 0.0, 0.0), atol=2e-3)
    np.testing.assert_allclose(tilted, (0.1, 0.0, 0.0), atol=2e-3)
    assert turned.between == pytest.approx(0.2, abs=0.06)
    assert turned.within < 2e-3


def test_exact_depths_have_no_errors() -> None:
    found = measure_depths([film(seed) for seed in range(5)])
    assert found is not None
    np.testing.assert_allclose(found.figure, [(1, 0, 0), (0, 0, 0), (0, 0, 0)], atol=2e-3)
    assert np.abs(np.array(list(found.bones.values()))).max() < 5e-3
    assert set(found.bones) == set(BODY_26.joints) - {"pelvis"}


@pytest.fixture(scope="module")
def joints(takes: PackedTakes) -> Tensor:
    """Windows (W, 16, 26, 3) m of people before cameras, from the root."""
    generator = torch.Generator().manual_seed(0)
    first = torch.randint(0, len(takes.points) - 90, (400,), generator=generator)
    points = QUANTUM * torch.from_numpy(takes.points)[first[:, None] + 2 * torch.arange(16)].float()
    return filmed(points, points, generator)[0]


def test_what_the_noise_makes_up_is_what_was_measured(joints: Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    depths = depth_cue(joints, NoiseModel(slope=0.0), STEP_S, generator)
    found = depth_errors(joints.double().numpy(), depths.double().numpy())
    flat, tilted, turned = found.figure
    np.testing.assert_allclose(flat, (0.755, 0.23, 0.157), atol=0.04)
    np.testing.assert_allclose(tilted, (0.004, 0.123, 0.063), atol=0.04)
    np.testing.assert_allclose(turned, (0.01, 0.222, 0.155), atol=0.04)
    assert 0.1 < found.correlated_s < 0.3


def test_a_bones_errors_are_found_again(joints: Tensor) -> None:
    """One bone ends a tenth of its length too far, always."""
    true = joints.double().numpy()
    depths = true[..., 2].copy()
    wrist, elbow = BODY_26.indices("left_wrist", "left_elbow")
    length = np.linalg.norm(true[:, :, wrist] - true[:, :, elbow], axis=-1).mean(1)
    depths[:, :, BODY_26.indices("left_wrist", "left_index", "left_pinky")] += 0.1 * length[:, None, None]
    found = depth_errors(true, depths)
    assert found.bones["left_wrist"].bias == pytest.approx(0.1, abs=0.03)
    assert abs(found.bones["right_wrist"].bias) < 0.03
    assert abs(found.bones["left_index"].bias) < 0.03


def test_films_too_short_or_without_depths_say_nothing() -> None:
    clip = film(0)
    short = dataclasses.replace(clip, keypoints=dataclasses.replace(clip.keypoints, times=clip.keypoints.times[:1]))
    blind = dataclasses.replace(clip, keypoints=dataclasses.replace(clip.keypoints, world_landmarks=None))
    lost = dataclasses.replace(clip, keypoints=dataclasses.replace(clip.keypoints, detected=np.arange(FRAMES) % 8 > 0))
    assert measure_depths([short, blind, lost]) is None
    assert measure_depths([]) is None


def test_they_are_written_and_read() -> None:
    errors = DepthErrors(
        (FigureDepth(0.8, 0.2, 0.1), FigureDepth(0.0, 0.1, 0.1), FigureDepth(0.0, 0.2, 0.1)),
        {name: BoneDepth(0.1, 0.2, 0.3, 0.4) for name in ("neck", "left_wrist")}, 0.2, 7,
    )  # fmt: skip
    assert DepthErrors.from_json(json.loads(json.dumps(dataclasses.asdict(errors)))) == errors
