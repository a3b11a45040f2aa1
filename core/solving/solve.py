"""From what was seen and lifted to `Motion`: one body, a path in metres, a level floor, rotations.

Per person a closed-form start (`figure`):

1. trust in each keypoint; lifted joints smoothed and gaps filled by it;
2. one set of bone lengths, rotations laid along the joints, forward kinematics;
3. the path by reprojection; up and floor, found for all people together (`standing`).

Then the sequence solve: free, which shows where feet stand, and twice with planted feet on the floor. At last planted
feet are made to stand exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import camera
from ..jobs import LiftSettings, MotionLiftError, ProgressCallback, ignore_progress
from ..keypoints import Keypoints2D
from ..motion import Motion, standard_rate
from ..rotation import Array, continuous_signs, from_matrix, local_from_world, multiply
from ..skeleton import (
    ANIMATION_21,
    BODY_26,
    CONTACT_NAMES,
    REFERENCE_HEIGHT,
    SUPPORT_NAMES,
    contact_points,
    support_points,
)
from . import sequence
from .body import Body
from .confidence import joint_confidence
from .evidence import Evidence, Pose, Sigmas
from .figure import Figure, Person, laid, path_of, pose
from .planting import Skeleton, plant_feet
from .sequence import solve_sequence
from .standing import first_ground, heights_by_floor, stance_of, standing_on, supports_of, world_of
from .stretches import by_stretches, joint_positions
from .trajectory import Ground

PASSES = (12, 15, 18)
"""Iterations of the sequence solves: of the first, which finds where feet stand, and of those with planted feet."""
MISFIT_PASS = 8
"""Iterations after which it shows which lens fits."""
MISFIT_SIGMAS = Sigmas(point_acceleration=22.0, livelier=0.0)
"""By which lenses are compared: all held alike, however lively what each has lifted is."""
FLOOR_TOLD = "by the floor"
"""How a height is known that follows from the floor that people share."""
SHORTEST = 3
"""Detected frames below which there is nothing to solve."""


class Solving:
    """Tells how far a solve in so many passes is, in frames of the people."""

    def __init__(self, progress: ProgressCallback, frames: int, passes: int = 1) -> None:
        self._progress, self._frames, self._passes, self._done = progress, frames, passes, 0
        progress("solve", 0, frames)

    def more(self, frames: int) -> None:
        """So many more are done, of one pass."""
        self._done += frames
        self._progress("solve", self._done // self._passes, self._frames)


def solve_people(
    people: Sequence[Person],
    camera_K: Array,
    settings: LiftSettings,
    sources: Sequence[Mapping[str, Any]],
    progress: ProgressCallback = ignore_progress,
) -> list[Motion]:
    """One `Motion` a person; all share camera, floor and clock.

    `camera_K` (3, 3); `sources`: each motion's `source`. Raises `MotionLiftError` (code `person_too_short`)
    for someone detected in fewer than three frames.
    """
    spans = [detected_span(person.keypoints) for person in people]
    solving = Solving(progress, sum(stop - start for start, stop in spans), len(PASSES))
    figures = [pose(part_of(p, *span), camera_K, settings) for p, span in zip(people, spans, strict=True)]
    paths = [path_of(figure) for figure in figures]
    stance = stance_of(figures, paths)
    ground = first_ground(figures, paths, stance)
    contacts = [np.zeros(figure.feet.shape[:2]) for figure in figures]
    supports = [np.zeros(figure.supports.shape[:2]) for figure in figures]
    tall = [1.0] * len(people)
    for number, iterations in enumerate(PASSES):
        for person in range(len(people)):
            # Taken out: what it shows is made anew, and an hour of it is large.
            figure, paths[person] = laid_on_picture(
                figures.pop(0),
                paths[person],
                ground,
                contacts[person],
                supports[person],
                iterations,
                settings,
                again=number > 1,
                solved_more=solving.more,
            )
            figures.append(figure)
            del figure
        ground, contacts = standing_on(figures, paths, stance)
        if number == 0 and len(people) > 1 and settings.floor and settings.height_m is None:
            tall = heights_by_floor(figures, paths, ground)
            if any(factor != 1 for factor in tall):
                figures = [figure.scaled(factor) for figure, factor in zip(figures, tall, strict=True)]
                paths = [path * factor for path, factor in zip(paths, tall, strict=True)]
                ground, contacts = standing_on(figures, paths, stance)
        supports = [supports_of(f, p, ground) for f, p in zip(figures, paths, strict=True)]
    world_from_camera = world_of(figures, paths, ground)
    sources = [{**source, **_height(factor)} for source, factor in zip(sources, tall, strict=True)]
    return [
        motion_of(person, span, figures.pop(0), path, contact, support, world_from_camera, camera_K, settings, source)
        for person, span, path, contact, support, source in zip(
            people, spans, paths, contacts, supports, sources, strict=True
        )
    ]


def misfit(person: Person, camera_K: Array, settings: LiftSettings) -> float:
    """How badly one person's keypoints and lifted joints agree under a camera (3, 3): the sum of squares, in standard
    deviations, that a free solve leaves. Raises what `solve_people` raises."""
    figure = pose(part_of(person, *detected_span(person.keypoints)), camera_K, settings)
    path = path_of(figure)
    none = np.zeros(figure.feet.shape[:2])
    evidence = Evidence(
        figure.rays, figure.weights, figure.curves, figure.times, None, none, none, np.zeros(figure.supports.shape[:2])
    )
    body = Body.of(figure.rest_offsets, figure.rest_tails)
    return sequence.misfit(Pose(figure.rotations, path), body, evidence, MISFIT_PASS, MISFIT_SIGMAS)


def detected_span(keypoints: Keypoints2D) -> tuple[int, int]:
    """The first detected frame and the one after the last. Raises as `solve_people`."""
    shown = np.flatnonzero(keypoints.detected)
    if len(shown) < SHORTEST:
        raise MotionLiftError(
            "person_too_short",
            f"The person is seen in {len(shown)} frame{'s' if len(shown) != 1 else ''} only.",
            f"At least {SHORTEST} are needed; choose another person or a longer part of the video.",
        )
    return int(shown[0]), int(shown[-1]) + 1


def part_of(person: Person, start: int, stop: int) -> Person:
    """The person in the frames start <= f < stop."""
    return Person(person.keypoints.window(start, stop), person.lifted_camera[start:stop])


def laid_on_picture(
    figure: Figure,
    path: Array,
    ground: Ground,
    contacts: Array,
    supports: Array,
    iterations: int,
    settings: LiftSettings,
    again: bool,
    solved_more: Callable[[int], None],
) -> tuple[Figure, Array]:
    """The figure and its path after a sequence solve; `solved_more` as there."""
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
    start, seen, curves = Pose(figure.rotations, path), figure.seen, figure.curves
    del figure
    solved = solve_sequence(start, body, evidence, iterations, sigmas, again, solved_more)
    del start
    return laid(solved.rotations, curves, seen), solved.path


def _height(factor: float) -> dict[str, Any]:
    """What a source should say of a height that the floor told, that many times the one assumed."""
    return {} if factor == 1 else {"height_m": round(factor * REFERENCE_HEIGHT, 3), "height_is": FLOOR_TOLD}


def _local(rotations: Array, world_from_camera: Array) -> Array:
    """Local rotations (F, 21, 4) in the world of orientations (F, 21, 4) in the camera's axes."""
    turn = from_matrix(world_from_camera[:3, :3])

    def of(part: slice) -> list[Array]:
        return [local_from_world(ANIMATION_21.parents, multiply(turn, rotations[part]))]

    return by_stretches(of, len(rotations))[0]


def _confidence(keypoints: Keypoints2D, figure: Figure, frames: NDArray[np.int64]) -> Array:
    """`joint_confidence` (F, 21) of keypoints whose poses are the figure's `frames` (F,)."""

    def sure(part: slice) -> list[Array]:
        here = frames[part]
        return [joint_confidence(keypoints.window(part.start, part.stop), figure.points[here], figure.curves[here])]

    return by_stretches(sure, len(frames))[0]


def motion_of(
    person: Person,
    span: tuple[int, int],
    figure: Figure,
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
    body, times, rotations = Skeleton(figure.rest_offsets, figure.rest_tails), figure.times, figure.rotations
    confidence = _confidence(keypoints, figure, frames)
    # An hour of it is large, and so is what follows.
    del figure
    local = _local(rotations, world_from_camera)
    del rotations
    root = camera.apply(world_from_camera, path)
    if settings.foot_lock:
        root, local = plant_feet(root, local, body, contacts, times, settings.floor)
    local *= continuous_signs(local)[..., None]
    if len(frames) > len(local):
        root, local = root[frames], local[frames]
    parents, offsets = (
        np.concatenate(both)
        for both in zip(
            contact_points(body.rest_tails, body.rest_offsets), support_points(body.rest_offsets), strict=True
        )
    )
    everything = np.concatenate([contacts, supports], 1)[frames]
    outside = (np.arange(len(frames)) < span[0]) | (np.arange(len(frames)) >= span[1])
    return Motion(
        times=keypoints.times,
        fps=standard_rate(keypoints.times),
        joint_names=ANIMATION_21.joints,
        parents=np.array(ANIMATION_21.parents),
        rest_offsets=body.rest_offsets,
        rest_tails=body.rest_tails,
        root_translation=root,
        local_rotations=local,
        joint_positions=joint_positions(ANIMATION_21.parents, body.rest_offsets, root, local),
        confidence=confidence,
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
