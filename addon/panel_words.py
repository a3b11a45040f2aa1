"""Words for the panel: what the engine says, which names options of the command line, and in lines that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

PANEL_NAMES = {
    "give --fov": "set Field of View",
    "--fov": "Field of View",
    "--start and --end": "Trim",
    "--floor and --foot-lock": "Level Floor and Plant Feet",
    "give --height": "set Known Height",
    "--height": "Known Height",
    "with --travel": "with Travel",
    "--travel": "Travel",
    "without --hands": "without Fingers",
    "--hands": "Fingers",
    "Correct it; motionlift presets check FILE looks again.": "Correct the file, or take it out of the folder "
    "of presets.",
    "Choose one with --shot": "Choose one with Trim",
    "--shot": "Trim",
}
"""Longer ones first. Options without a place in the panel stay what they are called."""


def in_panel(text: str) -> str:
    """The text with options named as the panel has them."""
    for option, name in PANEL_NAMES.items():
        text = text.replace(option, name)
    return text


def wrapped(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The text in lines that `fits` is true of, broken between words, and within those that are too long for a line."""
    line = ""
    for word in text.split():
        if fits(f"{line} {word}".strip()):
            line = f"{line} {word}".strip()
            continue
        if line:
            yield line
        while not fits(word) and len(word) > 1:
            part = next((word[:end] for end in range(len(word) - 1, 1, -1) if fits(word[:end])), word[0])
            yield part
            word = word[len(part) :]
        line = word
    yield line
