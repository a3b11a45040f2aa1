"""MediaPipe, loaded without what it brings for drawing and for sound: more than half of the time of its import (a C
compiler is started to look for a sound library), and never used here."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

UNUSED = ("matplotlib.pyplot", "sounddevice")


@contextlib.contextmanager
def postponed(*names: str) -> Iterator[None]:
    """While it lasts, importing the modules of these names gives stand-ins, which load the real ones when something of
    them is used. Those that are loaded already stay."""
    stand_ins: dict[str, ModuleType] = {}
    for name in names:
        package, _, inside = name.partition(".")
        if package not in sys.modules:
            stand_ins[name] = ModuleType(name)
            vars(stand_ins[name])["__getattr__"] = _from_the_real(name)
            if inside:
                stand_ins[package] = ModuleType(package)
                vars(stand_ins[package])[inside] = stand_ins[name]
    sys.modules |= stand_ins
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _from_the_real(module: str) -> Any:
    return lambda name: getattr(importlib.import_module(module), name)


with postponed(*UNUSED):
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

VERSION = str(mediapipe.__version__)

__all__ = ["VERSION", "BaseOptions", "mediapipe", "vision"]
