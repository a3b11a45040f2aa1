"""Clips of earlier runs whose videos lie elsewhere by now: the project was moved, copied, or is mounted differently."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from .inputs import wanted_names
from .manifest import Record, Stamp
from .storage import Video, absolute, place
from .todo import hash_of


def known_names(records: Mapping[str, Record]) -> dict[Video, str]:
    """The name of each recorded clip, by its video."""
    return {_recorded(record): name for name, record in records.items()}


def moved_names(
    videos: Sequence[tuple[Video, Video]], records: Mapping[str, Record], known: Collection[Video]
) -> dict[Video, str]:
    """The recorded name of each video (with its root) that is not among those `known`, but would be called as a record
    is and is its video at another place: the same file, or one of the same content.

    Records of videos that are at their places in this run are not looked at.
    """
    taken = {_recorded(records[name]) for name in records} & {video for video, _ in videos}
    found: dict[Video, str] = {}
    for video, root in videos:
        if video in known:
            continue
        for name in wanted_names(video, root):
            record = records.get(name)
            if record and _recorded(record) not in taken and _is_video_of(video, record):
                taken.add(_recorded(record))
                found[video] = name
                break
    return found


def _recorded(record: Record) -> Video:
    return absolute(place(record.video))


def _is_video_of(video: Video, record: Record) -> bool:
    before = _recorded(record)
    if isinstance(video, Path) and isinstance(before, Path):
        try:
            if os.path.samefile(video, before):
                return True
        except (OSError, ValueError):
            # One of them is not there, or is a pattern of pictures.
            pass
    stamp = Stamp.of(video)
    if stamp is not None and stamp == record.stamp:
        return True
    return record.hash is not None and record.hash == hash_of(video)
