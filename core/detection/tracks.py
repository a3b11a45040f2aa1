"""From what was seen to the people in it: their tracks, numbered, with the keypoints of each; and which one is meant.

Nothing here needs MediaPipe or the video.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..jobs import PERSON_CHOICES, MotionLiftError, UsageError
from ..keypoints import Keypoints2D
from ..rotation import Array, Floats
from .bodies import Bodies
from .filling import filled
from .keypoints import keypoints, landmark_confidence
from .observations import Observations
from .settling import settling
from .sides import GROUPS, exchange, exchanged
from .tracking import Indices, Scene, track

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
        del points, left
    backwards = seen.backwards[chosen] if len(seen.backwards) else np.zeros(len(chosen), bool)
    kept = ~settling(times, pixels, heights, backwards)
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


def _exchanged_hands(values: Floats, where: NDArray[np.bool_]) -> Floats:
    """Values (N, 2, ...) of left and right hands, exchanged in the samples (N,) in which the arms are."""
    result = values.copy()
    result[where] = values[where, ::-1]
    return result


def _smoothed(times: Array, sizes: Array) -> Array:
    """The running median over a second of body sizes (N,)."""
    if len(times) < 3:
        return np.full(len(times), float(np.median(sizes)))
    width = max(round(_SIZE_SECONDS / float(np.median(np.diff(times)))) | 1, 3)
    padded = np.pad(sizes, width // 2, mode="edge")
    result: Array = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=-1)
    return result


def choose_tracks(tracks: Sequence[Track], person: str) -> list[Track]:
    """Those of `tracks` (one at least) whom `person` names: largest, longest, left or right (see `superlatives`), a
    number, or all (everyone long enough to be lifted).

    Raises `UsageError` (`wrong_person`) for a number that nobody has, `MotionLiftError` (`person_too_short`) for
    someone seen less than `SHORTEST_SECONDS`.
    """
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


def in_life(keypoints: Keypoints2D, speed: float, mirror: bool) -> Keypoints2D:
    """Keypoints as they were in front of the camera: slow motion undone, a mirrored picture turned round."""
    if speed != 1:
        keypoints = dataclasses.replace(keypoints, times=keypoints.times / speed)
    return keypoints.mirrored() if mirror else keypoints


def drift_in_life(drift: Array, mirror: bool) -> Array:
    """How far the background has gone (F, 2), as `in_life` turns it round."""
    return drift * [-1.0, 1.0] if mirror else drift


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


def _wrong_person(person: str, tracks: Sequence[Track]) -> UsageError:
    there = "; ".join(t.describe() for t in tracks)
    return UsageError("wrong_person", f"There is no person {person!r}.", f"There is {there}.")
