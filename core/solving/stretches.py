"""Long clips in stretches: what is only in between is as large as a stretch then, not as an hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, forward_kinematics

STRETCH = 2048
"""Frames."""


def by_stretches(work: Callable[[slice], Sequence[Array]], frames: int) -> list[Array]:
    """The arrays (F, ...) that `work` gives for the frames of a slice, for all of them.

    What `work` gives for a frame must not depend on which others are in the slice.
    """
    if frames <= STRETCH:
        return list(work(slice(0, frames)))
    whole: list[Array] = []
    for first in range(0, frames, STRETCH):
        part = slice(first, min(first + STRETCH, frames))
        found = work(part)
        if not whole:
            whole = [np.empty((frames, *each.shape[1:]), each.dtype) for each in found]
        for all_of_it, each in zip(whole, found, strict=True):
            all_of_it[part] = each
    return whole


def joint_positions(
    parents: Sequence[int] | NDArray[np.int64], offsets: Array, root_translation: Array, rotations_local: Array
) -> Array:
    """Where `forward_kinematics` has the joints (F, J, 3)."""

    def of(part: slice) -> list[Array]:
        return [forward_kinematics(parents, offsets, root_translation[part], rotations_local[part])[0]]

    return by_stretches(of, len(root_translation))[0]
