"""DG-Net, the solve and MediaPipe's own 3D on the same frames and joints of clips with a truth.

Errors are root-relative, in mm, over the frames in which the person was detected and the joints that both have: those
of `BODY_26` that MediaPipe reports itself, none that are interpolated. Clips count alike in the mean.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import camera
from ..jobs import LiftSettings, MotionLiftError
from ..lifting.device import choose_device
from ..lifting.inference import lift_keypoints
from ..lifting.network import DGNet
from ..motion import Motion
from ..reconstruction import OVERLAP
from ..rotation import Array, Bools
from ..skeleton import BODY_26, INTERPOLATED, body_from_mediapipe, body_points
from ..solving.figure import Person
from ..solving.solve import solve_people
from ..training.pairs import PairClip
from .metrics import mpjpe, pa_mpjpe
from .report import Table

log = logging.getLogger(__name__)

METHODS = ("mediapipe", "lifted", "solved")
JOINTS = [index for index, joint in enumerate(BODY_26.joints) if joint not in INTERPOLATED]
"""What both have."""


@dataclass(frozen=True)
class ClipErrors:
    """A clip's `frames` that were compared and, by method, MPJPE and PA-MPJPE in mm; NaN for a method that was not
    asked for or had too few frames."""

    name: str
    frames: int
    mpjpe: dict[str, float]
    pa_mpjpe: dict[str, float]


def measure_clip(
    clip: PairClip, network: DGNet, solve: bool = True, settings: LiftSettings | None = None
) -> ClipErrors:
    """The errors on one clip; `solve`: of the solved motion too, where the clip is long enough for it.

    Raises `MotionLiftError` (`bad_pairs`) for a clip in which no one was detected, or not with the detector's own 3D.
    """
    settings = settings or LiftSettings()
    seen, world = frames_compared(clip)
    own = np.einsum("jk,fkd->fjd", body_from_mediapipe(), world)
    found = {"mediapipe": own, **_ours(clip, network, settings, solve)}
    truth = compared(clip.joints_camera[seen])
    joint: dict[str, float] = {}
    aligned: dict[str, float] = {}
    for method in METHODS:
        points = compared(found[method][seen]) if method in found else np.full_like(truth, np.nan)
        joint[method] = 1000 * float(mpjpe(points, truth).mean())
        aligned[method] = 1000 * float(pa_mpjpe(points, truth).mean())
    return ClipErrors(clip.name, int(seen.sum()), joint, aligned)


def frames_compared(clip: PairClip) -> tuple[Bools, Array]:
    """The frames (F,) in which somebody was detected with the detector's own 3D, and that (F, 33, 3).

    Raises `MotionLiftError` (`bad_pairs`) where there are none.
    """
    world = clip.keypoints.world_landmarks
    if world is not None:
        seen = clip.keypoints.detected & np.isfinite(clip.joints_camera).all((1, 2)) & np.isfinite(world).all((1, 2))
        if seen.any():
            return seen, world
    raise MotionLiftError(
        "bad_pairs",
        f"{clip.name} shows no one detected with the detector's own 3D.",
        "Leave the clip out, or make the pairs again.",
    )


def pairs_table(clips: Sequence[ClipErrors], weights: str) -> Table:
    """A row a clip and the mean: both errors of each method, and PA-MPJPE lifted over MediaPipe's."""
    methods = [method for method in METHODS if any(np.isfinite(clip.mpjpe[method]) for clip in clips)]
    columns = ("clip", "frames", *(f"{m} {e}" for e in ("MPJPE", "PA-MPJPE") for m in methods), "PA ratio")

    def row(name: str, frames: int, joint: dict[str, float], aligned: dict[str, float]) -> tuple[str | float, ...]:
        ratio = f"{aligned['lifted'] / aligned['mediapipe']:.3f}"
        return (name, str(frames), *(joint[m] for m in methods), *(aligned[m] for m in methods), ratio)

    def mean(values: Callable[[ClipErrors], dict[str, float]]) -> dict[str, float]:
        return {m: float(np.nanmean([values(clip)[m] for clip in clips])) for m in methods}

    rows = [row(clip.name, clip.frames, clip.mpjpe, clip.pa_mpjpe) for clip in clips]
    frames = sum(clip.frames for clip in clips)
    rows.append(row("mean", frames, mean(lambda c: c.mpjpe), mean(lambda c: c.pa_mpjpe)))
    note = f"mm, {len(JOINTS)} joints that MediaPipe reports, the same frames for all. Weights: {weights}."
    return Table("Pairs of detected 2D and true 3D", columns, tuple(rows), note)


def _ours(clip: PairClip, network: DGNet, settings: LiftSettings, solve: bool) -> dict[str, Array]:
    """Joints (F, 26, 3) in the camera's axes, as lifted and as solved."""
    lifted = lift_keypoints(
        clip.keypoints, clip.camera_K, network, choose_device(settings.device), settings.flip_average, OVERLAP
    )
    if not solve:
        return {"lifted": lifted}
    try:
        (motion,) = solve_people([Person(clip.keypoints, lifted)], clip.camera_K, settings, [{}])
    except MotionLiftError as error:
        if error.code != "person_too_short":
            raise
        log.warning("%s is lifted only: %s", clip.name, error.message)
        return {"lifted": lifted}
    return {"lifted": lifted, "solved": _placed(motion)}


def _placed(motion: Motion) -> Array:
    """The solved figure's `BODY_26` points (F, 26, 3) in the camera's frame."""
    points: Array = body_points(motion.joint_positions, motion.world_rotations(), motion.rest_offsets)
    return camera.apply(camera.inverse(motion.world_from_camera[0]), points)


def compared(points: Array) -> Array:
    """The joints that both have (F, 23, 3), from the midpoint of the hips."""
    hips = points[:, BODY_26.indices("left_hip", "right_hip")].mean(1, keepdims=True)
    return np.asarray(points[:, JOINTS] - hips)
