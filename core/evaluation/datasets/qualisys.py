"""Calibrated cameras as Qualisys writes them (`.qca.txt`): lenses and where they stand.

Lengths are millimetres, pixels are counted in sixty-fourths; a camera's axes are the rows of its `transform`, x to the
right, y up, z away from what it sees.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np

from ...jobs import MotionLiftError
from ...rotation import Array
from .calibration import Lens, PlacedCamera

SUBPIXELS = 64
_OPENCV_FROM_QUALISYS = np.diag([1.0, -1.0, -1.0])


def load_cameras(path: Path) -> list[PlacedCamera]:
    """The cameras of a calibration, in its order; their world is its own, in metres, Z up.

    Raises `MotionLiftError` (`bad_calibration`) for a file that holds none.
    """
    try:
        cameras = [_camera(element) for element in ET.parse(path).getroot().iter("camera")]
    except (OSError, ValueError, ET.ParseError) as error:
        raise _bad_calibration(path, f"cannot be read: {error}") from error
    if not cameras:
        raise _bad_calibration(path, "names no camera")
    return cameras


def _camera(element: ET.Element) -> PlacedCamera:
    place, lens = element.find("transform"), element.find("intrinsic")
    if place is None or lens is None:
        raise ValueError("a camera without a place or a lens")
    axes = np.array([[_number(place, f"r{row}{column}") for column in (1, 2, 3)] for row in (1, 2, 3)])
    rotation = _OPENCV_FROM_QUALISYS @ axes
    eye = np.array([_number(place, name) for name in "xyz"]) / 1000
    return PlacedCamera(
        Lens(
            _pair(lens, "focalLengthU", "focalLengthV") / SUBPIXELS,
            _pair(lens, "centerPointU", "centerPointV") / SUBPIXELS,
            np.array([_number(lens, f"radialDistortion{power}") for power in (1, 2, 3)]),
            # The file's first goes with x y, as OpenCV's; `Lens` keeps them by the axis that they shift along, and
            # counts what goes with x and y once, not twice: a third of a pixel for lenses like these.
            _pair(lens, "tangentalDistortion2", "tangentalDistortion1"),
        ),
        rotation,
        -rotation @ eye,
        0.0,
    )


def _number(element: ET.Element, name: str) -> float:
    text = element.get(name)
    if text is None:
        raise ValueError(f"no {name}")
    return float(text)


def _pair(element: ET.Element, first: str, second: str) -> Array:
    return np.array([_number(element, first), _number(element, second)])


def _bad_calibration(path: Path, what: str) -> MotionLiftError:
    return MotionLiftError(
        "bad_calibration", f"{path.name} {what}.", "Give a calibration as Qualisys writes it (.qca.txt)."
    )
