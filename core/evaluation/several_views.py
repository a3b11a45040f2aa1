"""Real films with a truth: what several calibrated cameras saw at the same time, triangulated.

Somebody filmed from several sides is where the rays of his keypoints meet. That is no marker's place (a detector errs
alike in all views), but it has the depth that a single camera lacks. Each view is lifted alone and compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..detection.people import Detection, choose_people, detect
from ..jobs import LiftSettings, MotionLiftError
from ..keypoints import Keypoints2D
from ..pipeline import lens_of
from ..reconstruction import reconstruct
from ..rotation import Array, normalise
from ..skeleton import body_from_mediapipe
from .datasets.calibration import PlacedCamera
from .metrics import mpjpe, pa_mpjpe, root_relative
from .motion_figures import before_camera, figure_points
from .report import Table

MISS_M = 0.02
"""Metres by which a ray misses that is only half believed: one view of several has a limb where it is not."""
ROUNDS = 15
TRUTH_S = 0.03
"""Standard deviation of the smoothing over time, seconds: keypoints tremble."""
UP_WORLD: Array = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class ViewFigures:
    """Of one view against the triangulated truth: mean errors in mm of the detector's own 3D, as lifted and as solved,
    from the hips and after a similarity; degrees by which up is off; `miss` mm by which its rays miss the truth, in
    the median."""

    mpjpe_mediapipe: float
    mpjpe_lifted: float
    mpjpe: float
    pa_mpjpe_mediapipe: float
    pa_mpjpe_lifted: float
    pa_mpjpe: float
    up_off: float
    miss: float


def triangulated(cameras: Sequence[PlacedCamera], pixels: Array, weights: Array) -> tuple[Array, Array]:
    """Where the rays of V cameras meet: points (F, J, 3) m in the world and how far each ray misses (V, F, J) m.

    `pixels` (V, F, J, 2) with `weights` (V, F, J). Least squares of the distances, those far off weighted down anew
    in each round.
    """
    eyes = np.stack([-camera.rotation.T @ camera.translation for camera in cameras])[:, None, None]
    seen = [camera.lens.rays(np.nan_to_num(each)) for camera, each in zip(cameras, pixels, strict=True)]
    rays = np.stack(
        [
            normalise(np.concatenate([ray, np.ones_like(ray[..., :1])], -1)) @ camera.rotation
            for camera, ray in zip(cameras, seen, strict=True)
        ]
    )
    across = np.eye(3) - rays[..., :, None] * rays[..., None, :]
    trust = weights
    for _ in range(ROUNDS):
        left = np.einsum("vfj,vfjab->fjab", trust, across) + 1e-9 * np.eye(3)
        right = np.einsum("vfj,vfjab,vfjb->fja", trust, across, np.broadcast_to(eyes, rays.shape))
        points = np.linalg.solve(left, right[..., None])[..., 0]
        misses = np.linalg.norm(np.einsum("vfjab,vfjb->vfja", across, points - eyes), axis=-1)
        trust = weights / (1 + (misses / MISS_M) ** 2)
    return points, misses


def measure_views(videos: Sequence[Path], cameras: Sequence[PlacedCamera], settings: LiftSettings) -> list[ViewFigures]:
    """The figures of each video, of the person that the settings name in it (one); the videos begin together.

    Raises `MotionLiftError` (`views_differ`) where there are not as many videos as cameras, or of other lengths, and
    what lifting raises.
    """
    if len(videos) != len(cameras) or len(videos) < 2:
        raise _views_differ(f"{len(videos)} videos were given for {len(cameras)} cameras")
    detections = [detect(video, settings) for video in videos]
    people = [choose_people(detection, settings.person)[0].keypoints for detection in detections]
    lengths = {len(keypoints.times) for keypoints in people}
    if len(lengths) > 1:
        raise _views_differ(f"the videos have {', '.join(map(str, sorted(lengths)))} frames")
    pixels = np.stack([keypoints.pixels for keypoints in people])
    weights = np.stack([keypoints.confidence * keypoints.detected[:, None] for keypoints in people])
    points, misses = triangulated(cameras, pixels, weights)
    steady = gaussian_filter1d(points, TRUTH_S / float(np.median(np.diff(people[0].times))), axis=0, mode="nearest")
    return [
        _figures(detection, keypoints, camera, camera.from_world(steady), 1000 * float(np.median(miss)), settings)
        for detection, keypoints, camera, miss in zip(detections, people, cameras, misses, strict=True)
    ]


def views_table(videos: Sequence[Path], measured: Sequence[ViewFigures]) -> Table:
    """A row a view, and their mean."""
    columns = (
        *("view", "MPJPE, MediaPipe's own 3D, mm", "lifted", "solved"),
        *("PA-MPJPE, MediaPipe's own 3D, mm", "lifted", "solved", "up off, degrees", "rays miss by, mm"),
    )
    rows = np.array([list(vars(figures).values()) for figures in measured])
    named = [(str(video), *row.tolist()) for video, row in zip(videos, rows, strict=True)]
    note = "Each view lifted alone, nothing told; the truth is where the rays of all views meet."
    return Table("Views of several calibrated cameras", columns, (*named, ("mean", *rows.mean(0).tolist())), note)


def _figures(
    detection: Detection, keypoints: Keypoints2D, camera: PlacedCamera, true: Array, miss: float, settings: LiftSettings
) -> ViewFigures:
    camera_K, lens = lens_of(detection.info, settings.fov_degrees)
    (motion,) = reconstruct([keypoints], [lens], camera_K, settings, detection.drift)
    solved = before_camera(figure_points(motion), motion)
    assert keypoints.world_landmarks is not None
    own = np.einsum("jk,fkd->fjd", body_from_mediapipe(), keypoints.world_landmarks)
    seen = keypoints.detected
    target = true[seen]

    def errors(measure: Callable[[Array, Array], Array]) -> tuple[float, float, float]:
        """mm, of the detector's own 3D, as lifted, as solved."""
        detected, lifted, found = (
            1000 * float(measure(root_relative(points[seen]), root_relative(target)).mean())
            for points in (own, motion.lifted_camera, solved)
        )
        return detected, lifted, found

    up, true_up = motion.world_from_camera.reshape(-1, 4, 4)[0, 2, :3], camera.rotation @ UP_WORLD
    up_off = float(np.degrees(np.arccos(np.clip(up @ true_up, -1, 1))))
    return ViewFigures(*errors(mpjpe), *errors(pa_mpjpe), up_off, miss)


def _views_differ(what: str) -> MotionLiftError:
    return MotionLiftError(
        "views_differ",
        f"Of several views, {what}.",
        "Give a video for each camera, in its order, cut to the same frames.",
    )
