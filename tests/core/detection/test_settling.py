"""Poses before a landmarker has settled are told from movement."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.detection.settling import FASTEST, settling
from motionlift.core.rotation import Array

HEIGHT = 300.0


def walker(times: Array) -> Array:
    """Landmarks (N, 33, 2) px of someone whose limbs swing at up to one height a second, and who runs along."""
    body = np.random.default_rng(0).uniform(-1, 1, (33, 2)) * (0.2 * HEIGHT, 0.5 * HEIGHT)
    swing = np.sin(2 * np.pi * times)[:, None, None] * np.random.default_rng(1).normal(size=(33, 2))
    along = 4 * HEIGHT * times[:, None, None] * [1, 0]
    result: Array = 500 + body + swing * HEIGHT / (2 * np.pi) / 2 + along
    return result


def settled_after(pixels: Array, times: Array) -> int:
    """How many poses are left out, all at the start."""
    mask = settling(times, pixels, np.full(len(times), HEIGHT), np.zeros(len(times), bool))
    count = int(np.count_nonzero(mask))
    assert mask[:count].all()
    return count


@pytest.mark.parametrize("fps", [15, 24, 30, 60, 120])
def test_wrong_first_poses_are_left_out_at_any_rate(fps: int) -> None:
    times = np.arange(0, 2, 1 / fps)
    good = walker(times)
    assert settled_after(good, times) == 0
    bad = good.copy()
    wrong = max(1, round(0.1 * fps))
    bad[:wrong, :, 1] += np.random.default_rng(2).normal(size=33) * 0.5 * HEIGHT
    assert settled_after(bad, times) == wrong


def test_jumps_later_on_are_left_to_others() -> None:
    times = np.arange(60) / 30
    bad = walker(times)
    bad[30, :, 1] += np.random.default_rng(2).normal(size=33) * 0.5 * HEIGHT
    assert settled_after(bad, times) == 0


def test_noise_is_not_speed_and_short_tracks_are_left_alone() -> None:
    times = np.arange(120) / 120
    noisy = walker(times) + np.random.default_rng(3).normal(size=(120, 33, 2)) * 0.01 * HEIGHT
    assert settled_after(noisy, times) == 0
    few = np.arange(5) / 30
    assert settled_after(np.random.default_rng(4).normal(size=(5, 33, 2)) * FASTEST * HEIGHT, few) == 0
    assert settled_after(np.zeros((1, 33, 2)), few[:1]) == 0


def test_someone_found_again_settles_again() -> None:
    times = np.concatenate([np.arange(40), np.arange(60, 100)]) / 30
    bad = walker(times)
    bad[40:43, :, 1] += np.random.default_rng(2).normal(size=33) * 0.5 * HEIGHT
    mask = settling(times, bad, np.full(80, HEIGHT), np.zeros(80, bool))
    assert np.flatnonzero(mask).tolist() == [40, 41, 42]
    # Followed back from later frames, he has settled there.
    backwards = np.arange(80) < 43
    assert not settling(times, bad, np.full(80, HEIGHT), backwards & (np.arange(80) >= 40)).any()
