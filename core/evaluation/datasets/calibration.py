"""Cameras found from the data themselves: joints in the world and where they are in the picture fix the camera.

The prepared data sets hold positions in the world and exact projections, but not the cameras between them. A direct
linear transform gives a first pinhole; least squares over all parameters, lens distortion among them, the camera that
the projections were made with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...rotation import Array

POINTS = 800
"""As many of the points fix a camera."""


@dataclass(frozen=True)
class Lens:
    """Focal lengths and centre in pixels, and Brown's distortion: `radial` (3,) of r^2, r^4, r^6, `tangential` (2,)."""

    focal: Array
    centre: Array
    radial: Array
    tangential: Array

    def project(self, points_camera: Array) -> Array:
        """Pixels (..., 2) of points (..., 3) in front of the camera."""
        rays = points_camera[..., :2] / points_camera[..., 2:]
        factor, shift = self._distortion(rays)
        return np.asarray((rays * factor + shift) * self.focal + self.centre)

    def rays(self, pixels: Array) -> Array:
        """x/z and y/z (..., 2) of pixels (..., 2): the distortion undone by a fixed point, which converges fast for the
        mild distortion of these lenses."""
        seen = (pixels - self.centre) / self.focal
        rays = seen
        if self.radial.any() or self.tangential.any():
            for _ in range(12):
                factor, shift = self._distortion(rays)
                rays = (seen - shift) / factor
        return np.asarray(rays)

    def _distortion(self, rays: Array) -> tuple[Array, Array]:
        """The factor (..., 1) on rays (..., 2), and what is added to them."""
        square = np.sum(rays**2, -1, keepdims=True)
        powers = np.concatenate([square, square**2, square**3], -1)
        tangential = np.sum(rays * self.tangential, -1, keepdims=True)
        factor = 1 + np.sum(powers * self.radial, -1, keepdims=True) + tangential
        return factor, square * self.tangential


@dataclass(frozen=True)
class PlacedCamera:
    """A lens and where it stands: x_camera = rotation (3, 3) x_world + translation (3,) m; `error`: the RMS distance in
    pixels that is left of the points it was found from."""

    lens: Lens
    rotation: Array
    translation: Array
    error: float

    def from_world(self, points_world: NDArray[np.floating[Any]]) -> Array:
        """Points (..., 3) of the world in the camera's frame."""
        return np.asarray(points_world @ self.rotation.T + self.translation)


def screen_coordinates(pixels: NDArray[np.floating[Any]], size: tuple[int, int]) -> Array:
    """Pixels (..., 2) of a picture of (width, height) as the paper normalises them: x in [-1, 1], y in that unit."""
    width, height = size
    return np.asarray(pixels / width * 2 - np.array([1, height / width]))


def fit_lens(points_camera: Array, pixels: Array) -> Lens:
    """The pinhole without distortion that projects points (P, 3) of its own frame nearest to pixels (P, 2)."""
    rays = points_camera[:, :2] / points_camera[:, 2:]
    fits = [np.polyfit(rays[:, axis], pixels[:, axis], 1) for axis in range(2)]
    focal, centre = np.array(fits).T
    return Lens(focal, centre, np.zeros(3), np.zeros(2))


def fit_camera(points_world: Array, pixels: Array, seed: int = 0) -> PlacedCamera:
    """The camera that sees points (P, 3) m of the world at pixels (P, 2), P at least 6 and not all in a plane.

    Raises `ValueError` where no camera in front of the points does.
    """
    chosen = np.random.default_rng(seed).permutation(len(points_world))[:POINTS]
    points, seen = points_world[chosen].astype(float), pixels[chosen].astype(float)
    start = _linear_camera(points, seen)
    scale = np.abs(start.lens.focal).mean()

    def residual(values: Array) -> Array:
        camera = _unpacked(values, scale)
        return np.asarray((camera.lens.project(camera.from_world(points)) - seen).ravel() / scale)

    found = scipy.optimize.least_squares(residual, _packed(start, scale), x_scale="jac", method="lm", max_nfev=1200)
    camera = _unpacked(found.x, scale)
    error = float(np.sqrt(np.mean(np.sum((residual(found.x) * scale).reshape(-1, 2) ** 2, -1))))
    return PlacedCamera(camera.lens, camera.rotation, camera.translation, error)


def _linear_camera(points: Array, pixels: Array) -> PlacedCamera:
    """The direct linear transform (Hartley and Zisserman 2004, 7.1), taken apart into K [R t]."""
    middle, spread = points.mean(0), points.std()
    centre, size = pixels.mean(0), pixels.std()
    x = np.concatenate([(points - middle) / spread, np.ones((len(points), 1))], 1)
    u, v = ((pixels - centre) / size).T[..., None]
    zero = np.zeros_like(x)
    rows = np.concatenate([np.concatenate([x, zero, -u * x], 1), np.concatenate([zero, x, -v * x], 1)])
    matrix = np.linalg.svd(rows, full_matrices=False)[2][-1].reshape(3, 4)
    in_pixels = np.array([[size, 0, centre[0]], [0, size, centre[1]], [0, 0, 1]])
    in_metres = np.block([[np.eye(3) / spread, -middle[:, None] / spread], [np.zeros((1, 3)), np.ones((1, 1))]])
    matrix = in_pixels @ matrix @ in_metres
    matrix = matrix * np.sign((points @ matrix[2, :3] + matrix[2, 3]).mean())
    if np.linalg.det(matrix[:, :3]) <= 0:
        raise ValueError("no camera: the picture is a mirror image, or the points lie in a plane")
    k, rotation = scipy.linalg.rq(matrix[:, :3])
    signs = np.sign(np.diag(k))
    k, rotation = k * signs, signs[:, None] * rotation
    translation = np.linalg.solve(k, matrix[:, 3])
    k = k / k[2, 2]
    return PlacedCamera(Lens(np.diag(k)[:2], k[:2, 2], np.zeros(3), np.zeros(2)), rotation, translation, np.inf)


def _packed(camera: PlacedCamera, scale: float) -> Array:
    lens = camera.lens
    turn = Rotation.from_matrix(camera.rotation).as_rotvec()
    parts = (turn, camera.translation, lens.focal / scale, lens.centre / scale, lens.radial, lens.tangential)
    return np.concatenate(parts)


def _unpacked(values: Array, scale: float) -> PlacedCamera:
    turn, translation, focal, centre, radial, tangential = np.split(values, [3, 6, 8, 10, 13])
    lens = Lens(focal * scale, centre * scale, radial, tangential)
    return PlacedCamera(lens, Rotation.from_rotvec(turn).as_matrix(), translation, np.inf)
