"""What a report and a preview compare: the solved figure, what the detector saw, what DG-Net made of it.

Points are `BODY_26`'s unless told; world and camera frames as in `Motion`; pixels of the upright picture.
"""

from __future__ import annotations

import numpy as np

from .. import camera
from ..jobs import MotionLiftError
from ..motion import Motion
from ..rotation import IDENTITY, Array, forward_kinematics, rotate
from ..skeleton import (
    ANIMATION_21,
    BODY_26,
    BODY_FROM_ANIMATION,
    REFERENCE_HEIGHT,
    attachment,
    body_points,
    landmark_offsets,
    reference_rest,
)

NEAREST = 0.05
"""Metres in front of the camera that a point must lie to have a place in the picture."""


def checked(motion: Motion) -> Motion:
    """The motion, if it has our body and keypoints. Raises `MotionLiftError` (`bad_motion`)."""
    joints = len(ANIMATION_21)
    if motion.joint_names[:joints] != ANIMATION_21.joints or motion.keypoint_names != BODY_26.joints:
        raise MotionLiftError(
            "bad_motion",
            "This motion's skeleton is not one that MotionLift solves.",
            "Give a .motion.npz that motionlift lift wrote.",
        )
    return motion


def points_world(motion: Motion) -> Array:
    """The solved figure's points (F, 26, 3) m in the world."""
    joints = len(ANIMATION_21)
    rotations = motion.world_rotations()[:, :joints]
    return body_points(motion.joint_positions[:, :joints], rotations, motion.rest_offsets[:joints])


def landmarks_world(motion: Motion) -> Array:
    """The same points (F, 26, 3) m where a detector sees them: on the surface (`skeleton.landmark_offsets`)."""
    rotations = motion.world_rotations()[:, [_carrier(name) for name in BODY_26.joints]]
    return points_world(motion) + rotate(rotations, landmark_offsets() * _size(motion))


def lifted_world(motion: Motion) -> Array:
    """DG-Net's own output (F, 26, 3) m at the body's size, turned into the world and set down along the solved path;
    NaN where nothing was detected."""
    lifted = motion.lifted_camera * (height_m(motion) / REFERENCE_HEIGHT)
    turned = np.einsum("fij,fnj->fni", _per_frame(motion.world_from_camera, len(motion))[:, :3, :3], lifted)
    return np.asarray(turned + motion.root_translation[:, None])


def stays_in_place(motion: Motion) -> bool:
    """Whether the way a person went was left out, so that feet slide by what it was."""
    travel = dict(motion.source.get("settings", {})).get("travel")
    return bool(motion.source.get("camera_moves")) if travel is None else not travel


def foot_contacts(motion: Motion, side: str = "") -> list[int]:
    """The contacts that are heels and toe tips, of one side or of both."""
    feet = ("_heel", "_toe_tip")
    return [c for c, name in enumerate(motion.contact_names) if name.startswith(side) and name.endswith(feet)]


def in_camera(motion: Motion, points: Array) -> Array:
    """Points (F, N, 3) m of the world in each frame's camera."""
    placed = _per_frame(motion.world_from_camera, len(points))
    return np.asarray(np.einsum("fji,fnj->fni", placed[:, :3, :3], points - placed[:, None, :3, 3]))


def in_picture(motion: Motion, points: Array) -> Array:
    """Pixels (F, N, 2) of points (F, N, 3) m of the world; NaN where one is not in front of the camera."""
    points_camera = in_camera(motion, points)
    depth = np.where(points_camera[..., 2:] > NEAREST, points_camera[..., 2:], np.nan)
    K = _per_frame(motion.camera_K, len(points))
    focal = np.stack([K[:, 0, 0], K[:, 1, 1]], -1)[:, None]
    return np.asarray(points_camera[..., :2] / depth * focal + K[:, None, :2, 2])


def frame_in_picture(motion: Motion, frame: int, points: Array) -> tuple[Array, Array]:
    """Pixels (N, 2) and depths (N,) m of points (N, 3) m of the world in one frame; NaN where one is not in front of
    the camera."""
    placed = motion.world_from_camera[min(frame, len(motion.world_from_camera) - 1)]
    points_camera = camera.apply(camera.inverse(placed), points)
    points_camera[:, 2] = np.where(points_camera[:, 2] > NEAREST, points_camera[:, 2], np.nan)
    return camera.project(points_camera, motion.camera_K[min(frame, len(motion.camera_K) - 1)]), points_camera[:, 2]


def figure_height_px(motion: Motion) -> Array:
    """How high (F,) px the person would stand in the picture at each frame's distance, however they bend."""
    depth = np.maximum(in_camera(motion, motion.root_translation[:, None])[:, 0, 2], NEAREST)
    return np.asarray(_per_frame(motion.camera_K, len(motion))[:, 1, 1] * height_m(motion) / depth)


def height_m(motion: Motion) -> float:
    """Standing height in metres: as the lift was told or assumed it, else the rest skeleton's."""
    said = motion.source.get("height_m")
    if isinstance(said, int | float) and said > 0:
        return float(said)
    return standing_height_m(motion)


def standing_height_m(motion: Motion) -> float:
    """From the soles to the top of the head of the rest skeleton."""
    identity = np.broadcast_to(IDENTITY, (len(motion.parents), 4))
    joints, _ = forward_kinematics(motion.parents, motion.rest_offsets, np.zeros(3), identity)
    return float(motion.rest_offsets[0, 2] + (joints + motion.rest_tails)[:, 2].max())


def seen_span(motion: Motion) -> tuple[int, int]:
    """The first frame in which the person was detected and the one after the last: outside it a pose is only held."""
    shown = np.flatnonzero(motion.detected)
    return (int(shown[0]), int(shown[-1]) + 1) if len(shown) else (0, 0)


def clip_times(motion: Motion) -> Array:
    """The samples' times (F,) s in the video file, which slow motion plays slower than life."""
    return motion.times * speed(motion)


def speed(motion: Motion) -> float:
    """Seconds of the file over seconds of life."""
    said = motion.source.get("speed")
    return float(said) if isinstance(said, int | float) and said > 0 else 1.0


def _carrier(point: str) -> int:
    try:
        return ANIMATION_21.index(attachment(point)[0])
    except KeyError:
        return ANIMATION_21.index(BODY_FROM_ANIMATION.get(point, point))


def _size(motion: Motion) -> float:
    """The body against the reference's: the mean ratio of its bones' lengths."""
    ours, reference = motion.rest_offsets[1 : len(ANIMATION_21)], reference_rest()[0][1:]
    return float(np.linalg.norm(ours, axis=-1).sum() / np.linalg.norm(reference, axis=-1).sum())


def _per_frame(values: Array, frames: int) -> Array:
    """Values (1 or F, ...) as (F, ...)."""
    return np.broadcast_to(values, (frames, *values.shape[1:]))
