"""The focal length from misfits that are known parabolas, and the stretch of a track that tells most about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionlift.core.camera import DEFAULT_FOV_DEGREES
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.rotation import Array
from motionlift.core.solving.focal import (
    CORRELATED_S,
    FRAMES,
    PRIOR_SIGMA,
    RATE,
    STEPS,
    estimate_focal,
    fields_of_view,
    telling_part,
)


def log_focal(fov_degrees: float) -> float:
    """The log of the focal length, from the default's."""
    tangents = [np.tan(np.radians(fov) / 2) for fov in (DEFAULT_FOV_DEGREES, fov_degrees)]
    return float(np.log(tangents[0] / tangents[1]))


def bowl(bottom: float, sharpness: float) -> Array:
    """Misfits of evidence with standard deviation `sharpness`^-0.5 about `bottom`, both in logs of the focal length."""
    return np.asarray(100.0 + CORRELATED_S * sharpness * (STEPS - bottom) ** 2)


def test_the_fields_of_view_are_spread_about_the_default_from_wide_to_narrow() -> None:
    fields = fields_of_view()
    assert [log_focal(fov) for fov in fields] == pytest.approx(list(STEPS))
    assert fields[1] == pytest.approx(DEFAULT_FOV_DEGREES)
    assert np.all(np.diff(fields) < 0)


@pytest.mark.parametrize("bottom", [-0.35, -0.1, 0.0, 0.2, 0.39])
def test_sharp_evidence_is_believed(bottom: float) -> None:
    found = estimate_focal(bowl(bottom, 1e6), 4.0)
    assert log_focal(found.fov_degrees) == pytest.approx(bottom, abs=1e-4)
    assert found.widest - found.narrowest < 0.5


@pytest.mark.parametrize("sharpness", [1.0, 10.0, 100.0])
def test_evidence_and_prior_are_weighed_by_their_precision(sharpness: float) -> None:
    """The product of two normal distributions."""
    found = estimate_focal(bowl(0.3, sharpness), 4.0)
    prior = PRIOR_SIGMA**-2
    assert log_focal(found.fov_degrees) == pytest.approx(0.3 * sharpness / (sharpness + prior))
    for fov, sign in ((found.narrowest, 1), (found.widest, -1)):
        away = log_focal(fov) - log_focal(found.fov_degrees)
        assert away == pytest.approx(sign * 2 / np.sqrt(sharpness + prior))


def test_flat_evidence_leaves_the_prior() -> None:
    for misfits in (np.zeros(3), np.full(3, 1234.5)):
        found = estimate_focal(misfits, 4.0)
        assert found.fov_degrees == pytest.approx(DEFAULT_FOV_DEGREES)
        assert log_focal(found.narrowest) == pytest.approx(2 * PRIOR_SIGMA)
        assert log_focal(found.widest) == pytest.approx(-2 * PRIOR_SIGMA)
    nothing = estimate_focal(bowl(0.3, 100.0), 0.0)
    assert nothing.fov_degrees == pytest.approx(DEFAULT_FOV_DEGREES)


def test_a_hill_says_which_way_only_and_nothing_leaves_what_was_tried() -> None:
    hill = -bowl(0.1, 30.0)
    found = estimate_focal(hill, 4.0)
    assert log_focal(found.fov_degrees) < 0, "less misfit on the wide side"
    assert log_focal(found.narrowest) - log_focal(found.fov_degrees) == pytest.approx(2 * PRIOR_SIGMA)
    widest, _, narrowest = fields_of_view()
    for misfits in (hill, bowl(3.0, 100.0), bowl(-3.0, 100.0), np.array([0.0, 1e6, 2e6]), np.array([2e6, 1e6, 0.0])):
        assert narrowest - 1e-9 <= estimate_focal(misfits, 4.0).fov_degrees <= widest + 1e-9


def track(sizes: Array, fps: float = 30.0, hidden: tuple[int, ...] = ()) -> Keypoints2D:
    """Somebody whose keypoints spread over `sizes` (F,) pixels, wandering over the picture."""
    frames = len(sizes)
    figure = np.random.default_rng(0).uniform(-0.5, 0.5, (26, 2))
    pixels = figure * sizes[:, None, None] + np.linspace(300, 900, frames)[:, None, None]
    detected = np.ones(frames, bool)
    detected[list(hidden)] = False
    pixels[~detected] = np.nan
    confidence = np.repeat(detected[:, None].astype(float), 26, 1)
    return Keypoints2D(np.arange(frames) / fps, pixels, confidence, detected, (1280, 720))


@pytest.mark.parametrize("nearer", [0, 240, 480])
def test_the_part_with_the_changing_size_tells(nearer: int) -> None:
    """Half a minute apart from which somebody comes nearer for four seconds."""
    frames = 600
    came = np.clip((np.arange(frames) - nearer) / 120, 0, 1)
    part = telling_part(track(200 * np.exp(0.7 * came)))
    assert len(part.times) == FRAMES
    assert np.median(np.diff(part.times)) == pytest.approx(1 / RATE)
    assert part.times[0] <= nearer / 30 + 2.1
    assert part.times[-1] >= nearer / 30 + 1.9
    size = np.log(np.ptp(part.pixels, axis=1).max(-1))
    assert np.ptp(size) > 0.3


@pytest.mark.parametrize("fps", [12.0, 15.0, 24.0, 30.0, 60.0])
def test_samples_are_a_stretch_of_the_track_at_an_even_rate(fps: float) -> None:
    whole = track(np.geomspace(100, 300, 500), fps)
    world = np.random.default_rng(1).normal(size=(500, 33, 3))
    part = telling_part(replace(whole, world_landmarks=world))
    indices = np.searchsorted(whole.times, part.times)
    stride = int(indices[1] - indices[0])
    assert np.all(np.diff(indices) == stride)
    assert stride == max(1, round(fps / RATE))
    assert len(indices) == FRAMES
    np.testing.assert_array_equal(part.pixels, whole.pixels[indices])
    np.testing.assert_array_equal(part.confidence, whole.confidence[indices])
    assert part.world_landmarks is not None
    np.testing.assert_array_equal(part.world_landmarks, world[indices])
    assert part.image_size == whole.image_size


def test_short_tracks_are_taken_whole_and_the_time_around_them_is_left_out() -> None:
    hidden = (*range(50), *range(90, 200))
    part = telling_part(track(np.full(200, 150.0), hidden=hidden))
    assert part.detected.all()
    assert part.times[0] == pytest.approx(50 / 30)
    assert len(part.times) == 20
    one = telling_part(track(np.full(1, 150.0)))
    assert len(one.times) == 1


def test_gaps_are_no_change_of_size() -> None:
    """Who is hidden for a while comes back as large as before; elsewhere somebody comes nearer."""
    frames = 900
    sizes = 200 * np.exp(0.3 * np.clip((np.arange(frames) - 700) / 100, 0, 1))
    part = telling_part(track(sizes, hidden=tuple(range(100, 260))))
    assert part.times[-1] > 750 / 30
    assert part.detected.all()
