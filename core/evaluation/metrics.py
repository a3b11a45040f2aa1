"""Errors of 3D poses against the truth, as the field reports them.

Points are (..., J, 3) with frames leading, in any unit; errors come in the same unit. Whoever wants the root out of
MPJPE subtracts it first. NaN in a pose, found or true, makes that pose's error NaN, so use `numpy.nanmean`
where frames may be missing.
"""

from __future__ import annotations

import numpy as np

from ..rotation import Array


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


def _checked(found: Array, true: Array) -> Array:
    """`found - true`. Raises `ValueError` where shapes differ: silent broadcasting would hide a mistake."""
    if found.shape != true.shape or found.shape[-1] != 3:
        raise ValueError(f"poses of shapes {found.shape} and {true.shape} cannot be compared")
    return found - true
