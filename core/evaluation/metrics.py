"""Errors of 3D poses against the truth, as the field reports them.

Points are (..., J, 3) with frames leading, in any unit; errors come in the same unit. Whoever wants the root out of
MPJPE subtracts it first. NaN in a pose, found or true, makes that pose's error NaN, so use `numpy.nanmean`
where frames may be missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..rotation import Array

PCK_THRESHOLD = 150.0
"""Millimetres."""
AUC_THRESHOLDS: Array = np.arange(0.0, 151.0, 5.0)
"""Millimetres."""


def mpjpe(found: Array, true: Array) -> Array:
    """Mean per-joint position error (...): the mean distance of the joints of each pose (protocol 1)."""
    return np.asarray(np.linalg.norm(_checked(found, true), axis=-1).mean(-1))


def root_relative(points: Array, root: int = 0) -> Array:
    """Points (..., J, 3) seen from joint `root`."""
    return points - points[..., root : root + 1, :]


def pa_mpjpe(found: Array, true: Array) -> Array:
    """MPJPE (...) after each pose is moved, turned and scaled onto the truth as well as possible (protocol 2)."""
    return mpjpe(procrustes_aligned(found, true), true)


def n_mpjpe(found: Array, true: Array) -> Array:
    """MPJPE (...) after each pose is scaled about the origin onto the truth by least squares.

    Rhodin et al. 2018, "Unsupervised geometry-aware representation for 3D human pose estimation", eq. 5.
    """
    _checked(found, true)
    scale = np.sum(found * true, (-2, -1)) / np.maximum(np.sum(found**2, (-2, -1)), np.finfo(float).tiny)
    return mpjpe(scale[..., None, None] * found, true)


def procrustes_aligned(found: Array, true: Array) -> Array:
    """`found` (..., J, 3) under the similarity that brings it nearest `true`: translation, rotation, scale.

    Umeyama 1991: the singular vector of the smallest singular value is reversed where the best orthogonal map
    would be a reflection. Poses with NaN stay NaN.
    """
    _checked(found, true)
    valid = np.isfinite(found).all((-2, -1)) & np.isfinite(true).all((-2, -1))
    centre_found, centre_true = found.mean(-2, keepdims=True), true.mean(-2, keepdims=True)
    a = np.where(valid[..., None, None], found - centre_found, 0.0)
    b = np.where(valid[..., None, None], true - centre_true, 0.0)
    u, singular, vt = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    sign = np.ones_like(singular)
    sign[..., -1] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (u * sign[..., None, :]) @ vt
    scale = np.sum(singular * sign, -1) / np.maximum(np.sum(a**2, (-2, -1)), np.finfo(float).tiny)
    aligned = scale[..., None, None] * (a @ rotation) + centre_true
    return np.where(valid[..., None, None], aligned, np.nan)


def acceleration_error(found: Array, true: Array, fps: float = 1.0) -> Array:
    """The mean distance (F - 2,) between the joints' accelerations, in units per second squared; with `fps` 1 per
    frame squared, as papers report it.

    Points (F, J, 3) at uniform samples. Central second differences (Kanazawa et al. 2019).
    """
    difference = _checked(found, true)
    second = difference[2:] - 2 * difference[1:-1] + difference[:-2]
    return np.asarray(np.linalg.norm(second, axis=-1).mean(-1) * fps**2)


def joint_errors(found: Array, true: Array) -> Array:
    """The distance (..., J) of each joint from its truth."""
    return np.asarray(np.linalg.norm(_checked(found, true), axis=-1))


def mpjve(found: Array, true: Array, fps: float = 1.0) -> Array:
    """Mean per-joint velocity error (F - 1,): the mean distance between the joints' velocities, in units per second;
    with `fps` 1 per frame, as papers report it (Pavllo et al. 2019).

    Points (F, J, 3) at uniform samples.
    """
    return np.asarray(np.linalg.norm(np.diff(_checked(found, true), axis=0), axis=-1).mean(-1) * fps)


def bone_lengths(points: Array, edges: Sequence[tuple[int, int]]) -> Array:
    """The lengths (..., B) of the bones (parent, child) of points (..., J, 3)."""
    parents, children = np.array(edges).T
    return np.asarray(np.linalg.norm(points[..., children, :] - points[..., parents, :], axis=-1))


def bone_length_deviation(found: Array, edges: Sequence[tuple[int, int]]) -> Array:
    """How much each bone's length (B,) changes over a clip (F, J, 3): its standard deviation. Bones of a body are
    rigid, so the truth is 0."""
    return np.asarray(bone_lengths(found, edges).std(0))


def pck(found: Array, true: Array, threshold: float = PCK_THRESHOLD) -> Array:
    """The share (...) of each pose's joints that are closer than `threshold` to their truth, as in MPI-INF-3DHP: 150 mm
    unless told (Mehta et al. 2017). Points in mm, or `threshold` in their unit. NaN counts as not found."""
    return np.asarray((joint_errors(found, true) < threshold).mean(-1))


def auc(found: Array, true: Array, thresholds: Array = AUC_THRESHOLDS) -> Array:
    """The area (...) under the curve of `pck`: its mean over the thresholds 0, 5, ..., 150 mm, as in MPI-INF-3DHP."""
    errors = joint_errors(found, true)
    return np.asarray((errors[..., None] < thresholds).mean((-2, -1)))


def _checked(found: Array, true: Array) -> Array:
    """`found - true`. Raises `ValueError` where shapes differ: silent broadcasting would hide a mistake."""
    if found.shape != true.shape or found.shape[-1] != 3:
        raise ValueError(f"poses of shapes {found.shape} and {true.shape} cannot be compared")
    return found - true
