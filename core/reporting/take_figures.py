"""What a take measures: everything that can be said about a `Motion` without the truth, as one record.

"Before" is DG-Net's own output set down along the solved path (`evidence.lifted_world`), "after" the solved figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion import Motion
from ..rotation import Array, Bools, normalise, rotate
from ..skeleton import ANIMATION_21, BODY_26, INTERPOLATED
from .evidence import (
    checked,
    figure_height_px,
    foot_contacts,
    height_m,
    in_picture,
    landmarks_world,
    lifted_world,
    points_world,
    seen_span,
    speed,
    stays_in_place,
)
from .stretches import DOUBT, Stretch, group_confidence, runs, step_s, weak_stretches

SUNK_MM = 10.0
"""A foot deeper below the floor than this is through it."""
SHORTEST_FLIGHT_S = 0.08
BACKWARD_DEGREES = 5.0
"""A knee bent further backwards than this is broken."""
LIMBS = tuple(
    (f"{side}_{start}", f"{side}_{end}")
    for side in ("left", "right")
    for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)
"""The bones whose length is watched: both ends are seen."""
OBSERVED = tuple(name for name in BODY_26.joints if name not in INTERPOLATED)


@dataclass(frozen=True)
class Feet:
    """How feet meet the floor.

    Slide while planted: `skate_mm`, the mean per frame; `skate_worst_mm`, exceeded in one frame of twenty;
    `skate_cm_s`, the mean as a speed. `hover_mm`: mean distance of planted points from the floor. `sunk_share` of
    the frames have a foot more than a centimetre below the floor; `deepest_mm`. None where no foot stands, or nothing
    was detected.
    """

    skate_mm: float | None
    skate_worst_mm: float | None
    skate_cm_s: float | None
    hover_mm: float | None
    sunk_share: float | None
    deepest_mm: float | None


@dataclass(frozen=True)
class Bones:
    """Limb bones: `change_mm` and `change_percent`, the mean standard deviation of their lengths over time;
    `asymmetry_percent`, the mean difference between left and right. None where nothing was detected."""

    change_mm: float | None
    change_percent: float | None
    asymmetry_percent: float | None


@dataclass(frozen=True)
class Knee:
    """Flexion in degrees, 0 straight, negative backwards; `broken_frames`: bent backwards by more than 5 degrees."""

    least: float
    median: float
    most: float
    broken_frames: int


@dataclass(frozen=True)
class Contacts:
    """`steps`: how often a foot is set down, left and right (standing at the start is not); `planted_share`: of frames
    with a foot on the floor; `flights`: how often both are off it for a moment while the person is seen."""

    steps: tuple[int, int]
    planted_share: float
    flights: int
    longest_flight_s: float


@dataclass(frozen=True)
class Picture:
    """`width`, `height` px; the figure's standing height: `figure_px` in the median, `figure_least_px` at its
    smallest. `error_px`: median distance of the figure from confident keypoints, `error_worst_px` exceeded by one in
    twenty, `error_percent` the median in percent of the figure's height; None where nothing was detected."""

    width: int
    height: int
    figure_px: float
    figure_least_px: float
    error_px: float | None
    error_worst_px: float | None
    error_percent: float | None


@dataclass(frozen=True)
class Camera:
    """`fov_degrees` along the picture's longer side and how it is known (given, metadata, assumed, unknown);
    `elevation_degrees`: how far above the person's hips it looks down from, in the median; `distance_m`;
    `height_m` above the floor."""

    fov_degrees: float
    fov_is: str
    elevation_degrees: float
    distance_m: float
    height_m: float


@dataclass(frozen=True)
class TakeFigures:
    """A take in figures. Times are seconds of the motion's clock; `speed` seconds of the file for one of them.

    `seen_s`: when the person is first and last detected, None where never; `lost_share`: of the frames between without
    a detection. `confidence`: the mean by part of the body while the person is seen. `stretches`: places to check, the
    most doubtful first. `warnings`: what the lift itself had to say. `planting`: whether feet were to stand still.
    """

    video: str
    person: int
    people: int
    frames: int
    fps: float
    start_s: float
    end_s: float
    seen_s: tuple[float, float] | None
    lost_share: float
    speed: float
    body_height_m: float
    height_is: str
    swapped_frames: int
    planting: bool
    camera: Camera
    picture: Picture
    confidence: dict[str, float]
    feet_before: Feet
    feet_after: Feet
    bones_before: Bones
    bones_after: Bones
    contacts: Contacts
    knees: dict[str, Knee]
    stretches: tuple[Stretch, ...]
    warnings: tuple[str, ...]


def take_figures(motion: Motion) -> TakeFigures:
    """Measure a motion. Raises `MotionLiftError` (`bad_motion`) for a skeleton that is not ours."""
    first, stop = seen_span(checked(motion))
    source = motion.source
    solved, lifted = points_world(motion), lifted_world(motion)
    columns = foot_contacts(motion)
    feet, contacts = motion.contact_positions()[:, columns], motion.contacts[:, columns]
    if stays_in_place(motion):
        contacts = np.zeros_like(contacts)
    # Outside a pose is only held; it neither slides nor sinks by itself.
    feet[:first], feet[stop:] = np.nan, np.nan
    in_lifted = [
        BODY_26.index(name) if name in BODY_26.joints else -1 for name in np.array(motion.contact_names)[columns]
    ]
    feet_lifted = np.where((np.array(in_lifted) >= 0)[:, None], lifted[:, in_lifted], np.nan)
    seen = motion.detected
    confidence = group_confidence(motion)
    return TakeFigures(
        video=str(source.get("file", "")),
        person=int(source.get("person", 1)),
        people=int(source.get("people", 1)),
        frames=len(motion),
        fps=motion.fps,
        start_s=float(motion.times[0]),
        end_s=float(motion.times[-1]),
        seen_s=(float(motion.times[first]), float(motion.times[stop - 1])) if stop else None,
        lost_share=1 - float(seen[first:stop].mean()) if stop else 1.0,
        speed=speed(motion),
        body_height_m=height_m(motion),
        height_is=str(source.get("height_is", "unknown")),
        swapped_frames=int(source.get("swapped_frames", 0)),
        planting=bool(_settings(motion).get("foot_lock", True) and _settings(motion).get("floor", True)),
        camera=_camera(motion),
        picture=_picture(motion),
        confidence={group: float(values[seen].mean()) if seen.any() else 0.0 for group, values in confidence.items()},
        feet_before=feet_figures(feet_lifted, contacts, motion.times),
        feet_after=feet_figures(feet, contacts, motion.times),
        bones_before=bone_figures(lifted),
        bones_after=bone_figures(solved),
        contacts=contact_figures(motion),
        knees={side: _knee(motion, side) for side in ("left", "right")},
        stretches=tuple(weak_stretches(motion)),
        warnings=tuple(str(warning) for warning in source.get("warnings", ())),
    )


def feet_figures(feet_world: Array, contacts: Array, times: Array) -> Feet:
    """Of contact points (F, C, 3) m in the world, Z = 0 the floor; `contacts` (F, C) over one half are planted; `times`
    (F,) s. Points that are NaN are left out."""
    known = np.isfinite(feet_world).all(-1)
    planted = (contacts > 0.5) & known
    both = planted[1:] & planted[:-1]
    moved = np.linalg.norm(np.diff(feet_world[..., :2], axis=0), axis=-1)
    pace = moved / np.diff(times)[:, None]
    depths = np.where(known, -feet_world[..., 2], -np.inf).max(1)
    whole = known.any(1)
    return Feet(
        skate_mm=_mean(1000 * moved[both]),
        skate_worst_mm=_percentile(1000 * moved[both], 95),
        skate_cm_s=_mean(100 * pace[both]),
        hover_mm=_mean(1000 * np.abs(feet_world[..., 2][planted])),
        sunk_share=_mean((1000 * depths > SUNK_MM)[whole]),
        deepest_mm=float(max(0.0, 1000 * depths[whole].max())) if whole.any() else None,
    )


def bone_figures(points: Array) -> Bones:
    """Of points (F, 26, 3) m in any frame; those of NaN are left out."""
    whole = np.isfinite(points).all((1, 2))
    if not whole.any():
        return Bones(None, None, None)
    ends = np.array([BODY_26.indices(*limb) for limb in LIMBS])
    lengths = np.linalg.norm(points[whole][:, ends[:, 1]] - points[whole][:, ends[:, 0]], axis=-1)
    mean, change = lengths.mean(0), lengths.std(0)
    left, right = np.split(mean, 2)
    return Bones(
        change_mm=float(1000 * change.mean()),
        change_percent=float(100 * (change / mean).mean()),
        asymmetry_percent=float(100 * (2 * np.abs(left - right) / (left + right)).mean()),
    )


def contact_figures(motion: Motion) -> Contacts:
    """Steps and flights of a motion: a foot stands while its heel or its toes do."""
    planted = {side: _stands(motion, side) for side in ("left", "right")}
    steps = [sum(start > 0 for start, _ in runs(stands)) for stands in planted.values()]
    either = planted["left"] | planted["right"]
    first, stop = seen_span(motion)
    airborne = np.zeros(len(motion), bool)
    airborne[first:stop] = ~either[first:stop]
    ends = np.append(motion.times[1:], motion.times[-1] + step_s(motion))
    # Only what has an end on the floor on both sides is a flight: before and after, nobody knows.
    flights = [float(ends[b - 1] - motion.times[a]) for a, b in runs(airborne) if a > first and b < stop]
    flights = [seconds for seconds in flights if seconds > SHORTEST_FLIGHT_S]
    share = float(either[first:stop].mean()) if stop else 0.0
    return Contacts((steps[0], steps[1]), share, len(flights), max(flights, default=0.0))


def knee_flexion(motion: Motion, side: str) -> Array:
    """Flexion (F,) in degrees of one knee: 0 straight, negative where the shin goes before the thigh's line."""
    knee, ankle = ANIMATION_21.indices(f"{side}_knee", f"{side}_ankle")
    thigh = normalise(motion.rest_offsets[knee])
    shin = rotate(motion.local_rotations[:, knee], normalise(motion.rest_offsets[ankle]))
    # In the thigh's frame, which faces -Y, a knee bends towards +Y.
    back = normalise(np.array([0.0, 1.0, 0.0]) - thigh * thigh[1])
    angle = np.arctan2(np.linalg.norm(np.cross(shin, thigh), axis=-1), shin @ thigh)
    return np.asarray(np.degrees(np.where(shin @ back < 0, -angle, angle)))


def _knee(motion: Motion, side: str) -> Knee:
    flexion = knee_flexion(motion, side)
    return Knee(
        least=float(flexion.min()),
        median=float(np.median(flexion)),
        most=float(flexion.max()),
        broken_frames=int((flexion < -BACKWARD_DEGREES).sum()),
    )


def _camera(motion: Motion) -> Camera:
    K, placed = motion.camera_K[0], motion.world_from_camera
    eye = placed[:, :3, 3]
    away = eye - motion.root_translation
    distance = np.linalg.norm(away, axis=-1)
    side = max(motion.image_size)
    focal = K[0, 0] if motion.image_size[0] == side else K[1, 1]
    return Camera(
        fov_degrees=float(2 * np.degrees(np.arctan(side / 2 / focal))),
        fov_is=str(motion.source.get("fov_is", "unknown")),
        elevation_degrees=float(np.median(np.degrees(np.arcsin(np.clip(away[:, 2] / distance, -1, 1))))),
        distance_m=float(np.median(distance)),
        height_m=float(np.median(eye[:, 2])),
    )


def _picture(motion: Motion) -> Picture:
    height = figure_height_px(motion)
    points = BODY_26.indices(*OBSERVED)
    off = np.linalg.norm((in_picture(motion, landmarks_world(motion)) - motion.keypoints_2d)[:, points], axis=-1)
    sure = (motion.keypoint_confidence[:, points] >= DOUBT) & motion.detected[:, None] & np.isfinite(off)
    seen = height[motion.detected] if motion.detected.any() else height
    share = off / height[:, None]
    return Picture(
        width=motion.image_size[0],
        height=motion.image_size[1],
        figure_px=float(np.median(seen)),
        figure_least_px=float(seen.min()),
        error_px=_percentile(off[sure], 50),
        error_worst_px=_percentile(off[sure], 95),
        error_percent=_percentile(100 * share[sure], 50),
    )


def _stands(motion: Motion, side: str) -> Bools:
    columns = foot_contacts(motion, side)
    return np.asarray((motion.contacts[:, columns] > 0.5).any(1))


def _settings(motion: Motion) -> dict[str, object]:
    settings = motion.source.get("settings")
    return settings if isinstance(settings, dict) else {}


def _mean(values: Array | Bools) -> float | None:
    return float(values.mean()) if len(values) else None


def _percentile(values: Array, percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None
