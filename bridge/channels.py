"""Rotations as the values that Blender keys: quaternion, axis and angle, or any Euler order, continuous over frames."""

from __future__ import annotations

import numpy as np

from ..core.rotation import Array, Bools, continuous, from_euler, normalise, to_euler, to_matrix
from .rig import AXIS_ANGLE, QUATERNION

PROPERTIES = {QUATERNION: "rotation_quaternion", AXIS_ANGLE: "rotation_axis_angle"}
ROTATIONS = ("rotation_quaternion", "rotation_axis_angle", "rotation_euler")
"""Every property that turns a bone; its rotation mode says which one does."""


def rotation_property(mode: str) -> str:
    """The name of the property that a bone in this rotation mode reads."""
    return PROPERTIES.get(mode, "rotation_euler")


def rotations_beside(path: str) -> list[str]:
    """The paths of a bone's rotation in the other modes than that of `path`; none for what is no rotation."""
    owner, _, name = path.rpartition(".")
    return [f"{owner}.{other}" for other in ROTATIONS if other != name] if name in ROTATIONS else []


def rotation_channels(rotations: Array, mode: str, locked: Bools | None = None) -> Array:
    """The values (F, C) of `rotation_property(mode)` for rotations (F, 4): w, x, y, z; angle, x, y, z; or x, y, z in
    radians.

    Blender's Euler orders name what turns first: its XYZ is Rz Ry Rx, our ZYX. `locked` (4,) as `free_columns` has it:
    angles about locked axes are 0, and the others those of the nearest rotation.
    """
    rotations = continuous(rotations)
    if mode == QUATERNION:
        return rotations
    if mode == AXIS_ANGLE:
        return _axis_angle(rotations)
    if locked is not None and locked[1:].any():
        return nearest_angles(rotations, mode, locked[1:])
    listed = running_euler(to_euler(to_matrix(rotations), mode[::-1]))
    columns = [mode[::-1].index(axis) for axis in "XYZ"]
    return np.ascontiguousarray(listed[:, columns])


def rotations_of(values: Array, mode: str) -> Array:
    """The rotations (F, 4) that values (F, C) of `rotation_property(mode)` make."""
    if mode == QUATERNION:
        return normalise(values)
    if mode == AXIS_ANGLE:
        return from_axis_angle_channels(values)
    return from_euler(values[:, ["XYZ".index(letter) for letter in mode[::-1]]], mode[::-1])


def nearest_angles(rotations: Array, order: str, locked: Bools) -> Array:
    """The angles (F, 3) about x, y and z, in Blender's `order`, of the rotations nearest to `rotations` (F, 4) that do
    not turn about `locked` (3,), at least one of the axes; continuous where `rotations` are.

    Nearest is what has the largest product with the quaternion q. About one axis k that is a cos(u) + b sin(u), u half
    the angle, with a = q_w and b = q_k. About an axis i and then o the product is that of (cos v, sin v), half the
    angle about o, and (cos u, sin u), about i, with the matrix [[q_w, q_i], [q_o, +-q_l]], l the locked axis: a sum of
    one wave in u - v and one in u + v, each of which can be at its crest.
    """
    w, parts = rotations[:, 0], rotations[:, 1:].T
    angles = np.zeros((len(rotations), 3))
    free = [axis for axis in map("XYZ".index, order) if not locked[axis]]
    if len(free) == 1:
        angles[:, free[0]] = 2 * np.arctan2(parts[free[0]], w)
    elif len(free) == 2:
        inner, outer = free
        third = parts[3 - inner - outer] * (1.0 if (inner - outer) % 3 == 1 else -1.0)
        difference = np.arctan2(parts[inner] - parts[outer], w + third)
        total = np.arctan2(parts[inner] + parts[outer], w - third)
        angles[:, inner], angles[:, outer] = total + difference, total - difference
    running: Array = np.unwrap(angles, axis=0)
    running -= 2 * np.pi * np.round(running[:1] / (2 * np.pi))
    return running


def running_euler(angles: Array) -> Array:
    """Euler angles (F, 3) in radians, each triple replaced by the equivalent nearest its predecessor.

    What `core.rotation.continuous_euler` does a frame at a time, without a loop: besides whole turns a triple
    (a, b, c) equals its twin (a + pi, pi - b, c + pi). From frame to frame either both stay what they are or both
    change places, whichever is nearer, so that the number of changes so far says which one to take.
    """
    half_turn = np.array([1.0, -1.0, 1.0])
    twins = angles * half_turn + np.pi

    def away(later: Array, earlier: Array) -> Array:
        return np.asarray(np.sum(np.abs((later - earlier + np.pi) % (2 * np.pi) - np.pi), -1))

    changes = away(twins[1:], angles[:-1]) < away(angles[1:], angles[:-1]) - 1e-9
    twin = np.concatenate([[False], np.cumsum(changes) % 2 == 1])
    return np.unwrap(np.where(twin[:, None], twins, angles), axis=0)


def _axis_angle(rotations: Array) -> Array:
    """Angle and unit axis (F, 4). The axis keeps its direction through zero angles, the angle changes its sign."""
    vectors = rotations[:, 1:]
    sine = np.linalg.norm(vectors, axis=-1)
    axes = normalise(vectors, 1e-9)
    angles = 2 * np.arctan2(sine, rotations[:, 0])
    last = next((axis for axis in axes if np.any(axis)), np.array([0.0, 1.0, 0.0]))
    for frame, axis in enumerate(axes):
        if not np.any(axis):
            axes[frame] = last
        elif axis @ last < 0:
            axes[frame], angles[frame] = -axis, -angles[frame]
        last = axes[frame]
    return np.concatenate([np.unwrap(angles)[:, None], axes], 1)


def from_axis_angle_channels(values: Array) -> Array:
    """The rotations (F, 4) of `rotation_axis_angle` values (F, 4)."""
    half = 0.5 * values[:, :1]
    return np.concatenate([np.cos(half), np.sin(half) * normalise(values[:, 1:])], 1)


def free_columns(mode: str, locked: Bools) -> list[int]:
    """Which columns of the rotation's values may be keyed; `locked` (4,) for w, x, y, z as Blender has them (w only
    counts for rotations of four values)."""
    flags = locked if mode in PROPERTIES else locked[1:]
    return [column for column, lock in enumerate(flags) if not lock]
