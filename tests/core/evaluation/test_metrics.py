import numpy as np
import pytest

from motionlift.core.evaluation.metrics import (
    acceleration_error,
    auc,
    bone_length_deviation,
    bone_lengths,
    mpjpe,
    mpjve,
    n_mpjpe,
    pa_mpjpe,
    pck,
    procrustes_aligned,
    root_relative,
)
from motionlift.core.rotation import Array, normalise, to_matrix
from motionlift.core.skeleton import BODY_26


@pytest.fixture
def true() -> Array:
    return np.random.default_rng(1).normal(size=(7, 26, 3))


def _turns(count: int, seed: int) -> Array:
    return to_matrix(normalise(np.random.default_rng(seed).normal(size=(count, 4))))


def test_distances_agree_with_a_plain_loop(true: Array) -> None:
    found = true + np.random.default_rng(2).normal(size=true.shape)
    for frame, error in enumerate(mpjpe(found, true)):
        plain = sum(float(np.linalg.norm(f - t)) for f, t in zip(found[frame], true[frame], strict=True)) / 26
        assert error == pytest.approx(plain)


def test_a_shift_of_all_joints_is_its_length_and_vanishes_without_the_root(true: Array) -> None:
    shifted = true + np.array([3.0, 4.0, 0.0])
    np.testing.assert_allclose(mpjpe(shifted, true), 5.0)
    np.testing.assert_allclose(mpjpe(root_relative(shifted), root_relative(true)), 0.0, atol=1e-12)


def test_pa_mpjpe_is_blind_to_similarities(true: Array) -> None:
    moved = 2.5 * true @ _turns(7, 3) + np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(pa_mpjpe(moved, true), 0.0, atol=1e-12)


def test_pa_mpjpe_does_not_mirror(true: Array) -> None:
    mirrored = true * [-1.0, 1.0, 1.0]
    aligned = procrustes_aligned(mirrored, true)
    assert np.all(pa_mpjpe(mirrored, true) > 0.3)
    # What is left is still the mirror image: the triple product of three joints keeps its sign.
    before, after = (np.linalg.det(p[:, 1:4] - p[:, :1]) for p in (mirrored, aligned))
    np.testing.assert_array_equal(np.sign(before), np.sign(after))


def test_the_alignment_is_the_best_of_many(true: Array) -> None:
    found = true + 0.5 * np.random.default_rng(4).normal(size=true.shape)
    best = np.sum((procrustes_aligned(found, true) - true) ** 2, (-2, -1))
    aligned = procrustes_aligned(found, true)
    centre = true.mean(-2, keepdims=True)
    for seed in range(20):
        axis_turn = to_matrix(normalise(np.array([1.0, 0, 0, 0]) + 0.05 * np.random.default_rng(seed).normal(size=4)))
        scale = 1 + 0.05 * np.random.default_rng(seed + 100).normal()
        other = scale * (aligned - centre) @ axis_turn + centre
        assert np.all(np.sum((other - true) ** 2, (-2, -1)) >= best - 1e-12)


def test_n_mpjpe_is_blind_to_scale_only(true: Array) -> None:
    np.testing.assert_allclose(n_mpjpe(0.3 * true, true), 0.0, atol=1e-12)
    assert np.all(n_mpjpe(true @ _turns(7, 5), true) > 0.1)
    found = true + np.random.default_rng(6).normal(size=true.shape)
    scales = np.linspace(0.0, 2.0, 400)
    squares = [np.sum((s * found[0] - true[0]) ** 2) for s in scales]
    best = scales[int(np.argmin(squares))]
    assert n_mpjpe(found, true)[0] == pytest.approx(mpjpe(best * found, true)[0], abs=0.01)


def test_acceleration_ignores_steady_motion_and_grows_with_the_rate_squared(true: Array) -> None:
    drift = np.arange(7)[:, None, None] * np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(acceleration_error(true + drift, true), 0.0, atol=1e-12)
    bend = np.arange(7.0)[:, None, None] ** 2 * np.array([0.5, 0.0, 0.0])
    np.testing.assert_allclose(acceleration_error(true + bend, true, fps=30), 900.0)


def test_a_missing_frame_is_nan_and_spoils_no_other(true: Array) -> None:
    found = true.copy()
    found[2, 4] = np.nan
    for metric in (mpjpe, pa_mpjpe, n_mpjpe):
        errors = metric(found, true)
        assert np.isnan(errors[2])
        np.testing.assert_allclose(np.delete(errors, 2), 0.0, atol=1e-9)


def test_shapes_that_differ_are_refused(true: Array) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        mpjpe(true, true[:, :17])


def test_velocity_errors_see_movement_only(true: Array) -> None:
    np.testing.assert_allclose(mpjve(true + np.array([5.0, 0.0, 0.0]), true), 0.0, atol=1e-12)
    drift = np.arange(7)[:, None, None] * np.array([0.3, 0.4, 0.0])
    np.testing.assert_allclose(mpjve(true + drift, true, fps=50), 25.0)


def test_bones_are_as_long_as_they_are(true: Array) -> None:
    edges = BODY_26.edges
    plain = [np.linalg.norm(true[2, child] - true[2, parent]) for parent, child in edges]
    np.testing.assert_allclose(bone_lengths(true, edges)[2], plain)
    turned = true[:1] @ _turns(7, 8) + np.random.default_rng(9).normal(size=(7, 1, 3))
    np.testing.assert_allclose(bone_length_deviation(turned, edges), 0.0, atol=1e-12)
    breathing = true[:1] * (1 + 0.1 * np.array([-1, 1, -1, 1, -1, 1])[:, None, None])
    np.testing.assert_allclose(bone_length_deviation(breathing, edges), 0.1 * bone_lengths(true[0], edges))


def test_pck_and_auc_agree_with_a_plain_count(true: Array) -> None:
    true = 500 * true
    found = true + 60 * np.random.default_rng(10).normal(size=true.shape)
    for frame in range(7):
        errors = [float(np.linalg.norm(f - t)) for f, t in zip(found[frame], true[frame], strict=True)]
        shares = [sum(error < threshold for error in errors) / 26 for threshold in range(0, 151, 5)]
        assert len(shares) == 31
        assert pck(found, true)[frame] == pytest.approx(shares[-1])
        assert auc(found, true)[frame] == pytest.approx(sum(shares) / 31)


def test_pck_and_auc_at_their_limits(true: Array) -> None:
    np.testing.assert_array_equal(pck(true, true), 1.0)
    # No distance is below the threshold 0.
    np.testing.assert_allclose(auc(true, true), 30 / 31)
    far = true + np.array([0.0, 150.0, 0.0])
    np.testing.assert_array_equal(pck(far, true), 0.0)
    np.testing.assert_array_equal(auc(np.full_like(true, np.nan), true), 0.0)
