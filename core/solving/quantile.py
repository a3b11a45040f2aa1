"""Quantiles of values that do not count alike."""

from __future__ import annotations

import numpy as np

from ..rotation import Array


def weighted_quantile(values: Array, weights: Array, share: float) -> float:
    """The least of `values` (N,) up to which `share` of the `weights` (N,) lies; some weight must be above 0."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] * share)])
