"""Frames that were passed over lie on smooth curves between those that were looked at."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.detection.filling import SURENESS, filled
from motionlift.core.keypoints import HandKeypoints, Keypoints2D
from motionlift.core.rotation import Array, Bools


def moving(times: Array) -> Array:
    """Parabolas (F, 26, 2)."""
    random = np.random.default_rng(0)
    a, b, c = random.normal(size=(3, 26, 2)) * 100
    result: Array = a + b * times[:, None, None] + c * times[:, None, None] ** 2
    return result


def every(stride: int, frames: int = 41, uneven: bool = False) -> tuple[Keypoints2D, Bools, Array]:
    """Keypoints that were looked at in every `stride`-th frame, which frames those are, and the true places."""
    steps = np.random.default_rng(1).uniform(0.02, 0.05, frames) if uneven else np.full(frames, 1 / 30)
    times = np.cumsum(steps)
    looked = np.arange(frames) % stride == 0
    truth = moving(times)
    pixels = np.where(looked[:, None, None], truth, np.nan)
    world = np.where(looked[:, None, None], np.repeat(times[:, None, None], 33, 1) * [1.0, 2.0, 3.0], np.nan)
    confidence = np.where(looked[:, None], 0.8, 0.0) * np.ones(26)
    return Keypoints2D(times, pixels, confidence, looked.copy(), (640, 480), world), looked, truth


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("stride", [2, 3, 4])
def test_parabolas_are_met(stride: int, uneven: bool) -> None:
    keypoints, looked, truth = every(stride, uneven=uneven)
    result = filled(keypoints, looked)
    last = np.flatnonzero(looked)[-1]
    assert result.detected[: last + 1].all()
    # Beside the ends there is only one side to take a speed from.
    inside = slice(stride, last - stride + 1)
    np.testing.assert_allclose(result.pixels[inside], truth[inside], atol=1e-6)
    assert result.world_landmarks is not None
    assert np.isfinite(result.world_landmarks[: last + 1]).all()
    np.testing.assert_allclose(result.confidence[~looked & result.detected], 0.8 * SURENESS)
    np.testing.assert_array_equal(result.pixels[looked], keypoints.pixels[looked])


def test_gaps_stay_gaps() -> None:
    keypoints, looked, _ = every(2)
    keypoints.detected[20:24], keypoints.pixels[20:24], keypoints.confidence[20:24] = False, np.nan, 0.0
    result = filled(keypoints, looked)
    assert not result.detected[19:24].any()
    assert np.isnan(result.pixels[19:24]).all()
    assert result.detected[:19].all()
    assert np.isfinite(result.pixels[result.detected]).all()
    assert not result.confidence[~result.detected].any()


def test_with_everything_looked_at_nothing_changes() -> None:
    keypoints, looked, _ = every(1)
    keypoints.detected[5] = False
    assert filled(keypoints, looked) is keypoints


def test_hands_go_along() -> None:
    keypoints, looked, _ = every(2, frames=9)
    hands = HandKeypoints.nothing(9)
    for frame in (0, 2, 4):
        hands.pixels[frame, 0], hands.world[frame, 0] = frame, frame
        hands.confidence[frame, 0], hands.left[frame, 0] = 0.6, 0.9
    result = filled(Keypoints2D(keypoints.times, keypoints.pixels, keypoints.confidence, keypoints.detected,
                                (640, 480), keypoints.world_landmarks, hands), looked).hands  # fmt: skip
    assert result is not None
    np.testing.assert_allclose(result.pixels[:5, 0], np.arange(5)[:, None, None] * np.ones((21, 2)))
    np.testing.assert_allclose(result.left[:5, 0], 0.9)
    assert np.isnan(result.pixels[5:]).all()
    assert np.isnan(result.pixels[:, 1]).all()
    assert not result.confidence[5:].any()
    np.testing.assert_allclose(result.left[5:], 0.5)
