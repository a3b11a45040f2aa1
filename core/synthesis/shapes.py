"""Solids that a figure is modelled from: signed distances of lofts, tapered capsules and ellipsoids.

Distances are negative inside, in metres, and good to first order near the surface, which is where they are used.
Every solid says which bone carries it and how it is painted, in bands along its length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from ..rotation import Array, normalise

Bands = tuple[tuple[float, str], ...]
"""Names along a solid: each holds up to its parameter (0 to 1), the last beyond."""


@dataclass(frozen=True)
class Finish:
    """What a solid is besides its shape.

    `bones` and `paint` are bands along its length; `blend` (m) is the radius with which it flows into the solids
    before it; a solid that is `only_paint` recolours the surface inside it and adds nothing to the body.
    """

    bones: Bands
    paint: Bands
    blend: float = 0.02
    only_paint: bool = False


def whole(name: str) -> Bands:
    """One name along the whole length."""
    return ((1.0, name),)


def band_indices(bands: Bands, along: Array) -> NDArray[np.int64]:
    """(N,) the index of the band at each parameter (N,)."""
    limits = np.array([limit for limit, _ in bands[:-1]])
    return np.searchsorted(limits, along, side="right")


class Solid(Protocol):
    """A solid in the bind pose's world, metres."""

    @property
    def finish(self) -> Finish: ...

    def distance(self, points: Array) -> Array:
        """Signed distances (N,) of points (N, 3)."""

    def along(self, points: Array) -> Array:
        """Parameters (N,) in [0, 1] along the solid's length of points (N, 3)."""

    def bounds(self) -> tuple[Array, Array]:
        """The corners (3,), (3,) of a box that holds the solid."""


@dataclass(frozen=True)
class Capsule:
    """A round bar from `start` to `end` (3,) whose radius goes from the first of `radii` to the second."""

    start: Array
    end: Array
    radii: tuple[float, float]
    finish: Finish

    def along(self, points: Array) -> Array:
        axis = self.end - self.start
        return np.clip((points - self.start) @ axis / (axis @ axis), 0.0, 1.0)

    def distance(self, points: Array) -> Array:
        t = self.along(points)
        nearest = self.start + t[:, None] * (self.end - self.start)
        length: Array = np.linalg.norm(points - nearest, axis=1)
        return length - (self.radii[0] + t * (self.radii[1] - self.radii[0]))

    def bounds(self) -> tuple[Array, Array]:
        radius = max(self.radii)
        return np.minimum(self.start, self.end) - radius, np.maximum(self.start, self.end) + radius


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid at `centre` (3,) with `radii` (3,) along the columns of `axes` (3, 3)."""

    centre: Array
    radii: Array
    finish: Finish
    axes: Array = field(default_factory=lambda: np.eye(3))

    def along(self, points: Array) -> Array:
        return np.zeros(len(points))

    def distance(self, points: Array) -> Array:
        local = (points - self.centre) @ self.axes
        return _ellipse_distance(local, np.broadcast_to(self.radii, local.shape))

    def bounds(self) -> tuple[Array, Array]:
        reach = np.sqrt(((self.axes * self.radii) ** 2).sum(1))
        return self.centre - reach, self.centre + reach


@dataclass(frozen=True)
class Loft:
    """A body of elliptic sections about the straight axis from `start` to `end` (3,).

    `side` (3,), perpendicular to the axis, is the direction of the sections' first radius, axis x side that of the
    second. `stations` (S, 5): parameter along the axis (0 to 1), centre along the two directions, radius along the
    two directions, in metres; between stations they follow a monotone cubic.
    """

    start: Array
    end: Array
    side: Array
    stations: Array
    finish: Finish

    def _frame(self) -> tuple[Array, Array, Array, float]:
        axis = self.end - self.start
        length = float(np.linalg.norm(axis))
        axis = axis / length
        side = normalise(self.side - axis * (self.side @ axis))
        return axis, side, np.cross(axis, side), length

    def along(self, points: Array) -> Array:
        axis, _, _, length = self._frame()
        return np.clip((points - self.start) @ axis / length, 0.0, 1.0)

    def distance(self, points: Array) -> Array:
        axis, side, other, length = self._frame()
        local = points - self.start
        t = local @ axis / length
        sections = PchipInterpolator(self.stations[:, 0], self.stations[:, 1:])(np.clip(t, *self.stations[[0, -1], 0]))
        across = np.stack([local @ side, local @ other], -1) - sections[:, :2]
        radial = _ellipse_distance(across, sections[:, 2:])
        first, last = self.stations[0, 0], self.stations[-1, 0]
        axial = np.maximum(first - t, t - last) * length
        return np.where(axial > 0, np.hypot(np.maximum(radial, 0.0), axial), np.maximum(radial, axial))

    def bounds(self) -> tuple[Array, Array]:
        reach = float(np.max(np.abs(self.stations[:, 1:3]).sum(1) + self.stations[:, 3:].max(1)))
        return np.minimum(self.start, self.end) - reach, np.maximum(self.start, self.end) + reach


def _ellipse_distance(local: Array, radii: Array) -> Array:
    """First-order distances (N,) to ellipses or ellipsoids with `radii` (N, D) at the origin, of points (N, D).

    The implicit function k - 1, k = |p / r|, over the length of its gradient (Quilez, "ellipsoid SDF").
    """
    k = np.linalg.norm(local / radii, axis=-1)
    gradient = np.linalg.norm(local / radii**2, axis=-1)
    return np.where(gradient > 1e-9, k * (k - 1) / np.maximum(gradient, 1e-9), -radii.min(-1))


def smooth_union(a: Array, b: Array, blend: float) -> Array:
    """The smaller of two distances, rounded where they differ by less than `blend` metres (polynomial blend)."""
    h = np.clip(0.5 + 0.5 * (b - a) / blend, 0.0, 1.0)
    return b + (a - b) * h - blend * h * (1 - h)
