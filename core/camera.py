"""The pinhole camera: OpenCV's frame (x right, y down, z forward), pixels with (0, 0) at the top left corner."""

from __future__ import annotations

import numpy as np

from .rotation import Array

DEFAULT_FOV_DEGREES = 55.0
"""Field of view along the longer side that is assumed when nothing is known: a phone's main camera, filming."""

MOVES = 0.03
"""Share of the picture's longer side that the background shifts when a camera moves."""


def intrinsics(image_size: tuple[int, int], fov_degrees: float = DEFAULT_FOV_DEGREES) -> Array:
    """K (3, 3) in pixels of a camera with `fov_degrees` along the longer side of (width, height)."""
    width, height = image_size
    focal = 0.5 * max(width, height) / np.tan(np.radians(fov_degrees) / 2)
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def project(joints_camera: Array, camera_K: Array) -> Array:
    """Pixels (..., 2) of points (..., 3) in front of the camera."""
    xy = joints_camera[..., :2] / joints_camera[..., 2:]
    pixels: Array = np.stack([xy[..., 0] * camera_K[0, 0], xy[..., 1] * camera_K[1, 1]], -1) + camera_K[:2, 2]
    return pixels


def rays(pixels: Array, camera_K: Array) -> Array:
    """Directions (..., 3) in the camera's frame, z = 1, of pixels (..., 2)."""
    xy = (pixels - camera_K[:2, 2]) / np.array([camera_K[0, 0], camera_K[1, 1]])
    return np.concatenate([xy, np.ones_like(xy[..., :1])], -1)


def apply(transform: Array, points: Array) -> Array:
    """Points (..., 3) moved by a rigid transform (4, 4)."""
    moved: Array = points @ transform[:3, :3].T + transform[:3, 3]
    return moved


def rigid(rotation: Array, translation: Array) -> Array:
    """The transform (4, 4) of a rotation matrix (3, 3) and a translation (3,)."""
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = translation
    return transform


def inverse(transform: Array) -> Array:
    """The inverse of a rigid transform (4, 4)."""
    rotation = transform[:3, :3]
    return rigid(rotation.T, -rotation.T @ transform[:3, 3])


def look_at(eye_world: Array, target_world: Array) -> Array:
    """world_from_camera (4, 4) of an upright camera at `eye_world` (3,) that looks at `target_world` (3,).

    The world's Z is up; the view must not be vertical.
    """
    forward = np.asarray(target_world, float) - eye_world
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    return rigid(np.stack([right, down, forward], -1), np.asarray(eye_world, float))


def moves(drift: Array) -> bool:
    """Whether a background that shifts by `drift` (F, 2), in shares of the longer side, was filmed by a moving
    camera."""
    return bool(len(drift)) and float(np.ptp(drift, axis=0).max()) > MOVES
