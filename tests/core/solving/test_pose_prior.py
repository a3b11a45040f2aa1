"""The pose prior: what it sees of a pose, how it holds it, and what it was fitted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.core.rotation import Array, from_rotation_vector, multiply
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.solving.body import Body, matrices, turned
from motionlift.core.solving.evidence import Evidence, Sigmas
from motionlift.core.solving.moved import UNKNOWNS, Moved
from motionlift.core.solving.pose_prior import PosePrior, PoseStatistics, pose_features, recorded
from motionlift.core.solving.terms import State
from motionlift.core.solving.trajectory import Ground

FRAMES = 3
BODY = Body.of(*reference_rest())
UP = np.array([0.0, 0.0, 1.0])


def poses(seed: int = 0) -> Array:
    """World rotations (F, 21, 4) of bodies near the T-pose."""
    vectors = 0.2 * np.random.default_rng(seed).normal(size=(FRAMES, len(ANIMATION_21), 3))
    return from_rotation_vector(vectors)


def evidence(ground: Ground | None) -> Evidence:
    none = np.zeros((FRAMES, 4))
    return Evidence(
        np.zeros((FRAMES, 26, 2)), np.ones((FRAMES, 26)), np.zeros((FRAMES, 26, 3)), np.arange(FRAMES) / 30, ground,
        none, none, np.zeros((FRAMES, 5)),
    )  # fmt: skip


def state(rotations: Tensor) -> State:
    return State(rotations, torch.zeros(3, FRAMES, 21), BODY.placed(rotations), torch.zeros(3, FRAMES, 1))


def test_a_pose_is_the_same_wherever_it_faces_and_from_every_camera() -> None:
    up = torch.from_numpy(UP).float()
    seen = pose_features(matrices(poses()), up)
    heading = from_rotation_vector(1.3 * UP)
    torch.testing.assert_close(pose_features(matrices(multiply(heading, poses())), up), seen, atol=1e-6, rtol=1e-5)
    camera = from_rotation_vector(np.array([0.8, -0.4, 0.3]))
    tilted = torch.from_numpy(np.asarray(matrices(camera[None, None])[:, :, 0, 0]) @ UP).float()
    torch.testing.assert_close(pose_features(matrices(multiply(camera, poses())), tilted), seen, atol=1e-6, rtol=1e-5)


def test_a_joint_that_turns_shows_the_sine_of_its_angle() -> None:
    vectors = np.zeros((1, len(ANIMATION_21), 3))
    # World rotations: what hangs on the knee turns along.
    for joint in ("left_knee", "left_ankle", "left_toe"):
        vectors[0, ANIMATION_21.index(joint), 0] = 0.5
    features = pose_features(matrices(from_rotation_vector(vectors)), torch.from_numpy(UP).float())[0]
    knee = 3 * (ANIMATION_21.index("left_knee") - 1)
    assert float(features[knee]) == pytest.approx(np.sin(0.5), abs=1e-6)
    assert float(features.abs().sum()) == pytest.approx(np.sin(0.5), abs=1e-5)


@pytest.mark.parametrize("ground", [None, Ground(UP, 0.0)])
def test_it_holds_what_moves_by_how_unlikely_that_is(ground: Ground | None) -> None:
    rotations, sigmas = matrices(poses()), Sigmas()
    step = 0.01 * torch.randn(3, FRAMES, 21, generator=torch.Generator().manual_seed(2))
    unknowns = torch.cat([step.permute(1, 2, 0).flatten(1), torch.zeros(FRAMES, UNKNOWNS - 63)], 1)
    held = PosePrior(evidence(ground), sigmas).held(state(rotations), Moved.of(BODY, rotations, BODY.placed(rotations)))
    found = (held.rows @ unknowns[..., None])[..., 0].square().sum(1)

    up = torch.from_numpy(UP).float()
    ahead, behind = (pose_features(turned(rotations, sign * step), up).double().numpy() for sign in (1, -1))
    kept = 60 if ground is None else 62
    moved = (ahead - behind)[:, :kept] / 2
    spread = recorded().covariance[:kept, :kept] + sigmas.feature**2 * np.eye(kept)
    expected = np.einsum("fi,ij,fj->f", moved, np.linalg.inv(spread), moved) / sigmas.pose**2
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-2)


def test_a_lean_counts_where_the_floor_is_known() -> None:
    leaning = from_rotation_vector(np.array([0.6, 0.0, 0.0]))
    upright, tilted = (matrices(multiply(turn, poses())) for turn in (from_rotation_vector(np.zeros(3)), leaning))
    free, grounded = PosePrior(evidence(None), Sigmas()), PosePrior(evidence(Ground(UP, 0.0)), Sigmas())
    assert float(free.value(state(tilted))) == pytest.approx(float(free.value(state(upright))), rel=1e-3)
    assert float(grounded.value(state(tilted))) > float(grounded.value(state(upright)))


def test_recorded_people_bend_knees_and_hips_together() -> None:
    covariance = recorded().covariance
    assert np.linalg.eigvalsh(covariance).min() > -1e-4
    knee, hip = (3 * (ANIMATION_21.index(f"left_{name}") - 1) for name in ("knee", "hip"))
    assert covariance[knee, hip] / np.sqrt(covariance[knee, knee] * covariance[hip, hip]) < -0.3


def test_statistics_are_kept(tmp_path: Path) -> None:
    features = np.random.default_rng(1).normal(size=(200, 62))
    (tmp_path / "a.json").write_text(PoseStatistics.of(features).text(), encoding="utf-8")
    kept = PoseStatistics.load(tmp_path / "a.json")
    assert kept.mean == pytest.approx(features.mean(0), abs=1e-4)
    assert kept.covariance == pytest.approx(np.cov(features.T), abs=1e-4)
