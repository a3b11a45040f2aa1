"""Pairs: what a detector reported of films whose truth is known, frame by frame, packed small."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import written_beside
from ..jobs import MotionLiftError
from ..keypoints import Keypoints2D
from ..npz import UNREADABLE, read_arrays
from ..rotation import Array
from ..skeleton import BODY_26, MEDIAPIPE_33

FORMAT = "motionlift-pairs-1"
_PIXEL, _LANDMARK, _JOINT = 1 / 16, 1e-4, 2e-4
"""Steps of the stored 16-bit integers: pixels, metres of MediaPipe's landmarks, metres from the pelvis."""
_UNKNOWN = np.iinfo(np.int16).min


@dataclass(frozen=True, eq=False)
class PairClip:
    """One film. `keypoints`: as detection reports them, `world_landmarks` filled; `joints_camera` (F, 26, 3) m: the
    truth in the camera's frame; `camera_K` (3, 3); `height` m: the standing height; `name`: what was performed."""

    keypoints: Keypoints2D
    joints_camera: Array
    camera_K: Array
    height: float
    name: str

    def __len__(self) -> int:
        return len(self.joints_camera)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Films of one casting: `clips` in the order drawn; `seed` and `seconds` of the casting."""

    clips: tuple[PairClip, ...]
    seed: int
    seconds: float

    def __iter__(self) -> Iterator[PairClip]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def frames(self) -> int:
        """The number of frames of all clips."""
        return sum(map(len, self.clips))

    def save(self, path: Path) -> None:
        """Write beside `path` and rename: about 400 bytes a frame."""
        keypoints = [clip.keypoints for clip in self.clips]
        joints = _joined([clip.joints_camera for clip in self.clips], (len(BODY_26), 3))
        arrays = {
            "format": np.array(FORMAT),
            "seed": np.array(self.seed),
            "seconds": np.array(self.seconds),
            "starts": np.cumsum([0, *map(len, self.clips)]),
            "times": _joined([k.times for k in keypoints], ()),
            "pixels": _packed(_joined([k.pixels for k in keypoints], (len(BODY_26), 2)), _PIXEL),
            "confidence": np.round(255 * _joined([k.confidence for k in keypoints], (len(BODY_26),))).astype(np.uint8),
            "world": _packed(_joined([_world(k) for k in keypoints], (len(MEDIAPIPE_33), 3)), _LANDMARK),
            "roots": joints[:, 0].astype(np.float32),
            "joints": _packed(joints - joints[:, :1], _JOINT),
            "camera_K": _joined([clip.camera_K[None] for clip in self.clips], (3, 3)),
            "image_sizes": np.array([k.image_size for k in keypoints], np.int64).reshape(-1, 2),
            "heights": np.array([clip.height for clip in self.clips], float),
            "names": np.array([clip.name for clip in self.clips], dtype=np.str_),
        }
        with written_beside(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)


def load_pairs(path: Path) -> Pairs:
    """Pairs from a file. Raises `MotionLiftError` (`bad_pairs`) for a file of another kind."""
    try:
        stored = read_arrays(path)
        if str(stored["format"]) != FORMAT:
            raise ValueError(f"its format is {stored['format']}, not {FORMAT}")
        return _unpacked(stored)
    except UNREADABLE as error:
        raise MotionLiftError(
            "bad_pairs",
            f"{path} does not hold pairs of ours: {error}.",
            "Make it with: python -m motionlift.core.synthesis.make_pairs.",
        ) from error


def _unpacked(stored: dict[str, NDArray[np.generic]]) -> Pairs:
    starts = stored["starts"].astype(np.int64)
    frames = int(starts[-1])
    shapes = {"times": (), "pixels": (26, 2), "confidence": (26,), "world": (33, 3), "roots": (3,), "joints": (26, 3)}
    for name, shape in shapes.items():
        if stored[name].shape != (frames, *shape):
            raise ValueError(f"{name} has the shape {stored[name].shape} instead of {(frames, *shape)}")
    pixels, world = _real(stored["pixels"], _PIXEL), _real(stored["world"], _LANDMARK)
    joints = stored["roots"].astype(float)[:, None] + _real(stored["joints"], _JOINT)
    clips = []
    for index, (first, last) in enumerate(itertools.pairwise(starts)):
        part = slice(int(first), int(last))
        width, height = (int(side) for side in stored["image_sizes"][index])
        keypoints = Keypoints2D(
            times=stored["times"][part].astype(float),
            pixels=pixels[part],
            confidence=stored["confidence"][part].astype(float) / 255,
            detected=np.isfinite(pixels[part]).all((1, 2)),
            image_size=(width, height),
            world_landmarks=world[part],
        )
        K = stored["camera_K"][index].astype(float)
        clips.append(PairClip(keypoints, joints[part], K, float(stored["heights"][index]), str(stored["names"][index])))
    return Pairs(tuple(clips), int(stored["seed"]), float(stored["seconds"]))


def _world(keypoints: Keypoints2D) -> Array:
    if keypoints.world_landmarks is not None:
        return keypoints.world_landmarks
    return np.full((len(keypoints.times), len(MEDIAPIPE_33), 3), np.nan)


def _joined(arrays: Sequence[Array], shape: tuple[int, ...]) -> Array:
    return np.concatenate(arrays) if arrays else np.zeros((0, *shape))


def _packed(values: Array, step: float) -> NDArray[np.int16]:
    """In whole steps; NaN becomes the smallest integer. What is too large is cut."""
    steps = np.clip(np.round(values / step), _UNKNOWN + 1, -(_UNKNOWN + 1))
    return np.where(np.isfinite(values), steps, _UNKNOWN).astype(np.int16)


def _real(steps: NDArray[np.generic], step: float) -> Array:
    values: Array = np.where(steps == _UNKNOWN, np.nan, steps.astype(float) * step)
    return values
