"""Videos that lie about as single pictures: a folder, or a pattern of numbered names."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import av
import av.error

from ..jobs import MotionLiftError
from .conversion import Orientation
from .decoding import DEFAULT_RATE, Description, Warn, no_file, unreadable, upright_size

log = logging.getLogger(__name__)


class PictureSource:
    """A folder of pictures, or a pattern such as `walk.%04d.png` or `walk.####.png`, at `rate` a second.

    A folder is read in natural order, one step a picture; a pattern keeps its numbers, so that a missing
    picture leaves a gap in time. `orientation`: what is known of all of them, whatever they say. Raises
    `MotionLiftError`: `no_file`, `is_directory`, `not_a_video`.
    """

    def __init__(self, path: Path, rate: float | None = None, orientation: Orientation | None = None) -> None:
        self.path = path
        self.rate = DEFAULT_RATE if rate is None else rate
        self.pictures = list_pictures(path)
        first = next(self._decoded(0.0, _ignore), None)
        if first is None:
            raise MotionLiftError(
                "no_frames", f"None of the pictures of {path} can be read.", "Open one in a viewer to see what it is."
            )
        frame = first[1]
        orientation = orientation or Orientation.of(frame)
        self.description = Description(
            size=upright_size(frame.width, frame.height, None, orientation),
            fps=self.rate,
            duration=(self.pictures[-1][0] + 1) / self.rate,
            frame_count=len(self.pictures),
            orientation=orientation,
            has_audio=False,
            metadata=dict(frame.metadata),
        )

    def frames(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        missing = self.pictures[-1][0] + 1 - len(self.pictures)
        if missing:
            warn(f"{missing} pictures are missing in {self.path.name}: there the motion is interpolated.")
        return self._decoded(start, warn)

    def times(self) -> list[float] | None:
        return [number / self.rate for number, _ in self.pictures]

    def _decoded(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        for number, picture in self.pictures:
            time = number / self.rate
            if time < start:
                continue
            try:
                with picture.open("rb") as file, av.open(file, "r") as container:
                    yield time, next(container.decode(container.streams.video[0]))
            except (av.error.FFmpegError, IndexError, StopIteration) as error:
                log.debug("%s: %s", picture, error)
                warn(f"The picture {picture.name} cannot be read and is left out.")


PICTURE_SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".tif",
        ".tiff",
        ".bmp",
        ".webp",
        ".exr",
        ".dpx",
        ".tga",
        ".ppm",
        ".pgm",
        ".jp2",
        ".hdr",
    ]
)
_COUNTERS = (re.compile(r"%(?:0?\d+)?d"), re.compile("#+"))


def find_counter(name: str) -> re.Match[str] | None:
    """Where a name has its number: the last `%04d`, else the last `####`. (`take #1.%04d.png` has one counter.)"""
    found: list[re.Match[str]] = next(filter(None, (list(kind.finditer(name)) for kind in _COUNTERS)), [])
    return found[-1] if found else None


def is_sequence(path: Path) -> bool:
    """Whether `path` names a folder, or a pattern of numbered pictures rather than one file."""
    return os.path.isdir(path) or (not os.path.exists(path) and find_counter(path.name) is not None)


def list_pictures(path: Path) -> list[tuple[int, Path]]:
    """(number from 0, file) of the pictures of a folder or pattern, in order.

    Raises `MotionLiftError`: `is_directory` (a folder without pictures), `no_file` (nothing fits the pattern).
    """
    if os.path.isdir(path):
        files = (p for p in _listed(path) if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith("."))
        ordered = sorted((p for p in files if os.path.isfile(p)), key=lambda p: _natural(p.name))
        if not ordered:
            raise MotionLiftError(
                "is_directory",
                f"{path} is a folder without pictures.",
                "Give a video file, or a folder of numbered pictures (PNG, JPEG, ...).",
            )
        return list(enumerate(ordered))
    match = find_counter(path.name)
    if match is None or not os.path.isdir(path.parent):
        raise no_file(path)
    digits = len(match[0]) if match[0].startswith("#") else int(match[0].strip("%d") or 1)
    name = re.compile(
        re.escape(path.name[: match.start()]) + rf"(\d{{{digits},}})" + re.escape(path.name[match.end() :])
    )
    numbered = sorted(
        (int(fit[1]), p) for p in _listed(path.parent) if (fit := name.fullmatch(p.name)) and os.path.isfile(p)
    )
    if not numbered:
        raise MotionLiftError("no_file", f"No picture fits the pattern {path}.", "Check folder, name and digits.")
    return [(number - numbered[0][0], p) for number, p in numbered]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error


def _natural(name: str) -> list[tuple[int, str]]:
    """A sorting key in which frame_10 follows frame_9."""
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def _ignore(text: str) -> None:
    """While probing; it is said again when the pictures are read."""
