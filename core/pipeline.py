"""Read, detect, lift, solve: a video in, one `Motion` a person out.

Detection runs here; lifting and solving in a process of their own (`reconstructor`), which gets ready meanwhile.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from concurrent.futures import Future
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from . import camera
from .detection.people import Detection, Track, choose_people, detect
from .jobs import Cancelled, LiftSettings, ProgressCallback, ignore_progress
from .motion import Keypoints2D, Motion
from .reconstructor import reconstructor
from .rotation import Array
from .skeleton import REFERENCE_HEIGHT
from .video import VideoInfo, slow_motion_factor

log = logging.getLogger(__name__)

FILM_WIDTH_MM = 36.0
"""Width of the picture that focal lengths "35 mm equivalent" refer to."""
DEFAULTS = LiftSettings()
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
            detection = detect(path, settings, progress, lambda: cancelled() or _failed(prepared))
        except Cancelled:
            if _failed(prepared):
                prepared.result()
            raise
        other.wait(prepared, cancelled)
        tracks = choose_people(detection, settings.person)
        speed = slow_motion_factor(detection.info, settings.speed)
        camera_K, lens = lens_of(detection.info, settings.fov_degrees)
        keypoints = [_in_life(track.keypoints, speed, settings.mirror) for track in tracks]
        drift = detection.drift if not settings.mirror else detection.drift * [-1.0, 1.0]
        sources = [_source(path, detection, track, settings, lens, speed) for track in tracks]
        call = other.begin("reconstruct", keypoints, sources, camera_K, settings, drift, progress=progress)
        motions: list[Motion] = other.wait(call, cancelled)
    return motions


def resolve(
    motion: Motion,
    settings: LiftSettings,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> Motion:
    """Solve a motion again with other settings, without detecting or lifting."""
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


def _failed(call: Future[Any]) -> bool:
    return call.done() and call.exception() is not None


def _in_life(keypoints: Keypoints2D, speed: float, mirror: bool) -> Keypoints2D:
    """Keypoints as they were in front of the camera: slow motion undone, a mirrored picture turned round."""
    if speed != 1:
        keypoints = dataclasses.replace(keypoints, times=keypoints.times / speed)
    return keypoints.mirrored() if mirror else keypoints


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
    if camera.moves(detection.drift):
        stays = "" if settings.travel else " The figure stays in place: with --travel it goes its way."
        warnings.append(f"The camera moves; it is taken to turn where it stands.{stays}")
    if track.swapped_frames:
        warnings.append(f"The detector took left for right in {track.swapped_frames} frames; this was put right.")
    return warnings
