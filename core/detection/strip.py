"""The pictures that `people` makes: a strip with a row a person, over their life in the clip, or one of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..files import written_beside
from ..rotation import Array
from ..video import read_frames
from .people import Detection
from .tracks import Track, superlatives

_TILES = 6
_TILE = (150, 200)
_LABEL_WIDTH = 210
_MARGIN = 8
_BACKGROUND, _INK, _FAINT = (24, 24, 28), (240, 240, 240), (150, 150, 156)
_CROP_ROOM = 1.35


def people_strip(path: Path, detection: Detection, rotate: int | None = None) -> Image.Image:
    """The strip for the video at `path`: per track its number, times, size, and up to six pictures. `rotate`: as it was
    detected.

    Raises the errors of the video reader.
    """
    samples = [_samples(track) for track in detection.tracks]
    tiles = _tiles(path, detection, samples, rotate)
    width = _LABEL_WIDTH + _TILES * (_TILE[0] + _MARGIN) + _MARGIN
    height = len(samples) * (_TILE[1] + _MARGIN) + _MARGIN
    strip = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(strip)
    for row, track in enumerate(detection.tracks):
        top = _MARGIN + row * (_TILE[1] + _MARGIN)
        _label(draw, (_MARGIN, top), track, detection)
        for column, sample in enumerate(samples[row]):
            left = _LABEL_WIDTH + column * (_TILE[0] + _MARGIN)
            strip.paste(tiles[row, sample], (left, top))
            draw.text((left + 4, top + 2), f"{track.keypoints.times[sample]:.1f} s", _INK, _font(13), stroke_width=1,
                      stroke_fill=_BACKGROUND)  # fmt: skip
    return strip


def write_people_strip(path: Path, detection: Detection, output: Path, rotate: int | None = None) -> None:
    """Write `people_strip` as a PNG. Raises `MotionLiftError` (`write_failed`) when the disk refuses."""
    strip = people_strip(path, detection, rotate)
    with written_beside(output) as temporary:
        strip.save(temporary, format="PNG")


def write_people_pictures(path: Path, detection: Detection, folder: Path, rotate: int | None = None) -> None:
    """Write the surest picture of each person as `person_<number>.png` into `folder`. `rotate`: as it was detected.

    Raises the errors of the video reader, and `MotionLiftError` (`write_failed`) when the disk refuses.
    """
    samples = [[_surest(track, np.flatnonzero(track.keypoints.detected))] for track in detection.tracks]
    if not samples:
        return
    tiles = _tiles(path, detection, samples, rotate)
    for row, track in enumerate(detection.tracks):
        with written_beside(folder / f"person_{track.number}.png") as temporary:
            tiles[row, samples[row][0]].save(temporary, format="PNG")


def _samples(track: Track) -> list[int]:
    """The samples to show: the surest in each sixth of those in which the person was found."""
    found = np.flatnonzero(track.keypoints.detected)
    parts = np.array_split(found, min(_TILES, len(found)))
    return [_surest(track, part) for part in parts]


def _surest(track: Track, samples: NDArray[np.int64]) -> int:
    return int(samples[np.argmax(track.keypoints.confidence[samples].mean(-1))])


def _tiles(
    path: Path, detection: Detection, samples: list[list[int]], rotate: int | None
) -> dict[tuple[int, int], Image.Image]:
    """A picture (row, sample) of each sample of each track, from one pass over the frames."""
    rows = list(enumerate(detection.tracks))
    times = detection.tracks[0].keypoints.times
    wanted = sorted({sample for row in samples for sample in row})
    middles = (times[1:] + times[:-1]) / 2
    tiles: dict[tuple[int, int], Image.Image] = {}
    # One frame more than the last wanted one: the end is exclusive.
    end = float(times[wanted[-1] + 1]) if wanted[-1] + 1 < len(times) else None
    for frame in read_frames(path, float(times[wanted[0]]) if wanted[0] else None, end, rotate=rotate):
        sample = int(np.searchsorted(middles, frame.time))
        for row, track in rows:
            if sample in samples[row] and (row, sample) not in tiles:
                scale = frame.image.shape[1] / detection.info.size[0]
                tiles[row, sample] = _crop(frame.image, track.keypoints.pixels[sample] * scale)
    empty = Image.new("RGB", _TILE, _FAINT)
    return {(row, s): tiles.get((row, s), empty) for row, _ in rows for s in samples[row]}


def _crop(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], points: Array) -> Image.Image:
    """The part of the picture around the points, in the tile's proportions."""
    low, high = points.min(0), points.max(0)
    centre = (low + high) / 2
    half_height = max(float((high - low)[1]), float((high - low)[0]) * _TILE[1] / _TILE[0], 24.0) * _CROP_ROOM / 2
    half = np.array([half_height * _TILE[0] / _TILE[1], half_height])
    box = tuple(float(v) for v in (*(centre - half), *(centre + half)))
    picture = Image.fromarray(image)
    return picture.transform(_TILE, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR, fillcolor=_FAINT)


def _label(draw: ImageDraw.ImageDraw, corner: tuple[int, int], track: Track, detection: Detection) -> None:
    x, y = corner
    draw.text((x, y), f"Person {track.number}", _INK, _font(24))
    lines = [
        f"{track.first_time:.1f} s to {track.last_time:.1f} s",
        f"in view {track.seconds:.1f} s",
        f"{track.mean_height_px:.0f} px tall",
    ]
    names = [name for name, person in superlatives(detection.tracks).items() if person is track]
    if names and len(detection.tracks) > 1:
        lines.append(", ".join(names))
    if track.swapped_frames:
        lines.append(f"sides corrected in {track.swapped_frames}")
    for line, text in enumerate(lines):
        draw.text((x, y + 34 + 21 * line), text, _FAINT, _font(15))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
