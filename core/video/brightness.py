"""High dynamic range by SMPTE ST 2084 (PQ: HDR10, Dolby Vision) brought to the range that screens and detectors know.

Shown as they are stored such pictures are dark and flat, and people are hardly found in them. Each colour goes through
one curve, given as a table of the 256 values that a picture of eight bits has. HLG is made to be shown as it is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from av.video.reformatter import ColorTrc
from numpy.typing import NDArray

from ..rotation import Array

WHITE_NITS = 203.0
"""Brightness of white paper, ITU-R BT.2408."""
KNEE = 0.75
"""Share of white up to which light stays as it is; what is brighter, without end, fits in above."""


def to_screen(image: NDArray[np.uint8], transfer: int) -> NDArray[np.uint8]:
    """RGB (H, W, 3) of that transfer characteristic (ITU-T H.273) as sRGB: `image` itself unless it is PQ."""
    if transfer != ColorTrc.SMPTE2084:
        return image
    # Four times as fast as by indices.
    return np.frombuffer(bytearray(image).translate(_table()), np.uint8).reshape(image.shape)


@cache
def _table() -> bytes:
    light = pq_nits(np.linspace(0.0, 1.0, 256)) / WHITE_NITS
    room = 1.0 - KNEE
    light = np.where(light <= KNEE, light, KNEE + room * (1.0 - np.exp(-np.maximum(light - KNEE, 0.0) / room)))
    # IEC 61966-2-1.
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return bytes(np.rint(255 * shown).astype(np.uint8))


def pq_nits(stored: Array) -> Array:
    """Candela a square metre of stored values in [0, 1]: SMPTE ST 2084, equation 4.1."""
    m1, m2 = 2610 / 16384, 2523 / 32
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.power(stored, 1 / m2)
    return np.asarray(10000 * np.power(np.maximum(root - c1, 0.0) / (c2 - c3 * root), 1 / m1))
