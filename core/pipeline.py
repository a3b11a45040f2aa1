"""Read, detect, lift, solve: a video in, one `Motion` a person out.

Detection runs here; lifting and solving in a process of their own (`reconstructor`), which gets ready meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from . import camera
from .detection.people import Detection, choose_people, detect
from .detection.record import Record
from .detection.tracks import Track, drift_in_life, in_life
from .detection.upright import turned_words
from .jobs import Cancelled, LiftSettings, ProgressCallback, ignore_progress
from .motion import Motion
from .processors import share
from .reconstructor import Reconstructor, reconstructor
from .rotation import Array
from .skeleton import REFERENCE_HEIGHT
from .video import VideoInfo, list_shots, longest_shot, slow_motion_factor

log = logging.getLogger(__name__)

FILM_WIDTH_MM = 36.0
"""Width of the picture that focal lengths "35 mm equivalent" refer to."""
DEFAULTS = LiftSettings()
AHEAD_SHARES = (0.6, 0.85)
"""How much of a clip is detected when that is lifted; not once more at the end, which would only be waited for."""
AHEAD_SECONDS = 5.0
"""Of less, hardly anything comes out the same at the end: the lens is judged by three of them."""
PACKAGES = ("mediapipe", "torch", "numpy", "scipy", "av")


def lift(
    path: Path,
    settings: LiftSettings = DEFAULTS,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Motion]:
    """The motions of the people whom `settings.person` names, ordered by first appearance, then left to right.

    Each motion's `source` says where it comes from, what was assumed and what to look out for (`warnings`).
    Raises `MotionLiftError`: unusable video, nobody found, wrong person, missing models or weights; `Cancelled`.
    """
    with reconstructor() as other:
        prepared = other.begin("prepare", settings.weights, settings.device)
        try:
            so_far = _Ahead(other, settings) if share() > 1 else None
            detection = detect(path, settings, progress, lambda: cancelled() or _failed(prepared), so_far)
        except Cancelled:
            if _failed(prepared):
                prepared.result()
            raise
        other.wait(prepared, cancelled)
        tracks = choose_people(detection, settings.person)
        speed = slow_motion_factor(detection.info, settings.speed)
        camera_K, lens = lens_of(detection.info, settings.fov_degrees)
        keypoints = [in_life(track.keypoints, speed, settings.mirror) for track in tracks]
        drift = drift_in_life(detection.drift, settings.mirror)
        sources = [_source(path, detection, track, settings, lens, speed) for track in tracks]
        call = other.begin("reconstruct", keypoints, sources, camera_K, settings, drift, progress=progress)
        # It is over there now: of an hour it takes half a gigabyte.
        del detection, tracks, keypoints
        motions: list[Motion] = other.wait(call, cancelled)
    return motions


def resolve(
    motion: Motion,
    settings: LiftSettings,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> Motion:
    """Solve a motion again with other settings, without detecting or lifting; not even that for its travel."""
    # Imported late: nothing of it is needed by those who lift.
    from .solving.moving import with_travel

    if (shown := with_travel(motion, settings)) is not None:
        return shown
    with reconstructor() as other:
        solved: Motion = other.wait(other.begin("resolve", motion, settings, progress=progress), cancelled)
    return solved


def lens_of(info: VideoInfo, fov_degrees: float | None) -> tuple[Array, dict[str, Any]]:
    """K (3, 3) in pixels and how it is known: from the user, from the file's metadata, or assumed."""
    if fov_degrees is not None:
        known, fov = "given", fov_degrees
    elif info.focal_35mm:
        known, fov = "metadata", float(np.degrees(2 * np.arctan(FILM_WIDTH_MM / 2 / info.focal_35mm)))
    else:
        known, fov = "assumed", camera.DEFAULT_FOV_DEGREES
    return camera.intrinsics(info.size, fov), {"fov_degrees": round(fov, 2), "fov_is": known}


class _Ahead:
    """Has what was detected so far lifted, at a few points of the way.

    There is time for it while the rest is detected, and most of it comes out the same at the end. What fails is not
    told: it fails again when all is lifted, or has come right by then.
    """

    def __init__(self, other: Reconstructor, settings: LiftSettings) -> None:
        self._other, self._settings = other, settings
        self._shares = list(AHEAD_SHARES)
        self._call: Future[Any] | None = None

    def __call__(self, info: VideoInfo, done: int, total: int | None, record: Record) -> None:
        """See `observe.SoFar`."""
        if total is None or not self._shares or done < self._shares[0] * total:
            return
        if self._call is not None and not self._call.done():
            return
        self._shares = [each for each in self._shares if done < each * total]
        found = record.observations()
        if found.times[-1] - found.times[0] < AHEAD_SECONDS:
            return
        wanted = self._settings.shot
        shot = longest_shot(list_shots(found.times, found.shots)).number if wanted is None else wanted
        camera_K, lens = lens_of(info, self._settings.fov_degrees)
        known = None if lens["fov_is"] == "assumed" else camera_K
        speed = slow_motion_factor(info, self._settings.speed)
        self._call = self._other.begin("ahead", found, shot, info.size, known, speed, self._settings)


def _failed(call: Future[Any]) -> bool:
    return call.done() and call.exception() is not None


def _source(
    path: Path, detection: Detection, track: Track, settings: LiftSettings, lens: dict[str, Any], speed: float
) -> dict[str, Any]:
    return {
        "file": path.name,
        "content_hash": detection.content_hash,
        "trim": [float(track.keypoints.times[0]), float(track.keypoints.times[-1])],
        "shot": detection.shot,
        "shots": [[shot.number, shot.first, shot.last] for shot in detection.shots],
        "person": track.number,
        "people": len(detection.tracks),
        "speed": speed,
        "settings": settings.of_result(),
        "height_m": settings.height_m or REFERENCE_HEIGHT,
        "height_is": "given" if settings.height_m else "assumed",
        **lens,
        "camera_moves": camera.moves(detection.drift),
        "swapped_frames": track.swapped_frames,
        "warnings": _warnings(detection, track, settings),
        "versions": {"motionlift": __version__, **{name: metadata.version(name) for name in PACKAGES}},
    }


def _warnings(detection: Detection, track: Track, settings: LiftSettings) -> list[str]:
    """What a person should know about this result, in plain words."""
    warnings = list(detection.warnings)
    if turned := turned_words(track.life, detection.info.rotation):
        warnings.append(turned)
    if camera.moves(detection.drift):
        stays = "" if settings.travel else " The figure stays in place: with --travel it goes its way."
        warnings.append(f"The camera moves; it is taken to turn where it stands.{stays}")
    if track.swapped_frames:
        frames = "1 frame" if track.swapped_frames == 1 else f"{track.swapped_frames} frames"
        warnings.append(f"The detector took left for right in {frames}; this was put right.")
    return warnings
