"""Decoded pictures turned upright, made RGB and brought to one size, in as few passes as FFmpeg can."""

from __future__ import annotations

import av
import av.filter
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from .decoding import Orientation

Image = NDArray[np.uint8]


def fit(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """(width, height) made smaller, where needed, so that the longer side is `longest`."""
    if longest is None or max(size) <= longest:
        return size
    width, height = (max(1, round(side * longest / max(size))) for side in size)
    return width, height


class Turner:
    """Turns pictures upright in their own pixel format, where that is cheapest."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._graph = av.filter.Graph()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The upright frame: `frame` itself where its metadata ask for no turn."""
        orientation = Orientation.of(frame)
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
        """(H, W, 3) RGB, C-contiguous."""
        width, height = self._size
        rgb = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation=self._interpolation, threads=1
        )
        # A view of the frame's own memory, copied only where FFmpeg pads its rows.
        return np.ascontiguousarray(rgb.to_ndarray(), np.uint8)
