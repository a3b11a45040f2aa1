"""Cameras that turn while they film: seen as if one still camera had filmed all.

A camera that pans and tilts about itself changes no parallax, so its pictures can be laid onto those of a still one
exactly, ray by ray. One that is carried cannot, and the two look alike in the picture's background; that is why people
filmed by a moving camera stay in place unless their travel is asked for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import camera
from ..jobs import LiftSettings
from ..keypoints import Keypoints2D
from ..motion import Motion
from ..rotation import Array, forward_kinematics, from_euler, to_euler, to_matrix
from .smoothing import smooth

WIDEST = np.radians(100.0)
"""The largest turn that is laid onto one still picture."""
TURNING = "YXZ"
"""How a camera turns: it pans about the vertical, tilts about its own level axis, and rolls last, if at all."""
PLACE_HZ = 0.4
"""Movements slower than this are travel, faster ones are the body's."""


def travels(settings: LiftSettings, moving_camera: bool) -> bool:
    """Whether people go their way: as asked for, else where the camera stood still."""
    return not moving_camera if settings.travel is None else settings.travel


def camera_turns(drift: Array, camera_K: Array, image_size: tuple[int, int]) -> Array | None:
    """Rotations (F, 3, 3) from each frame's camera to a still one in the middle of all; None for a camera that does
    not turn, or turns so far that no still picture holds it."""
    if not camera.moves(drift):
        return None
    angles = drift * max(image_size) / np.array([camera_K[0, 0], camera_K[1, 1]])
    angles = angles - (angles.max(0) + angles.min(0)) / 2
    if np.ptp(angles, axis=0).max() > WIDEST:
        return None
    # A background that goes right and down was left behind by a camera that turned left and up.
    return _turned(np.stack([-angles[:, 0], angles[:, 1], np.zeros(len(angles))], -1))


def stilled(keypoints: Keypoints2D, camera_K: Array, turns: Array) -> Keypoints2D:
    """Keypoints as the still camera would have seen them; `turns` (F, 3, 3) as `camera_turns` gives them."""
    rays = camera.rays(keypoints.pixels, camera_K) @ np.swapaxes(turns, 1, 2)
    rays[..., 2] = np.maximum(rays[..., 2], 0.05)
    return replace(keypoints, pixels=camera.project(rays, camera_K))


def as_filmed(motion: Motion, keypoints: Keypoints2D, turns: Array) -> Motion:
    """A motion solved under the still camera, with the camera that filmed it: one a frame, and its own keypoints."""
    poses = np.tile(np.eye(4), (len(turns), 1, 1))
    poses[:, :3, :3] = turns
    return replace(
        motion,
        keypoints_2d=keypoints.pixels,
        lifted_camera=motion.lifted_camera @ turns,
        world_from_camera=motion.world_from_camera[0] @ poses,
    )


def still_frame(motion: Motion) -> int:
    """The frame whose camera is nearest to the middle of all turns, where `camera_turns` has the still one."""
    axes = motion.world_from_camera[:, :3, :3]
    x, y, z = np.moveaxis(axes[len(axes) // 2].T @ axes[..., 2:], 1, 0)[..., 0]
    angles = np.stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1.0, 1.0))], -1)
    return int(np.argmin(np.linalg.norm(angles - (angles.max(0) + angles.min(0)) / 2, axis=-1)))


def turns_of(motion: Motion) -> Array | None:
    """The rotations (F, 3, 3) that `as_filmed` wrote into a motion, to the camera of its `still_frame`; None for a
    camera that stood still."""
    if len(motion.world_from_camera) < 2:
        return None
    axes = motion.world_from_camera[:, :3, :3]
    turns: Array = axes[still_frame(motion)].T @ axes
    return turns


def through_another_lens(turns: Array, before: Array, after: Array) -> Array:
    """Turns (F, 3, 3) that were read from the background under K `before` (3, 3), under K `after`: the longer the
    lens, the smaller the turn that shifts it so far."""
    return _turned(to_euler(turns, TURNING) * (before[0, 0] / after[0, 0]))


def _turned(angles: Array) -> Array:
    """Rotations (F, 3, 3) by `angles` (F, 3), as a head on a tripod turns."""
    return to_matrix(from_euler(angles, TURNING))


def first_seen(motion: Motion) -> int:
    """The first frame in which somebody was detected: there they stand without travel as with it."""
    return int(np.argmax(motion.detected))


def in_place(motion: Motion) -> Motion:
    """The motion without its travel: the pelvis keeps its height and sways where it was first seen, and the way it
    went from there is left out."""
    root, first = motion.root_translation, first_seen(motion)
    way = smooth(root[:, :2], np.ones(len(root)), motion.times, PLACE_HZ)
    way = way - way[first]
    stays = np.concatenate([root[:, :2] - way, root[:, 2:]], -1)
    positions, _ = forward_kinematics(motion.parents, motion.rest_offsets, stays, motion.local_rotations)
    # The camera goes along, so that the figure still covers the actor.
    cameras = np.broadcast_to(motion.world_from_camera, (len(root), 4, 4)).copy()
    cameras[:, :2, 3] -= way
    return replace(motion, root_translation=stays, joint_positions=positions, world_from_camera=cameras)


def with_travel(motion: Motion, settings: LiftSettings) -> Motion | None:
    """A motion solved before as other `settings` want it, where they differ in nothing but travel: that needs no other
    solve. None where they do, and where the way was left out before."""
    own, asked = dict(motion.source.get("settings", {})), settings.of_result()
    moving_camera = bool(motion.source.get("camera_moves"))
    if {**own, "travel": None} != {**asked, "travel": None} or own.get("travel") is False:
        return None
    if own.get("travel") is None and moving_camera:
        return None
    motion = replace(motion, source={**motion.source, "settings": asked})
    return motion if travels(settings, moving_camera) else in_place(motion)
