"""From a video to the people in it: the public face of detection.

detection = detect(Path("walk.mp4"), LiftSettings())
for track in choose_people(detection, "largest"):
    track.keypoints
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..jobs import (
    PERSON_CHOICES,
    LiftSettings,
    MotionLiftError,
    ProgressCallback,
    UsageError,
    ignore_progress,
)
from ..motion import Keypoints2D
from ..rotation import Array
from ..video import Shot, VideoInfo, content_hash, list_shots, longest_shot, probe
from .bodies import Bodies
from .cache import DetectionCache, cache_key
from .filling import filled
from .keypoints import keypoints, landmark_confidence
from .landmarker import Floats
from .models import hand_model, pose_model
from .observe import Observations
from .settling import settling
from .sides import GROUPS, exchange, exchanged
from .tracking import Indices, Scene, track
from .whole import Looking, forget_chunks, observe_whole

log = logging.getLogger(__name__)

SHORTEST_SECONDS = 0.3
"""A person seen for less than this cannot be lifted."""

_TOGETHER_SECONDS = 0.5
_SIZE_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Track:
    """One person in one shot.

    number: from 1, by first appearance, then left to right. life: keypoints from the first frame in which the person
    was found to the last, `world_landmarks` filled; those of all frames would take gigabytes for many people in a long
    clip. mean_height_px: the standing height in the picture, roughly, over the frames in which the person was found.
    first_time, last_time (s) of those frames. swapped_frames: samples in which sides were exchanged by the detector and
    have been put right. times (F,) s: of all decoded frames of the shot, None where `life` has them all.
    """

    number: int
    life: Keypoints2D
    mean_height_px: float
    first_time: float
    last_time: float
    swapped_frames: int
    times: Array | None = None

    @property
    def keypoints(self) -> Keypoints2D:
        """A sample for every decoded frame of the shot."""
        return self.life if self.times is None else self.life.among(self.times)

    @property
    def seconds(self) -> float:
        """How long the person is in view, gaps not counted."""
        times = self.life.times
        return float(np.count_nonzero(self.life.detected)) * float(np.median(np.diff(times))) \
            if len(times) > 1 else 0.0  # fmt: skip

    @property
    def middle_x(self) -> float:
        """The median place (px) of the pelvis across the picture."""
        return float(np.nanmedian(self.life.pixels[:, 0, 0]))

    def describe(self) -> str:
        """One line for a person who has to choose."""
        return (
            f"person {self.number}: {self.first_time:.1f} s to {self.last_time:.1f} s, "
            f"{self.mean_height_px:.0f} px tall"
        )


@dataclass(frozen=True, eq=False)
class Detection:
    """Everyone in one shot of a video. `tracks` are ordered by number; `drift` (F, 2): how far the background has gone
    right and down since the shot began, in shares of the longer side; `warnings` are for the user."""

    info: VideoInfo
    shots: tuple[Shot, ...]
    shot: int
    tracks: tuple[Track, ...]
    drift: Array
    warnings: tuple[str, ...]
    content_hash: str


def detect(
    path: Path,
    settings: LiftSettings,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> Detection:
    """Find everyone in the chosen shot (`settings.shot`, else the longest), from the cache if that has it.

    Raises `Cancelled`; `no_person`; `not_cached`; `UsageError` (`wrong_shot`); `models_missing` and the other errors of
    `pose_model`; those of the video reader.
    """
    info = probe(path)
    progress("open", 1, 1)
    model = pose_model(settings)
    hands = hand_model(settings) if settings.hands else None
    content = content_hash(path)
    cache = DetectionCache.of(settings) if settings.use_cache else None
    key = cache_key(content, settings, model, hands=hands)
    seen = cache.load(key) if cache else None
    if seen is None and settings.from_cache:
        raise MotionLiftError(
            "not_cached",
            f"{path.name} has not been detected with these settings before, or no longer is in the cache.",
            "Lift it without --from-cache.",
        )
    if seen is None:
        looking = Looking(path, settings, model, hands)
        seen = observe_whole(looking, info, progress, cancelled, cache, key)
        if cache:
            cache.store(key, seen)
            forget_chunks(cache, key)
    else:
        progress("detect", len(seen.times), len(seen.times))
    shots = list_shots(seen.times, seen.shots)
    chosen = _choose_shot(shots, settings.shot)
    tracks = find_tracks(seen, chosen.number, info.size)
    if not tracks:
        raise MotionLiftError(
            "no_person",
            f"No person was found in {path.name}" + (f" (shot {chosen.number})." if len(shots) > 1 else "."),
            "The figure should be at least a tenth of the picture's height, lit, and mostly in view.",
        )
    return Detection(
        info,
        tuple(shots),
        chosen.number,
        tuple(tracks),
        seen.drift[seen.shots == chosen.number],
        _warnings(seen, shots, chosen, settings),
        content,
    )


def _choose_shot(shots: list[Shot], wanted: int | None) -> Shot:
    if wanted is None:
        return longest_shot(shots)
    for shot in shots:
        if shot.number == wanted:
            return shot
    count = len(shots)
    raise UsageError(
        "wrong_shot",
        f"There is no shot {wanted}.",
        "The video is one shot." if count == 1 else f"Shots are numbered from 1 to {count}.",
    )


def _warnings(seen: Observations, shots: list[Shot], chosen: Shot, settings: LiftSettings) -> tuple[str, ...]:
    found = list(seen.warnings)
    if len(shots) > 1 and settings.shot is None:
        others = ", ".join(f"{s.number} ({s.first:.1f} to {s.last:.1f} s)" for s in shots if s != chosen)
        found.append(
            f"The video has {len(shots)} shots; the longest, number {chosen.number} ({chosen.first:.1f} to "
            f"{chosen.last:.1f} s), is used. The others: {others}. Choose one with --shot."
        )
    return tuple(found)


def find_tracks(seen: Observations, shot: int, size: tuple[int, int]) -> list[Track]:
    """The people of one shot in a picture of `size` (width, height) px, numbered."""
    frames = np.flatnonzero(seen.shots == shot)
    poses = np.flatnonzero(seen.shots[seen.frames] == shot)
    scene = Scene(
        seen.frames[poses], seen.times[seen.frames[poses]], Bodies.of(seen.landmarks[poses], size), seen.colours[poses]
    )
    found = [members for members in track(scene) if len(members)]
    order = _in_order(scene, found, float(seen.times[frames[0]]))
    return [_track(number, seen, scene, poses, found[i], frames, size) for number, i in enumerate(order, start=1)]


def _in_order(scene: Scene, tracks: list[Indices], start: float) -> list[int]:
    """By first appearance, then left to right. Those found within half a second of the first one came together."""

    def place(index: int) -> tuple[float, float]:
        first = tracks[index][0]
        return float(scene.times[first]), float(scene.bodies.points[first, :, 0].mean())

    order: list[int] = []
    rest = sorted(range(len(tracks)), key=place)
    while rest:
        together = [i for i in rest if place(i)[0] <= max(place(rest[0])[0], start) + _TOGETHER_SECONDS]
        order += sorted(together, key=lambda i: place(i)[1])
        rest = [i for i in rest if i not in together]
    return order


def _track(
    number: int,
    seen: Observations,
    scene: Scene,
    poses: NDArray[np.int64],
    members: Indices,
    frames: NDArray[np.int64],
    size: tuple[int, int],
) -> Track:
    chosen = poses[members]
    times = scene.times[members]
    pixels, world = seen.landmarks[chosen, :, :2] * np.array(size, np.float64), seen.world[chosen].astype(np.float64)
    heights = _smoothed(times, scene.bodies.sizes[members])
    sure = landmark_confidence(
        pixels, seen.landmarks[chosen, :, 3].astype(np.float64) * seen.landmarks[chosen, :, 4], size
    )
    swapped = exchanged(times, pixels, world, sure, heights)
    # One after the other: with an hour of video each of them is large.
    pixels = exchange(pixels, swapped)
    world = exchange(world, swapped)
    sure = exchange(sure, swapped)
    hands = None
    if len(seen.hand_points):
        # Imported late: nothing of it is needed by those who want no hands.
        from .hands import hand_keypoints

        points, left = (
            _exchanged_hands(values[chosen], swapped[:, GROUPS.index("arms")])
            for values in (seen.hand_points, seen.hand_left)
        )
        hands = hand_keypoints(times, points, left, pixels, world, sure, size)
    kept = ~settling(times, pixels, heights)
    every = slice(None) if kept.all() else kept
    samples = np.searchsorted(frames, seen.frames[chosen[kept]])
    alive = frames[samples[0] : samples[-1] + 1]
    samples -= samples[0]
    found = dataclasses.replace(
        keypoints(seen.times[alive], samples, pixels[every], world[every], sure[every], size),
        hands=None if hands is None else hands.spread(samples, kept, len(alive)),
    )
    return Track(
        number=number,
        life=filled(found, seen.looked[alive]),
        mean_height_px=float(heights[kept].mean()),
        first_time=float(times[kept][0]),
        last_time=float(times[kept][-1]),
        swapped_frames=int(np.count_nonzero(swapped[kept].any(-1))),
        times=seen.times[frames],
    )


def _exchanged_hands(values: Floats, where: NDArray[np.bool_]) -> Array:
    """Values (N, 2, ...) of left and right hands, exchanged in the samples (N,) in which the arms are."""
    result = values.astype(np.float64)
    result[where] = result[where, ::-1]
    return result


def _smoothed(times: Array, sizes: Array) -> Array:
    """The running median over a second of body sizes (N,)."""
    if len(times) < 3:
        return np.full(len(times), float(np.median(sizes)))
    width = max(round(_SIZE_SECONDS / float(np.median(np.diff(times)))) | 1, 3)
    padded = np.pad(sizes, width // 2, mode="edge")
    result: Array = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=-1)
    return result


def choose_people(detection: Detection, person: str) -> list[Track]:
    """The tracks that `person` names: largest, longest, left or right (see
    `superlatives`), a number, or all (everyone long enough to be lifted).

    Raises `UsageError` (`wrong_person`) for a number that nobody has, `MotionLiftError` (`person_too_short`) for
    someone seen less than `SHORTEST_SECONDS`.
    """
    tracks = detection.tracks
    lasting = [t for t in tracks if t.seconds >= SHORTEST_SECONDS]
    if person == "all":
        chosen = lasting
    elif person.isdigit():
        chosen = [t for t in tracks if t.number == int(person)]
        if not chosen:
            raise _wrong_person(person, tracks)
    else:
        if person not in PERSON_CHOICES:
            raise _wrong_person(person, tracks)
        chosen = [superlatives(lasting)[person]] if lasting else []
    if not chosen or any(t.seconds < SHORTEST_SECONDS for t in chosen):
        longest = max(t.seconds for t in chosen or tracks)
        raise MotionLiftError(
            "person_too_short",
            f"The person is in view for {longest:.2f} s only.",
            f"A lift needs at least {SHORTEST_SECONDS} s: take a longer stretch with --start and --end, "
            "or another person or shot.",
        )
    return chosen


def superlatives(tracks: Sequence[Track]) -> dict[str, Track]:
    """Who is meant by largest, longest, left and right among `tracks` (one at least).

    The largest is the tallest in the picture of those in view at least a quarter as long as the longest: somebody
    who passes close by is not whom the clip is about.
    """
    longest = max(tracks, key=lambda t: t.seconds)
    return {
        "largest": max((t for t in tracks if t.seconds >= longest.seconds / 4), key=lambda t: t.mean_height_px),
        "longest": longest,
        "left": min(tracks, key=lambda t: t.middle_x),
        "right": max(tracks, key=lambda t: t.middle_x),
    }


def _wrong_person(person: str, tracks: tuple[Track, ...]) -> UsageError:
    there = "; ".join(t.describe() for t in tracks)
    return UsageError("wrong_person", f"There is no person {person!r}.", f"There is {there}.")
