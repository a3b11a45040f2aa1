"""Small real videos, encoded as a test asks for them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

Image = NDArray[np.uint8]
EncodeVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def encode_video() -> EncodeVideo:
    """A function that writes a video file: see `_encode_video`."""
    return _encode_video


@pytest.fixture(scope="session")
def moving_texture() -> Callable[..., list[Image]]:
    """A function that makes pictures of a smooth random texture moving along: see `_moving_texture`."""
    return _moving_texture


def _encode_video(
    path: Path,
    frames: Sequence[Image],
    fps: Fraction | float = 30,
    *,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    audio: bool = False,
    metadata: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode RGB pictures (H, W, 3) at `fps`, or at `times` (s), into the container that `path`'s suffix names.

    `rotation`: clockwise degrees a player has to turn the stored pictures by (a real display matrix).
    `audio` adds a silent track. `options` go to the encoder, `container_options` to the muxer. Returns `path`.
    """
    rate = Fraction(fps).limit_denominator(1001)
    height, width = frames[0].shape[:2]
    base = Fraction(1, 90_000) if times is not None else 1 / rate
    with av.open(str(path), "w", options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=rate, options=options or _FAST.get(codec, {}))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = base
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation:
            stream.set_display_rotation(-rotation)
        sound = container.add_stream("aac" if path.suffix != ".webm" else "libopus", rate=48_000) if audio else None
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
            frame.time_base = base
            frame.pts = index if times is None else round(times[index] / base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            _encode_silence(container, sound, seconds=len(frames) / float(rate))
    return path


_FAST = {
    "libx264": {"preset": "ultrafast", "crf": "12"},
    "libx265": {"preset": "ultrafast", "crf": "12", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "15", "b": "0"},
    "mpeg4": {"qscale": "2", "b": "4000000"},
}


def _encode_silence(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    block = 1024
    for start in range(0, int(seconds * 48_000), block):
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=block)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = 48_000, start
        container.mux(stream.encode(frame))
    with contextlib.suppress(av.error.EOFError):
        container.mux(stream.encode())


def _moving_texture(
    count: int, size: tuple[int, int] = (128, 96), velocity: tuple[float, float] = (2.0, 1.0), seed: int = 0
) -> list[Image]:
    """`count` RGB pictures of `size` (width, height): a window that moves by `velocity` px a picture over a
    random texture, periodic, with detail from an eighth of its side down to a few pixels, in colours of its own.
    """
    random = np.random.default_rng(seed)
    side = 512
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij"))
    spectrum = np.where(frequency > 0, np.exp(-((frequency * 40) ** 2)), 0) / np.maximum(frequency, 1 / 64)
    planes = [np.fft.irfft2(np.fft.rfft2(random.normal(size=(side, side))) * spectrum, (side, side)) for _ in range(3)]
    texture = np.stack([plane / plane.std() for plane in planes], -1)
    tint = random.uniform(70, 185, 3)
    colours = np.clip(texture * random.uniform(20, 45, 3) + tint, 0, 255).astype(np.uint8)
    width, height = size
    pictures = []
    for index in range(count):
        x, y = (round(v * index) for v in velocity)
        columns, rows = np.arange(x, x + width) % side, np.arange(y, y + height) % side
        pictures.append(np.ascontiguousarray(colours[rows[:, None], columns]))
    return pictures
