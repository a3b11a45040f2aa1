"""From what was seen and lifted to `Motion`: one body, a path in metres, a level floor, rotations.

Per person a closed-form start:

1. trust in each keypoint; lifted joints smoothed and gaps filled by it;
2. one set of bone lengths, rotations laid along the joints, forward kinematics;
3. the path by reprojection; up and floor, found for all people together.

Then the sequence solve, twice: free, which shows where feet stand, and with planted feet on the floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .. import camera
from ..jobs import LiftSettings, MotionLiftError
from ..motion import Keypoints2D, Motion, standard_rate
from ..rotation import (
    Array,
    continuous,
    forward_kinematics,
    from_matrix,
    local_from_world,
    multiply,
    normalise,
    rotate,
)
from ..skeleton import (
    ANIMATION_21,
    BODY_26,
    CONTACT_NAMES,
    INTERPOLATED,
    REFERENCE_HEIGHT,
    SUPPORT_NAMES,
    body_points,
    contact_points,
    support_points,
)
from . import sequence
from .body import Body
from .bones import fit_rest
from .confidence import joint_confidence
from .contacts import find_contacts, find_supports
from .ground import LEVEL_UP, fit_ground, plant_weights, standing_up
from .moving import as_filmed, in_place, stilled, travels, turns_of
from .orientation import solve_rotations
from .outliers import trust
from .planting import Skeleton, plant_feet
from .sequence import Evidence, Pose, Sigmas, solve_sequence
from .smoothing import smooth
from .trajectory import KEYPOINT_SIGMA, Ground, reprojection_error, solve_path

SMOOTHEST_HZ, LIVELIEST_HZ = 2.5, 12.0
"""Where half of a movement's amplitude remains, at smoothing 1 and 0; between them, geometrically."""
STOREYS = (0.5, 0.25, 0.12)
"""Metres off the floor beyond which a resting foot stands on something else: less and less, as the floor is found."""
PASSES = (12, 15, 18)
"""Iterations of the sequence solves: of the first, which finds where feet stand, and of those with planted feet."""
SOLE = 0.085
"""The ankle's height above the sole, as a share of the pelvis's."""
MISFIT_PASS = 8
"""Iterations after which it shows which lens fits."""
SEEN_SUPPORTS = ("left_wrist", "right_wrist", "left_knee", "right_knee", "pelvis")
"""The keypoints that show hands, knees and seat."""
SHORTEST = 3
"""Detected frames below which there is nothing to solve."""


@dataclass(frozen=True)
class Person:
    """What one person gives the solve: keypoints, and DG-Net's joints (F, 26, 3) m in the camera's frame,
    root-relative, of a body of `REFERENCE_HEIGHT`; NaN where nothing was detected."""

    keypoints: Keypoints2D
    lifted_camera: Array


@dataclass(frozen=True)
class _Seen:
    """One body and what was seen of it: rest skeleton in metres, rays with their weights."""

    times: Array
    rest_offsets: Array
    rest_tails: Array
    rays: Array
    weights: Array
    foot_confidence: Array
    support_confidence: Array


@dataclass(frozen=True)
class _Figure(_Seen):
    """The body posed, without a place: everything from the pelvis, camera's axes, metres."""

    curves: Array
    rotations: Array
    points: Array
    feet: Array
    supports: Array


def solve_people(
    people: Sequence[Person], camera_K: Array, settings: LiftSettings, sources: Sequence[Mapping[str, Any]]
) -> list[Motion]:
    """One `Motion` a person; all share camera, floor and clock.

    `camera_K` (3, 3); `sources`: each motion's `source`. Raises `MotionLiftError` (code `person_too_short`)
    for someone detected in fewer than three frames.
    """
    spans = [_detected_span(person.keypoints) for person in people]
    figures = [_pose(_part(p, *span), camera_K, settings) for p, span in zip(people, spans, strict=True)]
    paths = [_path(figure) for figure in figures]
    ground = Ground(*_up_and_lowest(figures, paths))
    contacts = [np.zeros(figure.feet.shape[:2]) for figure in figures]
    supports = [np.zeros(figure.supports.shape[:2]) for figure in figures]
    for iterations in PASSES:
        laid = [
            _laid_on_picture(f, p, ground, c, s, iterations, settings)
            for f, p, c, s in zip(figures, paths, contacts, supports, strict=True)
        ]
        figures, paths = [figure for figure, _ in laid], [path for _, path in laid]
        ground, contacts = _standing_on(figures, paths)
        supports = [_supports(f, p, ground) for f, p in zip(figures, paths, strict=True)]
    world_from_camera = _world(figures, paths, ground)
    return [
        _motion(person, span, figure, path, contact, support, world_from_camera, camera_K, settings, source)
        for person, span, figure, path, contact, support, source in zip(
            people, spans, figures, paths, contacts, supports, sources, strict=True
        )
    ]


def resolve(motion: Motion, settings: LiftSettings) -> Motion:
    """Solve a motion again with other settings, from what its file holds."""
    filmed = Keypoints2D(
        motion.times, motion.keypoints_2d, motion.keypoint_confidence, motion.detected, motion.image_size
    )
    source = {**motion.source, "settings": settings.to_json()}
    camera_K = motion.camera_K[0]
    if settings.fov_degrees is not None:
        camera_K = camera.intrinsics(motion.image_size, settings.fov_degrees)
        source.update(fov_degrees=settings.fov_degrees, fov_is="given")
    turns = turns_of(motion)
    if turns is None:
        person = Person(filmed, motion.lifted_camera)
    else:
        person = Person(stilled(filmed, camera_K, turns), motion.lifted_camera @ np.swapaxes(turns, 1, 2))
    (solved,) = solve_people([person], camera_K, settings, [source])
    if turns is not None:
        solved = as_filmed(solved, filmed, turns)
    return solved if travels(settings, bool(source.get("camera_moves"))) else in_place(solved)


def misfit(person: Person, camera_K: Array, settings: LiftSettings) -> float:
    """How badly one person's keypoints and lifted joints agree under a camera (3, 3): the sum of squares, in standard
    deviations, that a free solve leaves. Raises what `solve_people` raises."""
    figure = _pose(_part(person, *_detected_span(person.keypoints)), camera_K, settings)
    path = _path(figure)
    none = np.zeros(figure.feet.shape[:2])
    evidence = Evidence(figure.rays, figure.weights, figure.curves, figure.times, None, none, none)
    body = Body.of(figure.rest_offsets, figure.rest_tails)
    return sequence.misfit(Pose(figure.rotations, path), body, evidence, MISFIT_PASS, Sigmas())


def cutoff_hz(smoothing: float) -> float:
    """The smoothing's cutoff frequency for the user's 0 to 1."""
    return float(LIVELIEST_HZ * (SMOOTHEST_HZ / LIVELIEST_HZ) ** smoothing)


def _detected_span(keypoints: Keypoints2D) -> tuple[int, int]:
    shown = np.flatnonzero(keypoints.detected)
    if len(shown) < SHORTEST:
        raise MotionLiftError(
            "person_too_short",
            f"The person is seen in {len(shown)} frame{'s' if len(shown) != 1 else ''} only.",
            f"At least {SHORTEST} are needed; choose another person or a longer part of the video.",
        )
    return int(shown[0]), int(shown[-1]) + 1


def _part(person: Person, start: int, stop: int) -> Person:
    return Person(person.keypoints.window(start, stop), person.lifted_camera[start:stop])


def _pose(person: Person, camera_K: Array, settings: LiftSettings) -> _Figure:
    """Steps 1 and 2: the smoothed, constant body."""
    keypoints, times = person.keypoints, person.keypoints.times
    weights = trust(keypoints)
    weights[~np.isfinite(person.lifted_camera).all((1, 2))] = 0.0
    curves = _smoothed(person.lifted_camera, weights, times, settings)
    height = settings.height_m or REFERENCE_HEIGHT
    rest_offsets, rest_tails = fit_rest(curves, weights, height)
    rays = np.nan_to_num(camera.rays(keypoints.pixels, camera_K)[..., :2])
    foot_confidence = keypoints.confidence[:, BODY_26.indices(*CONTACT_NAMES)]
    support_confidence = keypoints.confidence[:, BODY_26.indices(*SEEN_SUPPORTS)]
    seen = _Seen(times, rest_offsets, rest_tails, rays, weights, foot_confidence, support_confidence)
    return _posed(curves * (height / REFERENCE_HEIGHT), seen)


def _laid_on_picture(
    figure: _Figure,
    path: Array,
    ground: Ground,
    contacts: Array,
    supports: Array,
    iterations: int,
    settings: LiftSettings,
) -> tuple[_Figure, Array]:
    """The figure and its path after a sequence solve."""
    evidence = Evidence(
        figure.rays,
        figure.weights,
        figure.curves,
        figure.times,
        ground if settings.floor and contacts.any() else None,
        contacts * float(settings.foot_lock),
        contacts * float(settings.floor),
        supports * float(settings.foot_lock),
    )
    body = Body.of(figure.rest_offsets, figure.rest_tails)
    sigmas = Sigmas().smoothed(4.0 ** (0.5 - settings.smoothing))
    pose = solve_sequence(Pose(figure.rotations, path), body, evidence, iterations, sigmas)
    return _laid(pose.rotations, figure.curves, figure), pose.path


def _standing_on(figures: Sequence[_Figure], paths: Sequence[Array]) -> tuple[Ground, list[Array]]:
    """The floor of all, and everyone's contacts with it."""
    ground = Ground(*_up_and_lowest(figures, paths))
    for storey in STOREYS:
        contacts = [_contacts(f, path, ground) for f, path in zip(figures, paths, strict=True)]
        ground = _ground(figures, paths, contacts, ground, storey)
    return ground, contacts


def _smoothed(points: Array, weights: Array, times: Array, settings: LiftSettings) -> Array:
    """Joints (F, 26, 3) smoothed by trust, gaps filled."""
    curves = smooth(points.reshape(len(times), -1), np.repeat(weights, 3, 1), times, cutoff_hz(settings.smoothing))
    return curves.reshape(len(times), -1, 3)


def _posed(curves: Array, seen: _Seen) -> _Figure:
    """The rest skeleton laid along joints `curves` (F, 26, 3) m."""
    rotations = solve_rotations(curves, seen.weights, seen.rest_offsets, seen.times)
    return _laid(rotations, curves, seen)


def _laid(rotations: Array, curves: Array, seen: _Seen) -> _Figure:
    """The rest skeleton under world rotations (F, 21, 4)."""
    local = local_from_world(ANIMATION_21.parents, rotations)
    root = np.zeros((len(curves), 3))
    joints, rotations = forward_kinematics(ANIMATION_21.parents, seen.rest_offsets, root, local)
    parents, offsets = contact_points(seen.rest_tails, seen.rest_offsets)
    feet = joints[:, parents] + rotate(rotations[:, parents], offsets)
    carriers, places = support_points(seen.rest_offsets)
    supports = joints[:, carriers] + rotate(rotations[:, carriers], places)
    points = body_points(joints, rotations, seen.rest_offsets)
    kept = {field.name: getattr(seen, field.name) for field in fields(_Seen)}
    return _Figure(**kept, curves=curves, rotations=rotations, points=points, feet=feet, supports=supports)


def _path(figure: _Figure) -> Array:
    """The path (F, 3) by reprojection, keypoints that disagree with the figure weighted down in a second pass."""
    seen = figure.weights.copy()
    seen[:, BODY_26.indices(*INTERPOLATED)] = 0.0
    path = solve_path(figure.points, figure.rays, seen, figure.times)
    depth = np.maximum(path[:, 2:], 0.3)
    off = reprojection_error(figure.points, path, figure.rays) * depth
    typical = np.sqrt(np.average(off**2, axis=1, weights=seen + 1e-9))
    weights = seen / (1 + (off / (4 * KEYPOINT_SIGMA)) ** 2)
    # Where the pose itself is wrong, so is the distance that it suggests.
    weights /= 1 + (typical[:, None] / (2 * KEYPOINT_SIGMA)) ** 4
    return solve_path(figure.points, figure.rays, weights, figure.times)


def _up_and_lowest(figures: Sequence[_Figure], paths: Sequence[Array]) -> tuple[Array, float]:
    """A first floor: up as people stand, at the height that feet seldom go below."""
    up = _standing(figures)[0]
    heights = np.concatenate([((f.feet + p[:, None]) @ up).min(1) for f, p in zip(figures, paths, strict=True)])
    return up, float(np.percentile(heights, 10))


def _standing(figures: Sequence[_Figure]) -> tuple[Array, float]:
    """Up (3,) by all people's standing frames together with a level camera's, and its certainty."""
    found = [standing_up(f.points, f.feet, f.weights, _leg_length(f)) for f in figures]
    certainty = max(c for _, c in found)
    up = normalise(sum((c * u for u, c in found), np.zeros(3))) if certainty > 0 else LEVEL_UP
    return fit_ground(up, certainty, np.zeros((0, 3)), np.zeros(0), fit_plane=False).normal, certainty


def _leg_length(figure: _Figure) -> float:
    """From hip to sole, m."""
    return float(
        np.linalg.norm(figure.rest_offsets[ANIMATION_21.indices("left_knee", "left_ankle")], axis=-1).sum()
    ) + (SOLE * float(figure.rest_offsets[0, 2]))


def _contacts(figure: _Figure, path: Array, ground: Ground) -> Array:
    level = _level_rotation(ground.normal)
    return find_contacts((figure.feet + path[:, None]) @ level.T, figure.foot_confidence, figure.times)


def _supports(figure: _Figure, path: Array, ground: Ground) -> Array:
    """How hands, knees and seat carry (F, 5)."""
    level = _level_rotation(ground.normal)
    points = (figure.supports + path[:, None]) @ level.T - [0.0, 0.0, ground.offset]
    hips = path @ ground.normal - np.minimum(ground.offset, (figure.feet + path[:, None]) @ ground.normal).min(1)
    return find_supports(points, hips, figure.support_confidence, figure.times, _leg_length(figure))


def _ground(
    figures: Sequence[_Figure], paths: Sequence[Array], contacts: Sequence[Array], before: Ground, storey: float
) -> Ground:
    """The floor by standing people and the feet that rest within `storey` m of the floor `before`."""
    points = np.concatenate([(f.feet + p[:, None]).reshape(-1, 3) for f, p in zip(figures, paths, strict=True)])
    weights = np.concatenate([plant_weights(c).ravel() for c in contacts])
    weights = weights / (1 + ((points @ before.normal - before.offset) / storey) ** 4)
    if weights.sum() < 0.5:
        return before
    up, certainty = _standing(figures)
    return fit_ground(up, certainty, points, weights)


def _level_rotation(up: Array) -> Array:
    """Rotation (3, 3) from the camera's axes to the world's: Z up, the optical axis along +Y in plan."""
    forward = np.array([0.0, 0.0, 1.0])
    forward = normalise(forward - up * (forward @ up))
    return np.stack([np.cross(forward, up), forward, up])


def _world(figures: Sequence[_Figure], paths: Sequence[Array], ground: Ground) -> Array:
    """world_from_camera (4, 4): the origin on the floor under the first confident pelvis of whoever comes first."""
    first = min(range(len(figures)), key=lambda i: float(figures[i].times[0]))
    confident = np.flatnonzero(figures[first].weights.mean(1) > 0.25)
    pelvis = paths[first][confident[0] if len(confident) else 0]
    origin = pelvis - (pelvis @ ground.normal - ground.offset) * ground.normal
    rotation = _level_rotation(ground.normal)
    return camera.rigid(rotation, -rotation @ origin)


def _motion(
    person: Person,
    span: tuple[int, int],
    figure: _Figure,
    path: Array,
    contacts: Array,
    supports: Array,
    world_from_camera: Array,
    camera_K: Array,
    settings: LiftSettings,
    source: Mapping[str, Any],
) -> Motion:
    """Into the world; before the person is first seen and after the last time, the nearest pose is held."""
    keypoints = person.keypoints
    frames = np.clip(np.arange(len(keypoints.times)), span[0], span[1] - 1) - span[0]
    rotations = multiply(from_matrix(world_from_camera[:3, :3]), figure.rotations)
    local = local_from_world(ANIMATION_21.parents, rotations)
    root = camera.apply(world_from_camera, path)
    if settings.foot_lock:
        body = Skeleton(figure.rest_offsets, figure.rest_tails)
        root, local = plant_feet(root, local, body, contacts, figure.times, settings.floor)
    root, local = root[frames], continuous(local)[frames]
    positions, _ = forward_kinematics(ANIMATION_21.parents, figure.rest_offsets, root, local)
    parents, offsets = (
        np.concatenate(both)
        for both in zip(
            contact_points(figure.rest_tails, figure.rest_offsets), support_points(figure.rest_offsets), strict=True
        )
    )
    everything = np.concatenate([contacts, supports], 1)[frames]
    outside = (np.arange(len(frames)) < span[0]) | (np.arange(len(frames)) >= span[1])
    return Motion(
        times=keypoints.times,
        fps=standard_rate(keypoints.times),
        joint_names=ANIMATION_21.joints,
        parents=np.array(ANIMATION_21.parents),
        rest_offsets=figure.rest_offsets,
        rest_tails=figure.rest_tails,
        root_translation=root,
        local_rotations=local,
        joint_positions=positions,
        confidence=joint_confidence(keypoints, figure.points[frames], figure.curves[frames]),
        detected=keypoints.detected,
        contact_names=CONTACT_NAMES + SUPPORT_NAMES,
        contact_parents=parents,
        contact_offsets=offsets,
        contacts=np.where(outside[:, None], 0.0, everything),
        camera_K=camera_K[None],
        world_from_camera=world_from_camera[None],
        image_size=keypoints.image_size,
        keypoint_names=BODY_26.joints,
        keypoints_2d=keypoints.pixels,
        keypoint_confidence=keypoints.confidence,
        lifted_camera=person.lifted_camera,
        source=dict(source),
    ).check()
