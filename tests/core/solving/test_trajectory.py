"""The path's banded solve: exact on exact data, and equal to a dense least-squares solution."""

import numpy as np
import pytest

from motionlift.core.rotation import Array
from motionlift.core.solving import trajectory
from motionlift.core.solving.trajectory import Ground, reprojection_error, solve_path

RNG = np.random.default_rng(0)
FRAMES, JOINTS = 40, 12
TIMES = np.cumsum(RNG.uniform(0.02, 0.05, FRAMES))
POINTS = RNG.normal(scale=0.4, size=(FRAMES, JOINTS, 3))
WALK = np.stack([np.linspace(-1, 1, FRAMES), np.full(FRAMES, 0.2), np.linspace(5, 4, FRAMES)], 1)


def rays_of(path: Array) -> Array:
    placed = POINTS + path[:, None]
    rays: Array = placed[..., :2] / placed[..., 2:]
    return rays


def test_a_steady_walk_is_found_exactly() -> None:
    weights = np.ones((FRAMES, JOINTS))
    path = WALK[0] + (TIMES - TIMES[0])[:, None] / (TIMES[-1] - TIMES[0]) * (WALK[-1] - WALK[0])
    found = solve_path(POINTS, rays_of(path), weights, TIMES)
    assert found == pytest.approx(path, abs=1e-5)
    assert reprojection_error(POINTS, found, rays_of(path)).max() < 1e-5


def test_unseen_frames_are_bridged() -> None:
    weights = np.ones((FRAMES, JOINTS))
    weights[15:25] = 0
    path = WALK[0] + (TIMES - TIMES[0])[:, None] * np.array([0.5, 0.0, -0.4])
    assert solve_path(POINTS, rays_of(path), weights, TIMES) == pytest.approx(path, abs=1e-3)


def dense_solution(rays: Array, weights: Array, feet: Array, planted: Array, ground: Ground, standing: Array) -> Array:
    """The same sum of squares, row by row."""
    rows, values = [], []

    def add(entries: dict[int, Array], value: float, weight: float) -> None:
        row = np.zeros(3 * FRAMES)
        for frame, coefficients in entries.items():
            row[3 * frame : 3 * frame + 3] = coefficients
        rows.append(np.sqrt(weight) * row)
        values.append(np.sqrt(weight) * value)

    for f in range(FRAMES):
        share = min(1.0, trajectory.CORRELATED_JOINTS / weights[f].sum()) / trajectory.KEYPOINT_SIGMA**2
        for n in range(JOINTS):
            for axis in range(2):
                coefficients = np.array([float(axis == 0), float(axis == 1), -rays[f, n, axis]])
                value = rays[f, n, axis] * POINTS[f, n, 2] - POINTS[f, n, axis]
                add({f: coefficients}, value, share * weights[f, n])
        for c in range(feet.shape[1]):
            value = ground.offset - feet[f, c] @ ground.normal
            add({f: ground.normal}, value, standing[f, c] / trajectory.FLOOR_SIGMA**2)
            if f + 1 < FRAMES:
                weight = min(planted[f, c], planted[f + 1, c])
                sigma = trajectory.PLANT_SIGMA * (TIMES[f + 1] - TIMES[f])
                for axis in range(3):
                    unit = np.eye(3)[axis]
                    add({f: -unit, f + 1: unit}, feet[f, c, axis] - feet[f + 1, c, axis], weight / sigma**2)
    for f in range(1, FRAMES - 1):
        before, after = TIMES[f] - TIMES[f - 1], TIMES[f + 1] - TIMES[f]
        span = (before + after) / 2
        for axis in range(3):
            unit = np.eye(3)[axis]
            entries = {
                f - 1: unit / (before * span),
                f: -unit * (1 / before + 1 / after) / span,
                f + 1: unit / (after * span),
            }
            add(entries, 0.0, span / trajectory.ACCELERATION_SIGMA[axis] ** 2)
    solution: Array = np.linalg.lstsq(np.stack(rows), np.array(values), rcond=None)[0]
    return solution.reshape(-1, 3)


def test_the_banded_solve_agrees_with_a_dense_one() -> None:
    rng = np.random.default_rng(5)
    rays = rays_of(WALK) + rng.normal(scale=0.004, size=(FRAMES, JOINTS, 2))
    weights = rng.uniform(0, 1, (FRAMES, JOINTS))
    feet = rng.normal(scale=0.3, size=(FRAMES, 2, 3))
    planted, standing = rng.uniform(0, 1, (FRAMES, 2)), rng.uniform(0, 1, (FRAMES, 2))
    ground = Ground(np.array([0.1, -0.9, 0.1]) / np.linalg.norm([0.1, -0.9, 0.1]), -1.0)
    found = solve_path(POINTS, rays, weights, TIMES, feet, planted, ground, standing)
    assert found == pytest.approx(dense_solution(rays, weights, feet, planted, ground, standing), abs=1e-4)


def test_a_planted_foot_stands_still() -> None:
    rng = np.random.default_rng(6)
    still = np.tile([0.0, 0.3, 5.0], (FRAMES, 1))
    rays = rays_of(still) + rng.normal(scale=0.01, size=(FRAMES, JOINTS, 2))
    feet = np.zeros((FRAMES, 1, 3))
    weights = np.ones((FRAMES, JOINTS))
    free = solve_path(POINTS, rays, weights, TIMES)
    held = solve_path(POINTS, rays, weights, TIMES, feet, np.ones((FRAMES, 1)))
    assert np.ptp(held, axis=0).max() < 0.3 * np.ptp(free, axis=0).max()
