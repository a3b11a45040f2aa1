"""Several views of one moment: their rays meet in the truth, and a view that errs does not spoil it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlift.core import camera
from motionlift.core.evaluation.datasets.calibration import Lens, PlacedCamera
from motionlift.core.evaluation.several_views import ViewFigures, triangulated, views_table
from motionlift.core.rotation import Array


def around(count: int) -> list[PlacedCamera]:
    """Cameras in a circle of 4 m, at the height of eyes."""
    lens = Lens(np.array([1000.0, 1000.0]), np.array([500.0, 500.0]), np.array([-0.05, 0.1, 0.0]), np.zeros(2))
    cameras = []
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        eye = np.array([4 * np.cos(angle), 4 * np.sin(angle), 1.6])
        pose = camera.inverse(camera.look_at(eye, np.array([0.0, 0.0, 1.0])))
        cameras.append(PlacedCamera(lens, pose[:3, :3], pose[:3, 3], 0.0))
    return cameras


@pytest.fixture
def points() -> Array:
    return np.random.default_rng(1).uniform([-0.5, -0.5, 0.0], [0.5, 0.5, 1.8], (20, 26, 3))


def seen(cameras: list[PlacedCamera], points: Array) -> Array:
    return np.stack([each.lens.project(each.from_world(points)) for each in cameras])


@pytest.mark.parametrize("count", [2, 3, 5])
def test_rays_meet_where_they_come_from(points: Array, count: int) -> None:
    # Two that face each other would see everything between them on one line.
    cameras = around(5)[:count]
    found, misses = triangulated(cameras, seen(cameras, points), np.ones((count, 20, 26)))
    assert found == pytest.approx(points, abs=1e-4)
    assert misses.max() < 1e-4


def test_a_view_that_errs_is_outvoted(points: Array) -> None:
    cameras = around(4)
    pixels = seen(cameras, points)
    pixels[2, :, 5] += 90.0
    found, misses = triangulated(cameras, pixels, np.ones((4, 20, 26)))
    assert np.linalg.norm(found - points, axis=-1).max() < 0.02
    assert misses[2, :, 5].min() > 0.2


def test_what_a_view_did_not_see_counts_nothing(points: Array) -> None:
    cameras = around(3)
    pixels, weights = seen(cameras, points), np.ones((3, 20, 26))
    pixels[0, 3], weights[0, 3] = np.nan, 0.0
    assert triangulated(cameras, pixels, weights)[0] == pytest.approx(points, abs=1e-4)


def test_the_table_ends_with_the_mean() -> None:
    table = views_table([Path("a.mp4"), Path("b.mp4")], [ViewFigures(*[1.0] * 8), ViewFigures(*[3.0] * 8)])
    assert [row[0] for row in table.rows] == ["a.mp4", "b.mp4", "mean"]
    assert table.rows[-1][1:] == (2.0,) * 8
