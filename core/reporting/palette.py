"""The colours of previews: a person's own, and how doubt changes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array

Colour = tuple[int, int, int]

PEOPLE: tuple[Colour, ...] = ((70, 190, 255), (170, 230, 90), (200, 150, 255), (255, 235, 150))
"""A colour a person, who keeps it while the detector is sure."""
UNSURE: Colour = (255, 60, 40)
"""The colour of what is not known at all; between, they are mixed."""


def person_colour(person: int) -> Colour:
    """The colour of the person of that index."""
    return PEOPLE[person % len(PEOPLE)]


def confidence_colours(colour: Colour, confidence: Array) -> NDArray[np.uint8]:
    """RGB (..., 3) for confidence (...) in [0, 1]: from `UNSURE` to the person's own colour."""
    share = np.clip(confidence, 0, 1)[..., None]
    return np.asarray(np.rint(np.array(UNSURE) * (1 - share) + np.array(colour) * share), np.uint8)
