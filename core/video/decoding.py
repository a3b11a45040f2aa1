"""From a file to pictures in presentation order, each with a time that can be trusted (PyAV inside).

Two kinds of source, one interface (`Source`): a container (mp4, mov, mkv, webm, avi, gif, ...) and a sequence
of pictures. Neither converts colours nor follows cuts: that is `core/video.py` and `core/shots.py`.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import av.container
import av.error
import av.stream
import av.video
from av.codec.hwaccel import HWAccel

from ..jobs import MotionLiftError
from . import hardware
from .clock import Clock
from .conversion import Orientation
from .packets import packets_before, picture_times

log = logging.getLogger(__name__)

DEFAULT_RATE = 30.0
"""Pictures a second of a sequence, and of a container that names no rate."""

Warn = Callable[[str], None]


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

    def times(self) -> list[float] | None:
        """The times (s) of all pictures, as `frames` gives them, without decoding; None where nothing tells for
        certain."""
        ...


class ContainerSource:
    """A file that FFmpeg opens. Time 0 is its first picture's presentation time. `hwaccel`: see `hardware.accelerator`;
    `orientation`: what is known of it, whatever the file says.

    Raises `MotionLiftError`: `not_a_video`, `incomplete_video`, `no_video_stream`, `no_frames`, `unreadable`.
    """

    def __init__(
        self, path: Path, threads: int, hwaccel: str = hardware.NONE, orientation: Orientation | None = None
    ) -> None:
        self._path = path
        self._threads = threads
        self._hwaccel = hwaccel
        with contextlib.closing(_open(path)) as container:
            stream = self._video_stream(container)
            first = next(_decode(container, stream, _log_warning), None)
            if first is None:
                raise MotionLiftError(
                    "no_frames",
                    f"{path.name} holds no picture that can be decoded.",
                    "The file is damaged or empty; export or copy it again.",
                )
            stamp, picture = first
            # Reordered pictures without presentation stamps have certain times only when counted from the start.
            self._presented = _has_presentation_stamps(container)
            self._can_seek = self._presented or not stream.codec_context.has_b_frames
            self._origin = (stamp or 0) * _time_base(stream)
            self._codec = stream.codec_context.name
            self._promised = _promised_duration(container, stream, self._origin)
            self.description = _describe(container, stream, picture, self._promised, orientation)

    def frames(self, start: float, warn: Warn) -> Iterator[tuple[float, av.VideoFrame]]:
        time = None
        try:
            for time, picture in self._accelerated(start):
                yield time, picture
        except hardware.Interrupted:
            if time is not None:
                log.info("%s: after %.2f s it is decoded by the processors", self._path, time)
            after = -math.inf if time is None else time
            for time, picture in self._timed(max(start, after), warn):
                if time > after:
                    yield time, picture
        promised = self._promised
        # Headers round, and count the last picture's own duration or not.
        if promised is not None and time is not None and promised - time > max(0.25, 4.0 / self.description.fps):
            warn(f"It ends after {time:.2f} s where its header promises {promised:.2f} s: the file seems cut off.")
        elif self._path.suffix.lower() == ".gif" and not _ends_as_gif(self._path):
            warn("The GIF lacks its end: the file seems cut off.")

    def _accelerated(self, start: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """The pictures decoded by a device, as far as it decodes what the file promises; then raises `Interrupted`."""
        accelerator = hardware.accelerator(self._hwaccel, self._codec)
        expected = self.times() if accelerator else None
        if expected is None:
            raise hardware.Interrupted
        wanted = [time for time in expected if time >= start]
        # What is wrong with the file is told by the processors, who then take over.
        for time, picture in hardware.verified(self._timed(start, _log_warning, accelerator), wanted):
            yield time, hardware.planar(picture)

    def _timed(
        self, start: float, warn: Warn, accelerator: HWAccel | None = None
    ) -> Iterator[tuple[float, av.VideoFrame]]:
        """(time, picture) from `start` on."""
        clock: Clock[av.VideoFrame] = Clock(1.0 / self.description.fps)
        for stamp, frame in self._from(start, warn, accelerator):
            for time, ready in clock.push(stamp, frame):
                if time >= start:
                    yield time, ready
        for time, ready in clock.flush():
            if time >= start:
                yield time, ready

    def times(self) -> list[float] | None:
        if not self._can_seek:
            return None
        with contextlib.closing(_open(self._path)) as container:
            return picture_times(container, self._video_stream(container), self._origin, self._presented)

    def _from(
        self, start: float, warn: Warn, accelerator: HWAccel | None
    ) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Stamped pictures from a keyframe before `start` on."""
        if start > 0 and self._can_seek:
            # By the index; where that is missing or wrong, by passing over packets; else everything is decoded.
            for find in (self._sought, self._passed_over):
                with contextlib.closing(_open(self._path, accelerator)) as container:
                    found = find(container, self._video_stream(container), start, warn)
                    first = next(found, None)
                    if first is not None and first[0] is not None and first[0] <= start:
                        yield from itertools.chain([first], found)
                        return
        with contextlib.closing(_open(self._path, accelerator)) as container:
            yield from self._stamped(container, self._video_stream(container), warn)

    def _sought(
        self, container: av.container.InputContainer, stream: av.VideoStream, start: float, warn: Warn
    ) -> Iterator[tuple[float | None, av.VideoFrame]]:
        # Half a second earlier: indexes are in decoding order, in which a keyframe precedes its time.
        target = int((Fraction(max(start - 0.5, 0.0)) + self._origin) / _time_base(stream))
        try:
            container.seek(target, stream=stream, backward=True)
        except av.error.FFmpegError as error:
            log.debug("%s cannot seek: %s", self._path, error)
            return
        yield from self._stamped(container, stream, warn)

    def _passed_over(
        self, container: av.container.InputContainer, stream: av.VideoStream, start: float, warn: Warn
    ) -> Iterator[tuple[float | None, av.VideoFrame]]:
        with contextlib.closing(_open(self._path)) as again:
            before = packets_before(again, self._video_stream(again), Fraction(start) + self._origin, self._presented)
        if before:
            yield from self._stamped(container, stream, warn, before)

    def _stamped(
        self, container: av.container.InputContainer, stream: av.VideoStream, warn: Warn, passed_over: int = 0
    ) -> Iterator[tuple[float | None, av.VideoFrame]]:
        for stamp, frame in _decode(container, stream, warn, passed_over):
            yield (None if stamp is None else float(stamp * _time_base(stream) - self._origin)), frame

    def _video_stream(self, container: av.container.InputContainer) -> av.VideoStream:
        cover = av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & cover]
        if not streams:
            if container.streams.audio:
                raise MotionLiftError(
                    "no_video_stream", f"{self._path.name} holds sound but no pictures.", "Choose a video."
                )
            raise _not_a_video(self._path)
        # Of several the one that players show; all may be marked so, or none.
        shown = [s for s in streams if s.disposition & av.stream.Disposition.default] or streams
        stream: av.VideoStream = max(shown, key=lambda s: (s.width or 0) * (s.height or 0))
        if stream.codec_context is None:
            raise MotionLiftError(
                "unknown_codec", f"{self._path.name} is encoded in a way that is not known here.", "Export it as H.264."
            )
        stream.thread_type = "AUTO"
        stream.thread_count = self._threads
        return stream


def _open(path: Path, accelerator: HWAccel | None = None) -> av.container.InputContainer:
    try:
        # Absolute, so that no name is taken for a network address.
        return av.open(str(path.absolute()), metadata_errors="replace", hwaccel=accelerator)
    except FileNotFoundError as error:
        raise no_file(path) from error
    except PermissionError as error:
        raise unreadable(path, error) from error
    except av.error.FFmpegError as error:
        if accelerator is not None:
            log.info("%s: no room on the device: %s", path, error)
            return _open(path)
        with path.open("rb") as file:
            box = file.read(8)[4:]
        if box in (b"ftyp", b"mdat", b"wide", b"free", b"skip"):
            raise MotionLiftError(
                "incomplete_video",
                f"{path.name} is an MP4 or MOV file without its index: the recording or copy was cut off.",
                "Copy the file again, or repair it with a tool for damaged recordings.",
            ) from error
        raise _not_a_video(path) from error


def no_file(path: Path) -> MotionLiftError:
    """The error of a path that leads nowhere."""
    return MotionLiftError("no_file", f"There is no file {path}.", "Check the name.")


def unreadable(path: Path, error: OSError) -> MotionLiftError:
    """The error of a file or folder that the system does not hand out."""
    return MotionLiftError("unreadable", f"{path} cannot be read: {error.strerror}.", "Check its permissions.")


def _not_a_video(path: Path) -> MotionLiftError:
    return MotionLiftError(
        "not_a_video", f"{path.name} is not a video that can be read.", "Try to play it, or export it as MP4 (H.264)."
    )


def _decode(
    container: av.container.InputContainer, stream: av.VideoStream, warn: Warn, passed_over: int = 0
) -> Iterator[tuple[int | None, av.VideoFrame]]:
    """(stamp, picture) of all that can be had after the first `passed_over` packets; damage is skipped and told to
    `warn`, once.

    Where there are only decoding stamps, the pictures get those in ascending order.
    """
    packets = container.demux(stream)
    presented = _has_presentation_stamps(container)
    decoding_stamps: list[int] = []
    damaged = last = False
    while not last:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            warn(f"The file is damaged or cut off: {error.strerror or error}. What comes after is missing.")
            packet = None
        last = packet is None or (packet.size == 0 and packet.dts is None)
        if packet is not None and not last:
            if packet.size == 0:
                continue  # AVI writes a repeated picture as nothing, which decoders take for the end.
            if passed_over:
                passed_over -= 1
                continue
            if not presented and packet.dts is not None:
                heapq.heappush(decoding_stamps, packet.dts)
        try:
            frames = stream.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.FFmpegError as error:
            log.debug("a damaged packet of %s: %s", container.name, error)
            if not damaged:
                warn("Damaged places in the file were skipped.")
            damaged = True
            frames = []
        for frame in frames:
            yield (heapq.heappop(decoding_stamps) if decoding_stamps else frame.pts), frame


def _has_presentation_stamps(container: av.container.InputContainer) -> bool:
    """AVI stores none, and what FFmpeg then guesses is in decoding order."""
    return container.format.name != "avi"


def _ends_as_gif(path: Path) -> bool:
    """GIF names no length; its last byte is a semicolon, perhaps padded."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return file.read().rstrip(b"\0").endswith(b";")


def _time_base(stream: av.VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


def _describe(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: av.VideoFrame,
    duration: float | None,
    orientation: Orientation | None,
) -> Description:
    fps = float(stream.average_rate or stream.guessed_rate or stream.base_rate or DEFAULT_RATE)
    if not 0 < fps < 1e5:
        fps = DEFAULT_RATE
    if duration is None and container.duration:
        duration = container.duration / av.time_base
    count = stream.frames or (None if duration is None else max(1, round(duration * fps)))
    orientation = orientation or Orientation.of(first)
    return Description(
        size=upright_size(first.width, first.height, stream.sample_aspect_ratio, orientation),
        fps=fps,
        duration=duration,
        frame_count=count,
        orientation=orientation,
        has_audio=bool(container.streams.audio),
        metadata={**container.metadata, **stream.metadata, **first.metadata},
    )


_FROM_ZERO = {"mov", "matroska"}
"""Containers whose durations begin with their clock, not with the first picture."""


def _promised_duration(
    container: av.container.InputContainer, stream: av.VideoStream, origin: Fraction
) -> float | None:
    """Seconds of the video stream from its first picture (at `origin`) on."""
    end = _promised_end(container, stream)
    late = float(origin) if _FROM_ZERO & set(container.format.name.split(",")) else 0.0
    return end if end is None or not 0 < late < end else end - late


def _promised_end(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Seconds of the video stream: its own word, Matroska's tag, or the container's if nothing else plays."""
    if stream.duration:
        return float(stream.duration * _time_base(stream))
    for key, text in stream.metadata.items():
        tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", text)
        if tag and key.startswith("DURATION"):
            return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return container.duration / av.time_base if container.duration and len(container.streams) == 1 else None


def upright_size(width: int, height: int, pixel_aspect: Fraction | None, orientation: Orientation) -> tuple[int, int]:
    """(width, height) in square pixels after turning; pixels become square by changing the stored width."""
    if pixel_aspect and math.isfinite(float(pixel_aspect)) and 0.1 < pixel_aspect < 10:
        width = max(1, round(width * pixel_aspect))
    return (height, width) if orientation.transposed else (width, height)


def _log_warning(text: str) -> None:
    log.debug("while probing: %s", text)
