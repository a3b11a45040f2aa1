"""A process that detects chunks of a clip, `python -m motionlift.core.detection.detector`, and the side that asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import child
from ..jobs import LiftSettings, MotionLiftError, ProgressCallback, Stage
from ..processors import environment
from .cache import DetectionCache
from .models import HandModel, PoseModel
from .observations import Observations
from .observe import observe
from .stopped import Keeping
from .watch import Part

PROGRESS_SECONDS = 0.1


class DetectorProcess(child.Child):
    """One that runs, with one processor to itself."""

    def __init__(self) -> None:
        super().__init__(__name__, _stopped, environment(1))

    def observe(
        self,
        path: Path,
        settings: LiftSettings,
        model: PoseModel,
        hands: HandModel | None,
        part: Part,
        progress: Callable[[int], None],
        kept_as: str | None = None,
    ) -> Observations:
        """As `observe.observe`; `progress` is told the frames looked at so far; `kept_as`: a name under which what was
        seen is kept on the way, in the cache that the settings ask for.

        Raises `MotionLiftError` (`detector_stopped`) where the process ended without an answer.
        """

        def tell(stage: Stage, done: int, total: int | None) -> None:
            progress(done)

        found: Observations = self.ask(path, settings, model, hands, part, kept_as, progress=tell).result()
        return found


def _stopped(code: int) -> MotionLiftError:
    return MotionLiftError(
        "detector_stopped",
        f"A process that looks for people ended unexpectedly (exit code {code}).",
        "If memory ran out, close other programs, or use fewer --jobs.",
    )


def _observe(request: tuple[Any, ...], progress: ProgressCallback) -> Observations:
    """In the process."""
    path, settings, model, hands, part, kept_as = request
    keeping = Keeping(DetectionCache.of(settings), kept_as) if kept_as is not None else None
    told = 0.0

    def tell(stage: Stage, done: int, total: int | None) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            progress(stage, done, total)

    return observe(path, settings, model, tell, hands=hands, part=part, so_far=keeping)


if __name__ == "__main__":
    # What a reader warns of comes back with the observations.
    logging.disable(logging.WARNING)
    child.main(_observe)
