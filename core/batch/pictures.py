"""Clips that lie about as single pictures: which they are, and what tells that one of them was changed."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from ..jobs import MotionLiftError

_MAY_COUNT = re.compile("[%#]")


def is_pictures(path: Path) -> bool:
    """Whether a path is a folder, or a pattern of numbered pictures like `img_%04d.png` or `img_####.png`."""
    if os.path.isdir(path):
        return True
    if not _MAY_COUNT.search(path.name):
        return False
    # Imported late: few clips need it.
    from ..video.sequences import is_sequence

    return is_sequence(path)


def name_without_counter(stem: str) -> str:
    """What the pictures of a pattern are called without their numbers; may be nothing."""
    from ..video.sequences import find_counter

    counter = find_counter(stem)
    return stem if counter is None else stem[: counter.start()].rstrip("-_. ") + stem[counter.end() :]


def size_and_time_of_pictures(path: Path) -> tuple[int, int] | None:
    """Bytes of all pictures of a folder or pattern and when the newest was changed, nanoseconds; None without any.

    What is below the second stands for names, sizes and times of all of them, so that one that was replaced by an
    older one, renamed or exchanged for another is told too.
    """
    from ..video.sequences import list_pictures

    total = newest = 0
    all_of_them = hashlib.sha256()
    try:
        for number, picture in list_pictures(path):
            status = picture.stat()
            total += status.st_size
            newest = max(newest, status.st_mtime_ns)
            all_of_them.update(f"{number} {picture.name!a} {status.st_size} {status.st_mtime_ns}\n".encode())
    except (MotionLiftError, OSError, ValueError):
        return None
    return total, newest // 10**9 * 10**9 + int(all_of_them.hexdigest()[:12], 16) % 10**9
