"""Which files a lift of some videos will write: decided, and refused, before any work."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..batch.inputs import clip_name
from ..bvh import BvhOptions
from ..files import check_output
from ..jobs import LiftSettings, UsageError, take_paths
from ..motion import SUFFIX as MOTION_SUFFIX
from ..motion import Motion
from . import console

FORMAT_SUFFIXES = {"bvh": ".bvh", "motion": MOTION_SUFFIX}
"""The names of `--format` and what their files end in."""


@dataclass(frozen=True)
class Job:
    """One video and the files it becomes, before several people add `_P1`, `_P2`."""

    video: Path
    outputs: tuple[Path, ...]


def plan(
    videos: Sequence[Path],
    output: Path,
    formats: str | None,
    overwrite: bool,
    settings: LiftSettings,
    known: Collection[str] = tuple(FORMAT_SUFFIXES.values()),
) -> list[Job]:
    """A job a video. `output` is a file of a suffix in `known`, or a folder that takes files in `formats`.

    Raises `UsageError` for whatever cannot or must not be written.
    """
    if os.path.isdir(output):
        return _into_folder(videos, output, format_suffixes(formats or "bvh", known), overwrite, settings)
    suffix = next((s for s in known if output.name.lower().endswith(s) and len(output.name) > len(s)), None)
    if suffix is None:
        if not output.suffix:
            raise UsageError(
                "output_folder_missing",
                f"The folder {output} does not exist.",
                f"Make it, or name a file that ends in {' or '.join(known)}.",
            )
        raise UsageError(
            "unknown_suffix",
            f"{output.name} ends in nothing that MotionLift writes.",
            f"It writes {', '.join(known)}, or into a folder.",
        )
    if formats is not None and format_suffixes(formats, known) != (suffix,):
        raise UsageError(
            "bad_format", f"--format {formats} does not fit {output.name}.", "Name a folder to get several formats."
        )
    if len(videos) > 1:
        raise UsageError(
            "one_output", f"{len(videos)} videos cannot become the one file {output}.", "Name a folder with -o."
        )
    job = Job(videos[0], (output,))
    _check(job, overwrite, settings)
    return [job]


def _into_folder(
    videos: Sequence[Path], folder: Path, suffixes: tuple[str, ...], overwrite: bool, settings: LiftSettings
) -> list[Job]:
    shared = Counter(clip_name(video).casefold() for video in videos)
    names = [clip_name(v) if shared[clip_name(v).casefold()] == 1 else v.name for v in videos]
    twice = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    if twice:
        raise UsageError(
            "same_name",
            f"Several of the videos are called {twice[0]}: their files would replace each other.",
            "Lift them into different folders.",
        )
    jobs = [Job(v, tuple(folder / f"{n}{s}" for s in suffixes)) for v, n in zip(videos, names, strict=True)]
    for job in jobs:
        _check(job, overwrite, settings)
    return jobs


def with_motion_files(exporters: Mapping[str, console.Exporter]) -> dict[str, console.Exporter]:
    """The exporters, and that of `Motion` itself."""
    return {MOTION_SUFFIX: _save_motion, **exporters}


def _save_motion(motion: Motion, path: Path, options: BvhOptions) -> None:
    motion.save(path)


def format_suffixes(formats: str, known: Collection[str]) -> tuple[str, ...]:
    """The suffixes that the words of `--format` stand for. Raises `UsageError` (`bad_format`)."""
    words = list(dict.fromkeys(word.strip().lower() for word in formats.split(",")))
    choices = {name: suffix for name, suffix in FORMAT_SUFFIXES.items() if suffix in known}
    unknown = [word for word in words if word not in choices]
    if unknown:
        raise UsageError(
            "bad_format", f"There is no format called {unknown[0]!r}.", f"Formats are: {', '.join(choices)}."
        )
    return tuple(choices[word] for word in words)


def _check(job: Job, overwrite: bool, settings: LiftSettings) -> None:
    """Several people are found only later; where they may be, their first name is checked now."""
    for path in job.outputs:
        check_output(path, overwrite)
        if settings.person == "all":
            check_output(take_paths(path, 2)[0], overwrite)
