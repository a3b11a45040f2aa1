"""A motion solved again with other settings, from what its file holds: nothing is detected or lifted.

Who changes how smooth a motion is, or whether its feet are planted, does not ask for another figure, floor or contacts:
these stay, and one solve from the motion as it stands takes a third of the time of all of them. Anything else is solved
from the beginning.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ... import __version__
from .. import camera
from ..jobs import LiftSettings
from ..keypoints import Keypoints2D
from ..motion import Motion
from ..rotation import Array, from_matrix, multiply
from ..skeleton import ANIMATION_21, CONTACT_NAMES
from .figure import Person, laid, pose
from .moving import as_filmed, in_place, stilled, travels, turns_of
from .solve import FLOOR_TOLD, PASSES, detected_span, laid_on_picture, motion_of, part_of, solve_people
from .trajectory import Ground

MANNER = frozenset({"smoothing", "foot_lock", "hands"})
"""The settings that leave figure, floor and contacts as they are."""


def resolve(motion: Motion, settings: LiftSettings) -> Motion:
    """The motion as other settings want it. Its fingers, if it has any, are left out."""
    asked = settings.of_result()
    differing = _differing(motion, settings)
    if not (differing or settings.hands):
        return motion
    filmed = Keypoints2D(
        motion.times, motion.keypoints_2d, motion.keypoint_confidence, motion.detected, motion.image_size
    )
    source = {**motion.source, "settings": asked}
    camera_K = motion.camera_K[0]
    if settings.height_m is not None:
        source.update(height_m=settings.height_m, height_is="given")
    elif source.get("height_is") == FLOOR_TOLD:
        # What others on the same floor told; here this person is alone.
        settings = replace(settings, height_m=float(source["height_m"]))
    if settings.fov_degrees is not None:
        camera_K = camera.intrinsics(motion.image_size, settings.fov_degrees)
        source.update(fov_degrees=settings.fov_degrees, fov_is="given")
    turns = turns_of(motion)
    if turns is None:
        person = Person(filmed, motion.lifted_camera)
    else:
        person = Person(stilled(filmed, camera_K, turns), motion.lifted_camera @ np.swapaxes(turns, 1, 2))
    if differing <= MANNER:
        solved = replace(_in_another_manner(motion, person, settings), source=source)
    else:
        (solved,) = solve_people([person], camera_K, settings, [source])
    if turns is not None:
        solved = as_filmed(solved, filmed, turns)
    return solved if travels(settings, bool(source.get("camera_moves"))) else in_place(solved)


def _differing(motion: Motion, settings: LiftSettings) -> set[str]:
    """The settings in which the motion was solved otherwise; what another version solved differs in its version."""
    own, asked = dict(motion.source.get("settings", {})), settings.of_result()
    differing = {name for name in {*own, *asked} if own.get(name) != asked.get(name)}
    same = dict(motion.source.get("versions", {})).get("motionlift") == __version__
    return differing if same else {*differing, "version"}


def _in_another_manner(motion: Motion, person: Person, settings: LiftSettings) -> Motion:
    """One solve from the motion on, with its figure, floor and contacts; `person` as the still camera saw it."""
    span = detected_span(person.keypoints)
    here, body = slice(*span), len(ANIMATION_21)
    rotations, path, world_from_camera = _in_still_camera(motion)
    camera_K = motion.camera_K[0]
    closed_form = pose(part_of(person, *span), camera_K, settings)
    seen = replace(closed_form.seen, rest_offsets=motion.rest_offsets[:body], rest_tails=motion.rest_tails[:body])
    figure = laid(rotations[here], closed_form.curves, seen)
    contacts, supports = np.split(motion.contacts[here], [len(CONTACT_NAMES)], axis=1)
    # The plane Z = 0 of the world.
    ground = Ground(world_from_camera[2, :3], -float(world_from_camera[2, 3]))
    figure, path = laid_on_picture(figure, path[here], ground, contacts, supports, PASSES[-1], settings, again=True)
    return motion_of(
        person, span, figure, path, contacts, supports, world_from_camera, camera_K, settings, motion.source
    )


def _in_still_camera(motion: Motion) -> tuple[Array, Array, Array]:
    """Orientations (F, 21, 4) and path (F, 3) of the motion in the axes of its middle camera, and that camera's
    world_from_camera (4, 4): the only one, where it stood still."""
    poses = motion.world_from_camera
    middle = poses[len(poses) // 2]
    axes = middle[:3, :3]
    rotations = motion.world_rotations()[:, : len(ANIMATION_21)]
    # Where people are kept in place their camera goes along: only each frame's own tells how far they are from it.
    path: Array = (motion.root_translation - poses[:, :3, 3]) @ axes
    return multiply(from_matrix(axes.T), rotations), path, middle
