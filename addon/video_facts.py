"""What is known of a video before it is lifted, in words; without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SMALL_PIXELS = 300
"""A picture lower than this shows a person too coarsely."""
SLOW_FPS = 20.0
"""With fewer pictures a second quick movements fall between them."""


@dataclass(frozen=True)
class VideoFacts:
    """Of a video: upright size in pixels, pictures a second, length (s) and pictures where the file says so, and at how
    many a second a phone's slow motion was taken."""

    width: int
    height: int
    fps: float
    seconds: float | None = None
    frames: int | None = None
    capture_rate: float | None = None

    @staticmethod
    def of(details: Mapping[str, Any]) -> VideoFacts:
        """From the `details` of a worker's `look`."""
        names = ("width", "height", "fps", "seconds", "frames", "capture_rate")
        return VideoFacts(**{name: details.get(name) for name in names})  # type: ignore[arg-type]

    def lines(self) -> list[str]:
        """For the panel: `0:08.0, 240 frames`, `854 x 480, 30 fps`."""
        length = "" if self.seconds is None else timecode(self.seconds)
        frames = "" if self.frames is None else f"{self.frames} frames"
        lines = [", ".join(filter(None, (length, frames))), f"{self.width} x {self.height}, {self.fps:.4g} fps"]
        if self.capture_rate and self.capture_rate > 1.5 * self.fps:
            lines.append(f"slow motion, filmed at {self.capture_rate:.4g} fps")
        return [line for line in lines if line]

    def warnings(self) -> list[str]:
        """What will make a lift of it worse."""
        found = []
        if min(self.width, self.height) < SMALL_PIXELS:
            found.append("The picture is small: expect a rough motion")
        if self.fps < SLOW_FPS:
            found.append(f"Only {self.fps:.4g} pictures a second: quick movements are lost")
        return found

    def trim_trouble(self, start: float, end: float) -> str:
        """Why nothing is left between `start` and `end` (s; 0: the video's); empty where something is."""
        if end and end <= start:
            return "The trim's end must be later than its start"
        if self.seconds is not None and start >= self.seconds:
            return f"The trim starts after the video's end at {timecode(self.seconds)}"
        return ""

    def left(self, start: float, end: float) -> str:
        """What is left between `start` and `end` (s; 0: the video's end): `2.0 s left, 60 frames`."""
        until = self.seconds if not end or (self.seconds is not None and end > self.seconds) else end
        if until is None:
            return f"from {timecode(start)}"
        return f"{until - start:.1f} s left, {round((until - start) * self.fps)} frames"


def timecode(seconds: float) -> str:
    """`0:08.0`, `12:30.5`, `1:02:03.0`."""
    tenths = round(10 * seconds)
    hours, minutes = divmod(tenths // 600, 60)
    rest = f"{tenths % 600 / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"
