"""Hard cuts: where one continuous shot ends and another begins.

A cut is where a picture does not continue its predecessor: seen on small thumbnails, the change is far above
the changes around it, the structure does not match under any shift, and neither picture's surroundings come
back within a few frames. So fast motion (all changes are large), a bump of the camera (matches when shifted),
a change of exposure (the structure stays) and flashes (the old picture comes back) are no cuts. Neither is
a jump within one view of a camera that stands still: its background goes on.
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

COARSE_SIGMA = 8.0
"""Pixels of a thumbnail over which its coarse layout extends."""


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
    changes = np.flatnonzero(np.diff(numbers)) + 1
    parts = [part for part in np.split(np.arange(len(numbers)), changes) if len(part)]
    return [Shot(int(numbers[p[0]]), float(times[p[0]]), float(times[p[-1]]), len(p)) for p in parts]


def longest_shot(shots: Iterable[Shot]) -> Shot:
    """The one that lasts longest, the first of equals. Raises `ValueError` where there are none."""
    return max(shots, key=lambda shot: (shot.duration, -shot.number))


class ShotDetector(Generic[T]):
    """Numbers a stream of pictures by shot, `lookahead` pictures late.

    `push` a thumbnail with whatever belongs to it; each comes out again with its shot's number, from 1.
    """

    # A change, as a mean difference of channels in [0, 1], that is worth a look.
    LEAST_CHANGE = 0.02
    # Times the usual change nearby; the lower one suffices where the colours change as much as COLOUR_CHANGE.
    CHANGE_RATIO = 2.5
    COLOURED_RATIO = 1.3
    COLOUR_CHANGE = 0.25
    # Between shots 0.6 and more was seen, within one at most 0.45 (a crash zoom, 0.6, fails the ratio).
    LEAST_MISMATCH = 0.53

    def __init__(self, lookahead: int = 4) -> None:
        if lookahead < 1:
            raise ValueError("a cut is only known from what follows it: look ahead by at least 1")
        self.lookahead = lookahead
        self._shot = 1
        self._items: deque[T] = deque()
        # Around the picture in question: what came before it, itself, what comes after.
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
        # The second largest of the others, so that another cut nearby does not hide this one.
        others = sorted(c for i, c in enumerate(self._changes) if i != at)
        usual = others[-2] if len(others) > 1 else 0.0
        ratio = change / max(usual, 1e-3)
        if ratio < self.COLOURED_RATIO:
            return False
        shown = list(self._thumbnails)
        if ratio < self.CHANGE_RATIO and colour_distance(shown[at - 1], shown[at]) < self.COLOUR_CHANGE:
            return False
        # The nearest pair first: it decides most cases. The others tell a flash, after which the old shot returns.
        before = [fine_structure(t) for t in reversed(shown[max(0, at - self.lookahead) : at])]
        after = [fine_structure(t) for t in shown[at:]]
        return all(structure_mismatch(b, a) > self.LEAST_MISMATCH for a in after for b in before)


def fine_structure(thumbnail: Thumbnail) -> Thumbnail:
    """The thumbnail (h, w, 3) without its coarse layout: bright above and dark below is true of too many scenes."""
    # Imported here: most clips have no change worth a look, and it takes as long as detection in four frames.
    from scipy.ndimage import gaussian_filter

    coarse: Thumbnail = gaussian_filter(thumbnail, (COARSE_SIGMA, COARSE_SIGMA, 0))
    return thumbnail - coarse


def structure_mismatch(a: Thumbnail, b: Thumbnail) -> float:
    """How badly two pictures (h, w, 3) match under the best shift of up to a quarter of their sides: 0 to 1.

    1 minus the greatest normalised correlation of the parts that overlap, over all channels: gain and
    brightness do not matter, and a flat picture matches nothing. All shifts at once by Fourier transforms, as
    in Padfield, "Masked object registration in the Fourier domain", IEEE Transactions on Image Processing 2012.
    """
    height, width = a.shape[:2]
    padded = (2 * height, 2 * width)

    def spectrum(image: NDArray[np.float32]) -> NDArray[np.complex128]:
        transformed: NDArray[np.complex128] = np.fft.rfft2(image, padded, axes=(0, 1))
        return transformed

    def correlate(x: NDArray[np.complex128], y: NDArray[np.complex128]) -> NDArray[np.float64]:
        dy, dx = np.arange(-(height // 4), height // 4 + 1), np.arange(-(width // 4), width // 4 + 1)
        near: NDArray[np.float64] = np.fft.irfft2(x * np.conj(y), padded, axes=(0, 1))[np.ix_(dy, dx)]
        return near

    # Centred first, against cancellation.
    a, b = a - a.mean((0, 1)), b - b.mean((0, 1))
    one, fa, fb = spectrum(np.ones((height, width, 1), np.float32)), spectrum(a), spectrum(b)
    count = correlate(one, one)
    sum_a, sum_b = correlate(fa, one), correlate(one, fb)
    covariance = np.sum(correlate(fa, fb) - sum_a * sum_b / count, -1)
    variance_a = np.sum(correlate(spectrum(a * a), one) - sum_a**2 / count, -1)
    variance_b = np.sum(correlate(one, spectrum(b * b)) - sum_b**2 / count, -1)
    floor = 1e-4 * count[..., 0]
    return 1.0 - float(np.max(covariance / np.sqrt(np.maximum(variance_a, floor) * np.maximum(variance_b, floor))))


def colour_distance(a: Thumbnail, b: Thumbnail) -> float:
    """Half the L1 distance of the colour histograms (4 x 4 x 4 cells) of two thumbnails: 0 to 1."""

    def histogram(image: Thumbnail) -> NDArray[np.float64]:
        cells = np.minimum((image * 4).astype(np.int64), 3) @ np.array([16, 4, 1])
        counts = np.bincount(cells.ravel(), minlength=64)
        return np.divide(counts, counts.sum())

    return 0.5 * float(np.abs(histogram(a) - histogram(b)).sum())
