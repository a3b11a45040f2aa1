"""Long clips in stretches: what is only in between is as large as a stretch then, not as an hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..rotation import Array

STRETCH = 2048
"""Frames."""


def by_stretches(work: Callable[[slice], Sequence[Array]], frames: int, single: bool = False) -> list[Array]:
    """The arrays (F, ...) that `work` gives for the frames of a slice, for all of them; `single`: see `kept`.

    What `work` gives for a frame must not depend on which others are in the slice.
    """
    if frames <= STRETCH:
        return list(work(slice(0, frames)))
    whole: list[Array] = []
    for first in range(0, frames, STRETCH):
        part = slice(first, min(first + STRETCH, frames))
        found = work(part)
        if not whole:
            whole = [np.empty((frames, *each.shape[1:]), np.float32 if single else each.dtype) for each in found]
        for all_of_it, each in zip(whole, found, strict=True):
            all_of_it[part] = each
    return whole


def kept(values: Array) -> Array:
    """Values (F, ...) of a long clip in single precision: an hour of them is what a process holds on to. Sums along an
    hour are to be taken in double precision."""
    return values.astype(np.float32) if len(values) > STRETCH else values
