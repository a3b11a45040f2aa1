"""Hard cuts: where one continuous shot ends and another begins.

A cut is where a picture does not continue its predecessor: seen on small thumbnails, the change is far above
the changes around it, the structure does not match under any shift, and neither picture's surroundings come
back within a few frames. So fast motion (all changes are large), a bump of the camera (matches when shifted),
a change of exposure (the structure stays) and flashes (the old picture comes back) are no cuts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Thumbnail = NDArray[np.float32]
T = TypeVar("T")

THUMBNAIL_SIDE = 48
"""Pixels of a thumbnail's longer side."""


@dataclass(frozen=True)
class Shot:
    """A continuous shot: `number` from 1, the times (s) of its first and last frame, and how many it has."""

    number: int
    first: float
    last: float
    frames: int

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return self.last - self.first


def list_shots(times: Sequence[float] | NDArray[np.float64], shots: Sequence[int] | NDArray[np.int64]) -> list[Shot]:
    """The shots of frames whose times (F,) s and shot numbers (F,), which never decrease, are given."""
    numbers = np.asarray(shots, np.int64)
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
    ends = np.append(starts[1:], len(numbers))
    return [
        Shot(int(numbers[i]), float(times[i]), float(times[j - 1]), int(j - i))
        for i, j in zip(starts, ends, strict=True)
    ]


def longest_shot(shots: Iterable[Shot]) -> Shot:
    """The one that lasts longest, the first of equals. Raises `ValueError` where there are none."""
    return max(shots, key=lambda shot: (shot.duration, -shot.number))


class ShotDetector(Generic[T]):
    """Numbers a stream of pictures by shot, `lookahead` pictures late.

    `push` a thumbnail with whatever belongs to it; each comes out again with its shot's number, from 1.
    """

    # Tuned on moving textures, pans, shakes and flashes against cuts; see tests/core/test_shots.py.
    LEAST_CHANGE = 0.02
    CHANGE_RATIO = 2.5
    STRONG_RATIO = 1.3
    LEAST_MISMATCH = 0.5
    LEAST_COLOUR = 0.25

    def __init__(self, lookahead: int = 4) -> None:
        if lookahead < 1:
            raise ValueError("a cut is only known from what follows it: look ahead by at least 1")
        self.lookahead = lookahead
        self._shot = 1
        self._items: deque[T] = deque()
        # Thumbnails and changes around the picture in question, which stands at `_at`.
        self._thumbnails: deque[Thumbnail] = deque(maxlen=2 * lookahead + 1)
        self._changes: deque[float] = deque(maxlen=2 * lookahead + 1)

    def push(self, thumbnail: Thumbnail, item: T) -> list[tuple[int, T]]:
        """The pictures whose shot is now known: none or one. `thumbnail` (h, w, 3) RGB in [0, 1]."""
        change = float(np.mean(np.abs(thumbnail - self._thumbnails[-1]))) if self._thumbnails else 0.0
        self._thumbnails.append(thumbnail)
        self._changes.append(change)
        self._items.append(item)
        return [self._settle()] if len(self._items) > self.lookahead else []

    def flush(self) -> list[tuple[int, T]]:
        """The rest, at the end of the stream."""
        return [self._settle() for _ in range(len(self._items))]

    def _settle(self) -> tuple[int, T]:
        at = len(self._thumbnails) - len(self._items)
        if at > 0 and self._is_cut(at):
            self._shot += 1
        return self._shot, self._items.popleft()

    def _is_cut(self, at: int) -> bool:
        change = self._changes[at]
        if change < self.LEAST_CHANGE:
            return False
        # The first change of the stream is no change; of the others the second largest counts, so that
        # another cut nearby does not hide this one.
        others = sorted(c for i, c in enumerate(self._changes) if i != at)
        usual = others[-2] if len(others) > 1 else 0.0
        ratio = change / max(usual, 1e-3)
        if ratio < self.STRONG_RATIO:
            return False
        before = [self._thumbnails[i] for i in range(max(0, at - self.lookahead), at)]
        after = [self._thumbnails[i] for i in range(at, len(self._thumbnails))]
        colour = colour_distance(before[-1], after[0])
        if ratio < self.CHANGE_RATIO and colour < self.LEAST_COLOUR:
            return False
        return all(structure_mismatch(b, a) > self.LEAST_MISMATCH for b in before for a in after)


def structure_mismatch(a: Thumbnail, b: Thumbnail) -> float:
    """How badly two thumbnails (h, w, 3) match under the best shift up to a quarter of their size: 0 to 1.

    1 minus the greatest normalised correlation of the overlapping parts, per shift, over all channels;
    gain and brightness do not matter. Two flat pictures match; a flat one matches nothing else.
    """
    height, width = a.shape[:2]
    best = 0.0
    for dy in range(-(height // 4), height // 4 + 1, 2):
        for dx in range(-(width // 4), width // 4 + 1, 2):
            part_a = a[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)].ravel()
            part_b = b[max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)].ravel()
            da, db = part_a - part_a.mean(), part_b - part_b.mean()
            scale = float(np.sqrt((da @ da) * (db @ db)))
            if scale > 1e-6:
                best = max(best, float(da @ db) / scale)
    return 1.0 - best


def colour_distance(a: Thumbnail, b: Thumbnail) -> float:
    """Half the L1 distance of the colour histograms (4 x 4 x 4 cells) of two thumbnails: 0 to 1."""

    def histogram(image: Thumbnail) -> NDArray[np.float64]:
        cells = np.minimum((image * 4).astype(np.int64), 3) @ np.array([16, 4, 1])
        counts: NDArray[np.int64] = np.bincount(cells.ravel(), minlength=64)
        return counts / cells.size

    return 0.5 * float(np.abs(histogram(a) - histogram(b)).sum())
