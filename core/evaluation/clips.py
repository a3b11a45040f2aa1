"""Clips with a truth beside them, lifted whole: a `MotionFigures` a clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..detection.people import choose_people, detect
from ..jobs import LiftSettings, MotionLiftError
from ..motion import SUFFIX, Motion
from ..pipeline import lens_of
from ..reconstruction import reconstruct
from ..rotation import Array
from ..skeleton import body_from_mediapipe
from .motion_figures import NAMES, MotionFigures, mean_figures, measure_motion
from .report import Table

ROWS = {
    "mpjpe_mediapipe": "MPJPE, MediaPipe's own 3D, mm",
    "mpjpe_lifted": "MPJPE, lifted, mm",
    "mpjpe": "MPJPE, mm",
    "pa_mpjpe_mediapipe": "PA-MPJPE, MediaPipe's own 3D, mm",
    "pa_mpjpe_lifted": "PA-MPJPE, lifted, mm",
    "pa_mpjpe": "PA-MPJPE, mm",
    "acceleration_lifted": "acceleration error, lifted, m/s²",
    "acceleration": "acceleration error, m/s²",
    "path_percent": "path off, % of the way",
    "skate": "skate in true contacts, mm a frame",
    "penetration": "deepest below the floor, mm",
    "contact_f1": "contacts, F1, %",
    "sole_height": "standing soles off the floor, mm",
    "sole_tilt": "standing soles off level, degrees",
    "straight_knee": "straight knees bent by, degrees",
    "trunk_lean": "trunk leans by, degrees",
    "largest_step": "largest turn in a frame, % of the truth's",
    "tremor": "still wrists above 6 Hz, mm",
    "hand_speed": "fastest hands, % of the truth's",
    "hand_lag": "hands late, frames",
    "hand_twist": "hands twisted against forearms, degrees at most",
    "hands_touch": "hands that touch, distance off, mm",
    "wave_kept": "waving kept, %",
    "closing_percent": "who comes back, off, % of the way",
    "overlay_percent": "off in the picture, % of height",
    "ends_ratio": "error at the ends, % of the middle's",
}
"""What each figure is called."""
PERCENT = {"contact_f1": 100, "wave_kept": 100, "largest_step": 100, "hand_speed": 100, "ends_ratio": 100}
"""Shares, shown in percent."""


def truth_beside(clip: Path) -> Path:
    """The truth file of a clip. Raises `MotionLiftError` (`no_truth`) where there is none."""
    beside = clip.with_name(clip.stem + ".truth" + SUFFIX)
    if not beside.is_file():
        raise MotionLiftError(
            "no_truth",
            f"There is no {beside.name} beside {clip.name}.",
            "Make clips with: python -m motionlift.core.synthesis.make_evaluation.",
        )
    return beside


def lift_clip(clip: Path, settings: LiftSettings) -> tuple[Motion, Motion, Array | None]:
    """The motion of the largest person of a clip, the truth beside it, and the detector's own 3D (F, 26, 3) m, camera's
    axes; the height is told.

    Raises what `truth_beside` and lifting raise.
    """
    truth = Motion.load(truth_beside(clip))
    if settings.height_m is None and truth.source.get("height_m"):
        settings = replace(settings, height_m=float(truth.source["height_m"]))
    detection = detect(clip, settings)
    track = choose_people(detection, "largest")[0]
    camera_K, lens = lens_of(detection.info, settings.fov_degrees)
    source = {"file": clip.name, **lens}
    (motion,) = reconstruct([track.keypoints], [source], camera_K, settings, detection.drift)
    world = track.keypoints.world_landmarks
    return motion, truth, None if world is None else np.einsum("jk,fkd->fjd", body_from_mediapipe(), world)


def measure_clip(clip: Path, settings: LiftSettings) -> MotionFigures:
    """The figures of one clip. Raises what `lift_clip` raises."""
    return measure_motion(*lift_clip(clip, settings))


def figures_table(clips: Mapping[str, MotionFigures]) -> Table:
    """A row a figure, a column a clip, and the mean over those that have it."""
    together = {**clips, "mean": mean_figures(list(clips.values()))}
    rows = tuple(
        (ROWS[name], *(getattr(figures, name) * PERCENT.get(name, 1) for figures in together.values()))
        for name in NAMES
    )
    note = "People of known height before a camera that nobody tells about; truth beside each clip."
    return Table("Lifted motions against the truth", ("figure", *together), rows, note)
