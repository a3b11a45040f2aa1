"""First looks at videos: each is asked of the engine once, in a queue of its own, when the panel wants to show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..core.jobs import LiftSettings
from . import pictures
from .file_names import file_named
from .lift_jobs import Finished, Job
from .preferences import engine_folder, engine_python
from .session import session
from .video_facts import VideoFacts

MISSING = "There is no file {}"
BROKEN_ENGINE = ("no_engine", "worker_not_started", "worker_died", "worker_timeout", "protocol")
"""Errors that say nothing of the video."""


@dataclass(frozen=True)
class Look:
    """What a look at a video has found: `facts` and a picture's `icon`, or `trouble`, why it is none; `failed`: why it
    could not be looked at, which says nothing of the video. While none of these is known it is looked at, unless there
    is no engine to do it."""

    facts: VideoFacts | None = None
    icon: int = 0
    trouble: str = ""
    failed: str = ""
    asked: bool = False

    @property
    def looking(self) -> bool:
        """Whether the answer is awaited."""
        return self.asked and not (self.facts or self.trouble or self.failed)


Seen = tuple[str, int | None]
"""A video's name as the scene has it, absolute, and how its pictures are turned (`LiftSettings.rotate`)."""
_looks: dict[Seen, Look] = {}


def of(context: bpy.types.Context, name: str, rotate: int | None = None) -> Look:
    """What is known of a video; a look at it is begun where nothing is. Someone has to drive `session().looks`."""
    path = str(file_named(name))
    seen = (path, rotate)
    known = _looks.get(seen)
    if known is None:
        known = _looks[seen] = Look(trouble="" if Path(path).exists() else _missing(path))
    if known.asked or known.trouble:
        return known
    python = engine_python(context)
    if python is None:
        return known
    known = _looks[seen] = Look(asked=True)
    video, settings = Path(path), LiftSettings(rotate=rotate)
    session().looks_of(python, engine_folder()).add(
        Job("look", video.name, video, pictures.fresh_path("look.png"), settings, 0.0, payload=seen)
    )
    return known


def known(name: str, rotate: int | None = None) -> Look | None:
    """What is known of a video so far."""
    return _looks.get((str(file_named(name)), rotate))


def forget(name: str) -> None:
    """Look anew the next time: the video was chosen again, and may have changed."""
    path = str(file_named(name))
    for seen in [seen for seen in _looks if seen[0] == path]:
        del _looks[seen]


def forget_all() -> None:
    """Another file is opened, or the extension is disabled: what was being looked at never ends."""
    _looks.clear()


def take(finished: Finished) -> None:
    """Remember what a look found."""
    seen = finished.job.payload
    if finished.error is None:
        look = Look(VideoFacts.of(finished.details), pictures.icon_of(finished.job.output), asked=True)
    elif finished.error.code in BROKEN_ENGINE:
        look = Look(failed=finished.error.message, asked=True)
    else:
        look = Look(trouble=finished.error.message.rstrip("."), asked=True)
    _looks[seen] = look


def trouble(name: str, rotate: int | None = None) -> str:
    """Why this is no video that can be lifted, as far as is known; empty where it can."""
    if not name:
        return "Choose a video first"
    found = known(name, rotate)
    if found is not None:
        return found.trouble
    path = str(file_named(name))
    return "" if Path(path).exists() else _missing(path)


def _missing(path: str) -> str:
    return MISSING.format(Path(path).name)
