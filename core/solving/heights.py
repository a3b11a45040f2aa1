"""How tall people are who stand on one floor.

A picture shows a child as it shows somebody twice as far away, but not where that one would stand: the camera's height
above a floor comes out the larger, the taller those are taken for whose feet tell it. People of one clip share the
camera, so that the heights that they give it tell how their own compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..rotation import Array
from .trajectory import Ground

SHORTEST, TALLEST = 0.45, 1.2
"""Heights of people, as multiples of the one assumed."""
GROWN_SIGMA = 0.05
"""Of the logarithm of the height of who is grown up."""
GROWING_SCALE, GROWING_TAIL = 0.08, 2.0
"""Children are of any height below: how soon, and how steeply, a shorter one is less likely."""
PLACE_SIGMA = 0.06
"""Of the logarithm of the camera's height by one person's feet."""
PITCH_SIGMA, PITCH_MOST = np.radians(2.0), 0.1
"""By which the floor's slope errs, and what that does at most: feet further away are taken for lower or higher ones."""
ELSEWHERE = 8.0
"""Squared standard deviations beyond which somebody stands on another floor."""
SHALLOWEST = 0.03
"""Slope of the ray to a foot below which the camera is about as high as the floor, and tells nothing."""
ALIKE = 0.03
"""Of a height, less than which nobody differs from the one assumed."""
_STEPS = 241


def height_factors(places: Sequence[Array], ground: Ground) -> Array:
    """Each person's height (P,) as a multiple of the one that `places` assume: where their feet rest (M, 3) m in the
    camera's frame. 1 for who is alone, or on another floor than the others."""
    factors = np.ones(len(places))
    told = [i for i, each in enumerate(places) if len(each) and _steepness(each, ground) > SHALLOWEST]
    if len(told) < 2:
        return factors
    steep = np.array([_steepness(places[i], ground) for i in told])
    above = np.log([float(np.median(-(places[i] @ ground.normal))) for i in told])
    logs = np.linspace(np.log(SHORTEST), np.log(TALLEST), _STEPS)
    prior = _prior(logs)
    best = np.inf
    for camera in np.linspace(above.min() + logs[0], above.max() + logs[-1], 2 * _STEPS):
        sigma = np.hypot(PLACE_SIGMA, np.minimum(PITCH_SIGMA * np.abs(1 / steep - 1 / steep.mean()), PITCH_MOST))
        cost = ((logs - (camera - above)[:, None]) / sigma[:, None]) ** 2 + prior
        here = cost.min(1) < ELSEWHERE
        total = float(np.minimum(cost.min(1), ELSEWHERE).sum())
        if total < best and here.sum() > 1:
            best = total
            factors[told] = np.where(here, np.exp(logs[cost.argmin(1)]), 1.0)
    return np.where(np.abs(factors - 1) < ALIKE, 1.0, factors)


def _steepness(places: Array, ground: Ground) -> float:
    """How steeply the rays to places (M, 3) go down: the median sine of their angle to the floor."""
    return float(np.median(-(places @ ground.normal) / np.linalg.norm(places, axis=1)))


def _prior(logs: Array) -> Array:
    """How unlikely heights are, in squared standard deviations."""
    taller = (logs / GROWN_SIGMA) ** 2
    shorter = GROWING_TAIL * np.log1p((logs / GROWING_SCALE) ** 2)
    return np.where(logs > 0, taller, shorter)
