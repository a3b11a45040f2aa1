"""What the queue of the engine is about: a job, how far the one at work is, and how one ended."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..core.jobs import STAGE_WORDS, LiftSettings, MotionLiftError, Stage
from ..core.motion import Motion

ESTIMATE_AFTER_SECONDS = 2.0
"""So long a stage runs before its remaining time is told."""


@dataclass(frozen=True)
class Job:
    """One thing for the worker to do. `payload` is for whoever takes the result.

    The motions are handed over at `fps` samples a second; None: at the clip's own rate. `reuse` hands out the motion
    that lies at `video` without the worker.
    """

    op: Literal["lift", "resolve", "people", "look", "reuse"]
    name: str
    video: Path
    output: Path
    settings: LiftSettings
    fps: float | None
    payload: Any = None
    number: int = dataclasses.field(default_factory=itertools.count(1).__next__)


@dataclass(frozen=True)
class Status:
    """How far the running job is: `done` of `total` (None while unknown) units of its stage."""

    job: Job
    stage: Stage | None = None
    done: int = 0
    total: int | None = None
    stage_began: float = 0.0
    superseded_since: float | None = None

    @property
    def fraction(self) -> float:
        """Of the stage, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Of the stage, by its speed so far; None while that is not known."""
        elapsed = now - self.stage_began
        if self.stage is None or not self.done or not self.total or elapsed < ESTIMATE_AFTER_SECONDS:
            return None
        return elapsed / self.done * (self.total - self.done)

    @property
    def stage_words(self) -> str:
        """What is done, with its counts: `Finding people 120 of 300`."""
        if self.stage is None:
            return "Starting the video engine"
        counts = f" {self.done} of {self.total}" if self.total and self.total > 1 else ""
        return STAGE_WORDS[self.stage] + counts

    def time_words(self, now: float) -> str:
        """How much longer the stage takes: `0:12 left`; empty while that is not known."""
        left = self.seconds_left(now)
        return "" if left is None else f"{int(left) // 60}:{int(left) % 60:02d} left"

    def words(self, now: float) -> str:
        """One line for a person: `walk: Finding people 120 of 300, 0:12 left`."""
        return ", ".join(filter(None, (f"{self.job.name}: {self.stage_words}", self.time_words(now))))


@dataclass(frozen=True)
class Finished:
    """How a job ended: its motions with their files and reports, or the error. `clip_fps`: the clip's own rate;
    `people`, `details`: as in `Result`. `prepared`: what was worked out for placing it."""

    job: Job
    motions: tuple[tuple[Path, Motion], ...] = ()
    reports: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    clip_fps: float | None = None
    people: tuple[dict[str, Any], ...] = ()
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    prepared: Any = None
    error: MotionLiftError | None = None
