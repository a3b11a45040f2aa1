"""Shared libraries of the system that the packages we use do not bring along, and who has them."""

from __future__ import annotations

import ctypes
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

FOR_OPENCV = {"libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0"}
"""What cv2, which MediaPipe imports, needs on Linux, and Debian's packages of them."""
FOR_MEDIAPIPE = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}
"""What MediaPipe needs there itself; its older wheels have their own."""
PACKAGES = {**FOR_OPENCV, **FOR_MEDIAPIPE}


def for_lifting() -> dict[str, str]:
    """Those that lifting needs with the MediaPipe that is installed; asked without importing it."""
    return PACKAGES if _without_its_own() else FOR_OPENCV


def absent(libraries: Mapping[str, str]) -> list[str]:
    """The packages of those that do not load here."""
    return [package for library, package in libraries.items() if not _loads(library)]


def missing_library(error: Exception) -> str:
    """The name of the library that an error of the system's loader is about; empty for other errors."""
    found = re.match(r"(\S+\.so\S*): cannot open shared object file", str(error))
    return found[1] if found else ""


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _without_its_own() -> bool:
    mediapipe = importlib.util.find_spec("mediapipe")
    places = (mediapipe and mediapipe.submodule_search_locations) or []
    # The wheels that came after 0.10.21 have this one, and no `mediapipe.libs` beside it.
    return any((Path(place) / "tasks/c/libmediapipe.so").is_file() for place in places)
