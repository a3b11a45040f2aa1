"""People who are small in the picture: found in tiles of it.

Nobody who is lower than about a sixth of its longer side is found in the whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from .landmarker import Look, Picture, Pose
from .parts import Box, height_of, search_parts, starts

SMALL = 0.2
"""Of the picture's longer side: who is higher is not looked for in tiles."""
_TILES = ((0.70, 0.40), (0.30, 1 / 3))
"""Sides of tiles, in the picture's shorter sides, and by how much of their side neighbours overlap at least: who is
higher than a sixth of a tile is found in it, and is whole in one of them."""
_SMALLEST_TILE = 210
"""Pixels of the picture: a figure that is a sixth of it shows no limbs."""


def tiles(size: tuple[int, int]) -> Iterator[Box]:
    """The squares in which a picture of `size` (width, height) px is searched."""
    for share, overlap in _TILES:
        side = round(share * min(size))
        if side >= _SMALLEST_TILE or share == _TILES[0][0]:
            for x in starts(size[0], side, overlap):
                yield from (Box(x, y, side, side) for y in starts(size[1], side, overlap))


def search(look: Look, image: Picture) -> list[Pose]:
    """Small people in a picture (H, W, 3), the surest first; `look` looks at single pictures."""
    size = (image.shape[1], image.shape[0])
    return search_parts(look, image, tiles(size), lambda pose: height_of(pose, size) < SMALL * max(size))
