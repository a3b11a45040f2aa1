"""Which windows are lifted: coverage, spacing, gaps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionlift.core.lifting.windowing import NEAR, WindowPlan, fill_gaps, plan_windows, runs
from motionlift.core.rotation import Array, Bools

INTERVAL = 1 / 15


def sampled(plan: WindowPlan, times: Array) -> Array:
    return np.asarray((1 - plan.weight) * times[plan.before] + plan.weight * times[plan.after])


def all_detected(count: int) -> Bools:
    return np.ones(count, bool)


def uneven(count: int) -> Array:
    return np.cumsum(np.random.default_rng(0).uniform(0.01, 0.06, count))


RATES = pytest.mark.parametrize("fps", [7.5, 12, 15, 23.976, 24, 25, 29.97, 30, 50, 60, 120])


@RATES
@pytest.mark.parametrize("overlap", [None, 1, 2])
@pytest.mark.parametrize("length", [1, 2, 4, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 9, 40])
def test_every_frame_is_predicted_from_itself_and_samples_one_interval_apart(
    fps: float, overlap: int | None, length: int, count: int
) -> None:
    times = np.arange(count) / fps + 3.0
    plan = plan_windows(times, all_detected(count), length, INTERVAL, overlap)
    mine = plan.frames >= 0
    assert set(plan.frames[mine]) == set(range(count))
    at = sampled(plan, times)
    assert np.allclose(at[mine], times[plan.frames[mine]])
    assert np.all(mine.any(-1))
    if times[-1] - times[0] > (length + 1) * INTERVAL:
        spacing = np.diff(at, axis=-1)
        assert np.all(np.abs(spacing / INTERVAL - 1) <= 2 * NEAR + 1e-6) or fps < 15


def test_uneven_times_get_evenly_spaced_samples() -> None:
    times = uneven(60)
    plan = plan_windows(times, all_detected(60), 4, INTERVAL)
    assert np.abs(np.diff(sampled(plan, times), axis=-1) / INTERVAL - 1).max() <= 2 * NEAR + 1e-6
    assert np.abs(np.diff(sampled(plan, times), axis=-1) / INTERVAL - 1).mean() < NEAR
    assert set(plan.frames[plan.frames >= 0]) == set(range(60))


@pytest.mark.parametrize("overlap", [1, 2, 4])
def test_overlap_is_how_often_a_frame_is_seen(overlap: int) -> None:
    times = np.arange(200) / 30
    plan = plan_windows(times, all_detected(200), 4, INTERVAL, overlap)
    seen = np.bincount(plan.frames.ravel(), minlength=200)
    assert np.all(seen[20:-20] == overlap)
    assert np.all(seen >= 1)
    if overlap == 4:
        assert all(set(np.where(plan.frames == frame)[1]) == {0, 1, 2, 3} for frame in range(20, 180))


@pytest.mark.parametrize(("fps", "passes"), [(24, 2), (25, 3), (50, 1.5), (100, 1.5)])
def test_long_windows_serve_many_frames_at_any_rate(fps: float, passes: float) -> None:
    times = np.arange(300) / fps
    plan = plan_windows(times, all_detected(300), 16, INTERVAL, 1)
    assert len(plan) * 16 / 300 <= passes


def test_whole_milliseconds_and_ntsc_rates_count_as_even() -> None:
    for times in (np.round(np.arange(90) / 30, 3), np.arange(90) * 1001 / 30000):
        assert np.all(plan_windows(times, all_detected(90), 4, INTERVAL).weight == 0)


def test_no_window_spans_a_long_gap() -> None:
    times = np.arange(100) / 30
    detected = all_detected(100)
    detected[[20, *range(40, 47), 80, 82, 83]] = False
    assert runs(times, detected, INTERVAL) == [(0, 40), (47, 82), (84, 100)]
    plan = plan_windows(times, detected, 4, INTERVAL)
    assert np.all(np.ptp(np.searchsorted([43.5, 82.5], plan.before), -1) == 0)
    assert np.all(np.ptp(np.searchsorted([43.5, 82.5], plan.after), -1) == 0)
    assert set(np.flatnonzero(detected)) <= set(plan.frames.ravel())


def test_a_slow_video_is_one_run() -> None:
    assert runs(np.arange(10) / 5, all_detected(10), INTERVAL) == [(0, 10)]


def test_nothing_detected_gives_no_windows() -> None:
    plan = plan_windows(np.arange(5) / 30, np.zeros(5, bool), 4, INTERVAL)
    assert plan.frames.shape == (0, 4)
    assert runs(np.arange(5) / 30, np.zeros(5, bool), INTERVAL) == []


def test_gaps_are_filled_along_straight_lines() -> None:
    times = uneven(30)
    line = np.stack([times, 2 - 3 * times], -1)[:, None]
    detected = all_detected(30)
    detected[[0, 5, 6, 7, 20]] = False
    holes = line.copy()
    holes[~detected] = np.nan
    filled = fill_gaps(times, holes, detected)
    assert np.allclose(filled[1:], line[1:])
    assert np.allclose(filled[0], line[1])
    assert np.all(fill_gaps(times, holes, np.zeros(30, bool)) == 0)


def test_sampling_interpolates() -> None:
    times = uneven(20)
    plan = plan_windows(times, all_detected(20), 4, INTERVAL)
    values = torch.from_numpy(np.stack([times, -times], -1))[:, None]
    assert np.allclose(plan.sample(values)[..., 0, 0].numpy(), sampled(plan, times))
