"""What an animator would notice in a lifted motion, measured against its truth: one number each.

Both motions are of the same frames and in `Motion`'s world; what the detector missed does not count. Distances in mm,
angles in degrees, times in seconds. A figure that a clip has no occasion for (no straight knee, no plant) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from .. import camera
from ..motion import Motion
from ..rotation import Array, Bools, angle_between, normalise
from ..skeleton import BODY_26, CONTACT_NAMES, body_points
from .gesture_figures import closing_percent, hand_twist, touching_hands, wave_kept
from .metrics import acceleration_error, mpjpe, pa_mpjpe

PLANTED = 0.5
FEET = len(CONTACT_NAMES)
STRAIGHT_KNEE_DEGREES = 5.0
STILL_MM_S, STILL_S = 30.0, 0.5
"""A wrist slower than this for as long is still."""
TREMOR_HZ = 6.0
ENDS = 10
"""Frames at each end of a clip that are compared with its middle."""
_WRISTS = ("left_wrist", "right_wrist")


@dataclass(frozen=True)
class MotionFigures:
    """Every figure of one clip; see each function for what it is. `_mediapipe`: of the detector's own 3D; `_lifted`: of
    the network alone; the rest is the solved motion's."""

    mpjpe_mediapipe: float
    mpjpe_lifted: float
    mpjpe: float
    pa_mpjpe_mediapipe: float
    pa_mpjpe_lifted: float
    pa_mpjpe: float
    acceleration_lifted: float
    acceleration: float
    path_percent: float
    skate: float
    penetration: float
    contact_f1: float
    sole_height: float
    sole_tilt: float
    straight_knee: float
    trunk_lean: float
    largest_step: float
    tremor: float
    hand_speed: float
    hand_lag: float
    hand_twist: float
    hands_touch: float
    wave_kept: float
    closing_percent: float
    overlay_percent: float
    ends_ratio: float


NAMES = tuple(field.name for field in fields(MotionFigures))


def measure_motion(found: Motion, truth: Motion, mediapipe: Array | None = None) -> MotionFigures:
    """All figures of a motion against its truth, frame by frame: whichever is longer is cut.

    `mediapipe` (F, 26, 3) m: the detector's own 3D, camera's axes, NaN where it found nobody.
    """
    count = min(len(found), len(truth))
    seen: NDArray[np.int64] = np.flatnonzero(found.detected[:count])
    points = {name: figure_points(motion)[:count] for name, motion in (("found", found), ("true", truth))}
    placed, true = (before_camera(points[name], motion)[seen] for name, motion in (("found", found), ("true", truth)))
    own = np.full_like(true, np.nan) if mediapipe is None else mediapipe[:count][seen]
    lifted, solved, target = (_from_hips(p) for p in (found.lifted_camera[:count][seen], placed, true))
    errors = mpjpe(solved, target)
    # Feet come first; what else carries has no truth.
    feet = found.contact_positions()[:count, :FEET]
    stands, ours = truth.contacts[:count, :FEET], found.contacts[:count, :FEET]
    planted = np.minimum(stands[1:], stands[:-1]) > PLANTED
    return MotionFigures(
        mpjpe_mediapipe=1000 * _mean(mpjpe(_from_hips(own), target)),
        mpjpe_lifted=1000 * _mean(mpjpe(lifted, target)),
        mpjpe=1000 * _mean(errors),
        pa_mpjpe_mediapipe=1000 * _mean(pa_mpjpe(_from_hips(own), target)),
        pa_mpjpe_lifted=1000 * _mean(pa_mpjpe(lifted, target)),
        pa_mpjpe=1000 * _mean(pa_mpjpe(solved, target)),
        acceleration_lifted=_acceleration(lifted, target, truth.fps),
        acceleration=_acceleration(solved, target, truth.fps),
        path_percent=_path_percent(found.root_translation[:count], truth.root_translation[:count]),
        skate=1000 * _mean(np.linalg.norm(np.diff(feet, axis=0), axis=-1)[planted]),
        penetration=1000 * max(0.0, -float(np.percentile(feet[..., 2].min(1), 1))),
        contact_f1=contact_f1(ours, stands),
        sole_height=1000 * _median(np.abs(feet[..., 2])[stands > PLANTED]),
        sole_tilt=_median(_sole_tilt(feet)[_flat(stands)]),
        straight_knee=_straight_knee(points["found"][seen], points["true"][seen]),
        trunk_lean=_median(_angle(_trunk(points["found"][seen]), _trunk(points["true"][seen]))),
        largest_step=_largest_step(found, truth, count),
        tremor=_tremor(points["found"], points["true"], truth.fps),
        hand_speed=_hand_speed(placed, true),
        hand_lag=_hand_lag(placed, found, seen),
        hand_twist=hand_twist(found),
        hands_touch=touching_hands(placed, true),
        wave_kept=wave_kept(points["found"], points["true"], truth.fps),
        closing_percent=closing_percent(found.root_translation[:count], truth.root_translation[:count]),
        overlay_percent=_overlay(placed, found, seen),
        ends_ratio=_ends_ratio(errors),
    )


def mean_figures(clips: list[MotionFigures]) -> MotionFigures:
    """The mean of each figure over the clips that have it."""
    return MotionFigures(**{name: _mean(np.array([getattr(clip, name) for clip in clips])) for name in NAMES})


def contact_f1(found: Array, true: Array) -> float:
    """The harmonic mean of precision and recall of planted points (F, 4), frame by frame, all points together."""
    ours, theirs = found > PLANTED, true > PLANTED
    hits = float((ours & theirs).sum())
    total = float(ours.sum() + theirs.sum())
    return 2 * hits / total if total else float("nan")


def knee_flexion(points: Array) -> Array:
    """Knee flexion (F, 2), left and right, in degrees, of `BODY_26` points (F, 26, 3)."""
    found = []
    for side in ("left", "right"):
        hip, knee, ankle = (points[:, BODY_26.index(f"{side}_{name}")] for name in ("hip", "knee", "ankle"))
        found.append(_angle(knee - hip, ankle - knee))
    return np.stack(found, 1)


def figure_points(motion: Motion) -> Array:
    """`BODY_26` points (F, 26, 3) m in the world."""
    return body_points(motion.joint_positions[:, :21], motion.world_rotations()[:, :21], motion.rest_offsets[:21])


def before_camera(points: Array, motion: Motion) -> Array:
    """World points (F, 26, 3) in the axes of each frame's camera."""
    poses = np.broadcast_to(motion.world_from_camera, (len(motion), 4, 4))[: len(points)]
    placed: Array = (points - poses[:, None, :3, 3]) @ poses[:, :3, :3]
    return placed


def _from_hips(points: Array) -> Array:
    return points - points[:, :1]


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _median(values: Array) -> float:
    return float(np.median(values)) if values.size else float("nan")


def _angle(a: Array, b: Array) -> Array:
    """Degrees (...) between directions (..., 3)."""
    return np.asarray(np.degrees(np.arccos(np.clip(np.sum(normalise(a) * normalise(b), -1), -1, 1))))


def _acceleration(found: Array, true: Array, fps: float) -> float:
    """m/s^2."""
    return _mean(acceleration_error(found, true, fps)) if len(found) > 2 else float("nan")


def _path_percent(found: Array, true: Array) -> float:
    """The pelvis's mean distance from its true place, both from where they began, in percent of the true way."""
    way = float(np.linalg.norm(np.diff(true, axis=0), axis=-1).sum())
    off = np.linalg.norm((found - found[0]) - (true - true[0]), axis=-1)
    return 100 * float(off.mean()) / way if way > 1.0 else float("nan")


def _flat(contacts: Array) -> Bools:
    """(F, 2): heel and toe tip of a foot stand."""
    return np.asarray((contacts.reshape(len(contacts), 2, 2) > PLANTED).all(-1))


def _sole_tilt(feet: Array) -> Array:
    """(F, 2): how far from level the line from heel to toe tip is."""
    sole = np.diff(feet.reshape(len(feet), 2, 2, 3), axis=2)[:, :, 0]
    return np.asarray(np.degrees(np.abs(np.arcsin(np.clip(normalise(sole)[..., 2], -1, 1)))))


def _straight_knee(found: Array, true: Array) -> float:
    """The median flexion of knees that are truly straight."""
    return _median(knee_flexion(found)[knee_flexion(true) < STRAIGHT_KNEE_DEGREES])


def _trunk(points: Array) -> Array:
    return points[:, BODY_26.index("neck")] - points[:, BODY_26.index("pelvis")]


def _largest_step(found: Motion, truth: Motion, count: int) -> float:
    """The largest turn of a joint from frame to frame, as a multiple of the truth's: the median over the joints."""
    steps = []
    for motion in (found, truth):
        local = motion.local_rotations[:count, : len(truth.joint_names)]
        steps.append(np.degrees(angle_between(local[1:], local[:-1])).max(0))
    moving = steps[1] > 1.0
    return _median(steps[0][moving] / steps[1][moving])


def _tremor(found: Array, true: Array, fps: float) -> float:
    """RMS of still wrists above `TREMOR_HZ`."""
    if fps <= 2.2 * TREMOR_HZ or len(found) < 16:
        return float("nan")
    sections = butter(4, TREMOR_HZ, "highpass", fs=fps, output="sos")
    length = max(2, round(STILL_S * fps))
    squares = []
    for name in _WRISTS:
        index = BODY_26.index(name)
        speed = 1000 * np.linalg.norm(np.gradient(true[:, index], axis=0), axis=-1) * fps
        slow = np.convolve(speed < STILL_MM_S, np.ones(length), "same") >= length - 1
        squares.append(np.square(sosfiltfilt(sections, found[:, index], axis=0)).sum(-1)[slow])
    together = np.concatenate(squares)
    return 1000 * float(np.sqrt(together.mean())) if together.size else float("nan")


def _hand_speed(found: Array, true: Array) -> float:
    """The fastest speed of the wrists (its 98th percentile), as a multiple of the truth's."""
    peaks = []
    for points in (found, true):
        wrists = points[:, BODY_26.indices(*_WRISTS)]
        peaks.append(np.percentile(np.linalg.norm(np.diff(wrists, axis=0), axis=-1), 98))
    return float(peaks[0] / peaks[1]) if peaks[1] > 0 else float("nan")


def _hand_lag(placed: Array, found: Motion, seen: NDArray[np.int64]) -> float:
    """Frames by which the projected wrists' speed comes after the keypoints' (the best of all shifts, to a tenth)."""
    pixels = camera.project(placed, found.camera_K[0])
    lags = []
    for name in _WRISTS:
        index = BODY_26.index(name)
        ours = np.linalg.norm(np.gradient(pixels[:, index], axis=0), axis=-1)
        theirs = np.linalg.norm(np.gradient(found.keypoints_2d[seen][:, index], axis=0), axis=-1)
        if len(ours) < 30 or ours.std() == 0 or theirs.std() == 0:
            continue
        frames = np.arange(len(ours))
        shifts = np.arange(-3.0, 3.05, 0.1)
        middle = slice(5, -5)
        scores = [np.corrcoef(np.interp(frames + s, frames, ours)[middle], theirs[middle])[0, 1] for s in shifts]
        lags.append(float(shifts[int(np.argmax(scores))]))
    return max(lags, key=abs) if lags else float("nan")


def _overlay(placed: Array, found: Motion, seen: NDArray[np.int64]) -> float:
    """The median distance of the figure from the keypoints in the picture, in percent of the figure's height there."""
    keypoints = found.keypoints_2d[seen]
    off = np.linalg.norm(camera.project(placed, found.camera_K[0]) - keypoints, axis=-1)
    tall = np.ptp(keypoints[..., 1], axis=1)
    return 100 * float(np.nanmedian(off / tall[:, None]))


def _ends_ratio(errors: Array) -> float:
    """The mean error of the first and last frames as a multiple of the others'."""
    if len(errors) < 4 * ENDS or not errors[ENDS:-ENDS].any():
        return float("nan")
    return _mean(np.concatenate([errors[:ENDS], errors[-ENDS:]])) / _mean(errors[ENDS:-ENDS])
