"""The preview as a video: the footage with the solved figures drawn over it, beside a view of them in 3D.

Pictures stream: one at a time is decoded, drawn on and encoded, so memory does not grow with the clip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..files import written_beside
from ..jobs import Cancelled, ProgressCallback, UsageError, ignore_progress
from ..motion import Motion
from ..rotation import Array
from ..video import FrameReader
from ..video.conversion import Image
from .drawn import Drawn, drawn, heading
from .encoding import video_writer
from .evidence import clip_times, frame_in_picture, speed
from .footage import pictures_at
from .painting import (
    BACKGROUND,
    FAINT,
    INK,
    floor_lines,
    paint_contacts,
    paint_figure,
    paint_lines,
    paint_patch,
    paint_path,
    text_patch,
)
from .palette import confidence_colours, person_colour
from .views import Shot, View, shot

LOWEST, HIGHEST = 480, 720
"""Lines of the picture unless told: the footage's, but at least and at most so many."""
FINEST = 2
"""Footage is decoded at up to so many times the panel's size, and made smaller here: that is faster than on the way."""
PATH_S = 4.0
"""How much of the pelvis's path is drawn behind it."""
_BAR = 40
"""Pixels of the bar below with the time and the confidence of everybody over time."""
_CLOCK_WIDTH = 290


@dataclass(frozen=True)
class Take:
    """One person of the preview: a name to show, the motion, and which of its frames each time of the preview shows
    (None: nobody there)."""

    name: str
    motion: Motion
    figure: Drawn
    frames: tuple[int | None, ...]


@dataclass(frozen=True)
class Plan:
    """Everything about a preview that is known before its first picture: `takes`; `times` (T,) s of the file; the
    `panel` of the footage (width, height) px; the 3D `shot`, its panel a square of the same height."""

    takes: tuple[Take, ...]
    times: Array
    fps: float
    panel: tuple[int, int]
    shot: Shot
    view: View
    mirrored: bool
    notes: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the preview in pixels."""
        width, height = self.panel
        return width + height, height + _BAR


def write_preview(
    motions: Sequence[tuple[str, Motion]],
    footage: Path | None,
    output: Path,
    view: View = "turntable",
    height: int | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Write the preview of named motions of one clip as an mp4 and return what is to be said about it.

    `footage`: the clip, or None to draw on black; `height`: lines of the pictures, without the bar below. Raises the
    errors of the video reader, `MotionLiftError` (`write_failed`), `UsageError` (`different_clips`), `Cancelled`.
    """
    plan = plan_preview(motions, footage, view, height)
    warnings: list[str] = []
    with written_beside(output) as temporary, contextlib.ExitStack() as stack:
        pictures: Iterator[Image | None] = iter([None] * len(plan.times))
        if footage is not None:
            margin = 1.0
            reader = stack.enter_context(
                FrameReader(
                    footage,
                    max(0.0, float(plan.times[0]) - margin) or None,
                    float(plan.times[-1]) + margin,
                    FINEST * max(plan.panel),
                    rotate=motions[0][1].rotate,
                )
            )
            pictures = pictures_at(reader, plan.times)
            # Closed before the reader, which waits for its thread.
            stack.callback(pictures.close)  # type: ignore[attr-defined]
        writer = stack.enter_context(video_writer(temporary, plan.size, plan.fps))
        missing = 0
        for index, image in enumerate(drawn_preview(plan, pictures, footage is not None)):
            if cancelled():
                raise Cancelled
            writer.write(image.picture, float(plan.times[index]))
            missing += image.missing
            progress("write", index + 1, len(plan.times))
        if footage is not None and missing:
            warnings.append(f"{footage.name} has no picture for {missing} of {len(plan.times)} frames; they are black.")
    return warnings


def plan_preview(motions: Sequence[tuple[str, Motion]], footage: Path | None, view: View, height: int | None) -> Plan:
    """Lay a preview out. Raises `UsageError` (`different_clips`) for motions of several clips."""
    hashes = {motion.source.get("content_hash") for _, motion in motions}
    if len(hashes) > 1 or len({motion.image_size for _, motion in motions}) > 1:
        raise UsageError(
            "different_clips",
            "These motions come from different videos, which one preview cannot show.",
            "Give motions of one clip, or write a .html page.",
        )
    everything = [motion for _, motion in motions]
    times = np.unique(np.concatenate([np.round(clip_times(motion), 5) for motion in everything]))
    takes = tuple(_take(name, motion, times) for name, motion in motions)
    width, lines = motions[0][1].image_size
    shown = 2 * round((height or int(np.clip(lines, LOWEST, HIGHEST))) / 2)
    panel = (max(2, 2 * round(width * shown / lines / 2)), shown)
    front = heading(everything[0])
    camera = shot(view, [t.figure for t in takes], [t.frames for t in takes], times, front, shown)
    return Plan(
        takes=takes,
        times=times,
        fps=everything[0].fps / speed(everything[0]),
        panel=panel,
        shot=camera,
        view=view,
        mirrored=everything[0].mirrored,
        notes=(f"footage: {footage.name}" if footage else "no footage",),
    )


@dataclass(frozen=True, eq=False)
class Drawing:
    """A finished picture (H, W, 3); `missing`: the footage had none for it. The next drawing reuses the memory."""

    picture: Image
    missing: bool


def drawn_preview(plan: Plan, pictures: Iterator[Image | None], footage: bool) -> Iterator[Drawing]:
    """The preview's pictures; `pictures`: the footage's, one a time, of any size."""
    width, height = plan.panel
    canvas = np.empty((plan.size[1], plan.size[0], 3), np.uint8)
    left, right, bar = canvas[:height, :width], canvas[:height, width:], canvas[height:]
    scales = [np.array(plan.panel) / np.array(take.motion.image_size) for take in plan.takes]
    empty_bar, empty_view = _confidence_bar(plan), np.full_like(right, BACKGROUND)
    size = max(12, height // 40)
    notes = [text_patch(note, size) for note in plan.notes]
    label = text_patch(f"{plan.view} view; white dots: left side", size, FAINT)
    names = [text_patch(t.name, size, person_colour(p)) for p, t in enumerate(plan.takes)]
    for index, picture in enumerate(pictures):
        _lay(left, picture, plan.mirrored)
        right[:] = empty_view
        _paint_floor(right, plan.shot, index)
        for person, take in enumerate(plan.takes):
            frame = take.frames[index]
            if frame is None:
                continue
            colour = person_colour(person)
            figure, planted = take.figure, take.figure.planted[frame]
            body, soles = figure.points_world[frame], figure.feet_world[frame]
            pixels, depths = frame_in_picture(take.motion, frame, body)
            pixels *= scales[person]
            paint_contacts(left, frame_in_picture(take.motion, frame, soles)[0] * scales[person], planted)
            paint_figure(left, pixels, depths, figure, frame, colour)
            seen, away = plan.shot.seen(index, body)
            paint_path(right, plan.shot.seen(index, _path(take, frame))[0], colour)
            paint_contacts(right, plan.shot.seen(index, soles)[0], planted)
            paint_figure(right, seen, away, figure, frame, colour)
            if len(plan.takes) > 1:
                _name(left, names[person], pixels)
                _name(right, names[person], seen)
        for row, note in enumerate(notes):
            paint_patch(left, note, (6, 6 + row * note[0].shape[0]))
        if footage and picture is None:
            paint_patch(left, text_patch("no picture here", size, FAINT), (6, 12 + size * 2))
        paint_patch(right, label, (6, 6))
        bar[:] = empty_bar
        _paint_clock(bar, plan, index)
        yield Drawing(canvas, footage and picture is None)


def _take(name: str, motion: Motion, times: Array) -> Take:
    """Which frame of the motion is nearest to each of the file's `times` (T,), where the person is there."""
    figure, own = drawn(motion), clip_times(motion)
    nearest = np.searchsorted((own[1:] + own[:-1]) / 2, times)
    reach = 0.75 * (float(np.median(np.diff(own))) if len(own) > 1 else 1 / motion.fps)
    near = np.abs(own[nearest] - times) <= reach
    frames = tuple(
        int(frame) if there and figure.shown[frame] else None for frame, there in zip(nearest, near, strict=True)
    )
    return Take(name, motion, figure, frames)


def _lay(panel: Image, picture: Image | None, mirrored: bool) -> None:
    """The footage's picture, as the lift took it, fills the panel."""
    if picture is None:
        panel[:] = 0
        return
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    height, width = panel.shape[:2]
    if picture.shape[:2] == (height, width):
        panel[:] = picture
    else:
        cv2.resize(picture, (width, height), dst=panel, interpolation=cv2.INTER_LINEAR)


def _paint_floor(panel: Image, camera: Shot, index: int) -> None:
    starts, ends, colours = floor_lines(camera.target_world[index], camera.reach * 1.5, _spacing(camera.reach))
    paint_lines(panel, camera.seen(index, starts)[0], camera.seen(index, ends)[0], colours)


def _spacing(reach: float) -> float:
    """Half a metre between the floor's lines; more where the view is so wide that they would run together."""
    return 0.5 if reach < 2.5 else 1.0 if reach < 8 else 5.0


def _path(take: Take, frame: int) -> Array:
    """The pelvis's way on the floor (N, 3) m over the last seconds."""
    times = take.motion.times
    first = int(np.searchsorted(times, times[frame] - PATH_S))
    path = take.motion.root_translation[first : frame + 1].copy()
    path[:, 2] = 0.0
    return path


def _name(panel: Image, patch: tuple[Image, np.ndarray[tuple[int, ...], np.dtype[np.float32]]], pixels: Array) -> None:
    """A person's name above the head, where that is inside the picture."""
    with np.errstate(invalid="ignore"):
        top = pixels[np.nanargmin(pixels[:, 1])] if np.isfinite(pixels).any() else np.array([np.nan, np.nan])
    if not np.isfinite(top).all():
        return
    tall, wide = patch[0].shape[:2]
    x, y = round(float(top[0]) - wide / 2), round(float(top[1]) - 1.6 * tall)
    if 0 <= x < panel.shape[1] - wide and 0 <= y < panel.shape[0] - tall:
        paint_patch(panel, patch, (x, y))


def _confidence_bar(plan: Plan) -> Image:
    """The bar below without its clock: a row a person, coloured by what of the figure is least sure over time."""
    width = plan.size[0]
    bar = np.full((_BAR, width, 3), BACKGROUND, np.uint8)
    columns = width - _CLOCK_WIDTH - 10
    if columns < 2:
        return bar
    samples = np.linspace(0, len(plan.times) - 1, columns).round().astype(int)
    rows = np.array_split(np.arange(8, _BAR - 8), len(plan.takes))
    for person, (take, lines) in enumerate(zip(plan.takes, rows, strict=True)):
        # One doubtful limb of four shows.
        least = take.figure.least_confidence
        for column, sample in enumerate(samples):
            frame = take.frames[sample]
            if frame is not None:
                colour = confidence_colours(person_colour(person), least[frame])
                bar[lines[0] : lines[-1], _CLOCK_WIDTH + column] = colour
    return bar


def _paint_clock(bar: Image, plan: Plan, index: int) -> None:
    """Timecode and frame, and where we are in the confidence bar."""
    seconds = float(plan.times[index])
    minutes = int(seconds // 60)
    text = f"{minutes}:{seconds - 60 * minutes:06.3f}   frame {index + 1} / {len(plan.times)}"
    paint_patch(bar, text_patch(text, 17, INK, ground=0.0), (8, 7))
    columns = plan.size[0] - _CLOCK_WIDTH - 10
    if columns >= 2:
        x = _CLOCK_WIDTH + round((columns - 1) * index / max(len(plan.times) - 1, 1))
        bar[2 : _BAR - 2, x : x + 2] = INK
