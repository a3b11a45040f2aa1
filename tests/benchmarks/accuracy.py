"""How well clips with a truth beside them are lifted: `python tests/benchmarks/accuracy.py CLIP.mp4 ... [--weights W]`.

Clips and truths come from `python -m motionlift.core.synthesis.make_sample`. Per clip, over all frames in which the
person was found and the 26 joints, root-relative: MPJPE and PA-MPJPE in mm of MediaPipe's own 3D, of DG-Net and of the
solve; then of the solve: the path's error (mm), knee flexion where the true one is below 8 degrees and its mean error
(degrees), how far feet slip while the true ones stand (mm a frame), and the median distance (px) of the figure from
the keypoints.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from motionlift.core import camera
from motionlift.core.detection.people import choose_people, detect
from motionlift.core.evaluation.metrics import mpjpe, pa_mpjpe
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
from motionlift.core.pipeline import lens_of
from motionlift.core.reconstruction import reconstruct
from motionlift.core.rotation import Array, normalise
from motionlift.core.skeleton import BODY_26, body_from_mediapipe, body_points
from motionlift.core.synthesis.make_sample import truth_path

log = logging.getLogger("benchmark")
STILL_MM = 3.0
"""A true foot that moves less than this in a frame stands."""
STRAIGHT_DEGREES = 8.0


def points_world(motion: Motion) -> Array:
    return body_points(motion.joint_positions, motion.world_rotations(), motion.rest_offsets)


def flexion(points: Array) -> Array:
    """Knee flexion (F, 2) in degrees."""
    found = []
    for side in ("left", "right"):
        hip, knee, ankle = (points[:, BODY_26.index(f"{side}_{name}")] for name in ("hip", "knee", "ankle"))
        cosine = np.sum(normalise(knee - hip) * normalise(ankle - knee), -1)
        found.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.stack(found, 1)


def measure(clip: Path, settings: LiftSettings) -> dict[str, float]:
    """The row of one clip."""
    truth = Motion.load(truth_path(clip))
    detection = detect(clip, settings)
    track = choose_people(detection, "largest")[0]
    camera_K, _ = lens_of(detection.info, settings.fov_degrees)
    (motion,) = reconstruct([track.keypoints], [{}], camera_K, settings)
    count = min(len(motion), len(truth))
    seen = np.flatnonzero(motion.detected[:count])
    target = truth.lifted_camera[seen]

    assert track.keypoints.world_landmarks is not None
    detector = np.einsum("jk,fkd->fjd", body_from_mediapipe(), track.keypoints.world_landmarks[seen])
    placed = camera.apply(camera.inverse(motion.world_from_camera[0]), points_world(motion))[seen]
    row = {}
    for name, found in (
        ("mediapipe", detector - detector[:, :1]),
        ("dgnet", motion.lifted_camera[seen]),
        ("solved", placed - placed[:, :1]),
    ):
        row[name] = 1000 * float(mpjpe(found, target).mean())
        row[f"{name} PA"] = 1000 * float(pa_mpjpe(found, target).mean())
    path = camera.apply(camera.inverse(truth.world_from_camera[0]), truth.root_translation)[seen]
    row["path"] = 1000 * float(np.linalg.norm(placed[:, 0] - path, axis=-1).mean())
    true, ours = flexion(points_world(truth)[seen]), flexion(placed)
    straight = true < STRAIGHT_DEGREES
    row["straight"] = float(np.median(ours[straight])) if straight.any() else np.nan
    row["flexion"] = float(np.abs(ours - true).mean())
    steps = [1000 * np.linalg.norm(np.diff(m.contact_positions()[:count], axis=0), axis=-1) for m in (truth, motion)]
    standing = steps[0] < STILL_MM
    row["slip"] = float(steps[1][standing].mean()) if standing.any() else np.nan
    off = np.linalg.norm(camera.project(placed, camera_K) - motion.keypoints_2d[seen], axis=-1)
    row["overlay"] = float(np.nanmedian(off))
    return row


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--weights", help="other weights than those that come along")
    arguments = parser.parse_args()
    settings = LiftSettings(weights=arguments.weights)
    rows = {clip.stem: measure(clip, settings) for clip in arguments.clips}
    rows["mean"] = {name: float(np.nanmean([row[name] for row in rows.values()])) for name in next(iter(rows.values()))}
    log.info("%-16s %s", "", " ".join(f"{name:>12}" for name in rows["mean"]))
    for clip, row in rows.items():
        log.info("%-16s %s", clip, " ".join(f"{value:12.1f}" for value in row.values()))


if __name__ == "__main__":
    main()
