"""What a worker of a batch does with a clip: lift it, write every format, measure the takes, make a small picture.

Files are written to a folder of the worker's own and moved to their places by the process that keeps the manifest, once
that has noted what they hold: so a file at its place is always known to be ours, whenever somebody is killed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import service
from ..bvh import BvhOptions
from ..jobs import Cancelled, MotionLiftError, ProgressCallback, Request, Result, Stage, UsageError, take_paths
from ..motion import Motion, resample
from .manifest import Stamp
from .storage import Video, fetch, place

log = logging.getLogger(__name__)

TAKE = "take"
"""What the files are called before they are moved to their places."""
PICTURE = "picture.jpg"

Exporters = Mapping[str, Callable[[Motion, Path, BvhOptions], None]]


@dataclass(frozen=True)
class Work:
    """The work of one batch: `suffixes` of the files to write, and `exporters` by them."""

    suffixes: tuple[str, ...]
    options: BvhOptions
    exporters: Exporters

    def __call__(self, request: Request, progress: ProgressCallback, cancelled: Callable[[], bool]) -> Result:
        """Carry out a `lift` request whose `output` is an empty folder.

        The result's `details`: `hash` of the video, `seconds` by stage, `figures` a person, `versions`. Raises
        as `service.produce`, and `video_changed` when somebody wrote to the video meanwhile.
        """
        if request.op != "lift":
            raise UsageError("protocol", f"A batch's worker does not {request.op}.")
        clock = _StageClock(progress)
        video = place(request.video)
        before = Stamp.of(video)
        with _here(video, clock, cancelled) as here:
            try:
                return self._lift(dataclasses.replace(request, video=str(here)), video, before, clock, cancelled)
            except Cancelled:
                raise
            except MotionLiftError as error:
                _picture(here, [], Path(request.output), request)
                # Nobody knows the copy.
                raise MotionLiftError(error.code, error.message.replace(str(here), str(video)), error.hint) from error

    def _lift(
        self,
        request: Request,
        video: Video,
        before: Stamp | None,
        clock: _StageClock,
        cancelled: Callable[[], bool],
    ) -> Result:
        """Carry out a request for a file that is here; `video` is where it comes from, `before` its stamp."""
        folder, here = Path(request.output), Path(request.video)
        motions = service.produce(request, clock, cancelled)
        if before != Stamp.of(video):
            raise MotionLiftError(
                "video_changed",
                f"{video} was changed while it was read.",
                "Start the same command again when it is complete.",
            )
        takes = motions if self.options.fps is None else [resample(m, self.options.fps) for m in motions]
        paths: list[str] = []
        for suffix in self.suffixes:
            for motion, path in zip(takes, take_paths(folder / f"{TAKE}{suffix}", len(takes)), strict=True):
                if cancelled():
                    raise Cancelled
                clock("write", len(paths), len(takes) * len(self.suffixes))
                self.exporters[suffix](motion, path, self.options)
                paths.append(str(path))
        clock("write", len(paths), len(paths))
        _picture(here, motions, folder, request)
        source = motions[0].source
        details = {
            "hash": str(source["content_hash"]),
            "versions": {str(name): str(version) for name, version in source["versions"].items()},
            "figures": [_figures(motion) for motion in motions],
            "seconds": clock.seconds(),
        }
        return Result(request.id, motions=tuple(paths), warnings=service.warnings_of(motions), details=details)


@contextlib.contextmanager
def _here(video: Video, progress: ProgressCallback, cancelled: Callable[[], bool]) -> Iterator[Path]:
    """The video as a file of this machine: itself, or a copy of that name while it is needed."""
    if isinstance(video, Path):
        yield video
        return
    with tempfile.TemporaryDirectory(prefix="motionlift-") as folder:
        copy = Path(folder, video.name)
        fetch(video, copy, progress, cancelled)
        yield copy


class _StageClock:
    """Passes progress on, and knows how long each stage took."""

    def __init__(self, progress: ProgressCallback) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._stages: dict[Stage, float] = {}

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        # A stage is told of when something of it is done, at the latest when the next one begins.
        self._stages[stage] = time.monotonic()
        self._progress(stage, done, total)

    def seconds(self) -> dict[str, float]:
        """Seconds from the end of the stage before to the end of each, and `total`."""
        result: dict[str, float] = {}
        before = self._began
        for stage, end in self._stages.items():
            result[stage] = round(end - before, 3)
            before = end
        return result | {"total": round(time.monotonic() - self._began, 3)}


def _figures(motion: Motion) -> dict[str, Any]:
    from ..reporting.take_figures import take_figures
    from .figures import summary

    found = take_figures(motion)
    values = {name: v if v is None or math.isfinite(v) else None for name, v in summary(found).items()}
    worst = [
        {"start": round(s.start_s, 3), "end": round(s.end_s, 3), "words": s.words, "doubt": round(s.doubt, 3)}
        for s in found.stretches[:PLACES]
    ]
    return values | {"person": found.person, "worst": worst}


PLACES = 3
"""Doubtful places that are noted of a take; its own report has them all."""


def _picture(video: Path, motions: list[Motion], folder: Path, request: Request) -> None:
    """A picture for the report; that it cannot be had does not make a take worse."""
    from .thumbnail import write_thumbnail

    try:
        write_thumbnail(video, motions, folder / PICTURE, request.settings.mirror, request.settings.rotate)
    except MotionLiftError as error:
        log.info("no picture of %s: %s", video, error)
