"""Does the camera move? How far the background has shifted since the shot began, frame by frame.

Corners of a small grey reference picture are found again in each picture (Lucas and Kanade 1981, in pyramids); people
carry some of them away, the background the rest, so the shift that most corners from all over the picture agree on is
the camera's. The reference is kept for as long as it is in sight, so that nothing adds up while a camera rests.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..rotation import Array

WIDTH = 320
"""Pixels of the longer side of the small pictures."""
CORNERS, APART = 80, 8
"""Corners followed at most, and the small pixels between them."""
AGREE = 1.0
"""Small pixels within which corners agree."""
FEWEST, SHARE = 6, 0.35
"""Corners, and share of those found again, which must agree."""
SPREAD = 0.35
"""Share of the picture's width that those which agree must span: a person hardly does."""
EVERY = 3
"""Pictures of which one is looked at; a camera's movement is smooth enough to be interpolated."""
FARTHEST = 0.12
"""Share of the picture's width after which a new reference is taken."""

Grey = NDArray[np.uint8]


class BackgroundTracker:
    """Shifts of the background, a picture at a time, in the order of the frames."""

    def __init__(self) -> None:
        self.shifts: list[tuple[float, float]] = []
        self.shots: list[int] = []
        self._reference: Grey | None = None
        self._corners: NDArray[np.float32] | None = None
        self._base = self._last = np.zeros(2)
        self._shot, self._skipped = -1, 0

    def look(self, image: NDArray[np.uint8], shot: int) -> None:
        """Take the next picture (H, W, 3) of a shot in, if there is one; a new shot begins at 0."""
        self.shots.append(shot)
        if not image.size or (shot == self._shot and self._skipped < EVERY - 1):
            self._skipped += 1
            self.shifts.append((np.nan, np.nan))
            return
        self._skipped = 0
        height, width = image.shape[:2]
        scale = WIDTH / max(height, width)
        step = max(1, int(0.5 / scale))
        # Passing over pixels takes OpenCV a quarter of the time that slicing takes.
        fewer = (-(-width // step), -(-height // step))
        grey = cv2.cvtColor(cv2.resize(image, fewer, interpolation=cv2.INTER_NEAREST), cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        if shot != self._shot or self._reference is None:
            self._shot = shot
            self._base = self._last = np.zeros(2)
            self._refer_to(small)
        else:
            moved = self._moved(small)
            if moved is None:
                # Nothing of the reference is left: go on from here, as if the camera had rested since.
                self._base = self._last
                self._refer_to(small)
            else:
                self._last = self._base + moved
                if np.abs(moved).max() > FARTHEST * WIDTH:
                    self._base = self._last
                    self._refer_to(small)
        self.shifts.append((float(self._last[0]) / WIDTH, float(self._last[1]) / WIDTH))

    def shares(self) -> Array:
        """The shifts (F, 2) right and down in shares of the pictures' longer side."""
        shifts = np.array(self.shifts, float).reshape(-1, 2)
        frames, shots = np.arange(len(shifts)), np.array(self.shots)
        for shot in np.unique(shots):
            inside = shots == shot
            known = inside & np.isfinite(shifts[:, 0])
            for axis in range(2):
                found = shifts[known, axis] if known.any() else [0.0]
                shifts[inside, axis] = np.interp(frames[inside], frames[known] if known.any() else [0], found)
        return shifts

    def _refer_to(self, small: NDArray[np.generic]) -> None:
        self._reference = np.asarray(small, np.uint8)
        found = cv2.goodFeaturesToTrack(self._reference, CORNERS, 0.01, APART)
        self._corners = None if found is None else np.asarray(found, np.float32)

    def _moved(self, small: NDArray[np.generic]) -> Array | None:
        """The shift (2,) in small pixels that most corners agree on, or None."""
        if self._corners is None or self._reference is None or len(self._corners) < FEWEST:
            return None
        guess = self._corners + (self._last - self._base).astype(np.float32)
        there, found, _ = cv2.calcOpticalFlowPyrLK(
            self._reference, np.asarray(small, np.uint8), self._corners, guess, winSize=(15, 15), maxLevel=2,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )  # fmt: skip
        shifts = (there - self._corners)[found.ravel() == 1, 0].astype(float)
        places = self._corners[found.ravel() == 1, 0]
        if len(shifts) < FEWEST:
            return None
        near = _agreeing(shifts)
        if near.sum() < max(FEWEST, SHARE * len(shifts)) or np.ptp(places[near, 0]) < SPREAD * small.shape[1]:
            return None
        return np.asarray(shifts[near].mean(0))


def _agreeing(shifts: Array) -> NDArray[np.bool_]:
    """(N,) which of the shifts (N, 2) lie about the one that has most of the others near."""
    near = np.abs(shifts[:, None] - shifts[None]).max(-1) < AGREE
    return np.asarray(near[int(near.sum(1).argmax())])
