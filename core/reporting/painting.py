"""Drawing on pictures with OpenCV, which MediaPipe brings along: figures coloured by confidence, the floor, contacts.

Pictures are (H, W, 3) RGB, drawn on in place; points are pixels, NaN where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from ..rotation import Array
from ..video.conversion import Image
from .drawn import Drawn
from .palette import Colour, confidence_colours

PLANTED: Colour = (255, 255, 255)
INK, FAINT, BACKGROUND = (235, 235, 235), (150, 150, 156), (26, 27, 32)
GRID: Colour = (74, 77, 88)
OUTLINE: Colour = (12, 12, 14)
LEFT: Colour = (255, 255, 255)
"""The dots on the left side's joints; the right side has none."""
_SHIFT = 4
"""Bits of a pixel's fraction in OpenCV's fixed-point coordinates."""
_FARTHEST = 1 << 14
"""Pixels from the corner beyond which nothing is drawn: fixed-point coordinates overflow."""


def paint_figure(image: Image, pixels: Array, depths: Array, figure: Drawn, frame: int, colour: Colour) -> None:
    """A figure's lines and joints at `pixels` (P, 2), far ones first by `depths` (P,) m."""
    wide = max(2, round(image.shape[0] / 190))
    colours = confidence_colours(colour, figure.line_confidence[frame])
    fixed, drawable = _fixed(pixels), _drawable(pixels)
    order = np.argsort(-depths[figure.lines].mean(-1))
    shown = [number for number in order if drawable[figure.lines[number]].all()]
    ends = [(fixed[start], fixed[end]) for start, end in figure.lines.tolist()]
    for number in shown:
        start, end = ends[number]
        if not figure.fingers[number]:
            cv2.line(image, start, end, OUTLINE, wide + 2, cv2.LINE_AA, _SHIFT)
    for number in shown:
        start, end = ends[number]
        width = max(1, wide // 3) if figure.fingers[number] else wide
        cv2.line(image, start, end, _plain(colours[number]), width, cv2.LINE_AA, _SHIFT)
    radius = int((wide * 0.8) * (1 << _SHIFT))
    for point in np.flatnonzero(drawable & (figure.side > 0)):
        cv2.circle(image, fixed[point], radius, LEFT, -1, cv2.LINE_AA, _SHIFT)


def paint_contacts(image: Image, pixels: Array, planted: NDArray[np.bool_]) -> None:
    """A ring at each planted contact point of `pixels` (C, 2)."""
    radius = int(max(4.0, image.shape[0] / 75) * (1 << _SHIFT))
    fixed = _fixed(pixels)
    for point in np.flatnonzero(planted & _drawable(pixels)):
        cv2.circle(image, fixed[point], radius, OUTLINE, 4, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, fixed[point], radius, PLANTED, 2, cv2.LINE_AA, _SHIFT)


def paint_lines(image: Image, starts: Array, ends: Array, colours: Sequence[Colour], width: int = 1) -> None:
    """Lines from `starts` (N, 2) to `ends` (N, 2)."""
    from_, to = _fixed(starts), _fixed(ends)
    for number in np.flatnonzero(_drawable(starts) & _drawable(ends)):
        cv2.line(image, from_[number], to[number], colours[number], width, cv2.LINE_AA, _SHIFT)


def paint_path(image: Image, pixels: Array, colour: Colour) -> None:
    """A polyline through `pixels` (N, 2)."""
    points = np.rint(pixels[_drawable(pixels)] * (1 << _SHIFT)).astype(np.int32)
    if len(points) > 1:
        cv2.polylines(image, [points], False, colour, 1, cv2.LINE_AA, _SHIFT)


def paint_patch(image: Image, patch: tuple[Image, NDArray[np.float32]], corner: tuple[int, int]) -> None:
    """A picture (h, w, 3) laid over by its opacity (h, w, 1), its top left at `corner` (x, y); cut at the edges."""
    x, y = corner
    colours, opacity = (part[: image.shape[0] - y, : image.shape[1] - x] for part in patch)
    under = image[y : y + colours.shape[0], x : x + colours.shape[1]]
    under[:] = np.rint(under * (1 - opacity) + colours * opacity).astype(np.uint8)


def text_patch(text: str, size: int, ink: Colour = INK, ground: float = 0.55) -> tuple[Image, NDArray[np.float32]]:
    """Text of a height in pixels on a ground of that opacity, for `paint_patch`."""
    font = _font(size)
    left, _, right, _ = font.getbbox(text)
    room = round(size * 0.35)
    # The same height for all texts, so that a running count does not jump.
    height = round(size * 1.15) + room
    mask = PillowImage.new("L", (round(right - left) + 2 * room, height))
    ImageDraw.Draw(mask).text((room - left, room / 2), text, fill=255, font=font)
    share = np.asarray(mask, np.float32)[..., None] / 255
    opacity = share + (1 - share) * ground
    colours = (np.array(ink) * share + np.array(BACKGROUND) * (1 - share) * ground) / np.maximum(opacity, 1e-6)
    return colours.astype(np.uint8), opacity


def floor_lines(centre_world: Array, reach: float, spacing: float = 0.5) -> tuple[Array, Array, list[Colour]]:
    """The floor around a point (3,) m: lines at whole multiples of `spacing` m, as starts and ends (N, 3) m and
    colours; the lines through the origin stand out, the others fade outwards."""
    low = np.floor((centre_world[:2] - reach) / spacing).astype(int)
    high = np.ceil((centre_world[:2] + reach) / spacing).astype(int)
    starts, ends, colours = [], [], []
    for axis in (0, 1):
        across = np.arange(low[axis], high[axis] + 1)
        ends_of_line = np.empty((2, len(across), 3))
        ends_of_line[..., axis] = across * spacing
        ends_of_line[..., 1 - axis] = np.array([low[1 - axis], high[1 - axis]])[:, None] * spacing
        ends_of_line[..., 2] = 0.0
        near = np.maximum(0.25, 1 - np.abs(across * spacing - centre_world[axis]) / (1.2 * reach))
        share = np.minimum(near * np.where(across == 0, 2.0, 1.0), 1.8)[:, None]
        starts.append(ends_of_line[0])
        ends.append(ends_of_line[1])
        colours.append(np.array(BACKGROUND) * (1 - share) + np.array(GRID) * share)
    shades = np.clip(np.concatenate(colours), 0, 255).astype(int).tolist()
    return np.concatenate(starts), np.concatenate(ends), [(red, green, blue) for red, green, blue in shades]


def _plain(colour: NDArray[np.generic]) -> Colour:
    red, green, blue = (int(value) for value in colour.tolist())
    return red, green, blue


def _drawable(pixels: Array) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(pixels) < _FARTHEST).all(-1))


def _fixed(pixels: Array) -> list[tuple[int, int]]:
    """Pixels (N, 2) in OpenCV's fixed point. Ours count from the picture's corner, OpenCV's from the first pixel's
    centre."""
    safe = np.where(_drawable(pixels)[:, None], pixels, 0.0) - 0.5
    return [(int(x), int(y)) for x, y in np.rint(safe * (1 << _SHIFT)).tolist()]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
