"""MediaPipe's 33 landmarks of one track as `Keypoints2D`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Keypoints2D
from ..rotation import Array
from ..skeleton import body_from_mediapipe

_OUTSIDE_CONFIDENCE = 0.3
_OUTSIDE_FADE = 0.1


def keypoints(
    times: Array, samples: NDArray[np.int64], pixels: Array, world: Array, sure: Array, image_size: tuple[int, int]
) -> Keypoints2D:
    """A sample for each of `times` (F,) s; `samples` (N,) are the indices of those in which the person was found.

    pixels (N, 33, 2), world (N, 33, 3) m and seen (N, 33) in [0, 1] belong to these.
    """
    mix = body_from_mediapipe()
    frames = len(times)
    joints = len(mix)
    found_pixels = np.full((frames, joints, 2), np.nan)
    found_pixels[samples] = mix @ pixels
    found_world = np.full((frames, *world.shape[1:]), np.nan)
    found_world[samples] = world
    confidence = np.zeros((frames, joints))
    confidence[samples] = joint_confidence(sure)
    detected = np.zeros(frames, bool)
    detected[samples] = True
    return Keypoints2D(times, found_pixels, confidence, detected, image_size, found_world)


def landmark_confidence(pixels: Array, seen: Array, image_size: tuple[int, int]) -> Array:
    """`seen` (N, 33), lowered for landmarks (N, 33, 2) px outside the picture.

    Those are guesses whatever MediaPipe says of them: at most 0.3 just outside, fading to nothing a tenth of the
    picture's longer side away.
    """
    size = np.array(image_size, np.float64)
    away = np.linalg.norm(np.maximum(np.maximum(-pixels, pixels - size), 0.0), axis=-1)
    fade = np.clip(1 - away / (_OUTSIDE_FADE * size.max()), 0.0, 1.0)
    result: Array = np.clip(np.where(away > 0, np.minimum(seen, _OUTSIDE_CONFIDENCE) * fade, seen), 0.0, 1.0)
    return result


def joint_confidence(landmarks: Array) -> Array:
    """Confidence (N, 26) of `BODY_26` from that of the landmarks (N, 33): an interpolated joint is as sure as the
    least sure of its sources."""
    sources = body_from_mediapipe() > 0
    # Joint by joint: all at once would take a gigabyte for an hour of video.
    return np.stack([landmarks[:, of_joint].min(-1) for of_joint in sources], -1)
