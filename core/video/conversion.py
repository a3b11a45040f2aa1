"""Decoded pictures turned upright, made RGB and brought to one size, in as few passes as FFmpeg can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import av
import av.error
import av.filter
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from .brightness import to_screen

Image = NDArray[np.uint8]


def fit(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """(width, height) made smaller, where needed, so that the longer side is `longest`."""
    if longest is None or max(size) <= longest:
        return size
    width, height = (max(1, round(side * longest / max(size))) for side in size)
    return width, height


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
        try:
            data = _thumb(frame).side_data.get("DISPLAYMATRIX")
        except ValueError:
            # PyAV 18 cannot list side data of kinds newer than itself (EXIF in photographs), but knows the angle.
            return Orientation.turned(-frame.rotation)
        if data is None:
            return Orientation()
        a, b, _, c, d = np.frombuffer(memoryview(cast(SideData, data)), np.int32)[:5].tolist()
        if abs(b) + abs(c) > abs(a) + abs(d):
            return Orientation(True, flip_x=c < 0, flip_y=b < 0)
        return Orientation(False, flip_x=a < 0, flip_y=d < 0)

    @staticmethod
    def turned(clockwise: float) -> Orientation:
        """A turn by `clockwise` degrees, to the nearest quarter."""
        quarters = round(clockwise / 90) % 4
        return Orientation(quarters % 2 == 1, flip_x=quarters in (1, 2), flip_y=quarters in (2, 3))

    @property
    def degrees(self) -> int:
        """The clockwise turn (0, 90, 180, 270), leaving a mirroring aside."""
        if self.transposed:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """The same as FFmpeg filters (name, arguments), which turn planes fast."""
        if not self.transposed:
            return tuple((name, "") for name, wanted in [("hflip", self.flip_x), ("vflip", self.flip_y)] if wanted)
        direction = {(False, False): "cclock_flip", (True, False): "clock", (False, True): "cclock"}
        return (("transpose", f"dir={direction.get((self.flip_x, self.flip_y), 'clock_flip')}"),)


def _thumb(frame: av.VideoFrame) -> av.VideoFrame:
    """A tiny copy with the same side data. A PyAV frame that was asked for these is part of a cycle, and its picture,
    and the decoder's pool of pictures with it, stays in memory until Python looks for cycles (seen: four gigabytes)."""
    try:
        return frame.reformat(width=16, height=16, format="gray")
    except (ValueError, av.error.FFmpegError):
        return frame


class Turner:
    """Turns pictures upright in their own pixel format, where that is cheapest.

    `alike`: they come from one stream, in which nothing but the angle changes on the way; then their metadata are read
    as seldom as can be. With an `orientation` they are not asked at all.
    """

    def __init__(self, alike: bool, orientation: Orientation | None = None) -> None:
        self._alike = alike
        self._given = orientation
        self._known: tuple[float, Orientation] | None = None
        self._key: tuple[object, ...] | None = None
        self._graph = av.filter.Graph()

    def _orientation(self, frame: av.VideoFrame) -> Orientation:
        if self._given is not None:
            return self._given
        angle = frame.rotation
        if self._known is None or not self._alike or angle != self._known[0]:
            self._known = angle, Orientation.of(frame)
        return self._known[1]

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The upright frame: `frame` itself where it needs no turn."""
        orientation = self._orientation(frame)
        if not orientation.filters:
            return frame
        key = (orientation, frame.width, frame.height, frame.format.name)
        if key != self._key:
            self._key, self._graph = key, _turning_graph(orientation, frame)
        self._graph.vpush(frame)
        return self._graph.vpull()


def _turning_graph(orientation: Orientation, frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    filters = [graph.add(name, arguments) for name, arguments in orientation.filters]
    graph.link_nodes(source, *filters, graph.add("buffersink")).configure()
    return graph


class Converter:
    """Makes frames RGB at one size, keeping FFmpeg's scaler between them."""

    def __init__(self, size: tuple[int, int], interpolation: Interpolation = Interpolation.BILINEAR) -> None:
        self._size = size
        self._interpolation = interpolation
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Image:
        """(H, W, 3) RGB, C-contiguous, of the range that screens show."""
        width, height = self._size
        rgb = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation=self._interpolation, threads=1
        )
        # A view of the frame's own memory, copied only where FFmpeg pads its rows.
        return to_screen(np.ascontiguousarray(rgb.to_ndarray(), np.uint8), frame.color_trc)
