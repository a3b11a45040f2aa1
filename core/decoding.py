"""From a file to pictures in presentation order, each with a time that can be trusted (PyAV inside).

Two kinds of source, one interface (`Source`): a container (mp4, mov, mkv, webm, avi, gif, ...) and a sequence
of pictures. Neither converts colours nor follows cuts: that is `core/video.py` and `core/shots.py`.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import av
import av.container
import av.error
import av.stream
import av.video
import numpy as np

from .jobs import MotionLiftError

log = logging.getLogger(__name__)

DEFAULT_RATE = 30.0
"""Pictures a second of a sequence, and of a container that names no rate."""

Warn = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Orientation:
    """How stored pictures are turned upright: perhaps transposed, then perhaps flipped along x and y."""

    transposed: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @staticmethod
    def of(frame: av.VideoFrame) -> Orientation:
        """From the frame's display matrix, to the nearest quarter turn; upright where there is none.

        The matrix (a, b, u; c, d, v; ...) takes stored (x, y) to shown (a x + c y, b x + d y), y down.
        """
        data = frame.side_data.get("DISPLAYMATRIX")
        if data is None:
            return Orientation()
        a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
        if abs(b) + abs(c) > abs(a) + abs(d):
            return Orientation(True, flip_x=c < 0, flip_y=b < 0)
        return Orientation(False, flip_x=a < 0, flip_y=d < 0)

    @property
    def degrees(self) -> int:
        """The clockwise turn (0, 90, 180, 270), leaving a mirroring aside."""
        if self.transposed:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """The same as FFmpeg filters (name, arguments), which turn the undecorated planes fast."""
        if not self.transposed:
            return tuple((name, "") for name, wanted in [("hflip", self.flip_x), ("vflip", self.flip_y)] if wanted)
        direction = {(False, False): "cclock_flip", (True, False): "clock", (False, True): "cclock"}
        return (("transpose", f"dir={direction.get((self.flip_x, self.flip_y), 'clock_flip')}"),)


@dataclass(frozen=True)
class Description:
    """What a source says about itself; `size` is upright, in square pixels."""

    size: tuple[int, int]
    fps: float
    duration: float | None
    frame_count: int | None
    orientation: Orientation
    has_audio: bool
    metadata: Mapping[str, str]


class Source(Protocol):
    """Pictures in presentation order."""

    description: Description

    def frames(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        """(time in s, picture), times strictly increasing, from the first at or after `start` on.

        `warn` is told what was wrong with the file, in words.
        """
        ...


class ContainerSource:
    """A file that FFmpeg opens. Time 0 is its first picture's presentation time.

    Raises `MotionLiftError`: `not_a_video`, `incomplete_video`, `no_video_stream`, `no_frames`, `unreadable`.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self.threads = threads
        with contextlib.closing(_open(path)) as container:
            stream = self._video_stream(container)
            first = next(_decode(container, stream, _log_warning), None)
            if first is None:
                raise MotionLiftError(
                    "no_frames",
                    f"{path.name} holds no picture that can be decoded.",
                    "The file is damaged or empty; export or copy it again.",
                )
            self.origin = (_stamp(first) or 0) * stream.time_base
            self.description = _describe(container, stream, first)

    def frames(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        clock: Clock[av.VideoFrame] = Clock(1.0 / self.description.fps)
        time = None
        for stamp, frame in self._from(start, warn):
            for time, ready in clock.push(stamp, frame):
                if time >= start:
                    yield time, ready
        for time, ready in clock.flush():
            if time >= start:
                yield time, ready
        duration = self.description.duration
        # Headers round, and count the last picture's own duration or not.
        if duration is not None and time is not None and duration - time > max(0.25, 4.0 / self.description.fps):
            warn(
                f"{self.path.name} ends after {time:.2f} s where its header promises {duration:.2f} s: "
                "the file seems cut off."
            )

    def _from(self, start: float, warn: Warn) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Stamped pictures from a keyframe before `start` on."""
        if start > 0:
            with contextlib.closing(_open(self.path)) as container:
                stream = self._video_stream(container)
                # Half a second earlier: indexes are in decoding order, in which a keyframe precedes its time.
                target = int((Fraction(max(start - 0.5, 0.0)) + self.origin) / stream.time_base)
                try:
                    container.seek(target, stream=stream, backward=True)
                except av.error.FFmpegError as error:
                    log.debug("%s cannot seek: %s", self.path, error)
                else:
                    found = self._stamped(container, stream, warn)
                    first = next(found, None)
                    if first is not None and first[0] is not None and first[0] <= start:
                        yield from itertools.chain([first], found)
                        return
        # From the start on: asked for, or the index is missing or wrong.
        with contextlib.closing(_open(self.path)) as container:
            yield from self._stamped(container, self._video_stream(container), warn)

    def _stamped(
        self, container: av.container.InputContainer, stream: av.VideoStream, warn: Warn
    ) -> Iterator[tuple[float | None, av.VideoFrame]]:
        for frame in _decode(container, stream, warn):
            stamp = _stamp(frame)
            yield (None if stamp is None else float(stamp * stream.time_base - self.origin)), frame

    def _video_stream(self, container: av.container.InputContainer) -> av.VideoStream:
        cover = av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & cover]
        if not streams:
            if container.streams.audio:
                raise MotionLiftError(
                    "no_video_stream", f"{self.path.name} holds sound but no pictures.", "Choose a video."
                )
            raise _not_a_video(self.path)
        stream: av.VideoStream = max(streams, key=lambda s: (s.width or 0) * (s.height or 0))
        if stream.codec_context is None:
            raise _not_a_video(self.path)
        stream.thread_type = "AUTO"  # type: ignore[assignment]
        stream.thread_count = self.threads
        return stream


class PictureSource:
    """A folder of pictures, or a pattern such as `walk.%04d.png` or `walk.####.png`, at `rate` a second.

    A folder is read in natural order, one step a picture; a pattern keeps its numbers, so that a missing
    picture leaves a gap in time. Raises `MotionLiftError`: `no_file`, `is_directory`, `not_a_video`.
    """

    def __init__(self, path: Path, rate: float | None = None) -> None:
        self.path = path
        self.rate = DEFAULT_RATE if rate is None else rate
        self.pictures = list_pictures(path)
        first = next(self._decoded(0, _log_warning), None)
        if first is None:
            raise MotionLiftError(
                "no_frames", f"None of the pictures of {path} can be read.", "Open one in a viewer to see what it is."
            )
        frame = first[1]
        orientation = Orientation.of(frame)
        self.description = Description(
            size=_upright_size(frame.width, frame.height, None, orientation),
            fps=self.rate,
            duration=(self.pictures[-1][0] + 1) / self.rate,
            frame_count=len(self.pictures),
            orientation=orientation,
            has_audio=False,
            metadata=dict(frame.metadata),
        )

    def frames(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        missing = self.pictures[-1][0] + 1 - len(self.pictures)
        if missing:
            warn(f"{missing} pictures are missing in {self.path.name}: there the motion is interpolated.")
        return self._decoded(start, warn)

    def _decoded(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        for number, picture in self.pictures:
            time = number / self.rate
            if time < start:
                continue
            try:
                with picture.open("rb") as file, av.open(file) as container:
                    yield time, next(container.decode(video=0))
            except (av.error.FFmpegError, IndexError, StopIteration) as error:
                log.debug("%s: %s", picture, error)
                warn(f"The picture {picture.name} cannot be read and is left out.")


PICTURE_SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".tif",
        ".tiff",
        ".bmp",
        ".webp",
        ".exr",
        ".dpx",
        ".tga",
        ".ppm",
        ".pgm",
        ".jp2",
        ".hdr",
    ]
)
_PATTERN = re.compile(r"%(?:0?\d+)?d|#+")


def is_sequence(path: Path) -> bool:
    """Whether `path` names a folder, or a pattern of numbered pictures rather than one file."""
    return path.is_dir() or (not path.exists() and bool(_PATTERN.search(path.name)))


def list_pictures(path: Path) -> list[tuple[int, Path]]:
    """(number from 0, file) of the pictures of a folder or pattern, in order.

    Raises `MotionLiftError`: `is_directory` (a folder without pictures), `no_file` (nothing fits the pattern).
    """
    if path.is_dir():
        files = (p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith("."))
        ordered = sorted((p for p in files if p.is_file()), key=lambda p: _natural(p.name))
        if not ordered:
            raise MotionLiftError(
                "is_directory",
                f"{path} is a folder without pictures.",
                "Give a video file, or a folder of numbered pictures (PNG, JPEG, ...).",
            )
        return list(enumerate(ordered))
    match = _PATTERN.search(path.name)
    if match is None or not path.parent.is_dir():
        raise MotionLiftError("no_file", f"There is no file {path}.", "Check the name.")
    digits = len(match[0]) if match[0].startswith("#") else int(match[0].strip("%d") or 1)
    name = re.compile(
        re.escape(path.name[: match.start()]) + rf"(\d{{{digits},}})" + re.escape(path.name[match.end() :])
    )
    numbered = sorted(
        (int(fit[1]), p) for p in path.parent.iterdir() if (fit := name.fullmatch(p.name)) and p.is_file()
    )
    if not numbered:
        raise MotionLiftError("no_file", f"No picture fits the pattern {path}.", "Check folder, name and digits.")
    return [(number - numbered[0][0], p) for number, p in numbered]


def _natural(name: str) -> list[tuple[int, str]]:
    """A sorting key in which frame_10 follows frame_9."""
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


class Clock(Generic[T]):
    """Gives items times that strictly increase.

    An item without a stamp, or with one that is no later than its predecessor's, waits for the next good stamp
    and shares the interval evenly; where none comes (at the end, or after `PATIENCE` items) items follow each
    other at `step` seconds. A clock that falls back by more than a second has started anew, as in joined
    recordings: it is moved to go on where it was.
    """

    PATIENCE = 8
    RESTART = 1.0

    def __init__(self, step: float) -> None:
        self.step = step
        self._last: float | None = None
        self._offset = 0.0
        self._waiting: list[T] = []

    def push(self, stamp: float | None, item: T) -> list[tuple[float, T]]:
        """The items whose times are settled by this one's stamp (seconds, or None)."""
        if stamp is not None:
            stamp += self._offset
            if self._last is not None and stamp < self._last - self.RESTART:
                shift = self._last + self.step * (len(self._waiting) + 1) - stamp
                self._offset += shift
                stamp += shift
        if stamp is None or (self._last is not None and stamp <= self._last):
            self._waiting.append(item)
            return self.flush() if len(self._waiting) >= self.PATIENCE else []
        before = stamp - self.step * (len(self._waiting) + 1) if self._last is None else self._last
        share = (stamp - before) / (len(self._waiting) + 1)
        settled = [(before + share * (i + 1), waiting) for i, waiting in enumerate(self._waiting)]
        self._waiting.clear()
        self._last = stamp
        return [*settled, (stamp, item)]

    def flush(self) -> list[tuple[float, T]]:
        """Those still waiting, one `step` apart."""
        before = -self.step if self._last is None else self._last
        settled = [(before + self.step * (i + 1), waiting) for i, waiting in enumerate(self._waiting)]
        self._waiting.clear()
        if settled:
            self._last = settled[-1][0]
        return settled


def _open(path: Path) -> av.container.InputContainer:
    try:
        # Absolute, so that no name is taken for a network address.
        return av.open(str(path.absolute()), metadata_errors="replace")
    except (PermissionError, IsADirectoryError) as error:
        raise MotionLiftError("unreadable", f"{path} cannot be opened: {error}.", "Check its permissions.") from error
    except av.error.FFmpegError as error:
        with path.open("rb") as file:
            box = file.read(8)[4:]
        if box in (b"ftyp", b"mdat", b"wide", b"free", b"skip"):
            raise MotionLiftError(
                "incomplete_video",
                f"{path.name} is an MP4 or MOV file without its index: the recording or copy was cut off.",
                "Copy the file again, or repair it with a tool for damaged recordings.",
            ) from error
        raise _not_a_video(path) from error


def _not_a_video(path: Path) -> MotionLiftError:
    return MotionLiftError(
        "not_a_video", f"{path.name} is not a video that can be read.", "Try to play it, or export it as MP4 (H.264)."
    )


def _decode(container: av.container.InputContainer, stream: av.VideoStream, warn: Warn) -> Iterator[av.VideoFrame]:
    """Every picture that can be had; damage is skipped and told to `warn` once."""
    packets = container.demux(stream)
    damaged = 0
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            warn(f"The file is damaged or cut off: {error.strerror or error}. What comes after is missing.")
            packet = None
        try:
            frames = stream.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.FFmpegError as error:
            log.debug("a damaged packet of %s: %s", container.name, error)
            damaged += 1
            frames = []
        yield from frames
        if packet is None or packet.size == 0:
            break
    if damaged:
        warn(f"{damaged} damaged places in the file were skipped.")


def _stamp(frame: av.VideoFrame) -> int | None:
    return frame.pts if frame.pts is not None else frame.dts


def _describe(container: av.container.InputContainer, stream: av.VideoStream, first: av.VideoFrame) -> Description:
    fps = float(stream.average_rate or stream.guessed_rate or stream.base_rate or DEFAULT_RATE)
    if not 0 < fps < 1e5:
        fps = DEFAULT_RATE
    duration = _duration(container, stream)
    count = stream.frames or (None if duration is None else max(1, round(duration * fps)))
    orientation = Orientation.of(first)
    return Description(
        size=_upright_size(first.width, first.height, stream.sample_aspect_ratio, orientation),
        fps=fps,
        duration=duration,
        frame_count=count,
        orientation=orientation,
        has_audio=bool(container.streams.audio),
        metadata={**container.metadata, **stream.metadata, **first.metadata},
    )


def _duration(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Seconds of the video stream: its own word, Matroska's tag, or the container's if nothing else plays."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if tag:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return container.duration / av.time_base if container.duration else None


def _upright_size(width: int, height: int, pixel_aspect: Fraction | None, orientation: Orientation) -> tuple[int, int]:
    """(width, height) in square pixels after turning; pixels become square by changing the stored width."""
    if pixel_aspect and math.isfinite(float(pixel_aspect)) and 0.1 < pixel_aspect < 10:
        width = max(1, round(width * pixel_aspect))
    return (height, width) if orientation.transposed else (width, height)


def _log_warning(text: str) -> None:
    log.debug("while probing: %s", text)
