"""The preview as one web page: figures to turn round and play, with no network and no library."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ..files import written_beside
from ..motion import Motion
from ..rotation import Array
from .drawn import Drawn, drawn, heading
from .evidence import clip_times, speed
from .palette import UNSURE, person_colour
from .stretches import weak_stretches

TEMPLATE = "page.html"
PLACES = 60
"""Places to check that are listed, of all people together."""
FOV_DEGREES = 32.0
"""Of the page's camera, from top to bottom."""
_FINEST = 0.001
"""Metres of one step of the stored positions, where the whole take fits into 16 bits of them."""


def write_page(motions: Sequence[tuple[str, Motion]], output: Path) -> None:
    """Write the page of named motions. Raises `MotionLiftError` (`write_failed`, or `bad_motion` for a skeleton that
    is not ours)."""
    text = page(motions)
    with written_beside(output) as temporary:
        # Names may be of bytes that are no text.
        temporary.write_text(text, encoding="utf-8", errors="replace")


def page(motions: Sequence[tuple[str, Motion]]) -> str:
    """The page of named motions as HTML."""
    title = ", ".join(name for name, _ in motions)
    # In a script's text only an end tag means something; JSON takes its letters as numbers as well.
    data = json.dumps(page_data(title, motions), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    template = resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    head, _, rest = template.partition("__TITLE__")
    middle, _, tail = rest.partition("__DATA__")
    return "".join([head, html.escape(title), middle, data, tail])


def page_data(title: str, motions: Sequence[tuple[str, Motion]]) -> dict[str, Any]:
    """What the page's script reads: arrays in base64, little-endian, frames leading.

    Of each person `points` (F, P, 3) and `feet` (F, C, 3) int16 in steps of `unit` m from `origin`; `sure` (F, L),
    `least` (F,), `planted` (F, C) and `shown` (F,) bytes; `times` (F,) float64 s of the file. `places`: what to check.
    """
    figures = [drawn(motion) for _, motion in motions]
    people = [
        _person(name, motion, figure, number)
        for number, ((name, motion), figure) in enumerate(zip(motions, figures, strict=True))
    ]
    places = sorted(
        (-stretch.doubt, stretch.start_s * speed(motion), stretch.end_s * speed(motion), stretch.words, name)
        for name, motion in motions
        for stretch in weak_stretches(motion)
    )
    first = motions[0][1]
    return {
        "title": title,
        "front": heading(first),
        "fov": FOV_DEGREES,
        "distance": _distance(figures),
        "unsure": UNSURE,
        "imageSize": first.image_size,
        "camera": _cameras(first),
        "people": people,
        "places": [
            {"start": round(start, 4), "end": round(end, 4), "words": words, "name": name}
            for _, start, end, words, name in places[:PLACES]
        ],
    }


def _person(name: str, motion: Motion, figure: Drawn, number: int) -> dict[str, Any]:
    points, feet = figure.points_world, figure.feet_world
    origin = np.round((points.min((0, 1)) + points.max((0, 1))) / 2, 3)
    farthest = max(float(np.abs(values - origin).max(initial=0.0)) for values in (points, feet))
    unit = max(_FINEST, farthest / 32767)
    top = points[0, :, 2].argmax() if "head" not in motion.joint_names else motion.joint("head")
    return {
        "name": name,
        "colour": person_colour(number),
        "times": _packed(clip_times(motion), "<f8"),
        "unit": unit,
        "origin": origin.tolist(),
        "pointCount": points.shape[1],
        "footCount": feet.shape[1],
        "points": _packed(np.rint((points - origin) / unit), "<i2"),
        "feet": _packed(np.rint((feet - origin) / unit), "<i2"),
        "lines": figure.lines.tolist(),
        "fine": figure.fingers.tolist(),
        "side": figure.side.tolist(),
        "top": int(top),
        "sure": _packed(np.rint(255 * figure.line_confidence), "u1"),
        "least": _packed(np.rint(255 * figure.least_confidence), "u1"),
        "planted": _packed(figure.planted, "u1"),
        "shown": _packed(figure.shown, "u1"),
    }


def _cameras(motion: Motion) -> list[dict[str, Any]]:
    """The filming camera, one a frame where it moves."""
    count = max(len(motion.camera_K), len(motion.world_from_camera))
    result = []
    for frame in range(count):
        K = motion.camera_K[min(frame, len(motion.camera_K) - 1)]
        placed = motion.world_from_camera[min(frame, len(motion.world_from_camera) - 1)]
        right, down, forward, eye = (np.round(placed[:3, column], 6).tolist() for column in range(4))
        result.append({"eye": eye, "right": right, "down": down, "forward": forward, "fx": float(K[0, 0]),
                       "fy": float(K[1, 1]), "cx": float(K[0, 2]), "cy": float(K[1, 2])})  # fmt: skip
    return result


def _distance(figures: Sequence[Drawn]) -> float:
    """Metres from which one sees everybody."""
    spans = [figure.points_world[figure.shown] for figure in figures if figure.shown.any()]
    if not spans:
        return 6.0
    sizes = [float(np.ptp(points, axis=1).max()) for points in spans]
    apart = max((float(np.linalg.norm(a.mean((0, 1)) - b.mean((0, 1)))) for a in spans for b in spans), default=0.0)
    return round((0.7 * max(sizes) + 0.7 * apart) / float(np.sin(np.radians(FOV_DEGREES) / 2)), 2)


def _packed(values: Array | np.ndarray[Any, Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values).astype(kind).tobytes()).decode("ascii")
