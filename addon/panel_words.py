"""Advice in the panel's words: what the engine says names options of the command line."""

from __future__ import annotations

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
