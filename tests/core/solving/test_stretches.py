"""Long clips in stretches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.solving.stretches import STRETCH, by_stretches


@pytest.mark.parametrize("frames", [1, STRETCH - 1, STRETCH, STRETCH + 1, 2 * STRETCH, 2 * STRETCH + 7])
def test_stretches_give_what_the_whole_does(frames: int) -> None:
    values = np.random.default_rng(frames).normal(size=(frames, 3))
    seen: list[slice] = []

    def work(part: slice) -> list[NDArray[Any]]:
        seen.append(part)
        return [values[part] * 2, values[part, 0] > 0]

    doubled, positive = by_stretches(work, frames)

    np.testing.assert_array_equal(doubled, values * 2)
    np.testing.assert_array_equal(positive, values[:, 0] > 0)
    assert positive.dtype == np.bool_
    assert [part.start for part in seen] == list(range(0, frames, STRETCH))
