"""MediaPipe, loaded without the drawing library that it brings: half of the time of its import, and never used here."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def without_plotting() -> Iterator[None]:
    """While it lasts, `import matplotlib.pyplot` gets a stand-in, which loads the real one when something of it is
    used; unless that is loaded already."""
    names = ("matplotlib", "matplotlib.pyplot")
    if any(name in sys.modules for name in names):
        yield
        return
    package, plot = (ModuleType(name) for name in names)
    vars(package)["pyplot"] = plot
    vars(plot)["__getattr__"] = _from_the_real_one
    sys.modules |= {"matplotlib": package, "matplotlib.pyplot": plot}
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def _from_the_real_one(name: str) -> Any:
    return getattr(importlib.import_module("matplotlib.pyplot"), name)


with without_plotting():
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

VERSION = str(mediapipe.__version__)

__all__ = ["VERSION", "BaseOptions", "mediapipe", "vision", "without_plotting"]
