"""People whom the whole picture does not show though they are not small: beside somebody, or at an angle.

A picture is shrunk to 224 pixels by its longer side before MediaPipe looks for people in it, so that an upright one
has 126 for its width, and who is less clear than another may be passed over; of two who stand close it takes one. In
its squares people are clearer, and whoever is known is covered.
"""

from __future__ import annotations

from .landmarker import Look, Picture, Pose
from .parts import APART, height_of, others, search_parts, squares, without
from .small import SMALL

LEAST = 0.5
"""Of the height of the highest who is known: passers-by in the background are not looked for. Beside who is small, or
where nobody is known, people who are not small are."""


def search_beside(look: Look, image: Picture, known: list[Pose], most: int) -> list[Pose]:
    """Those in a picture (H, W, 3) whom none of the `known` poses shows, `most` at most; `look` looks at single
    pictures."""
    size = (image.shape[1], image.shape[0])
    small = SMALL * max(size)
    highest = max((height_of(pose, size) for pose in known), default=0.0)
    lowest = LEAST * highest if highest >= small else small
    found: list[Pose] = []
    while len(found) < most:
        seen = [*known, *found]

        def wanted(pose: Pose, seen: list[Pose] = seen) -> bool:
            return height_of(pose, size) >= lowest and bool(others([pose], seen, size, APART))

        new = search_parts(look, without(image, seen), squares(size), wanted)
        if not new:
            break
        # Behind those there may be others.
        found += new
    return found[:most]
