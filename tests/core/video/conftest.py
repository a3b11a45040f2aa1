"""What several of these tests know of containers and pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionlift.core.video import Frame

CONTAINERS = {
    "a.mp4": ("libx264", "yuv420p"),
    "a.mov": ("prores", "yuv422p10le"),
    "a.mkv": ("libx264", "yuv420p"),
    "a.webm": ("libvpx-vp9", "yuv420p"),
    "a.avi": ("mpeg4", "yuv420p"),
    "b.avi": ("mjpeg", "yuvj420p"),
    "a.ts": ("libx264", "yuv420p"),
    "ten bit.mp4": ("libx265", "yuv420p10le"),
}
"""Codec and pixel format by a file's name."""


def difference(frame: Frame, picture: NDArray[np.uint8]) -> float:
    """The mean of the levels by which a frame differs."""
    return float(np.mean(np.abs(frame.image.astype(float) - picture)))
