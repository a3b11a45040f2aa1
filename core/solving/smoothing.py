"""Zero-lag smoothing that knows how sure each sample is, fills gaps, and takes uneven times.

The smoothed curve x minimises (Whittaker 1923, with time in seconds)

    sum_f  w_f dt_f |x_f - y_f|^2  +  lambda  integral |x''|^2 dt.

For even samples of weight 1 its frequency response is 1 / (1 + lambda omega^4): half of the amplitude remains at
omega = lambda^(-1/4), nothing is delayed, and straight lines pass unchanged.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

from ..rotation import Array, continuous, normalise

GAP_WEIGHT = 1e-6
"""Weight of a sample that says nothing, so that the system stays solvable where a whole curve does."""


def smooth(values: Array, weights: Array, times: Array, cutoff_hz: float) -> Array:
    """Curves (F, D) smoothed along the first axis.

    `values` (F, D), ignored (and allowed to be NaN) where the weight is 0; `weights` (F,) or (F, D) >= 0;
    `times` (F,) s, increasing; `cutoff_hz`: where half of the amplitude remains for samples of weight 1.
    """
    frames = len(values)
    weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, values.shape)
    values = np.where(weights > 0, values, _filler(values, weights))
    if frames < 3:
        return np.array(values)
    strength = (2 * np.pi * cutoff_hz) ** -4.0
    spacing = np.gradient(times)
    penalty = strength * acceleration_penalty(times)
    data = np.maximum(weights, GAP_WEIGHT) * spacing[:, None]
    result = np.empty_like(values)
    if np.all(weights == weights[:, :1]):
        return _solved(penalty, data[:, 0], data * values)
    for column in range(values.shape[1]):
        result[:, column] = _solved(penalty, data[:, column], data[:, column] * values[:, column])
    return result


def acceleration_penalty(times: Array) -> Array:
    """The integral of |x''|^2 as a banded symmetric matrix (3, F): `acceleration_bands`, each by the time it stands
    for."""
    return acceleration_bands(times, (times[2:] - times[:-2]) / 2)


def acceleration_bands(times: Array, weights: Array | float) -> Array:
    """The sum of `weights` (F - 2,) |x''|^2 as a banded symmetric matrix (3, F): row k holds the k-th lower diagonal.
    Of several curves with weights (F - 2, C) each: (3, F, C).

    Second derivatives are divided differences at the inner samples.
    """
    weights = np.asarray(weights)
    step = np.diff(times)
    before, after = step[:-1], step[1:]
    span = (before + after) / 2
    stencil = np.stack([1 / (before * span), -(1 / before + 1 / after) / span, 1 / (after * span)])
    stencil = stencil.reshape(*stencil.shape, *(1,) * (weights.ndim - 1))
    bands = np.zeros((3, len(times), *weights.shape[1:]))
    for i in range(3):
        for j in range(i + 1):
            bands[i - j, j : j + len(span)] += weights * stencil[i] * stencil[j]
    return bands


def smooth_rotations(rotations: Array, weights: Array, times: Array, cutoff_hz: float) -> Array:
    """Orientations (F, 4) smoothed as curves on the sphere of quaternions; `weights` (F,).

    Exact for slow turns; steps between samples must stay well below half a turn.
    """
    return normalise(smooth(continuous(rotations), weights, times, cutoff_hz))


def _solved(penalty: Array, data: Array, right: Array) -> Array:
    bands = penalty.copy()
    bands[0] += data
    solution: Array = solveh_banded(bands, right, lower=True, check_finite=False)
    return solution


def _filler(values: Array, weights: Array) -> Array:
    """A harmless stand-in (1, D) for samples without weight: each curve's weighted mean.

    A curve that has no weight anywhere, such as a foot that is never in the picture, is what its values, if there are
    any, say on average: were they all zero, points would coincide and have no direction to each other.
    """
    weights = np.where(weights.sum(0) > 0, weights, np.isfinite(values))
    total = weights.sum(0, keepdims=True)
    mean: Array = np.sum(np.where(weights > 0, values, 0.0) * weights, 0, keepdims=True) / np.maximum(total, 1e-12)
    return mean
