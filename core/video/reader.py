"""Video in: upright RGB pictures with their presentation times, streamed from a thread of its own.

with FrameReader(Path("walk.mp4"), start=2.0, max_side=1280) as reader:
    for frame in reader:
        ...
reader.warnings
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from av.video.reformatter import Interpolation

from ..jobs import MotionLiftError
from ..processors import share
from .ahead import RunAhead
from .conversion import Converter, Image, Orientation, Turner, fit
from .decoding import ContainerSource, Description, Source, no_file, unreadable
from .hardware import NONE
from .sequences import PictureSource, is_sequence, list_pictures
from .shots import THUMBNAIL_SIDE, Shot, ShotDetector, list_shots

log = logging.getLogger(__name__)

GRACE_SECONDS = 0.0005
"""Given to the trim's limits: containers and people round times."""
NO_IMAGE = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True)
class VideoInfo:
    """What a video is before it is decoded.

    size: upright (width, height) in square pixels; fps: the average rate as the container says; duration (s)
    and frame_count: estimates, for progress; rotation: clockwise degrees by which the stored pictures are turned;
    capture_rate: pictures a second that the camera took, from a phone's slow-motion tag; focal_35mm: focal
    length in millimetres on a 36 mm wide picture, from the metadata.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    duration: float | None
    frame_count: int | None
    rotation: int
    capture_rate: float | None
    focal_35mm: float | None
    has_audio: bool


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture: `index` counts from 0 at the first one read, `time` is its presentation time in seconds from
    the video's first picture, `shot` counts from 1 and grows at each hard cut, `image` (H, W, 3) is RGB, upright,
    with square pixels, C-contiguous. The image may be smaller than `VideoInfo.size` (see `max_side`), and is empty
    (0, 0, 3) where it was not wanted (see `stride`).
    """

    index: int
    time: float
    shot: int
    image: Image


def probe(path: Path, rate: float | None = None, rotate: int | None = None) -> VideoInfo:
    """What `path` holds; its first picture is decoded, so it can be read. `rotate` and errors as `FrameReader`."""
    return _info(path, _open_source(path, rate, threads=1, orientation=_orientation(rotate)).description)


def picture_times(path: Path, start: float | None = None, end: float | None = None) -> list[float] | None:
    """The times (s) of the frames that a `FrameReader` of this trim yields, without decoding them; None where the
    file does not tell for certain. Errors as `FrameReader`."""
    times = _open_source(path, None, threads=1).times()
    if times is None:
        return None
    first, last = _limits(start, end)
    return [time for time in times if first <= time < last]


def read_frames(
    path: Path,
    start: float | None = None,
    end: float | None = None,
    max_side: int | None = None,
    rotate: int | None = None,
) -> Iterator[Frame]:
    """The frames with start <= time < end (s). Closing the iterator stops the decoding. See `FrameReader`."""
    with FrameReader(path, start, end, max_side, rotate=rotate) as reader:
        yield from reader


class FrameReader:
    """Iterates once over the frames with start <= time < end (s), decoding ahead in a thread.

    max_side: pictures whose longer side exceeds it are made smaller in the same pass as the conversion to RGB;
    coordinates relative to the picture times `info.size` are pixels of the video. rate: pictures a second of an
    image sequence (30 when None). threads: of the decoder; few, since detection runs beside it: two, of the process's
    share. ahead: decoded frames that wait for the consumer at most. stride: only every so manieth frame from the first
    on has its image. hwaccel: `none`, `auto` or a kind of device that decodes (`hardware.accelerator`). rotate: degrees
    clockwise (0, 90, 180, 270) by which the pictures are turned as they are stored, whatever the file says; where it is
    None they are turned as the file says.

    `info` is there from the start; `warnings`, in words, is complete when the iteration has ended.
    Errors are `MotionLiftError`: `no_file`, `is_directory`, `empty_file`, `not_a_video`, `incomplete_video`,
    `unknown_codec`, `no_video_stream`, `no_frames`, `unreadable`, `bad_trim`; those found while decoding surface in
    the iteration.
    """

    def __init__(
        self,
        path: Path,
        start: float | None = None,
        end: float | None = None,
        max_side: int | None = None,
        *,
        rate: float | None = None,
        threads: int | None = None,
        ahead: int = 4,
        stride: int = 1,
        hwaccel: str = NONE,
        rotate: int | None = None,
    ) -> None:
        orientation = _orientation(rotate)
        source = _open_source(path, rate, min(2, share()) if threads is None else threads, hwaccel, orientation)
        self.info = _info(path, source.description)
        self.warnings: list[str] = []
        turn = Turner(isinstance(source, ContainerSource), orientation)
        decoding = _Decoding(source, self.info, start, end, max_side, stride, turn, self.warnings)
        self._frames = RunAhead(decoding.frames, ahead, name=f"decode {path.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def close(self) -> None:
        """Stop decoding and wait for the thread. Harmless when called again."""
        self._frames.close()


@dataclass(frozen=True)
class _Decoding:
    """Everything the thread needs to know."""

    source: Source
    info: VideoInfo
    start: float | None
    end: float | None
    max_side: int | None
    stride: int
    turn: Turner
    warnings: list[str]

    def frames(self) -> Generator[Frame, None, None]:
        """Decode, convert, number by shot."""
        first, last = _limits(self.start, self.end)
        picture = Converter(fit(self.info.size, self.max_side))
        thumbnail = Converter(fit(self.info.size, THUMBNAIL_SIDE), Interpolation.AREA)
        detector: ShotDetector[tuple[float, Image]] = ShotDetector(_lookahead(self.info.fps))
        index = 0
        for number, (time, stored) in enumerate(self.source.frames(first, self.warn)):
            if time >= last:
                break
            upright = self.turn(stored)
            image = picture(upright) if number % self.stride == 0 else NO_IMAGE
            for shot, (shown, settled) in detector.push(thumbnail(upright) / np.float32(255), (time, image)):
                yield Frame(index, shown, shot, settled)
                index += 1
        for shot, (shown, settled) in detector.flush():
            yield Frame(index, shown, shot, settled)
            index += 1
        if index == 0:
            raise _nothing_left(self.info, self.start, self.end)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            log.warning("%s: %s", self.info.path.name, text)
            self.warnings.append(text)


def _limits(start: float | None, end: float | None) -> tuple[float, float]:
    """Frames of a trim are shown at first <= time < last (s)."""
    return max(0.0, (start or 0.0) - GRACE_SECONDS), math.inf if end is None else end - GRACE_SECONDS


def _lookahead(fps: float) -> int:
    """Frames that outlast a flash, about an eighth of a second."""
    return min(max(round(fps / 8), 2), 8)


def _nothing_left(info: VideoInfo, start: float | None, end: float | None) -> MotionLiftError:
    if start is None and end is None:
        return MotionLiftError(
            "no_frames", f"{info.path.name} holds no picture that can be decoded.", "Export it again."
        )
    until = "its end" if end is None else f"{end:g} s"
    length = "" if info.duration is None else f", which is {info.duration:.2f} s long"
    return MotionLiftError(
        "bad_trim",
        f"There is no picture from {start or 0:g} s to {until} in {info.path.name}{length}.",
        "Choose a start and an end within the clip.",
    )


def _orientation(rotate: int | None) -> Orientation | None:
    return None if rotate is None else Orientation.turned(rotate)


def _open_source(
    path: Path, rate: float | None, threads: int, hwaccel: str = NONE, orientation: Orientation | None = None
) -> Source:
    if is_sequence(path):
        return PictureSource(path, rate, orientation)
    try:
        size = path.stat().st_size
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValueError) as error:
        raise no_file(path) from error
    if size == 0:
        raise MotionLiftError("empty_file", f"{path.name} is empty.", "Copy or export the video again.")
    return ContainerSource(path, threads, hwaccel, orientation)


def _info(path: Path, description: Description) -> VideoInfo:
    return VideoInfo(
        path=path,
        size=description.size,
        fps=description.fps,
        duration=description.duration,
        frame_count=description.frame_count,
        rotation=description.orientation.degrees,
        capture_rate=_number(description.metadata, "com.android.capture.fps"),
        focal_35mm=_number(description.metadata, "focal_length.35mm_equivalent", "focallengthin35mmfilm"),
        has_audio=description.has_audio,
    )


def _number(metadata: Mapping[str, str], *endings: str) -> float | None:
    """The first positive number under a key with one of the endings (lower case)."""
    for key, text in metadata.items():
        if key.lower().endswith(endings):
            try:
                value = float(text)
            except ValueError:
                log.debug("the tag %s is no number: %r", key, text)
                continue
            if 0 < value < math.inf:
                return value
    return None


def slow_motion_factor(info: VideoInfo, speed: float | None) -> float:
    """How many times slower than life the file plays: seconds of the file over seconds of life.

    `speed` where it is given, else what the phone's tag says about the camera's rate, rounded to a whole number
    where it is within 5 % of one; 1 where nothing is known. Below 1 for time lapse.
    """
    if speed is not None:
        return speed
    if info.capture_rate is None:
        return 1.0
    factor = info.capture_rate / info.fps
    whole = round(factor)
    return float(whole) if whole >= 1 and abs(factor / whole - 1) <= 0.05 else factor


def find_shots(path: Path, start: float | None = None, end: float | None = None) -> list[Shot]:
    """The shots of a video without keeping its pictures. Costs its decoding. Errors as `FrameReader`."""
    frames = [(frame.time, frame.shot) for frame in read_frames(path, start, end, max_side=THUMBNAIL_SIDE)]
    return list_shots([time for time, _ in frames], [shot for _, shot in frames])


def content_hash(path: Path) -> str:
    """SHA-256 (hexadecimal) of the file's bytes, or of the pictures of a sequence in order. Errors as `FrameReader`."""
    if is_sequence(path):
        total = hashlib.sha256()
        for number, picture in list_pictures(path):
            total.update(f"{number} {_file_hash(picture)}\n".encode())
        return total.hexdigest()
    if not os.path.isfile(path):
        raise no_file(path)
    return _file_hash(path)


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
