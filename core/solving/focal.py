"""The lens, when nobody tells: the field of view under which what was seen and what was lifted agree best.

A wrong focal length makes people who come nearer or reach for the camera grow by the wrong amount, and turns the rays
to whoever is off the centre by the wrong angle; the solve then fits worse. Its misfit is taken at a few fields of view
and a parabola laid through it over the logarithm of the focal length; what is known of lenses beforehand is a second
parabola, and where their sum is least is the estimate. Its curvature says how uncertain that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..camera import DEFAULT_FOV_DEGREES
from ..keypoints import Keypoints2D
from ..rotation import Array

PRIOR_SIGMA = 0.30
"""Standard deviation of the log of the focal length of whatever people film with, from `DEFAULT_FOV_DEGREES`."""
STEPS: Array = np.array([-0.4, 0.0, 0.4])
"""Logs of the focal lengths that are tried, from the default's."""
CORRELATED_S = 1.0
"""Seconds of video whose misfit counts once: errors of neighbouring frames are the same ones."""
FRAMES, RATE = 45, 15.0
"""What is tried: so many frames, so many a second."""


@dataclass(frozen=True)
class FocalEstimate:
    """A field of view along the longer side, degrees, and the range in which it lies with two standard deviations."""

    fov_degrees: float
    narrowest: float
    widest: float


def fields_of_view() -> Array:
    """The fields of view (3,) to try, degrees, from wide to narrow."""
    return _fov(_log_focal(DEFAULT_FOV_DEGREES) + STEPS)


def estimate_focal(misfits: Array, seconds: float) -> FocalEstimate:
    """The estimate from the misfits (3,) at `fields_of_view`: sums of squares in standard deviations over `seconds` of
    video, divided by the frames a second."""
    evidence = misfits / (2 * CORRELATED_S)
    curvature, slope, _ = np.polyfit(STEPS, evidence, 2)
    precision = 1 / PRIOR_SIGMA**2 + max(2 * float(curvature), 0.0)
    # A bowl that opens downwards says nothing but which way.
    mean = float(np.clip(-float(slope) / precision, STEPS[0], STEPS[-1])) if seconds > 0 else 0.0
    centre = _log_focal(DEFAULT_FOV_DEGREES) + mean
    spread = 2 / np.sqrt(precision)
    best, narrow, wide = _fov(np.array([centre, centre + spread, centre - spread]))
    return FocalEstimate(float(best), float(narrow), float(wide))


def telling_part(keypoints: Keypoints2D) -> Keypoints2D:
    """`FRAMES` samples at `RATE`, or fewer, of the part of a track in which its size in the picture changes most."""
    seen = np.flatnonzero(keypoints.detected)
    first, last = int(seen[0]), int(seen[-1]) + 1
    step = float(np.median(np.diff(keypoints.times))) if len(keypoints.times) > 1 else 1 / RATE
    stride = max(1, round(1 / (RATE * step)))
    length = min(FRAMES * stride, last - first)
    pixels = keypoints.pixels[first:last]
    size = np.log(np.linalg.norm(np.ptp(pixels, axis=1), axis=-1))
    size = np.interp(np.arange(len(size)), np.flatnonzero(np.isfinite(size)), size[np.isfinite(size)])
    starts = np.append(np.arange(0, last - first - length, max(1, length // 4)), last - first - length)
    begin = first + int(max(starts, key=lambda s: float(np.ptp(size[s : s + length]))))
    part = slice(begin, begin + length, stride)
    world = keypoints.world_landmarks
    return Keypoints2D(
        keypoints.times[part],
        keypoints.pixels[part],
        keypoints.confidence[part],
        keypoints.detected[part],
        keypoints.image_size,
        None if world is None else world[part],
    )


def _log_focal(fov_degrees: float) -> float:
    """The log of the focal length in half widths of the picture."""
    return -float(np.log(np.tan(np.radians(fov_degrees) / 2)))


def _fov(log_focal: Array) -> Array:
    return np.asarray(np.degrees(2 * np.arctan(np.exp(-log_focal))))
