"""What each request does. The worker and the command line both come through here.

Torch, MediaPipe and the rest are imported when the first request needs them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .files import check_output
from .jobs import (
    Cancelled,
    ProgressCallback,
    Request,
    Result,
    UsageError,
    ignore_progress,
    missing_part,
    take_paths,
)
from .motion import SUFFIX, Motion

log = logging.getLogger(__name__)


def never() -> bool:
    """The cancellation check of someone who does not cancel."""
    return False


def handle(
    request: Request, progress: ProgressCallback = ignore_progress, cancelled: Callable[[], bool] = never
) -> Result:
    """Carry out a `lift`, `resolve`, `people`, `look` or `prepare` request and write its output.

    Outputs are checked before any work. Raises `MotionLiftError`: `Cancelled` once `cancelled()` is true,
    `UsageError` for a request that cannot be carried out, else whatever went wrong with the clip.
    """
    if request.op == "prepare":
        prepare(cancelled)
        return Result(request.id)
    if not request.video or not request.output:
        raise UsageError("protocol", f"The request {request.op} needs a video and an output.")
    if request.op == "people":
        return Result(request.id, people=tuple(find_people(request, progress, cancelled)))
    output = Path(request.output)
    if request.op == "look":
        return Result(request.id, details=look_at(request))
    if request.op not in ("lift", "resolve"):
        raise UsageError("protocol", f"{request.op} is no work.", "Ask for lift, resolve, people or look.")
    if not output.name.endswith(SUFFIX):
        raise UsageError("unknown_suffix", f"{output.name} is no motion file.", f"Its name must end in {SUFFIX}.")
    check_outputs([output], request)
    motions = produce(request, progress, cancelled)
    paths = take_paths(output, len(motions))
    check_outputs(paths, request)
    # Either takes as long as the other, and a slider waits for both.
    with ThreadPoolExecutor(1, "motionlift-report") as pool:
        reports = pool.map(report_of, motions)
        for done, (motion, path) in enumerate(zip(motions, paths, strict=True)):
            progress("write", done, len(paths))
            motion.save(path)
        progress("write", len(paths), len(paths))
        return Result(
            request.id,
            motions=tuple(str(path) for path in paths),
            reports=tuple(reports),
            warnings=warnings_of(motions),
        )


def prepare(cancelled: Callable[[], bool] = never) -> None:
    """Load what solving again needs, in the process that will be asked for it, so that a slider need not wait. Raises
    as `handle` does."""
    try:
        from .reconstructor import get_ready, reconstructor

        get_ready("imported")
        # Loaded meanwhile, as is what tells of a take.
        from . import pipeline  # noqa: F401
        from .reporting import take_report  # noqa: F401
        from .solving import moving  # noqa: F401
    except ImportError as error:
        raise missing_part(error) from error
    with reconstructor() as other:
        other.wait(other.begin("imported"), cancelled)


def produce(
    request: Request, progress: ProgressCallback = ignore_progress, cancelled: Callable[[], bool] = never
) -> list[Motion]:
    """The motions of a `lift` (one a person) or a `resolve` request, not written. Raises as `handle` does."""
    if cancelled():
        raise Cancelled
    try:
        from .reconstructor import get_ready

        # Before anything else is loaded here: that keeps one processor busy, this another. Who solves again need not
        # wait for the network.
        if request.op == "resolve":
            get_ready("imported")
        else:
            get_ready("prepare", request.settings.weights, request.settings.device)
        from .pipeline import lift, resolve
    except ImportError as error:
        raise missing_part(error) from error
    if request.op == "resolve":
        motion = Motion.load(Path(request.video))
        motions = [resolve(motion, request.settings, progress, cancelled)]
    else:
        motions = lift(Path(request.video), request.settings, progress, cancelled)
    if cancelled():
        raise Cancelled
    return motions


def check_outputs(paths: Iterable[Path], request: Request) -> None:
    """Refuse outputs that cannot or must not be written. Raises `UsageError`."""
    for path in paths:
        check_output(path, request.overwrite)


def warnings_of(motions: Iterable[Motion]) -> tuple[str, ...]:
    """What the pipeline wants a person to know about these motions, each thing once."""
    return tuple(dict.fromkeys(str(text) for motion in motions for text in motion.source.get("warnings", ())))


def report_of(motion: Motion) -> dict[str, Any]:
    """What a caller that cannot import `reporting` shows of a take: see `Result.reports`."""
    from .reporting.take_figures import take_figures
    from .reporting.take_report import TakeReport

    report = TakeReport.of(str(motion.source.get("file", "")), take_figures(motion))
    places = sorted(report.figures.stretches, key=lambda stretch: stretch.start_s)
    return {
        "headline": report.headline,
        "advice": [advice.words for advice in report.advice],
        "places": [
            {"start_s": round(place.start_s, 4), "end_s": round(place.end_s, 4), "words": place.words}
            for place in places
        ],
    }


def find_people(
    request: Request, progress: ProgressCallback = ignore_progress, cancelled: Callable[[], bool] = never
) -> list[dict[str, Any]]:
    """The people of a clip, one description each; their thumbnails are written to the request's output if it has one:
    a strip into a .png, or a picture of each, `person_1.png` ..., into a folder that is there.

    Raises as `handle` does.
    """
    output = Path(request.output) if request.output else None
    if output is not None and not output.is_dir():
        _check_picture(output, request)
    try:
        from .detection.people import detect
        from .detection.strip import write_people_pictures, write_people_strip
        from .detection.tracks import superlatives
    except ImportError as error:
        raise missing_part(error) from error
    detection = detect(Path(request.video), request.settings, progress, cancelled)
    if output is not None and output.is_dir():
        write_people_pictures(Path(request.video), detection, output, request.settings.rotate)
    elif output is not None:
        write_people_strip(Path(request.video), detection, output, request.settings.rotate)
    names = superlatives(detection.tracks)
    return [
        {
            "person": track.number,
            "from_s": round(track.first_time, 2),
            "to_s": round(track.last_time, 2),
            "height_px": round(track.mean_height_px),
            "seen": round(float(track.keypoints.detected.mean()), 3),
            "also_called": ", ".join(name for name, named in names.items() if named is track),
        }
        for track in detection.tracks
    ]


def look_at(request: Request) -> dict[str, Any]:
    """What the request's video is, see `video/look.py`; a picture of it is written to the request's output.

    Raises as `handle` does.
    """
    output = Path(request.output)
    _check_picture(output, request)
    try:
        from .video.look import look
    except ImportError as error:
        raise missing_part(error) from error
    return look(Path(request.video), output, request.settings.rotate)


def _check_picture(output: Path, request: Request) -> None:
    if output.suffix.lower() != ".png":
        raise UsageError("unknown_suffix", f"{output.name} is no picture.", "Its name must end in .png.")
    check_outputs([output], request)
