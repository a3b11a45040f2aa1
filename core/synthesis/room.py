"""The room that a clip is shot in: a floor, walls and a little furniture, fitted to the camera and the motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..rotation import Array
from .surface import Triangles


@dataclass(frozen=True)
class Room:
    """Flat-shaded triangles: vertices, normals, colours (V, 3), linear colours in [0, 1]; triangles (T, 3).

    The first two triangles are the floor, Z = 0.
    """

    vertices: Array
    normals: Array
    colours: Array
    triangles: Triangles


def build_room(eyes: Array, places: Array, seed: int = 0) -> Room:
    """A room around camera positions `eyes` (N, 3) and the figure's `places` (F, 3), world metres.

    The walls keep 1.9 m from the figure's path and 1 m from the camera; `seed` draws the colours.
    """
    rng = np.random.default_rng(seed)
    low = np.minimum(places[:, :2].min(0) - 1.9, eyes[:, :2].min(0) - 1.0)
    high = np.maximum(places[:, :2].max(0) + 1.9, eyes[:, :2].max(0) + 1.0)
    low[0], high[0] = min(low[0], -3.4), max(high[0], 3.4)
    wall = np.array([0.56, 0.57, 0.54]) * rng.uniform(0.8, 1.15) * rng.uniform(0.93, 1.07, 3)
    floor = np.array([0.36, 0.24, 0.15]) * rng.uniform(0.7, 1.2)
    wood = np.array([0.20, 0.13, 0.08]) * rng.uniform(0.6, 1.6)
    white = np.array([0.66, 0.65, 0.62])
    height = 3.4
    quads = [
        quad((low[0], low[1], 0), (high[0] - low[0], 0, 0), (0, high[1] - low[1], 0), floor),
        quad((low[0], high[1], 0), (high[0] - low[0], 0, 0), (0, 0, height), wall),
        quad((low[0], low[1], 0), (0, high[1] - low[1], 0), (0, 0, height), wall * 0.94),
        quad((high[0], high[1], 0), (0, low[1] - high[1], 0), (0, 0, height), wall * 0.97),
        quad((high[0], low[1], 0), (low[0] - high[0], 0, 0), (0, 0, height), wall),
    ]
    boxes = [
        ((low[0], high[1] - 0.02, 0.0), (high[0], high[1], 0.10), white),
        ((low[0], low[1], 0.0), (low[0] + 0.02, high[1], 0.10), white),
        ((high[0] - 0.02, low[1], 0.0), (high[0], high[1], 0.10), white),
    ]
    back = high[1]
    x = low[0] + 0.5
    boxes += [
        ((x, back - 0.42, 0.05), (x + 1.5, back, 0.62), wood),
        (
            (x + 0.25, back - 0.30, 0.62),
            (x + 0.48, back - 0.12, 0.94),
            rng.uniform(0.15, 0.4) * rng.uniform(0.6, 1.4, 3),
        ),
    ]
    picture_wall = high[0] - low[0] - 3.2
    for place in range(2):
        x = float(low[0] + 2.2 + 0.5 * picture_wall * (place + rng.uniform(0.0, 0.4)))
        width, tall = rng.uniform(0.4, 0.8, 2)
        bottom = 1.35 + rng.uniform(0, 0.2)
        boxes += [
            ((x, back - 0.03, bottom), (x + width, back, bottom + tall), wood),
            ((x + 0.04, back - 0.04, bottom + 0.04), (x + width - 0.04, back, bottom + tall - 0.04),
             rng.uniform(0.2, 0.6) * rng.uniform(0.7, 1.3, 3)),
        ]  # fmt: skip
    for start, end, colour in boxes:
        quads += box(np.array(start), np.array(end), np.asarray(colour))
    return assembled(quads)


Quad = tuple[Array, Array, Array]


def assembled(quads: list[Quad]) -> Room:
    """Surfaces as one mesh; the first is the floor."""
    vertices = np.concatenate([corners for corners, _, _ in quads])
    normals = np.concatenate([np.tile(normal, (4, 1)) for _, normal, _ in quads])
    colours = np.concatenate([np.tile(colour, (4, 1)) for _, _, colour in quads])
    corner = 4 * np.arange(len(quads))[:, None, None]
    triangles = (corner + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return Room(vertices, normals, colours, triangles)


def quad(
    corner: tuple[float, float, float] | Array,
    along: tuple[float, float, float] | Array,
    up: tuple[float, float, float] | Array,
    colour: Array,
) -> Quad:
    """Corners (4, 3), normal (3,) = along x up (inward for walls seen from within), colour (3,)."""
    origin, a, b = (np.asarray(v, float) for v in (corner, along, up))
    normal = np.cross(a, b)
    return np.array([origin, origin + a, origin + a + b, origin + b]), normal / np.linalg.norm(normal), colour


def box(low: Array, high: Array, colour: Array) -> list[Quad]:
    """The six faces of a box, facing outward."""
    x, y, z = np.diag(high - low)
    return [
        quad(low, x, z, colour), quad(low + y, z, x, colour),
        quad(low, z, y, colour), quad(low + x, y, z, colour),
        quad(low, y, x, colour), quad(low + z, x, y, colour),
    ]  # fmt: skip
