"""A motion solved again with other settings, from what its file holds: nothing is detected or lifted.

Who changes how smooth a motion is, or whether its feet are planted, does not ask for another figure, floor or contacts:
these stay, and one solve from the motion as it stands takes a third of the time of all of them. Anything else is solved
from the beginning, and stands where it stood: others of the same clip stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import __version__
from .. import camera
from ..jobs import LiftSettings, ProgressCallback, ignore_progress
from ..keypoints import Keypoints2D
from ..motion import Motion
from ..rotation import (
    Array,
    forward_kinematics,
    from_axis_angle,
    from_matrix,
    minimal_rotation,
    multiply,
    rotate,
    to_matrix,
)
from ..skeleton import ANIMATION_21, BODY_26, CONTACT_NAMES, REFERENCE_HEIGHT
from .figure import Person, laid, lifted_again
from .moving import as_filmed, first_seen, in_place, still_frame, stilled, through_another_lens, travels, turns_of
from .solve import FLOOR_TOLD, PASSES, Solving, detected_span, laid_on_picture, motion_of, part_of, solve_people
from .trajectory import Ground

MANNER = frozenset({"smoothing", "foot_lock", "hands"})
"""The settings that leave figure, floor and contacts as they are."""
LENS, HEIGHT = ("fov_degrees", "fov_is", "fov_range"), ("height_m", "height_is")
"""What a source tells of either: the figure, how it is known, and more."""
FOUND = "found"
"""The source's key for what was found, while something given stands in its place."""


def resolve(motion: Motion, settings: LiftSettings, progress: ProgressCallback = ignore_progress) -> Motion:
    """The motion as other settings want it. Its fingers, if it has any, are left out, unless nothing differs."""
    differing = _differing(motion, settings)
    if not differing:
        return motion
    source = {**motion.source, "settings": settings.of_result()}
    if differing == {"hands"} and settings.hands:
        return replace(motion, source=source)
    source = _told(source, HEIGHT, settings.height_m, {"height_m": REFERENCE_HEIGHT, "height_is": "assumed"})
    source = _told(source, LENS, settings.fov_degrees, {})
    if source.get("height_is") == FLOOR_TOLD:
        # What others on the same floor told; here this person is alone.
        settings = replace(settings, height_m=float(source["height_m"]))
    before = after = motion.camera_K[0]
    if source.get("fov_degrees") != motion.source.get("fov_degrees"):
        after = camera.intrinsics(motion.image_size, float(source["fov_degrees"]))
    filmed = Keypoints2D(
        motion.times, motion.keypoints_2d, motion.keypoint_confidence, motion.detected, motion.image_size
    )
    turned = turns = turns_of(motion)
    if turned is not None and after is not before:
        turns = through_another_lens(turned, before, after)
    person = _before_still_camera(filmed, motion.lifted_camera, _Camera(before, turned), _Camera(after, turns))
    if differing <= MANNER:
        solved = replace(_in_another_manner(motion, person, settings, progress), source=source)
    else:
        (solved,) = solve_people([person], after, settings, [source], progress)
    if turns is not None:
        solved = as_filmed(solved, filmed, turns)
    if not differing <= MANNER:
        solved = _where_it_stood(solved, motion)
    return solved if travels(settings, bool(source.get("camera_moves"))) else in_place(solved)


def _differing(motion: Motion, settings: LiftSettings) -> set[str]:
    """The settings in which the motion was solved otherwise; what another version solved differs in its version."""
    own, asked = dict(motion.source.get("settings", {})), settings.of_result()
    differing = {name for name in {*own, *asked} if own.get(name) != asked.get(name)}
    same = dict(motion.source.get("versions", {})).get("motionlift") == __version__
    return differing if same else {*differing, "version"}


def _told(
    source: Mapping[str, Any], names: tuple[str, ...], given: float | None, otherwise: Mapping[str, Any]
) -> dict[str, Any]:
    """The source with a figure as `given`, else as it was found, where that is known, or as it is `otherwise`."""
    figure, how = names[:2]
    own = {name: source[name] for name in names if name in source}
    found = dict(source.get(FOUND, {}))
    if given is not None:
        if own and own.get(how) != "given":
            found.update(own)
        own = {figure: given, how: "given"}
    elif own.get(how) == "given":
        own = {name: found.pop(name) for name in names if name in found} or dict(otherwise) or own
    rest = {name: value for name, value in source.items() if name not in {*names, FOUND}}
    return {**rest, **own, **({FOUND: found} if found else {})}


@dataclass(frozen=True)
class _Camera:
    """One that filmed: K (3, 3), and its turns (F, 3, 3) from a still one, as `camera_turns` reads them under that K;
    None where it stood still."""

    K: Array
    turns: Array | None

    def stilled(self, filmed: Keypoints2D) -> Keypoints2D:
        """What it filmed, as the still one would have seen it."""
        return filmed if self.turns is None else stilled(filmed, self.K, self.turns)


def _before_still_camera(filmed: Keypoints2D, lifted_camera: Array, was: _Camera, now: _Camera) -> Person:
    """What was seen by `now`, and lifted when it was taken for `was`, as a still camera would have seen it.

    What was lifted looks the same from the camera: it turns with the ray to the pelvis.
    """
    seen, lifted = now.stilled(filmed), lifted_camera
    if was.turns is not None:
        lifted = lifted_camera @ np.swapaxes(was.turns, 1, 2)
    if now.K is not was.K:
        pelvis = BODY_26.index("pelvis")
        views = ((was.stilled(filmed), was.K), (seen, now.K))
        rays = [camera.rays(keypoints.pixels[:, pelvis], K) for keypoints, K in views]
        lifted = rotate(minimal_rotation(*rays)[:, None], lifted)
    return Person(seen, lifted)


def _in_another_manner(motion: Motion, person: Person, settings: LiftSettings, progress: ProgressCallback) -> Motion:
    """One solve from the motion on, with its figure, floor and contacts; `person` as the still camera saw it."""
    span = detected_span(person.keypoints)
    solving = Solving(progress, span[1] - span[0])
    here, body = slice(*span), len(ANIMATION_21)
    rotations, path, world_from_camera = _in_still_camera(motion)
    camera_K = motion.camera_K[0]
    rest = motion.rest_offsets[:body], motion.rest_tails[:body]
    seen, curves = lifted_again(part_of(person, *span), camera_K, settings, rest)
    figure = laid(rotations[here], curves, seen)
    contacts, supports = np.split(motion.contacts[here], [len(CONTACT_NAMES)], axis=1)
    # The plane Z = 0 of the world.
    ground = Ground(world_from_camera[2, :3], -float(world_from_camera[2, 3]))
    figure, path = laid_on_picture(
        figure, path[here], ground, contacts, supports, PASSES[-1], settings, again=True, solved_more=solving.more
    )
    return motion_of(
        person, span, figure, path, contacts, supports, world_from_camera, camera_K, settings, motion.source
    )


def _in_still_camera(motion: Motion) -> tuple[Array, Array, Array]:
    """Orientations (F, 21, 4) and path (F, 3) of the motion in the axes of the still camera, and that camera's
    world_from_camera (4, 4)."""
    poses = motion.world_from_camera
    axes = poses[still_frame(motion), :3, :3]
    rotations = motion.world_rotations()[:, : len(ANIMATION_21)]
    # Where people are kept in place their camera goes along: only each frame's own tells how far they are from it.
    path: Array = (motion.root_translation - poses[:, :3, 3]) @ axes
    first = first_seen(motion) if len(poses) > 1 else 0
    return multiply(from_matrix(axes.T), rotations), path, camera.rigid(axes, poses[first, :3, 3])


def _where_it_stood(solved: Motion, before: Motion) -> Motion:
    """A motion that was solved alone, turned and moved in plan to where it stood in the clip's world: as far from the
    origin as another height makes everything, and another lens all distances from the camera."""
    still, first = still_frame(before), first_seen(before)
    view = before.world_from_camera[still, :2, 2]
    # Alone it has the still camera look along +Y.
    turn = from_axis_angle(np.array([0.0, 0.0, 1.0]), -np.arctan2(view[0], view[1]))
    longer = solved.camera_K[0, 0, 0] / before.camera_K[0, 0, 0]
    size = _height(solved) / _height(before)
    root = rotate(turn, solved.root_translation)
    place = before.root_translation[first, :2] * size * [1.0, longer]
    move = np.append(place - root[first, :2], 0.0)
    root = root + move
    local = solved.local_rotations.copy()
    local[:, 0] = multiply(turn, local[:, 0])
    joints, _ = forward_kinematics(solved.parents, solved.rest_offsets, root, local)
    cameras = camera.rigid(to_matrix(turn), move) @ solved.world_from_camera
    return replace(
        solved, root_translation=root, local_rotations=local, joint_positions=joints, world_from_camera=cameras
    )


def _height(motion: Motion) -> float:
    """How tall the body was told or taken to be, m."""
    return float(motion.source.get("height_m", REFERENCE_HEIGHT))
