"""From a video to the people in it: the public face of detection.

detection = detect(Path("walk.mp4"), LiftSettings())
for track in choose_people(detection, "largest"):
    track.keypoints
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..jobs import LiftSettings, MotionLiftError, ProgressCallback, UsageError, ignore_progress
from ..rotation import Array
from ..video import Shot, VideoInfo, content_hash, list_shots, longest_shot, probe
from .cache import DetectionCache, cache_key
from .models import hand_model, pose_model
from .observations import Observations
from .observe import SoFar
from .tracks import Track, choose_tracks, find_tracks
from .whole import Looking, forget_chunks, observe_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Detection:
    """Everyone in one shot of a video. `tracks` are ordered by number; `drift` (F, 2): how far the background has gone
    right and down since the shot began, in shares of the longer side; `warnings` are for the user."""

    info: VideoInfo
    shots: tuple[Shot, ...]
    shot: int
    tracks: tuple[Track, ...]
    drift: Array
    warnings: tuple[str, ...]
    content_hash: str


def detect(
    path: Path,
    settings: LiftSettings,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
    so_far: SoFar | None = None,
) -> Detection:
    """Find everyone in the chosen shot (`settings.shot`, else the longest), from the cache if that has it.

    `so_far` is told of what is seen on the way, as far as `observe_whole` tells it.

    Raises `Cancelled`; `no_person`; `not_cached`; `UsageError` (`wrong_shot`); `models_missing` and the other errors of
    `pose_model`; those of the video reader.
    """
    info = probe(path, rotate=settings.rotate)
    progress("open", 1, 1)
    model = pose_model(settings)
    hands = hand_model(settings) if settings.hands else None
    content = content_hash(path)
    cache = DetectionCache.of(settings) if settings.use_cache else None
    key = cache_key(content, settings, model, hands=hands)
    seen = cache.load(key) if cache else None
    if seen is None and settings.from_cache:
        raise MotionLiftError(
            "not_cached",
            f"{path.name} has not been detected with these settings before, or no longer is in the cache.",
            "Lift it without --from-cache.",
        )
    if seen is None:
        looking = Looking(path, settings, model, hands)
        seen = observe_whole(looking, info, progress, cancelled, cache, key, so_far)
        if cache:
            cache.store(key, seen)
            forget_chunks(cache, key)
    else:
        progress("detect", len(seen.times), len(seen.times))
    shots = list_shots(seen.times, seen.shots)
    chosen = _choose_shot(shots, settings.shot)
    tracks = find_tracks(seen, chosen.number, info.size)
    if not tracks:
        raise MotionLiftError(
            "no_person",
            f"No person was found in {path.name}" + (f" (shot {chosen.number})." if len(shots) > 1 else "."),
            "The figure should be lit, mostly in view, and higher than a sixteenth of the picture's shorter side "
            "and than 60 pixels: where it is smaller, cut the video out around it.",
        )
    return Detection(
        info,
        tuple(shots),
        chosen.number,
        tuple(tracks),
        seen.drift[seen.shots == chosen.number],
        _warnings(seen, shots, chosen, settings),
        content,
    )


def _choose_shot(shots: list[Shot], wanted: int | None) -> Shot:
    if wanted is None:
        return longest_shot(shots)
    for shot in shots:
        if shot.number == wanted:
            return shot
    count = len(shots)
    raise UsageError(
        "wrong_shot",
        f"There is no shot {wanted}.",
        "The video is one shot." if count == 1 else f"Shots are numbered from 1 to {count}.",
    )


def _warnings(seen: Observations, shots: list[Shot], chosen: Shot, settings: LiftSettings) -> tuple[str, ...]:
    found = list(seen.warnings)
    if len(shots) > 1 and settings.shot is None:
        others = ", ".join(f"{s.number} ({s.first:.1f} to {s.last:.1f} s)" for s in shots if s != chosen)
        found.append(
            f"The video has {len(shots)} shots; the longest, number {chosen.number} ({chosen.first:.1f} to "
            f"{chosen.last:.1f} s), is used. The others: {others}. Choose one with --shot."
        )
    return tuple(found)


def choose_people(detection: Detection, person: str) -> list[Track]:
    """The tracks that `person` names: see `choose_tracks`, also for what it raises."""
    return choose_tracks(detection.tracks, person)
