"""What was seen of one person, passed on by everything before the solve: `Keypoints2D`, and `HandKeypoints` with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hand_skeleton import HAND_21
from .rotation import Array, Bools, Floats
from .skeleton import BODY_26


@dataclass(frozen=True)
class HandKeypoints:
    """One person's hands, left and right, 21 landmarks each (`hand_skeleton.HAND_21`), a sample a decoded frame.

    pixels (F, 2, 21, 2) in the upright picture and world (F, 2, 21, 3) m: MediaPipe's own 3D, origin inside the hand,
    x right, y down, z away from the camera; NaN where no hand was found. confidence (F, 2) in [0, 1], there 0.
    left (F, 2) in [0, 1]: how much the detector takes it for a left hand; 0.5 where none was found. The landmarks are
    as precise as the detector gives them and a file keeps them: an hour of them is large.
    """

    pixels: Floats
    world: Floats
    confidence: Array
    left: Array

    def __len__(self) -> int:
        return len(self.confidence)

    def sampled(self, samples: slice | NDArray[np.int64]) -> HandKeypoints:
        """Some of the samples."""
        return HandKeypoints(*(getattr(self, name)[samples] for name in HAND_FIELDS))

    def mirrored(self, width: float) -> HandKeypoints:
        """The same hands in the mirrored picture, `width` pixels wide: what looks like a left hand is a right one."""
        pixels, world = self.pixels[:, ::-1].copy(), self.world[:, ::-1].copy()
        pixels[..., 0] = width - pixels[..., 0]
        world[..., 0] = -world[..., 0]
        return HandKeypoints(pixels, world, self.confidence[:, ::-1], 1.0 - self.left[:, ::-1])

    def spread(self, samples: NDArray[np.int64], kept: Bools, frames: int) -> HandKeypoints:
        """The `kept` ones of these samples, at the places `samples` among `frames`; no hands elsewhere."""
        if len(samples) == len(self) == frames:
            return self
        result = HandKeypoints.nothing(frames)
        for name in HAND_FIELDS:
            getattr(result, name)[samples] = getattr(self, name)[kept]
        return result

    def between(
        self, frames: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], times: Array
    ) -> HandKeypoints:
        """With `frames` (N,) on straight lines between the frames `first` and `second` (N,), by `times` (F,) s."""
        share = (times[frames] - times[first]) / (times[second] - times[first])
        result = HandKeypoints(*(getattr(self, name).copy() for name in HAND_FIELDS))
        for name in HAND_FIELDS:
            values = getattr(self, name)
            part = share.reshape(-1, *(1,) * (values.ndim - 1))
            getattr(result, name)[frames] = (1 - part) * values[first] + part * values[second]
        found = np.isfinite(result.pixels[frames]).all((-1, -2))
        result.confidence[frames] = np.where(found, result.confidence[frames], 0.0)
        result.left[frames] = np.where(found, result.left[frames], 0.5)
        return result

    @staticmethod
    def nothing(frames: int) -> HandKeypoints:
        """No hand in any of `frames`."""
        points = (frames, 2, len(HAND_21))
        return HandKeypoints(
            np.full((*points, 2), np.nan, np.float32),
            np.full((*points, 3), np.nan, np.float32),
            np.zeros((frames, 2)),
            np.full((frames, 2), 0.5),
        )


HAND_FIELDS = tuple(field.name for field in dataclasses.fields(HandKeypoints))
"""What there is of hands."""


@dataclass(frozen=True)
class Keypoints2D:
    """One person's `BODY_26` keypoints in the upright picture, a sample a decoded frame.

    times (F,) s; pixels (F, 26, 2); confidence (F, 26) in [0, 1]; detected (F,): where False, pixels are
    NaN and confidence 0. `world_landmarks` (F, 33, 3) m is the detector's own 3D (MediaPipe's axes: x right,
    y down, z forward, origin between the hips), kept for comparison, or None. `hands`: where they were looked for.
    """

    times: Array
    pixels: Array
    confidence: Array
    detected: Bools
    image_size: tuple[int, int]
    world_landmarks: Array | None = None
    hands: HandKeypoints | None = None

    def mirrored(self) -> Keypoints2D:
        """The same person in the mirrored picture: x reflected, left and right exchanged."""
        pixels = self.pixels[:, BODY_26.mirror].copy()
        pixels[..., 0] = self.image_size[0] - pixels[..., 0]
        return dataclasses.replace(
            self,
            pixels=pixels,
            confidence=self.confidence[:, BODY_26.mirror],
            world_landmarks=None,
            hands=self.hands and self.hands.mirrored(self.image_size[0]),
        )

    def window(self, start: int, stop: int) -> Keypoints2D:
        """The samples start <= i < stop."""
        part = slice(start, stop)
        world = None if self.world_landmarks is None else self.world_landmarks[part]
        hands = None if self.hands is None else self.hands.sampled(part)
        return Keypoints2D(
            self.times[part],
            self.pixels[part],
            self.confidence[part],
            self.detected[part],
            self.image_size,
            world,
            hands,
        )

    def among(self, times: Array) -> Keypoints2D:
        """The same samples as part of those at `times` (F,) s, which go on before and after; nothing detected there."""
        first = int(np.searchsorted(times, self.times[0])) if len(self.times) else 0
        here = np.arange(first, first + len(self.times))
        if len(here) == len(times):
            return self

        def spread(values: NDArray[Any], nothing: float) -> NDArray[Any]:
            result = np.full((len(times), *values.shape[1:]), nothing, values.dtype)
            result[here] = values
            return result

        world = self.world_landmarks
        return dataclasses.replace(
            self,
            times=times,
            pixels=spread(self.pixels, np.nan),
            confidence=spread(self.confidence, 0.0),
            detected=spread(self.detected, False),
            world_landmarks=None if world is None else spread(world, np.nan),
            hands=self.hands and self.hands.spread(here, np.ones(len(here), bool), len(times)),
        )
