"""Properties of the weighted smoother."""

import numpy as np
import pytest

from motionlift.core.rotation import angle_between, from_axis_angle
from motionlift.core.solving.smoothing import acceleration_penalty, smooth, smooth_rotations

TIMES = np.arange(200) / 30


def test_straight_lines_pass_unchanged_whatever_the_weights() -> None:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 5, 120))
    line = np.stack([1 + 2 * times, -3 * times], 1)
    assert smooth(line, rng.uniform(0.01, 1, 120), times, 2.0) == pytest.approx(line, abs=1e-6)


@pytest.mark.parametrize("cutoff", [2.0, 5.0])
def test_half_of_the_amplitude_remains_at_the_cutoff(cutoff: float) -> None:
    times = np.arange(2000) / 120
    wave = np.sin(2 * np.pi * cutoff * times)[:, None]
    kept = smooth(wave, np.ones(2000), times, cutoff)[500:1500]
    assert np.sqrt(np.mean(kept**2) * 2) == pytest.approx(0.5, abs=0.02)


def test_nothing_is_delayed() -> None:
    rng = np.random.default_rng(1)
    values, weights = rng.normal(size=(200, 2)), rng.uniform(size=200)
    forwards = smooth(values, weights, TIMES, 3.0)
    backwards = smooth(values[::-1], weights[::-1], -TIMES[::-1], 3.0)[::-1]
    assert forwards == pytest.approx(backwards, abs=1e-9)


def test_gaps_are_bridged_and_their_values_never_read() -> None:
    curve = np.sin(TIMES)[:, None]
    weights = np.ones(200)
    weights[80:95] = 0
    values = curve.copy()
    values[80:95] = np.nan
    assert smooth(values, weights, TIMES, 5.0) == pytest.approx(curve, abs=0.01)


def test_a_curve_that_was_never_seen_is_finite() -> None:
    assert np.all(np.isfinite(smooth(np.full((50, 3), np.nan), np.zeros((50, 3)), TIMES[:50], 4.0)))


def test_each_column_may_have_weights_of_its_own() -> None:
    rng = np.random.default_rng(2)
    values, weights = rng.normal(size=(60, 3)), rng.uniform(0.1, 1, size=(60, 3))
    together = smooth(values, weights, TIMES[:60], 3.0)
    for column in range(3):
        alone = smooth(values[:, [column]], weights[:, column], TIMES[:60], 3.0)
        assert together[:, [column]] == pytest.approx(alone, abs=1e-9)


def test_the_penalty_is_the_integral_of_the_squared_second_derivative() -> None:
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 2, 30))
    x = rng.normal(size=30)
    bands = acceleration_penalty(times)
    dense = np.diag(bands[0]) + sum(np.diag(bands[k][: 30 - k], -k) + np.diag(bands[k][: 30 - k], k) for k in (1, 2))
    step = np.diff(times)
    slope = np.diff(x) / step
    span = (step[1:] + step[:-1]) / 2
    assert x @ dense @ x == pytest.approx(np.sum((np.diff(slope) / span) ** 2 * span))


def test_rotations_keep_a_steady_turn() -> None:
    turn = from_axis_angle(np.array([0.0, 0, 1.0]), TIMES * 2.0)
    turn[::2] *= -1
    smoothed = smooth_rotations(turn, np.ones(200), TIMES, 4.0)
    assert np.degrees(angle_between(smoothed, turn)[5:-5].max()) < 0.2


def test_a_curve_that_is_trusted_nowhere_is_its_mean() -> None:
    times = np.arange(30) / 30
    values = np.stack([np.linspace(1, 3, 30), np.full(30, np.nan), np.linspace(0, 1, 30)], -1)
    weights = np.stack([np.zeros(30), np.zeros(30), np.ones(30)], -1)
    curves = smooth(values, weights, times, 4.0)
    np.testing.assert_allclose(curves[:, 0], 2.0, atol=1e-6)
    np.testing.assert_allclose(curves[:, 1], 0.0, atol=1e-9)
    np.testing.assert_allclose(curves[:, 2], values[:, 2], atol=1e-3)
