"""How MediaPipe errs, joint by joint: measured on pairs of what it reported and what was true.

Errors are in the picture, in metres at the body, of one `REFERENCE_HEIGHT` tall. A joint's error is taken apart into an
offset that is fixed to its bone, always the same; a place that a film keeps; what wanders around that, correlated over
time; and outliers. Spreads are robust: 1.48 times the median distance from the median, so that outliers do not count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ..camera import project
from ..files import written_beside
from ..jobs import MotionLiftError
from ..rotation import Array
from ..skeleton import BODY_26, INTERPOLATED, REFERENCE_HEIGHT
from .bodies import bone_frames
from .depth_errors import DepthErrors, measure_depths
from .pairs import PairClip

FORMAT = "motionlift-detector-errors-1"
OUTLIER = 0.08
"""Metres beyond which an error is an outlier."""
SWAP_GAIN = 0.05
"""Metres by which knees and ankles must be nearer when exchanged, for the legs to count as the wrong way round."""
SHORTEST = 8
"""Detected frames of a film below which it says nothing about time."""
_MEASURED = [index for index, name in enumerate(BODY_26.joints) if name not in INTERPOLATED]


@dataclass(frozen=True)
class JointErrors:
    """One joint's: `offset_mm` in its bone's axes (`bodies.bone_frames`); spreads of the places that films keep and of
    what wanders, mm along an axis; `wander_s`, over which that correlates; `outlier_share` of frames; `confidence`
    reported where it is right within 3 cm, and `confidence_off`, where it is an outlier."""

    offset_mm: tuple[float, float, float]
    place_mm: float
    wander_mm: float
    wander_s: float
    outlier_share: float
    confidence: float
    confidence_off: float


@dataclass(frozen=True)
class DetectorErrors:
    """All joints' that are detected, not interpolated; `swapped_legs_share` of the frames; what it was measured on;
    `depths`, where films are long enough to tell."""

    joints: dict[str, JointErrors]
    swapped_legs_share: float
    films: int
    frames: int
    depths: DepthErrors | None = None

    def of_joints(self, figure: str) -> Array:
        """One of the figures of `JointErrors` (26,); of joints that are not measured, the others' mean."""
        known = {name: float(getattr(errors, figure)) for name, errors in self.joints.items()}
        mean = float(np.mean(list(known.values())))
        return np.array([known.get(name, mean) for name in BODY_26.joints])

    def save(self, path: Path) -> None:
        """Write JSON beside `path` and rename it."""
        with written_beside(path) as temporary:
            temporary.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def load(path: Path) -> DetectorErrors:
        """Raises `MotionLiftError` (`bad_errors`) for a file that holds none."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise ValueError("another format")
            joints = {name: JointErrors(**errors) for name, errors in values.pop("joints").items()}
            depths = values.pop("depths", None)
            return DetectorErrors(joints, **values, depths=None if depths is None else DepthErrors.from_json(depths))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise MotionLiftError(
                "bad_errors", f"{path} holds no measured errors: {error}.", "Make it with: motionlift evaluate noise."
            ) from error


@dataclass(frozen=True)
class _Film:
    """Of one film's detected frames: errors (F, 26, 2) m, the picture's axes in the bones' (F, 26, 2, 3), confidence
    (F, 26), whether legs are exchanged (F,), and seconds between frames."""

    errors: Array
    axes: Array
    confidence: Array
    swapped: Array
    step: float


def measure_errors(clips: Iterable[PairClip]) -> DetectorErrors:
    """The errors of all films. Raises `MotionLiftError` (`bad_pairs`) where in none of them anyone was detected."""
    clips = list(clips)
    films = [film for clip in clips if len((film := _film(clip)).errors) >= SHORTEST]
    if not films:
        raise MotionLiftError("bad_pairs", "Nobody was detected in these films.", "Make more pairs.")
    joints = {BODY_26.joints[index]: _joint_errors(films, index) for index in _MEASURED}
    swapped = np.concatenate([film.swapped for film in films])
    return DetectorErrors(joints, float(swapped.mean()), len(films), len(swapped), measure_depths(clips))


def _film(clip: PairClip) -> _Film:
    seen = clip.keypoints.detected & np.isfinite(clip.joints_camera).all((1, 2))
    joints, pixels = clip.joints_camera[seen], clip.keypoints.pixels[seen]
    # Metres at the body: a pixel's size at the pelvis's depth, of a body of the reference's height.
    metres = joints[:, :1, 2:] / clip.camera_K[0, 0] * (REFERENCE_HEIGHT / clip.height)
    true = project(joints, clip.camera_K)
    frames = bone_frames(torch.from_numpy(joints[None]).float())[0].double().numpy()
    legs = BODY_26.indices("left_knee", "left_ankle", "right_knee", "right_ankle")
    exchanged = BODY_26.indices("right_knee", "right_ankle", "left_knee", "left_ankle")
    off, other = (
        np.linalg.norm((pixels[:, legs] - true[:, indices]) * metres, axis=-1).mean(1) for indices in (legs, exchanged)
    )
    return _Film(
        (pixels - true) * metres,
        frames[:, :, :2],
        clip.keypoints.confidence[seen],
        off > other + SWAP_GAIN,
        float(np.median(np.diff(clip.keypoints.times))) if len(clip.keypoints.times) > 1 else 1.0,
    )


def _joint_errors(films: list[_Film], joint: int) -> JointErrors:
    errors = np.concatenate([film.errors[:, joint] for film in films])
    axes = np.concatenate([film.axes[:, joint] for film in films])
    offset = _offset(errors, axes)
    around = [film.errors[:, joint] - film.axes[:, joint] @ offset for film in films]
    places = np.stack([np.median(values, axis=0) for values in around])
    wander = [values - place for values, place in zip(around, places, strict=True)]
    spread = _spread(np.concatenate(wander))
    off = np.linalg.norm(errors, axis=-1)
    confidence = np.concatenate([film.confidence[:, joint] for film in films])
    right, wrong = confidence[off < 0.03], confidence[off > OUTLIER]
    return JointErrors(
        tuple(np.round(1000 * offset, 1).tolist()),
        round(1000 * _spread(places), 1),
        round(1000 * spread, 1),
        round(_correlation_time(wander, [film.step for film in films], 3 * spread), 3),
        round(float(np.mean(off > OUTLIER)), 4),
        round(float(right.mean()) if len(right) else math.nan, 3),
        round(float(wrong.mean()) if len(wrong) else math.nan, 3),
    )


def _offset(errors: Array, axes: Array) -> Array:
    """The offset (3,) whose pictures axes @ offset (F, 2) explain the errors (F, 2), by iterated least squares in which
    large remainders count less (Geman and McClure)."""
    weight = np.ones(len(errors))
    offset = np.zeros(3)
    for _ in range(10):
        left = np.einsum("f,fai,faj->ij", weight, axes, axes) + 1e-6 * np.eye(3)
        offset = np.linalg.solve(left, np.einsum("f,fai,fa->i", weight, axes, errors))
        rest = np.linalg.norm(errors - axes @ offset, axis=-1)
        weight = 1 / (1 + (rest / 0.03) ** 2) ** 2
    return offset


def _spread(values: Array) -> float:
    """Robust standard deviation of values (F, 2) along an axis."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values, axis=0))))


def _correlation_time(wander: list[Array], steps: list[float], limit: float) -> float:
    """Seconds over which wandering falls to 1/e of its correlation: of all films' steps, each by its own length."""
    together = squared = step = 0.0
    for values, seconds in zip(wander, steps, strict=True):
        calm = np.clip(values, -limit, limit)
        together += float((calm[1:] * calm[:-1]).sum())
        squared += float(((calm[1:] ** 2 + calm[:-1] ** 2) / 2).sum())
        step += seconds * len(values)
    share = together / max(squared, 1e-12)
    mean_step = step / sum(map(len, wander))
    return float(-mean_step / math.log(min(max(share, 0.01), 0.999)))
