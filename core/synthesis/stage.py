"""Where a cast film is shot: rooms and open ground of many looks, with clutter behind and now and then in front."""

from __future__ import annotations

import numpy as np

from ..rotation import Array
from .renderer import Light
from .room import Quad, Room, assembled, box, quad

_FAR = 24.0


def random_light(rng: np.random.Generator) -> Light:
    """A sun high or low, from any side, strong or almost absent; the sky warm to cold."""
    bearing, height = rng.uniform(-np.pi, np.pi), np.radians(rng.uniform(25, 80))
    flat = np.cos(height)
    strength, warmth = rng.uniform(0.1, 1.6), rng.normal(0.0, 0.10)
    ambient = rng.uniform(0.55, 1.5) * (1.35 - 0.35 * strength)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    sun, sky = strength * tint, ambient * np.array([1 - 0.5 * warmth, 1.0, 1 + 0.5 * warmth])
    background = np.clip(rng.uniform(0.3, 0.95) + rng.normal(0, 0.08, 3), 0.0, 1.0)
    return Light(
        (float(flat * np.cos(bearing)), float(flat * np.sin(bearing)), float(np.sin(height))),
        _three(sun),
        _three(np.maximum(sky, 0.2)),
        _three(background),
    )


def random_stage(rng: np.random.Generator, eye: Array, places: Array, occluded: bool) -> Room:
    """Surroundings for a camera at `eye` (3,) and a figure at `places` (F, 3), world metres.

    Nothing stands within 1.2 m of the path or between it and the camera, unless `occluded`: then one thing does.
    """
    indoors = rng.uniform() < 0.6
    reach = rng.uniform(1.6, 4.0) if indoors else _FAR
    both = np.concatenate([places[:, :2], eye[None, :2]])
    low, high = (
        np.minimum(places[:, :2].min(0) - reach, both.min(0) - 1.0),
        np.maximum(places[:, :2].max(0) + reach, both.max(0) + 1.0),
    )
    size = high - low
    floor = _paint(rng, 0.02, 0.5)
    quads = [quad((low[0], low[1], 0), (size[0], 0, 0), (0, size[1], 0), floor)]
    if indoors:
        wall, height = _paint(rng, 0.05, 0.85), rng.uniform(2.5, 4.0)
        quads += [
            quad((low[0], high[1], 0), (size[0], 0, 0), (0, 0, height), wall * rng.uniform(0.8, 1.1)),
            quad((low[0], low[1], 0), (0, size[1], 0), (0, 0, height), wall * rng.uniform(0.8, 1.1)),
            quad((high[0], high[1], 0), (0, -size[1], 0), (0, 0, height), wall * rng.uniform(0.8, 1.1)),
            quad((high[0], low[1], 0), (-size[0], 0, 0), (0, 0, height), wall * rng.uniform(0.8, 1.1)),
        ]
        quads += _pictures(rng, low, high)
    for _ in range(int(rng.integers(2, 14))):
        quads += _thing(rng, eye, places, low, high, tall=2.2 if indoors else 9.0)
    if occluded:
        quads += _in_front(rng, eye, places)
    return assembled(quads)


def _pictures(rng: np.random.Generator, low: Array, high: Array) -> list[Quad]:
    """Posters and windows on the walls."""
    quads: list[Quad] = []
    for _ in range(int(rng.integers(0, 10))):
        width, tall, bottom = rng.uniform(0.3, 1.6), rng.uniform(0.3, 1.4), rng.uniform(0.4, 1.5)
        axis, side = int(rng.integers(2)), int(rng.integers(2))
        start = rng.uniform(low[1 - axis], max(high[1 - axis] - width, low[1 - axis] + 0.1))
        corner, extent = np.zeros(3), np.zeros(3)
        corner[axis] = (low[axis], high[axis] - 0.03)[side]
        corner[1 - axis], corner[2] = start, bottom
        extent[axis], extent[1 - axis], extent[2] = 0.03, width, tall
        quads += box(corner, corner + extent, _paint(rng, 0.02, 0.9))
    return quads


def _thing(rng: np.random.Generator, eye: Array, places: Array, low: Array, high: Array, tall: float) -> list[Quad]:
    """A box somewhere on the floor, out of the way; nothing where it would stand in it."""
    half = rng.uniform(0.1, 0.8, 2)
    centre = rng.uniform(low + half, np.maximum(high - half, low + half + 0.01))
    height = rng.uniform(0.2, tall) if rng.uniform() < 0.5 else rng.uniform(0.2, 1.1)
    reach = float(np.linalg.norm(half))
    # To the paths of the figure, and to the lines of sight to it.
    shares = np.linspace(0.0, 1.0, 21)[:, None, None]
    sights = places[None, ::5, :2] + shares * (eye[:2] - places[None, ::5, :2])
    if np.linalg.norm(sights - centre, axis=-1).min() < reach + 0.6 or (
        np.linalg.norm(places[:, :2] - centre, axis=-1).min() < reach + 1.2
    ):
        return []
    return box(np.array([*(centre - half), 0.0]), np.array([*(centre + half), height]), _paint(rng, 0.02, 0.8))


def _in_front(rng: np.random.Generator, eye: Array, places: Array) -> list[Quad]:
    """A post, a table or a sofa between the camera and the figure."""
    middle = places[int(rng.integers(len(places)))]
    toward = eye - middle
    away = max(0.35 * float(np.linalg.norm(toward[:2])), 0.8)
    aside = rng.normal(0.0, 0.3, 2)
    centre = middle[:2] + toward[:2] / np.linalg.norm(toward[:2]) * away + aside
    if rng.uniform() < 0.4:
        half, height = rng.uniform(0.04, 0.14, 2), 3.0
    else:
        half, height = rng.uniform(0.15, 0.6, 2), rng.uniform(0.35, 0.9)
    return box(np.array([*(centre - half), 0.0]), np.array([*(centre + half), height]), _paint(rng, 0.03, 0.7))


def _paint(rng: np.random.Generator, low: float, high: float) -> Array:
    """A linear colour (3,), most of them dull."""
    grey = np.exp(rng.uniform(np.log(low), np.log(high)))
    colour: Array = np.clip(grey * np.exp(rng.normal(0.0, rng.choice([0.06, 0.35]), 3)), 0.0, 1.0)
    return colour


def _three(values: Array) -> tuple[float, float, float]:
    red, green, blue = (float(v) for v in values)
    return red, green, blue
