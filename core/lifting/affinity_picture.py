"""A picture of a network's affinities over the frames of a clip, as the paper's figure 6 has them.

A column a frame. On the person: who listens to whom in space, and in time from this step's joints (dots) to the
next's (rings). A line has the colour of the joint that listens and is as wide as the other counts; a joint's weight on
itself is its dot. Below, the same as matrices: rows listen, columns are listened to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..rotation import Array
from ..skeleton import JointSet
from .affinity import FrameAffinities

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_TILE = (260, 360)
_MATRIX = 260
_MARGIN, _LABEL_WIDTH, _HEADING = 10, 150, 34
_FINE = 2
"""Tiles are drawn this much larger and made smaller, so that lines are smooth."""
_BACKGROUND, _INK, _FAINT = (24, 24, 28), (240, 240, 240), (150, 150, 156)
_LEFT, _RIGHT, _MIDDLE = (90, 170, 255), (255, 150, 70), (120, 225, 120)
_DIMMED = 0.42
_OUTSIDE = (58, 58, 66)
"""Where the picture ends, before it is dimmed to the background's grey."""
_ROOM = 1.3
_LEAST = 0.02
"""Of the greatest weight in a row of the picture; smaller ones are not drawn."""


def affinity_picture(
    found: FrameAffinities, pictures: Sequence[Picture], times: Sequence[float], joints: Sequence[str] = ()
) -> Image.Image:
    """The picture for frames given by their upright `pictures` (H, W, 3), in the keypoints' pixels, and `times` in s.

    `joints`: names of the joints whose listening is drawn on the person; all of them by default.
    """
    listeners = found.joints.indices(*joints) if joints else list(range(len(found.joints)))
    graphs = [(name, weights, later) for name, weights, later in (
        ("in space", found.spatial, False), ("in time: the next step", found.after, True),
    ) if weights is not None]  # fmt: skip
    columns, step = len(pictures), _TILE[0] + _MARGIN
    width = _LABEL_WIDTH + columns * step
    heights = [_TILE[1]] * len(graphs) + [_MATRIX] * len(graphs)
    sheet = Image.new("RGB", (width, _HEADING + sum(heights) + _MARGIN * len(heights)), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for column, time in enumerate(times):
        draw.text((_LABEL_WIDTH + column * step, 8), f"{time:.2f} s", _INK, _font(18))
    top = _HEADING
    for name, weights, later in graphs:
        _label(draw, top, name, found, joints)
        for column, picture in enumerate(pictures):
            tile = _on_the_person(found, column, picture, weights, later, listeners)
            sheet.paste(tile, (_LABEL_WIDTH + column * step, top))
        top += _TILE[1] + _MARGIN
    for name, weights, _ in graphs:
        draw.multiline_text((_MARGIN, top), f"{name}\nrows listen\nto columns", _FAINT, _font(14))
        for column in range(columns):
            sheet.paste(_matrix(weights[column], weights.max(), found.joints), (_LABEL_WIDTH + column * step, top))
        top += _MATRIX + _MARGIN
    return sheet


def joint_colour(joints: JointSet, joint: int) -> Colour:
    """Left blue, right orange, the midline green."""
    name = joints.joints[joint]
    return _LEFT if name.startswith("left_") else _RIGHT if name.startswith("right_") else _MIDDLE


def _on_the_person(
    found: FrameAffinities, column: int, picture: Picture, weights: Array, later: bool, listeners: Sequence[int]
) -> Image.Image:
    """The part of the picture with the person, dimmed, and on it the lines."""
    here, there = found.pixels[column], found.pixels_next[column] if later else found.pixels[column]
    size = (_TILE[0] * _FINE, _TILE[1] * _FINE)
    box, scale = _crop_box(np.concatenate([found.pixels[column], found.pixels_next[column]]))
    corners = tuple(float(value) for value in box)
    tile = Image.fromarray(picture).transform(
        size, Image.Transform.EXTENT, corners, Image.Resampling.BILINEAR, fillcolor=_OUTSIDE
    )
    tile = Image.fromarray((np.asarray(tile) * _DIMMED).astype(np.uint8))
    here, there = (here - box[:2]) * scale * _FINE, (there - box[:2]) * scale * _FINE
    draw = ImageDraw.Draw(tile)
    for parent, child in found.joints.edges:
        draw.line([*here[parent], *here[child]], (110, 110, 116), _FINE)
    greatest = float(weights[:, listeners].max())
    shares = weights[column] / max(greatest, 1e-9)
    # The strongest last, so that it lies on top.
    lines = [(float(shares[i, j]), i, j) for i in listeners for j in range(len(found.joints))
             if (later or i != j) and shares[i, j] > _LEAST]  # fmt: skip
    for share, i, j in sorted(lines):
        line = [*here[i], *there[j]]
        draw.line(line, joint_colour(found.joints, i), max(1, round((0.5 + 3.5 * share) * _FINE)))
    for joint in range(len(found.joints)):
        colour = joint_colour(found.joints, joint)
        listens = joint in listeners
        if later:
            _circle(draw, there[joint], 3 * _FINE, None, colour)
        _circle(draw, here[joint], (2 + (3 * shares[joint, joint] if listens else 0)) * _FINE, colour, _BACKGROUND)
    return tile.resize(_TILE, Image.Resampling.LANCZOS)


def _crop_box(points: Array) -> tuple[Array, float]:
    """The box (left, top, right, bottom) around points, in the tile's proportions, and tile pixels a picture pixel."""
    low, high = points.min(0), points.max(0)
    height = max(float(high[1] - low[1]), float(high[0] - low[0]) * _TILE[1] / _TILE[0], 24.0) * _ROOM
    half = np.array([height * _TILE[0] / _TILE[1], height]) / 2
    centre = (low + high) / 2
    return np.concatenate([centre - half, centre + half]), _TILE[1] / height


def _matrix(weights: Array, greatest: float, joints: JointSet) -> Image.Image:
    """The weights (N, N) as a square picture, joints in their order, a strip of their colours along the edges."""
    count = len(joints)
    shade = np.clip(weights / max(greatest, 1e-9), 0, 1)[..., None] ** 0.7
    dark, bright = np.array((34, 34, 40)), np.array((255, 244, 214))
    cells = (dark + shade * (bright - dark)).astype(np.uint8)
    strip = np.array([joint_colour(joints, joint) for joint in range(count)], np.uint8)
    framed = np.zeros((count + 1, count + 1, 3), np.uint8)
    framed[1:, 1:], framed[0, 1:], framed[1:, 0] = cells, strip, strip
    framed[0, 0] = _BACKGROUND
    return Image.fromarray(framed).resize((_MATRIX, _MATRIX), Image.Resampling.NEAREST)


def _circle(draw: ImageDraw.ImageDraw, centre: Array, radius: float, fill: Colour | None, outline: Colour) -> None:
    x, y = (float(value) for value in centre)
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill, outline, _FINE)


def _label(draw: ImageDraw.ImageDraw, top: int, name: str, found: FrameAffinities, joints: Sequence[str]) -> None:
    who = "\n".join(joint.replace("_", " ") for joint in joints) if joints else "all joints"
    draw.multiline_text((_MARGIN, top), name.replace(": ", ":\n"), _INK, _font(17))
    draw.multiline_text((_MARGIN, top + 52), f"block {found.block}\n{who}", _FAINT, _font(14))
    for line, (text, colour) in enumerate((("left listens", _LEFT), ("right listens", _RIGHT), ("middle", _MIDDLE))):
        draw.text((_MARGIN, top + _TILE[1] - 70 + 22 * line), text, colour, _font(14))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
