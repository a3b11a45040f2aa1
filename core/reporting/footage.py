"""The video that a motion was lifted from: found, checked, and its pictures handed out at the motion's times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..jobs import MotionLiftError
from ..motion import Motion
from ..rotation import Array
from ..video import Frame, content_hash
from ..video.conversion import Image
from ..video.sequences import is_sequence, list_pictures

HELD_S = 0.25
"""A picture is shown at times up to so far from its own."""


def find_footage(motion: Motion, motion_path: Path) -> Path | None:
    """The video that `source` names: where it says, beside the motion, up to two folders above it (takes lie in
    `motionlift/<take>/` beside the footage), or in the current folder. None where it is nowhere."""
    name = str(motion.source.get("file", ""))
    if not name:
        return None
    folder = motion_path.resolve().parent
    for place in (folder, *list(folder.parents)[:2], Path.cwd()):
        if _is_there(place / name):
            return place / name
    return None


def footage_differs(motion: Motion, video: Path) -> bool:
    """Whether `video` is another file than the one lifted. Raises the errors of the video reader."""
    known = motion.source.get("content_hash")
    return bool(known) and known != content_hash(video)


def pictures_at(frames: Iterable[Frame], times: Array) -> Iterator[Image | None]:
    """For each of `times` (T,) s, increasing, the picture nearest in time, None where there is none near.

    `frames` come in order of time and are read once, one ahead.
    """
    upcoming = iter(frames)
    held: Frame | None = next(upcoming, None)
    following: Frame | None = next(upcoming, None)
    for time in times:
        while following is not None and held is not None and abs(following.time - time) <= abs(held.time - time):
            held, following = following, next(upcoming, None)
        yield held.image if held is not None and abs(held.time - time) <= HELD_S else None


def _is_there(path: Path) -> bool:
    if path.exists() or not is_sequence(path):
        return path.exists()
    try:
        return bool(list_pictures(path))
    except MotionLiftError:
        return False
