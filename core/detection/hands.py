"""Hands, looked for where a body's wrists are: MediaPipe's hand landmarker on square crops that follow each hand.

Hands are small in the picture, so the landmarker never sees the whole of it. Each hand that is followed has a
landmarker of its own in video mode, which searches for a palm only until it has one. Whose hand it is, and which,
is decided by the body's wrists: a hand that is not where the wrist is belongs to somebody else. The two hands take
turns, since twelve looks a second show a gesture as well as thirty; in between landmarks are interpolated.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..hand_skeleton import HAND_21, SIDES
from ..keypoints import HandKeypoints
from ..rotation import Array, Floats
from ..skeleton import MEDIAPIPE_33
from .landmarker import Pose, base_options, created
from .models import HandModel
from .tasks import mediapipe, vision

CROP_METRES = 0.40
CROP_PIXELS = 224
"""What the landmark model takes; the hand fills half of the crop."""
PRESENT = 0.65
"""How sure the landmark model must be that there is a hand: at its usual 0.5 it follows leaves where a hand was."""
SMALLEST_PIXELS = 28.0
"""Crops of fewer pixels of the picture show no fingers."""
WRIST_METRES = 0.12
"""A hand whose wrist is further than this from the body's belongs to somebody else, or is none."""
LOOK_SECONDS = 0.06
"""A hand is looked at this often at most."""
NOT_LOOKED = -1.0
SAME_METRES = 0.05
"""Hands nearer than this to each other are one, found in both crops."""

_PENDING = 6
_INSTANT = 2e-3
_VISIBLE = 0.1
_SAME_PERSON = 0.35
_REJECTED_MOST = 8
_CROP_IN_HANDS = 3.2
_CLEAR_PIXELS_A_METRE = 200.0
_BODY = [MEDIAPIPE_33.index(f"{side}_{name}") for side in SIDES for name in ("shoulder", "hip")]
_WRISTS, _ELBOWS = ([MEDIAPIPE_33.index(f"{side}_{name}") for side in SIDES] for name in ("wrist", "elbow"))
_KNUCKLES = [[MEDIAPIPE_33.index(f"{side}_{name}") for name in ("index", "pinky")] for side in SIDES]


@dataclass(frozen=True, eq=False)
class Hands:
    """One pose's hands, left and right; NaN where none was found.

    points (2, 21, 5): x and y relative to the picture, then the position in metres as MediaPipe gives it (origin
    inside the hand, x right, y down, z away from the camera). left (2,): how much each looks like a left hand, in
    [0, 1]; `NOT_LOOKED` where it was not looked for.
    """

    points: Floats
    left: Floats

    @staticmethod
    def none() -> Hands:
        return Hands(np.full((2, len(HAND_21), 5), np.nan, np.float32), np.full(2, np.nan, np.float32))


@dataclass
class _Person:
    """Someone whose hands are followed: the body (4, 2) when last seen, and where in the order of looks that was."""

    body: Array
    seen: int
    looked: list[float]
    landmarkers: dict[int, _HandLandmarker] = field(default_factory=dict)


class _HandLandmarker:
    """Follows one hand through crops."""

    def __init__(self, model: HandModel) -> None:
        options = vision.HandLandmarkerOptions(
            base_options=base_options(model.path),
            running_mode=vision.RunningMode.VIDEO,
            num_hands=1,
            min_hand_presence_confidence=PRESENT,
        )
        self.rejected = 0
        self._step = 0
        hint = "Remove the file, so that it is made again, or lift without --hands."
        self._task = created(vision.HandLandmarker, options, model.path, "bad_hand_model", hint)

    def __call__(self, crop: NDArray[np.uint8]) -> tuple[Floats, float] | None:
        """Landmarks (21, 5), the first two relative to the crop, and how much it looks like a left hand."""
        # Steps stand for time: a landmarker may be given to another person, or look at earlier frames again.
        self._step += 33
        found = self._task.detect_for_video(
            mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(crop)), self._step
        )
        if not found.hand_landmarks:
            return None
        flat = np.array([(p.x, p.y) for p in found.hand_landmarks[0]], np.float32)
        world = np.array([(p.x, p.y, p.z) for p in found.hand_world_landmarks[0]], np.float32)
        kind = found.handedness[0][0]
        sure = float(kind.score)
        return np.concatenate([flat, world], 1), sure if kind.category_name == "Left" else 1 - sure

    def forget(self) -> None:
        """Let go of the hand that is followed: there is none in an empty picture."""
        self(np.zeros((CROP_PIXELS, CROP_PIXELS, 3), np.uint8))
        self.rejected = 0

    def close(self) -> None:
        self._task.close()


class HandWatch:
    """Looks for the hands of every pose, in a thread of its own beside the next picture's poses.

    Pictures come in order, but for those decoded again. Raises `MotionLiftError` (`bad_hand_model`) from `Future`s.
    """

    def __init__(self, model: HandModel) -> None:
        self._model = model
        self._beside = ThreadPoolExecutor(1, "motionlift-hands")
        self._pending: deque[Future[list[Hands]]] = deque()
        self._people: list[_Person] = []
        self._looks = 0

    def __enter__(self) -> HandWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown(cancel_futures=True)
        for person in self._people:
            for landmarker in person.landmarkers.values():
                landmarker.close()

    def look(self, image: NDArray[np.uint8], time: float, poses: list[Pose]) -> Future[list[Hands]]:
        """The hands of each of the poses in a picture (H, W, 3) shown at `time` (s), when they are found."""
        # Pictures wait in memory.
        while len(self._pending) >= _PENDING:
            self._pending.popleft().result()
        found = self._beside.submit(self._find, image, time, poses)
        self._pending.append(found)
        return found

    def _find(self, image: NDArray[np.uint8], time: float, poses: list[Pose]) -> list[Hands]:
        self._looks += 1
        return [self._hands(image, time, pose) for pose in poses]

    def _hands(self, image: NDArray[np.uint8], time: float, pose: Pose) -> Hands:
        size = np.array([image.shape[1], image.shape[0]], np.float64)
        pixels = pose.landmarks[:, :2] * size
        metre = pixels_a_metre(pixels, pose.world)
        person = self._person(pixels[_BODY], metre, time)
        result = Hands.none()
        away = np.full(2, np.inf)
        for hand in range(2):
            if abs(time - person.looked[hand]) < LOOK_SECONDS - _INSTANT:
                result.left[hand] = NOT_LOOKED
                continue
            person.looked[hand] = time
            centre, side = crop_of(pixels, metre, hand)
            wrist = pose.landmarks[_WRISTS[hand]]
            inside = np.all((centre > -side / 4) & (centre < size + side / 4))
            if side < SMALLEST_PIXELS or wrist[3] < _VISIBLE or not inside:
                continue
            if hand not in person.landmarkers:
                person.landmarkers[hand] = _HandLandmarker(self._model)
            landmarker = person.landmarkers[hand]
            found = landmarker(cut(image, centre, side))
            if found is None:
                continue
            points, left = found
            places = centre + (points[:, :2] - 0.5) * side
            own, other = np.linalg.norm(places[0] - pixels[_WRISTS], axis=-1)[[hand, 1 - hand]] / metre
            if own > WRIST_METRES or own > other + SAME_METRES:
                landmarker.rejected += 1
                if landmarker.rejected > _REJECTED_MOST:
                    landmarker.forget()
                continue
            landmarker.rejected = 0
            away[hand] = own
            result.points[hand, :, :2], result.points[hand, :, 2:] = places / size, points[:, 2:]
            result.left[hand] = left
        self._one_hand_once(result, away, size, metre)
        return result

    @staticmethod
    def _one_hand_once(hands: Hands, away: Array, size: Array, metre: float) -> None:
        """Where both crops show the same hand, it belongs to the wrist that is nearer."""
        if np.all(np.isfinite(away)):
            apart = np.linalg.norm((hands.points[0, :, :2] - hands.points[1, :, :2]) * size, axis=-1).mean()
            if apart < SAME_METRES * metre:
                wrong = int(np.argmax(away))
                hands.points[wrong], hands.left[wrong] = np.nan, np.nan

    def _person(self, body: Array, metre: float, time: float) -> _Person:
        """Who is followed already and nearest to this body; else whoever was lost first, or somebody new."""
        free = [person for person in self._people if person.seen < self._looks]
        near = [float(np.linalg.norm(person.body - body, axis=-1).mean()) / metre for person in free]
        if near and min(near) < _SAME_PERSON:
            person = free[int(np.argmin(near))]
        elif lost := [person for person in free if person.seen < self._looks - 1]:
            person = min(lost, key=lambda p: p.seen)
        else:
            person = _Person(body, self._looks, [-np.inf, time - LOOK_SECONDS / 2])
            self._people.append(person)
        person.body, person.seen = body, self._looks
        return person


def pixels_a_metre(pixels: Array, world: Floats) -> float:
    """The scale of a pose in the picture: `pixels` (33, 2) against `world` (33, 3) m, by least squares."""
    flat = world[:, :2] - world[:, :2].mean(0)
    return max(float(np.sum(flat * (pixels - pixels.mean(0))) / max(float(np.sum(flat**2)), 1e-6)), 1.0)


def crop_of(pixels: Array, metre: float, hand: int) -> tuple[Array, float]:
    """Centre (2,) and side in pixels of the square in which a hand is looked for; `pixels` (33, 2) of the pose."""
    wrist, knuckles = pixels[_WRISTS[hand]], pixels[_KNUCKLES[hand]].mean(0)
    fore = wrist - pixels[_ELBOWS[hand]]
    # Where the knuckles fall together with the wrist the forearm says where the hand is.
    centre = wrist + 0.8 * (knuckles - wrist) + 0.08 * fore
    return centre, max(CROP_METRES * metre, _CROP_IN_HANDS * float(np.linalg.norm(knuckles - wrist)))


def cut(image: NDArray[np.uint8], centre: Array, side: float) -> NDArray[np.uint8]:
    """The square of the picture around `centre` (px), resampled to `CROP_PIXELS`; black beyond the edges."""
    # Whole pixels are cut first, so that only they are resampled.
    low = np.floor(centre - side / 2).astype(int) - 1
    high = np.ceil(centre + side / 2).astype(int) + 2
    inside_low, inside_high = np.maximum(low, 0), np.minimum(high, (image.shape[1], image.shape[0]))
    part = np.zeros((high[1] - low[1], high[0] - low[0], 3), np.uint8)
    if np.all(inside_high > inside_low):
        x0, y0 = inside_low - low
        x1, y1 = inside_high - low
        part[y0:y1, x0:x1] = image[inside_low[1] : inside_high[1], inside_low[0] : inside_high[0]]
    corner = centre - side / 2 - low
    box = (corner[0], corner[1], corner[0] + side, corner[1] + side)
    return np.asarray(Image.fromarray(part).resize((CROP_PIXELS, CROP_PIXELS), Image.Resampling.BILINEAR, box))


def hand_keypoints(
    times: Array, points: Floats, left: Floats, pixels: Array, world: Array, sure: Array, image_size: tuple[int, int]
) -> HandKeypoints:
    """Hands as in `Hands` (N, 2, 21, 5) and (N, 2), of one track's poses at `times` (N,) with landmarks (N, 33, 2) px,
    (N, 33, 3) m and their confidence (N, 33), as keypoints with a confidence of their own.

    A hand is trusted less the further its wrist is from the body's, the smaller it is in the picture and the less
    sure the body's wrist is.
    """
    places, in_metres = (np.empty((len(times), 2, 21, axes), np.float32) for axes in (2, 3))
    sides = np.empty((len(times), 2))
    # One after the other: with an hour of video each of them is large.
    for hand in range(2):
        found_at, sides[:, hand] = interpolated(times, points[:, hand].astype(float), left[:, hand].astype(float))
        places[:, hand], in_metres[:, hand] = found_at[..., :2] * image_size, found_at[..., 2:]
    metre = np.array([pixels_a_metre(p, w.astype(np.float32)) for p, w in zip(pixels, world, strict=True)])[:, None]
    away = np.linalg.norm(places[:, :, 0] - pixels[:, _WRISTS], axis=-1) / metre
    near = np.exp(-((away / (WRIST_METRES / 2)) ** 2))
    large = np.clip(metre / _CLEAR_PIXELS_A_METRE, 0.0, 1.0)
    confidence = near * large * np.sqrt(sure[:, _WRISTS])
    found = np.isfinite(sides)
    return HandKeypoints(places, in_metres, np.where(found, confidence, 0.0), np.where(found, sides, 0.5))


def interpolated(times: Array, points: Array, left: Array) -> tuple[Array, Array]:
    """One hand's `points` (N, 21, 5) and `left` (N,) with the samples filled in which it was not looked for.

    Between two looks that found it alike they lie on a straight line; else they are those of the nearer look.
    """
    looks = np.flatnonzero(left != NOT_LOOKED)
    points, left = points.copy(), left.copy()
    if not len(looks):
        return points, np.full_like(left, np.nan)
    for sample in np.flatnonzero(left == NOT_LOOKED):
        after = np.searchsorted(looks, sample)
        a, b = looks[max(after - 1, 0)], looks[min(after, len(looks) - 1)]
        near = a if abs(times[sample] - times[a]) <= abs(times[b] - times[sample]) else b
        if abs(times[near] - times[sample]) > 2 * LOOK_SECONDS:
            points[sample], left[sample] = np.nan, np.nan
        elif (left[a] > 0.5) == (left[b] > 0.5) and np.isfinite(left[a]) and np.isfinite(left[b]) and a != b:
            share = (times[sample] - times[a]) / (times[b] - times[a])
            points[sample] = (1 - share) * points[a] + share * points[b]
            left[sample] = (1 - share) * left[a] + share * left[b]
        else:
            points[sample], left[sample] = points[near], left[near]
    return points, left
