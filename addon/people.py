"""Who is in the chosen video: found by the engine on request, shown as pictures to choose from."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..core.jobs import LiftSettings, MotionLiftError
from . import pictures
from .engine import engine_queue
from .file_names import file_named
from .lift_jobs import Finished, Job
from .video_facts import timecode

NUMBERED, EVERYONE = "number", "all"
"""Choices of the panel beside the superlatives."""
CALLED = {"longest": "longest in view", "left": "leftmost", "right": "rightmost"}


@dataclass(frozen=True)
class Person:
    """One of the people: their number in the lift, when they are in view (s), what else they are called ("largest"),
    and the icon of their picture, 0 where there is none."""

    number: int
    first: float
    last: float
    called: str = ""
    icon: int = 0

    @property
    def lines(self) -> list[str]:
        """When they are in view, and what is special about them."""
        special = ", ".join(CALLED.get(name, name) for name in self.called.split(", ") if name)
        return [f"{timecode(self.first)} to {timecode(self.last)}", special]


@dataclass(frozen=True)
class Search:
    """What people were looked for in: numbers hold for this part of this video alone."""

    video: str
    start: float | None
    end: float | None
    rotate: int | None

    @staticmethod
    def of(video: str, settings: LiftSettings) -> Search:
        """The search that a lift with `settings` would be."""
        return Search(str(file_named(video)), settings.start, settings.end, settings.rotate)


_found: dict[Search, tuple[Person, ...]] = {}


def found(search: Search) -> tuple[Person, ...] | None:
    """The people; None where nobody has looked yet."""
    return _found.get(search)


def begin(context: bpy.types.Context) -> Job:
    """Queue the search in the scene's video. What is detected is kept, and a lift uses it.

    Raises `MotionLiftError`: no engine, or settings that cannot be.
    """
    choices = context.scene.motionlift
    settings = choices.settings()
    folder = pictures.fresh_path("people")
    folder.mkdir()
    video = file_named(choices.video)
    job = Job("people", video.stem, video, folder, settings, 0.0, payload=Search.of(choices.video, settings))
    engine_queue(context).add(job)
    return job


def take(finished: Finished) -> tuple[str, MotionLiftError | None]:
    """Remember who was found; what to tell of it, and the error."""
    if finished.error is not None:
        if finished.error.code == "cancelled":
            return f"{finished.job.name}: cancelled", None
        return "", finished.error
    people = tuple(
        Person(
            int(one["person"]),
            float(one["from_s"]),
            float(one["to_s"]),
            str(one.get("also_called", "")),
            pictures.icon_of(finished.job.output / f"person_{one['person']}.png"),
        )
        for one in finished.people
    )
    _found[finished.job.payload] = people
    return f"{finished.job.name}: {len(people)} {'person' if len(people) == 1 else 'people'} found", None


def is_chosen(person: Person, choice: str, number: int) -> bool:
    """Whether a lift with this choice of the panel would be of this person."""
    if choice == NUMBERED:
        return person.number == number
    return choice == EVERYONE or choice in person.called.split(", ")


def forget_all() -> None:
    """The extension is disabled."""
    _found.clear()
