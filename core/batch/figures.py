"""A take in a dozen numbers, for the manifest, for ranking takes, and for limits like `skate>2mm`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..jobs import UsageError
from ..reporting.take_figures import TakeFigures

Figures = Mapping[str, float | None]

UNITS: dict[str, tuple[str, str]] = {
    "doubt": ("%", "of the time that something is doubtful, weighted by how doubtful"),
    "places": ("", "places to check"),
    "lost": ("%", "of the frames between first and last seen in which nobody was found"),
    "confidence": ("%", "of the least sure part of the body"),
    "skate": ("mm", "a frame that a standing foot slides, in the mean"),
    "skate_worst": ("mm", "a frame, exceeded in one frame of twenty"),
    "skate_speed": ("cm/s", "of a standing foot, in the mean"),
    "hover": ("mm", "of a standing foot from the floor, in the mean"),
    "sunk": ("%", "of the frames with a foot more than a centimetre below the floor"),
    "deepest": ("mm", "below the floor"),
    "fit": ("px", "from half of the keypoints"),
    "fit_percent": ("%", "of the figure's height from half of the keypoints"),
    "bones": ("%", "that bones change their length"),
    "frames": ("", ""),
    "duration": ("s", ""),
}
"""The figures by name: their unit and what they are."""

_LENGTHS = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_SPEEDS = {"mm/s": 0.1, "cm/s": 1.0, "m/s": 100.0}
_LIMIT = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*(\S*)\s*")


def summary(figures: TakeFigures) -> dict[str, float | None]:
    """The figures of `UNITS`; None where there is nothing to measure."""
    seconds = max(figures.end_s - figures.start_s, 1 / figures.fps)
    feet = figures.feet_after
    values: dict[str, float | None] = {
        "doubt": 100 * _doubt(figures, seconds),
        "places": len(figures.stretches),
        "lost": 100 * figures.lost_share,
        "confidence": 100 * min(figures.confidence.values(), default=0.0),
        "skate": feet.skate_mm,
        "skate_worst": feet.skate_worst_mm,
        "skate_speed": feet.skate_cm_s,
        "hover": feet.hover_mm,
        "sunk": None if feet.sunk_share is None else 100 * feet.sunk_share,
        "deepest": feet.deepest_mm,
        "fit": figures.picture.error_px,
        "fit_percent": figures.picture.error_percent,
        "bones": figures.bones_after.change_percent,
        "frames": figures.frames,
        "duration": seconds,
    }
    return {name: None if value is None else round(value, 4) for name, value in values.items()}


def _doubt(figures: TakeFigures, seconds: float) -> float:
    """Doubtful seconds a second of the take; parts of the body add up, the whole figure counts as all of them."""
    whole = len(figures.confidence) or 1
    total = sum(s.doubt * (whole if s.group not in figures.confidence else 1) for s in figures.stretches)
    return total / whole / seconds


@dataclass(frozen=True)
class Limit:
    """A figure that counts as a failure: `figure` `sign` `value`, the value in the figure's own unit."""

    text: str
    figure: str
    sign: str
    value: float

    def broken(self, figures: Figures) -> bool:
        """Whether a take's figures are over the limit; what could not be measured is not."""
        found = figures.get(self.figure)
        if found is None:
            return False
        return {
            "<": found < self.value,
            ">": found > self.value,
            "<=": found <= self.value,
            ">=": found >= self.value,
        }[self.sign]


def parse_limit(text: str) -> Limit:
    """A limit from `skate>2mm`, `lost >= 5%`, `confidence<40`. Raises `UsageError` (`bad_limit`)."""
    match = _LIMIT.fullmatch(text)
    if not match:
        raise _bad(text, "it is not of the form figure>number")
    name, sign, number, unit = match.groups()
    if name not in UNITS:
        raise _bad(text, f"there is no figure {name!r}")
    own = UNITS[name][0]
    scales = _LENGTHS if own in _LENGTHS else _SPEEDS if own in _SPEEDS else {own: 1.0}
    if unit and unit not in scales:
        raise _bad(text, f"{name} is in {own or 'no unit'}")
    return Limit(text, name, sign, float(number) * (scales[unit] / scales[own] if unit else 1.0))


def broken_limits(limits: Sequence[Limit], takes: Sequence[Figures]) -> list[str]:
    """The limits that some person's take of a clip breaks, in words."""
    return [
        f"{limit.text}: {found:.4g}{' ' if UNITS[limit.figure][0] else ''}{UNITS[limit.figure][0]}"
        for limit in limits
        for found in [take.get(limit.figure) for take in takes if limit.broken(take)][:1]
        if found is not None
    ]


def _bad(text: str, why: str) -> UsageError:
    known = ", ".join(f"{name} ({unit})" if unit else name for name, (unit, _) in UNITS.items())
    return UsageError("bad_limit", f"The limit {text!r} cannot be used: {why}.", f"Figures are: {known}.")
