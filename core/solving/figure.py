"""One person's figure: a body of constant bones posed along what was lifted, and its path by reprojection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from .. import camera
from ..jobs import LiftSettings
from ..keypoints import Keypoints2D
from ..rotation import Array, forward_kinematics, local_from_world, rotate
from ..skeleton import (
    ANIMATION_21,
    BODY_26,
    CONTACT_NAMES,
    INTERPOLATED,
    REFERENCE_HEIGHT,
    body_points,
    contact_points,
    support_points,
)
from .bones import fit_rest
from .gaps import bridged, long_gaps
from .orientation import solve_rotations
from .outliers import trust
from .smoothing import smooth
from .stretches import by_stretches
from .trajectory import KEYPOINT_SIGMA, reprojection_error, solve_path

SMOOTHEST_HZ, LIVELIEST_HZ = 2.5, 12.0
"""Where half of a movement's amplitude remains, at smoothing 1 and 0; between them, geometrically."""
SOLE = 0.085
"""The ankle's height above the sole, as a share of the pelvis's."""
SEEN_SUPPORTS = ("left_wrist", "right_wrist", "left_knee", "right_knee", "pelvis")
"""The keypoints that show hands, knees and seat."""


@dataclass(frozen=True)
class Person:
    """What one person gives the solve: keypoints, and DG-Net's joints (F, 26, 3) m in the camera's frame,
    root-relative, of a body of `REFERENCE_HEIGHT`; NaN where nothing was detected."""

    keypoints: Keypoints2D
    lifted_camera: Array


@dataclass(frozen=True)
class Seen:
    """One body and what was seen of it: rest skeleton in metres, rays with their weights."""

    times: Array
    rest_offsets: Array
    rest_tails: Array
    rays: Array
    weights: Array
    foot_confidence: Array
    support_confidence: Array


@dataclass(frozen=True)
class Figure(Seen):
    """The body posed, without a place: everything from the pelvis, camera's axes, metres."""

    curves: Array
    rotations: Array
    points: Array
    feet: Array
    supports: Array

    @property
    def seen(self) -> Seen:
        """What of it does not change with the pose."""
        return Seen(**_fields(self))

    def scaled(self, factor: float) -> Figure:
        """The same pose of a body that many times as tall."""
        lengths = ("rest_offsets", "rest_tails", "curves", "points", "feet", "supports")
        return replace(self, **{name: factor * getattr(self, name) for name in lengths})


def pose(person: Person, camera_K: Array, settings: LiftSettings) -> Figure:
    """Steps 1 and 2: the smoothed, constant body."""
    weights, curves = _smoothed(person, settings)
    height = settings.height_m or REFERENCE_HEIGHT
    rest = fit_rest(curves, weights, height)
    curves *= height / REFERENCE_HEIGHT
    seen = _seen_of(person, camera_K, weights, rest)
    rotations = solve_rotations(curves, weights, seen.rest_offsets, seen.times)
    gaps = long_gaps(weights.any(1), seen.times)
    figure = laid(bridged(rotations, gaps, seen.times), curves, seen)
    for start, stop in gaps:
        # Where nobody was seen for long they follow the figure.
        curves[start:stop] = figure.points[start:stop]
    return figure


def lifted_again(
    person: Person, camera_K: Array, settings: LiftSettings, rest: tuple[Array, Array]
) -> tuple[Seen, Array]:
    """What `pose` says of a person whose body, `rest` offsets and tails (21, 3) m, and pose are known: what was seen,
    and the curves (F, 26, 3) m. A third of its time, where there is no long gap, which a pose has to bridge."""
    weights, curves = _smoothed(person, settings)
    seen = _seen_of(person, camera_K, weights, rest)
    if long_gaps(weights.any(1), seen.times):
        return seen, pose(person, camera_K, settings).curves
    curves *= (settings.height_m or REFERENCE_HEIGHT) / REFERENCE_HEIGHT
    return seen, curves


def _seen_of(person: Person, camera_K: Array, weights: Array, rest: tuple[Array, Array]) -> Seen:
    """What was seen, with `weights` (F, 26), of a body of `rest` offsets and tails (21, 3) m."""
    keypoints = person.keypoints
    (rays,) = by_stretches(
        lambda part: [np.nan_to_num(camera.rays(keypoints.pixels[part], camera_K)[..., :2])], len(keypoints.times)
    )
    feet, supports = (keypoints.confidence[:, BODY_26.indices(*names)] for names in (CONTACT_NAMES, SEEN_SUPPORTS))
    return Seen(keypoints.times, *rest, rays, weights, feet, supports)


def laid(rotations: Array, curves: Array, seen: Seen) -> Figure:
    """The rest skeleton under world rotations (F, 21, 4), which become its own."""
    parents, offsets = contact_points(seen.rest_tails, seen.rest_offsets)
    carriers, places = support_points(seen.rest_offsets)

    def of(part: slice) -> Sequence[Array]:
        local = local_from_world(ANIMATION_21.parents, rotations[part])
        root = np.zeros((len(local), 3))
        joints, turned = forward_kinematics(ANIMATION_21.parents, seen.rest_offsets, root, local)
        points = body_points(joints, turned, seen.rest_offsets)
        feet = joints[:, parents] + rotate(turned[:, parents], offsets)
        rotations[part] = turned
        return points, feet, joints[:, carriers] + rotate(turned[:, carriers], places)

    points, feet, supports = by_stretches(of, len(curves))
    return Figure(**_fields(seen), curves=curves, rotations=rotations, points=points, feet=feet, supports=supports)


def _fields(seen: Seen) -> dict[str, Array]:
    return {field.name: getattr(seen, field.name) for field in fields(Seen)}


def path_of(figure: Figure) -> Array:
    """The path (F, 3) by reprojection, keypoints that disagree with the figure weighted down in a second pass."""
    seen = figure.weights.copy()
    seen[:, BODY_26.indices(*INTERPOLATED)] = 0.0
    path = solve_path(figure.points, figure.rays, seen, figure.times)

    def agreeing(part: slice) -> list[Array]:
        depth = np.maximum(path[part, 2:], 0.3)
        off = reprojection_error(figure.points[part], path[part], figure.rays[part]) * depth
        typical = np.sqrt(np.average(off**2, axis=1, weights=seen[part] + 1e-9))
        weights = seen[part] / (1 + (off / (4 * KEYPOINT_SIGMA)) ** 2)
        # Where the pose itself is wrong, so is the distance that it suggests.
        return [weights / (1 + (typical[:, None] / (2 * KEYPOINT_SIGMA)) ** 4)]

    (weights,) = by_stretches(agreeing, len(path))
    return solve_path(figure.points, figure.rays, weights, figure.times)


def _smoothed(person: Person, settings: LiftSettings) -> tuple[Array, Array]:
    """How far points are trusted (F, 26), and where they were lifted to (F, 26, 3) m, smoothed by that and gaps filled,
    of a body of `REFERENCE_HEIGHT`."""
    points, times = person.lifted_camera, person.keypoints.times
    weights = trust(person.keypoints)
    weights[~np.isfinite(points).all((1, 2))] = 0.0
    curves, cutoff = np.empty_like(points), cutoff_hz(settings.smoothing)
    for joint in range(points.shape[1]):
        curves[:, joint] = smooth(points[:, joint], weights[:, joint], times, cutoff)
    return weights, curves


def cutoff_hz(smoothing: float) -> float:
    """The smoothing's cutoff frequency for the user's 0 to 1."""
    return float(LIVELIEST_HZ * (SMOOTHEST_HZ / LIVELIEST_HZ) ** smoothing)


def leg_length(figure: Figure) -> float:
    """From hip to sole, m."""
    return float(
        np.linalg.norm(figure.rest_offsets[ANIMATION_21.indices("left_knee", "left_ankle")], axis=-1).sum()
    ) + (SOLE * float(figure.rest_offsets[0, 2]))
