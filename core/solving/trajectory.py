"""Where the figure is: the root's path that makes it project onto the actor, move like a body, and stand on its feet.

Everything is linear in the path t (F, 3) of the pelvis in the camera's frame, so one banded solve gives the
minimum of the sum of squares, each term in units of its standard deviation:

- reprojection: a keypoint with ray (u, v) of a figure with joint (X, Y, Z) asks for
  (X + t_x) - u (Z + t_z) = 0, and so for v, known to about a hundredth of the body;
- acceleration of the pelvis;
- planted feet: t_f + p_f = t_(f+1) + p_(f+1) for a contact point p;
- the floor: n . (t_f + p_f) = h for a contact point on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from ..rotation import Array
from .smoothing import acceleration_penalty
from .stretches import by_stretches

KEYPOINT_SIGMA = 0.012
"""Metres at the body: how well a keypoint and the lifted joint agree, besides what moves the whole body."""
ACCELERATION_SIGMA = np.array([3.0, 3.0, 1.5])
"""Metres per second squared over a second: the pelvis's acceleration density, camera's x, y, z. Less in depth, where
an error of the pose looks like a movement."""
PLANT_SIGMA = 0.02
"""Metres per second that a planted point may move."""
FLOOR_SIGMA = 0.008
"""Metres that a standing point may be off the floor."""
CORRELATED_JOINTS = 6.0
"""A frame's keypoints err together: they count as this many independent ones."""


@dataclass(frozen=True)
class Ground:
    """The floor in the camera's frame: all points p with `normal` . p = `offset`; `normal` (3,) points up."""

    normal: Array
    offset: float


def solve_path(
    points: Array,
    rays: Array,
    weights: Array,
    times: Array,
    feet: Array | None = None,
    planted: Array | None = None,
    ground: Ground | None = None,
    standing: Array | None = None,
) -> Array:
    """The pelvis's path (F, 3) m in the camera's frame.

    `points` (F, N, 3) m: the figure's joints from the pelvis, camera's axes; `rays` (F, N, 2): x/z, y/z of the
    keypoints; `weights` (F, N), 0 where nothing was seen; `times` (F,) s. Optional: `feet` (F, C, 3) m contact
    points from the pelvis, `planted` (F, C) in [0, 1] and `standing` (F, C) in [0, 1], planted on the `ground`.
    """
    bands = _smoothness(times)
    right = np.zeros((len(points), 3))
    factors, constants = by_stretches(lambda part: _reprojection(points[part], rays[part], weights[part]), len(points))
    for k in range(3):
        _add_row(bands, right, factors[:, :, k], constants[:, k], np.ones(len(points)))
    if feet is not None and planted is not None:
        _add_plants(bands, right, feet, planted, times)
    if feet is not None and ground is not None and standing is not None:
        normal = np.broadcast_to(ground.normal, (len(points), 3))
        for c in range(feet.shape[1]):
            constant = ground.offset - feet[:, c] @ ground.normal
            _add_row(bands, right, normal, constant, standing[:, c] / FLOOR_SIGMA**2)
    # A clip in which nothing but the prior speaks would leave the system singular.
    bands[0] += 1e-9
    solution: Array = solveh_banded(bands, right.ravel(), lower=True, check_finite=False)
    return solution.reshape(-1, 3)


def reprojection_error(points: Array, path: Array, rays: Array) -> Array:
    """Distances (F, N) in ray units between the keypoints and the figure's joints as they project."""
    placed = points + path[:, None]
    return np.asarray(np.linalg.norm(placed[..., :2] / np.maximum(placed[..., 2:], 0.1) - rays, axis=-1))


def _reprojection(points: Array, rays: Array, weights: Array) -> tuple[Array, Array]:
    """Three rows (F, 3, 3), the columns of each matrix, and their constants (F, 3), that stand for all keypoints of a
    frame: its normal equations condensed into their Cholesky factor."""
    matrix = np.zeros((len(points), 3, 3))
    right = np.zeros((len(points), 3))
    total = np.maximum(weights.sum(1, keepdims=True), 1e-9)
    share = weights / KEYPOINT_SIGMA**2 * np.minimum(1.0, CORRELATED_JOINTS / total)
    for axis in range(2):
        row = _rows(rays, axis)
        value = rays[..., axis] * points[..., 2] - points[..., axis]
        matrix += np.einsum("fn,fni,fnj->fij", share, row, row)
        right += np.einsum("fn,fni,fn->fi", share, row, value)
    factor = np.linalg.cholesky(matrix + 1e-9 * np.eye(3))
    return factor, np.linalg.solve(factor, right[..., None])[..., 0]


def _rows(rays: Array, axis: int) -> Array:
    """(F, N, 3): the coefficients of t in the reprojection of one picture axis."""
    row = np.zeros((*rays.shape[:2], 3))
    row[..., axis] = 1.0
    row[..., 2] = -rays[..., axis]
    return row


def _smoothness(times: Array) -> Array:
    """Bands (7, 3F), lower, of the acceleration term; unknowns are frame by frame x, y, z."""
    frames = len(times)
    bands = np.zeros((9, 3 * frames))
    if frames < 3:
        return bands[:7]
    for k, diagonal in enumerate(acceleration_penalty(times)):
        for axis in range(3):
            bands[3 * k, axis::3] = diagonal / ACCELERATION_SIGMA[axis] ** 2
    return bands[:7]


def _add_row(bands: Array, right: Array, row: Array, constant: Array, weight: Array) -> None:
    """Add weight (row . t_f - constant)^2 for every frame: `row` (F, 3), `constant` and `weight` (F,)."""
    for i in range(3):
        right[:, i] += weight * row[:, i] * constant
        for j in range(i + 1):
            bands[i - j, j::3] += weight * row[:, i] * row[:, j]


def _add_plants(bands: Array, right: Array, feet: Array, planted: Array, times: Array) -> None:
    """Add |t_f + p_f - t_(f+1) - p_(f+1)|^2 where a point is planted in both frames."""
    sigma = PLANT_SIGMA * np.diff(times)
    for c in range(feet.shape[1]):
        weight = np.minimum(planted[:-1, c], planted[1:, c]) / sigma**2
        moved = feet[1:, c] - feet[:-1, c]
        for axis in range(3):
            bands[0, axis::3][:-1] += weight
            bands[0, axis::3][1:] += weight
            bands[3, axis::3][:-1] -= weight
            right[:-1, axis] += weight * moved[:, axis]
            right[1:, axis] -= weight * moved[:, axis]
