"""Detections that were made once: a folder of `.npz` files that never grows beyond its limit."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..files import written_beside
from ..jobs import LiftSettings, MotionLiftError
from ..npz import UNREADABLE, read_arrays
from .models import HandModel, PoseModel, cache_folder
from .observations import Observations
from .tasks import VERSION

log = logging.getLogger(__name__)

STAGE_VERSION = 9
"""Grows whenever `observe` would see something else in the same video."""

LIMIT_BYTES = 2_000_000_000
_SUFFIX = ".detection.npz"
_ABANDONED_SECONDS = 24 * 3600


def cache_key(
    content: str,
    settings: LiftSettings,
    model: PoseModel,
    mediapipe: str = VERSION,
    hands: HandModel | None = None,
) -> str:
    """A name for what `observe` makes of the video with that content hash: all that decides it, and nothing else."""
    parts = {
        "content": content,
        "start": settings.start,
        "end": settings.end,
        "shot": settings.shot,
        "max_people": settings.max_people,
        "stride": settings.stride,
        "model": model.digest,
        "mediapipe": mediapipe,
        "version": STAGE_VERSION,
    }
    if settings.rotate is not None:
        parts["rotate"] = settings.rotate
    if hands:
        parts["hands"] = hands.digest
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


class DetectionCache:
    """The cache in `folder`; the files used least recently leave when it exceeds `limit` bytes.

    It only ever saves work: what cannot be read is made again, what cannot be written is logged.
    """

    def __init__(self, folder: Path, limit: int = LIMIT_BYTES) -> None:
        self.folder = folder
        self.limit = limit

    @staticmethod
    def of(settings: LiftSettings) -> DetectionCache:
        """The cache that the settings ask for."""
        return DetectionCache(cache_folder(settings.cache_dir) / "detections")

    def path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def load(self, key: str) -> Observations | None:
        """What is stored under `key`, or None."""
        path = self.path(key)
        if not path.is_file():
            return None
        try:
            stored = read_arrays(path)
            found = _checked(Observations(**{f.name: _restored(f.name, stored[f.name]) for f in _FIELDS}))
            os.utime(path)
        except UNREADABLE as error:
            log.warning("The stored detection %s cannot be used and is made again: %s", path.name, error)
            return None
        return found

    def store(self, key: str, observations: Observations) -> None:
        """Keep `observations` under `key`, and make room."""
        values: dict[str, Any] = {f.name: getattr(observations, f.name) for f in _FIELDS}
        values["warnings"] = json.dumps(observations.warnings)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with written_beside(self.path(key)) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **values)
            self._make_room(self.path(key))
        except (MotionLiftError, OSError) as error:
            log.warning("The detection could not be kept for the next time: %s", error)

    def _make_room(self, newest: Path) -> None:
        files = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            try:
                stamp = path.stat()
            except FileNotFoundError:  # another process made room as well
                continue
            # What a killed process left half written starts with a dot.
            if path.name.startswith(".") and time.time() - stamp.st_mtime < _ABANDONED_SECONDS:
                continue
            files.append((path == newest, not path.name.startswith("."), stamp.st_mtime_ns, stamp.st_size, path))
        total = sum(size for *_, size, _ in files)
        for is_newest, complete, _, size, path in sorted(files):
            if (total <= self.limit and complete) or is_newest:
                continue
            # Windows keeps what another process reads just now.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size


_FIELDS = dataclasses.fields(Observations)


def _restored(name: str, value: Any) -> Any:
    return tuple(json.loads(str(value))) if name == "warnings" else value


def _checked(found: Observations) -> Observations:
    frames, poses = len(found.times), len(found.frames)
    if (
        found.shots.shape != (frames,)
        or found.looked.shape != (frames,)
        or found.drift.shape != (frames, 2)
        or found.landmarks.shape != (poses, 33, 5)
        or found.world.shape != (poses, 33, 3)
        or found.colours.shape[:1] != (poses,)
        or found.hand_points.shape not in ((poses, 2, 21, 5), (0, 2, 21, 5))
        or found.hand_left.shape != found.hand_points.shape[:2]
        or found.backwards.shape not in ((poses,), (0,))
        or (poses and not 0 <= int(found.frames.min()) <= int(found.frames.max()) < frames)
    ):
        raise ValueError("its arrays do not fit each other")
    return found
