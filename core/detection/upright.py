"""Whether the video stands on its side or its head, as when a phone's turn was lost on the way: told by the people."""

from __future__ import annotations

import numpy as np

from ..keypoints import Keypoints2D
from ..skeleton import BODY_26

NEARLY_ALWAYS = 0.9
"""Share of the frames with the person: who only lies down or turns a somersault is not meant."""


def turned_words(keypoints: Keypoints2D, rotation: int = 0) -> str | None:
    """What to tell of somebody whose trunk points another way than up nearly all the time; None where it does not.

    `rotation`: degrees clockwise by which the stored pictures are turned already. Nothing is turned for it: who lies
    down or hangs from a bar all the time looks alike, and turning takes another detection.
    """
    places = (keypoints.pixels[:, BODY_26.indices(f"left_{name}", f"right_{name}")] for name in ("shoulder", "hip"))
    shoulders, hips = (place.mean(1) for place in places)
    across, down = (shoulders - hips)[keypoints.detected].T
    if not len(across):
        return None
    lies = np.abs(across) > np.abs(down)
    for held, is_so, turn, degrees in (
        (lies & (across > 0), "lies on the side", "a quarter to the left", 270),
        (lies & (across < 0), "lies on the side", "a quarter to the right", 90),
        (~lies & (down > 0), "is upside down", "half round", 180),
    ):
        if held.mean() > NEARLY_ALWAYS:
            return (
                f"The figure {is_so} in nearly every picture. If the person stood, the video is turned: lift it again "
                f"with --rotate {(rotation + degrees) % 360}, that is, turn it {turn}."
            )
    return None
