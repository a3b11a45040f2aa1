"""Figures of hands and ways, on motions that were spoilt by a known amount."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.evaluation.gesture_figures import closing_percent, touching_hands, wave_kept
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26

FPS = 30.0
TIMES = np.arange(120) / FPS


def waving(amplitude: float, hz: float = 2.0, late: float = 0.0) -> Array:
    points = np.zeros((len(TIMES), 26, 3))
    points[:, BODY_26.index("left_wrist"), 0] = amplitude * np.sin(2 * np.pi * hz * (TIMES - late))
    return points


@pytest.mark.parametrize("share", [1.0, 0.9, 0.5])
def test_a_smaller_wave_is_kept_in_part(share: float) -> None:
    assert wave_kept(waving(0.1 * share), waving(0.1), FPS) == pytest.approx(share, abs=0.01)


def test_a_wave_out_of_step_is_not_kept() -> None:
    assert wave_kept(waving(0.1, late=0.25), waving(0.1), FPS) < 0.0


def test_slow_hands_do_not_wave() -> None:
    assert np.isnan(wave_kept(waving(0.3, hz=0.3), waving(0.3, hz=0.3), FPS))
    assert np.isnan(wave_kept(waving(0.01), waving(0.01), FPS))


def test_hands_that_touch_should() -> None:
    def clapping(apart: float) -> Array:
        points = np.zeros((4, 26, 3))
        points[:, BODY_26.indices("left_wrist", "left_index", "left_pinky"), 0] = apart
        return points

    assert touching_hands(clapping(0.15), clapping(0.1)) == pytest.approx(50.0)
    assert np.isnan(touching_hands(clapping(0.5), clapping(0.5)))


def test_who_comes_back_should_be_back() -> None:
    way = np.zeros((201, 3))
    way[:, 0] = np.concatenate([np.linspace(0, 3, 101), np.linspace(3, 0, 101)[1:]])
    drifting = way + np.linspace(0, 0.06, 201)[:, None] * [0.0, 1.0, 0.0]
    assert closing_percent(drifting, way) == pytest.approx(1.0)
    assert np.isnan(closing_percent(way[:100], way[:100]))
