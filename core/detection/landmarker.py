"""MediaPipe's pose landmarker: pictures in, poses as arrays out."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..jobs import MotionLiftError, missing_part
from ..rotation import Floats
from ..system_libraries import missing_library
from .bodies import Bodies
from .models import PoseModel
from .tasks import BaseOptions, mediapipe, vision

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Pose:
    """One pose in one picture.

    landmarks (33, 5): x and y relative to the picture (0 to 1 inside it), depth in picture widths (negative
    towards the camera), visibility and presence in [0, 1]; world (33, 3) m, origin between the hips,
    x right, y down, z away from the camera.
    """

    landmarks: Floats
    world: Floats


Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""
Look = Callable[[Picture, float], list[Pose]]
"""The poses in a picture at a time (s) that grows from call to call: a `Landmarker`, or who looks as it does."""


def bodies_of(poses: Sequence[Pose], size: tuple[int, int]) -> Bodies:
    """The bodies of poses, in a picture taken to be of `size` (width, height)."""
    landmarks = np.stack([pose.landmarks for pose in poses]) if poses else np.zeros((0, 33, 5), np.float32)
    return Bodies.of(landmarks, size)


def base_options(model: Path) -> BaseOptions:
    """How MediaPipe gets the `.task` file: by its name, which takes 24 MB less a landmarker than its contents.

    On Windows it cannot open names outside ASCII, as those in the user folder of a Jürgen are; there its contents.
    """
    on_cpu = BaseOptions.Delegate.CPU
    if sys.platform == "win32" and not str(model).isascii():
        return BaseOptions(model_asset_buffer=model.read_bytes(), delegate=on_cpu)
    return BaseOptions(model_asset_path=str(model), delegate=on_cpu)


def created(kind: Any, options: Any, path: Path, code: str, hint: str) -> Any:
    """A landmarker of MediaPipe's class `kind`. Raises `MotionLiftError` with `code` where it cannot use the model at
    `path`, and as `missing_part` has it where MediaPipe, which loads it only now, lacks a library."""
    try:
        with native_output_logged():
            return kind.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and missing_library(error):
            raise missing_part(error) from error
        raise MotionLiftError(code, f"MediaPipe cannot use {path}: {str(error).splitlines()[0]}", hint) from error


class Landmarker:
    """Finds up to `num_poses` poses in a picture, on the CPU.

    With `video` poses are followed from picture to picture and smoothed; pictures must then come in order.
    Raises `MotionLiftError` (`bad_pose_model`) when MediaPipe cannot use the model.
    """

    def __init__(self, model: PoseModel, num_poses: int, video: bool = True) -> None:
        self.num_poses = num_poses
        self._video = video
        self._last_ms = -1
        self._settled = False
        options = vision.PoseLandmarkerOptions(
            base_options=base_options(model.path),
            running_mode=vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE,
            num_poses=num_poses,
        )
        hint = "Give a pose_landmarker .task file that fits the installed MediaPipe."
        self._task = created(vision.PoseLandmarker, options, model.path, "bad_pose_model", hint)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the graph. Harmless when called again."""
        if self._task is not None:
            self._task.close()
            self._task = None

    def __call__(self, image: Picture, time: float) -> list[Pose]:
        """The poses in `image`, shown at `time` (s)."""
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        # MediaPipe wants whole milliseconds that grow.
        self._last_ms = max(round(time * 1000), self._last_ms + 1, 0)
        with contextlib.nullcontext() if self._settled else native_output_logged():
            found = self._task.detect_for_video(picture, self._last_ms) if self._video else self._task.detect(picture)
        # The libraries' last greeting comes with the first pose.
        self._settled = self._settled or bool(found.pose_landmarks)
        return [
            Pose(
                np.array([(p.x, p.y, p.z, p.visibility, p.presence) for p in landmarks], np.float32),
                np.array([(p.x, p.y, p.z) for p in world], np.float32),
            )
            for landmarks, world in zip(found.pose_landmarks, found.pose_world_landmarks, strict=True)
        ]


@contextlib.contextmanager
def native_output_logged() -> Iterator[None]:
    """While it lasts, what is written to the process's standard error goes to the log (level debug).

    MediaPipe's libraries greet the user there with a dozen lines of no use to him, and have no switch for it.
    Threads that are inside at once share one diversion, which ends with the last of them.
    """
    _diversion.enter()
    try:
        yield
    finally:
        _diversion.leave()


class _Diversion:
    """Standard error led into a file for as long as anybody is inside. Where Python tells of crashes, it goes on to do
    so where everybody can read it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._kept: int | None = None
        self._captured: IO[bytes] | None = None

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            _flush_errors()
            try:
                self._kept = os.dup(2)
            except OSError:  # a process without a standard error, such as one of Windows' window programs
                return
            self._captured = tempfile.TemporaryFile()  # noqa: SIM115 (closed by whoever leaves last)
            os.dup2(self._captured.fileno(), 2)
            self._tell_of_crashes(self._kept)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside or self._kept is None or self._captured is None:
                return
            _flush_errors()
            os.dup2(self._kept, 2)
            self._tell_of_crashes(2)
            os.close(self._kept)
            with self._captured as captured:
                captured.seek(0)
                for line in captured.read().decode(errors="replace").splitlines():
                    log.debug("mediapipe: %s", line)
            self._kept = self._captured = None

    @staticmethod
    def _tell_of_crashes(descriptor: int) -> None:
        if faulthandler.is_enabled():
            faulthandler.enable(descriptor, all_threads=False)


_diversion = _Diversion()


def _flush_errors() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
