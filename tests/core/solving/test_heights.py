"""Heights by the floor that people share."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.rotation import Array
from motionlift.core.solving.heights import height_factors
from motionlift.core.solving.trajectory import Ground

CAMERA_HEIGHT = 1.5
GROUND = Ground(np.array([0.0, -1.0, 0.0]), -CAMERA_HEIGHT)


def places(factor: float, depth: float, floor: float = 0.0) -> Array:
    """Where the feet of somebody seem to rest who is `factor` times as tall as assumed, `floor` m above the others."""
    rng = np.random.default_rng(round(100 * depth))
    exact = np.stack([rng.uniform(-1, 1, 6), np.full(6, CAMERA_HEIGHT - floor), depth + rng.uniform(-0.3, 0.3, 6)], 1)
    return np.asarray(exact / factor)


@pytest.mark.parametrize("factor", [0.6, 0.7, 0.8])
@pytest.mark.parametrize("depth", [3.0, 5.0])
def test_children_are_found_among_grown_ups(factor: float, depth: float) -> None:
    found = height_factors([places(1.0, 4.0), places(factor, depth), places(1.0, 4.5)], GROUND)
    assert found[1] == pytest.approx(factor, abs=0.07)
    assert found[[0, 2]] == pytest.approx(1.0, abs=0.05)


def test_the_order_of_people_does_not_matter() -> None:
    several = [places(1.0, 4.0), places(0.7, 3.5), places(1.05, 5.0)]
    found = height_factors(several, GROUND)
    assert height_factors(several[::-1], GROUND) == pytest.approx(found[::-1])


def test_grown_ups_differ_less_than_their_feet_say() -> None:
    shorter, taller = height_factors([places(0.95, 4.0), places(1.08, 4.2)], GROUND)
    assert 1.02 < taller / shorter < 1.08 / 0.95


def test_who_is_alone_is_as_tall_as_assumed() -> None:
    assert height_factors([places(0.7, 4.0)], GROUND).tolist() == [1.0]
    assert height_factors([places(0.7, 4.0), np.zeros((0, 3))], GROUND).tolist() == [1.0, 1.0]
    assert height_factors([], GROUND).shape == (0,)


def test_who_stands_on_a_roof_tells_nothing() -> None:
    assert height_factors([places(1.0, 4.0), places(1.0, 8.0, floor=1.2)], GROUND).tolist() == [1.0, 1.0]
    assert height_factors([places(1.0, 4.0), places(1.0, 8.0, floor=2.4)], GROUND).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("factor", [0.3, 0.4])
def test_nobody_is_a_child_of_a_few_months_because_somebody_stands_on_a_roof(factor: float) -> None:
    assert height_factors([places(1.0, 11.0), places(factor, 10.0)], GROUND).tolist() == [1.0, 1.0]
