"""Writing a video, picture by picture (PyAV inside)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import av.error
import av.video
import cv2
import numpy as np

from ..jobs import MotionLiftError
from ..video.conversion import Image

CODEC, QUALITY = "libx264", {"preset": "superfast", "crf": "20"}
"""Encoding takes half of the time of a preview; slower presets would make it slower than the clip."""
_BASE = Fraction(1, 90_000)
_BT709, _BT601 = 1, 6
"""H.264's numbers (table E-3 and on): RGB has the former's primaries, OpenCV's conversion is by the latter's matrix."""


class VideoWriter:
    """Pictures (H, W, 3) RGB of one even size, at times (s) that increase, into an H.264 mp4. See `video_writer`."""

    def __init__(
        self, container: av.container.OutputContainer, size: tuple[int, int], fps: float, options: Mapping[str, str]
    ) -> None:
        self._container = container
        stream = container.add_stream(CODEC, rate=Fraction(fps).limit_denominator(1001), options=dict(options))
        assert isinstance(stream, av.video.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = _BASE
        context.color_primaries = context.color_trc = _BT709
        context.colorspace = _BT601
        self._stream = stream
        self._first: float | None = None

    def write(self, image: Image, time: float) -> None:
        """Add a picture; the first one's time is the video's zero."""
        if self._first is None:
            self._first = time
        # Several times as fast as FFmpeg's scaler.
        planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
        frame.time_base = _BASE
        frame.pts = round((time - self._first) / _BASE)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode())


@contextmanager
def video_writer(
    path: Path,
    size: tuple[int, int],
    fps: float,
    options: Mapping[str, str] = QUALITY,
    metadata: Mapping[str, str] | None = None,
) -> Iterator[VideoWriter]:
    """A writer of the mp4 `path`, whole once the block ends well. `size` (width, height) px, even; `options` of the
    encoder; `metadata` of the file. Raises `MotionLiftError` (`no_encoder`, `write_failed`) when FFmpeg has no H.264
    encoder or cannot write."""
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            container.metadata.update(metadata or {})
            writer = VideoWriter(container, size, fps, options)
            yield writer
            writer.finish()
    except av.codec.codec.UnknownCodecError as error:
        raise MotionLiftError(
            "no_encoder",
            f"The installed FFmpeg libraries have no encoder {CODEC}.",
            "Install PyAV from PyPI (pip install av), or write a .html page.",
        ) from error
    except av.error.FFmpegError as error:
        raise MotionLiftError(
            "write_failed", f"The video cannot be written: {error}.", "Check free space and permissions."
        ) from error
