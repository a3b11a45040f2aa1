"""Rotations and forward kinematics on numpy arrays.

Quaternions are unit, in the order w, x, y, z, along the last axis; matrices act on column vectors.
Everything broadcasts over leading axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
IDENTITY: Array = np.array([1.0, 0.0, 0.0, 0.0])


def normalise(vectors: Array, epsilon: float = 1e-12) -> Array:
    """Vectors (..., D) scaled to length 1; vectors shorter than `epsilon` become 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > epsilon, vectors / np.maximum(length, epsilon), 0.0)


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product (..., 4): first `b`, then `a`."""
    aw, ax, ay, az = _components(a)
    bw, bx, by, bz = _components(b)
    return _joined(
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def conjugate(q: Array) -> Array:
    """The inverse of unit quaternions (..., 4)."""
    inverse: Array = q * np.array([1.0, -1.0, -1.0, -1.0])
    return inverse


def rotate(q: Array, vectors: Array) -> Array:
    """Vectors (..., 3) rotated by quaternions (..., 4)."""
    w, x, y, z = _components(q)
    vx, vy, vz = _components(vectors)
    tx, ty, tz = (2.0 * each for each in (y * vz - z * vy, z * vx - x * vz, x * vy - y * vx))
    return _joined(vx + w * tx + (y * tz - z * ty), vy + w * ty + (z * tx - x * tz), vz + w * tz + (x * ty - y * tx))


def cross(a: Array, b: Array) -> Array:
    """The cross product of vectors (..., 3), to the bit what `np.cross` gives, which takes two to three times as
    long: the clean-up of a long take is made of such products."""
    ax, ay, az = _components(a)
    bx, by, bz = _components(b)
    return _joined(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)


def _components(vectors: Array) -> list[Array]:
    """Views of what lies along the last axis."""
    return [vectors[..., index] for index in range(vectors.shape[-1])]


def _joined(*components: Array) -> Array:
    """The inverse of `_components`. Filled in: `np.stack` takes longer than the sums, where there are few."""
    joined = np.empty((*components[0].shape, len(components)), components[0].dtype)
    for index, component in enumerate(components):
        joined[..., index] = component
    return joined


def from_axis_angle(axis: Array, angle: Array | float) -> Array:
    """Quaternions (..., 4) that turn by `angle` (...) radians about unit `axis` (..., 3)."""
    half = 0.5 * np.asarray(angle, float)[..., None]
    xyz = np.sin(half) * axis
    return np.concatenate([np.broadcast_to(np.cos(half), (*xyz.shape[:-1], 1)), xyz], -1)


def from_rotation_vector(vectors: Array) -> Array:
    """Quaternions (..., 4) that turn about `vectors` (..., 3) by their length in radians."""
    return from_axis_angle(normalise(vectors), np.linalg.norm(vectors, axis=-1))


def to_matrix(q: Array) -> Array:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def from_matrix(matrices: Array) -> Array:
    """Quaternions (..., 4), w >= 0, of rotation matrices (..., 3, 3).

    Shepperd's method: of the four equivalent formulas the one with the largest divisor is used.
    """
    m = np.asarray(matrices, float)
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = np.stack([1 + d0 + d1 + d2, 1 + d0 - d1 - d2, 1 - d0 + d1 - d2, 1 - d0 - d1 + d2], -1)
    a, b, c = m[..., 2, 1], m[..., 0, 2], m[..., 1, 0]
    at, bt, ct = m[..., 1, 2], m[..., 2, 0], m[..., 0, 1]
    candidates = np.stack(
        [
            np.stack([squares[..., 0], a - at, b - bt, c - ct], -1),
            np.stack([a - at, squares[..., 1], c + ct, b + bt], -1),
            np.stack([b - bt, c + ct, squares[..., 2], a + at], -1),
            np.stack([c - ct, b + bt, a + at, squares[..., 3]], -1),
        ],
        -2,
    )
    best = np.argmax(squares, -1)
    q = normalise(np.take_along_axis(candidates, best[..., None, None], -2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def from_scaled(matrices: Array) -> Array:
    """The unit quaternions (..., 4) in matrices (..., 3, 3) that also scale, along the axes that they turn."""
    return from_matrix(np.swapaxes(normalise(np.swapaxes(matrices, -1, -2)), -1, -2))


def continuous(q: Array) -> Array:
    """Quaternions (F, ..., 4) with signs chosen so that neighbours along the first axis agree."""
    agreeing: Array = q * continuous_signs(q)[..., None]
    return agreeing


def continuous_signs(q: Array) -> NDArray[np.int8]:
    """1 or -1 (F, ...), by which quaternions (F, ..., 4) agree with their neighbours along the first axis."""
    signs = np.ones(q.shape[:-1], np.int8)
    signs[1:][np.einsum("...c,...c->...", q[1:], q[:-1]) < 0] = -1
    return np.cumprod(signs, 0, np.int8)


def slerp(a: Array, b: Array, t: Array) -> Array:
    """Spherical interpolation (..., 4) from `a` (t = 0) to `b` (t = 1), the short way round."""
    dot = np.sum(a * b, -1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.sin(angle)
    t = np.asarray(t, float)[..., None]
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    wa = np.where(near, 1 - t, np.sin((1 - t) * angle) / safe)
    wb = np.where(near, t, np.sin(t * angle) / safe)
    return normalise(wa * a + wb * b)


def angle_between(a: Array, b: Array) -> Array:
    """The rotation angle (...) in radians, 0 to pi, between orientations `a` and `b` (..., 4)."""
    relative = multiply(conjugate(a), b)
    angle: Array = 2.0 * np.arctan2(np.linalg.norm(relative[..., 1:], axis=-1), np.abs(relative[..., 0]))
    return angle


def minimal_rotation(a: Array, b: Array) -> Array:
    """Quaternions (..., 4): the smallest rotation that turns direction `a` (..., 3) onto `b` (..., 3).

    Opposite directions turn half round about some perpendicular axis.
    """
    a, b = np.broadcast_arrays(normalise(a), normalise(b))
    w = 1.0 + np.sum(a * b, -1, keepdims=True)
    xyz = cross(a, b)
    helper = np.where(np.abs(a[..., :1]) < 0.9, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    opposite = w < 1e-9
    q = np.concatenate([np.where(opposite, 0.0, w), np.where(opposite, cross(a, helper), xyz)], -1)
    return normalise(q)


def frame_from_axes(primary: Array, secondary: Array, primary_axis: int, secondary_axis: int) -> Array:
    """Right-handed orthonormal frames (..., 3, 3) whose columns are the frame's axes in the parent space.

    Column `primary_axis` points along `primary` (..., 3); column `secondary_axis` is as close to
    `secondary` (..., 3) as it can be. Degenerate input gives a frame of zeros.
    """
    p = normalise(primary)
    s = normalise(secondary - p * np.sum(p * secondary, -1, keepdims=True))
    third = 3 - primary_axis - secondary_axis
    even = (secondary_axis - primary_axis) % 3 == 1
    t = cross(p, s) if even else cross(s, p)
    columns = {primary_axis: p, secondary_axis: s, third: t}
    return np.stack([columns[0], columns[1], columns[2]], -1)


def twist_angle(q: Array, axis: Array) -> Array:
    """The signed angle (...) in radians, -pi to pi, of the part of `q` (..., 4) that turns about unit `axis`."""
    along = np.sum(q[..., 1:] * axis, -1)
    angle = 2.0 * np.arctan2(along, q[..., 0])
    return (angle + np.pi) % (2 * np.pi) - np.pi


def to_euler(matrices: Array, order: str) -> Array:
    """Euler angles (..., 3) in radians, listed in the letters' order, of matrices (..., 3, 3).

    `order` names intrinsic axes as BVH channels do: "ZXY" means R = Rz Rx Ry. The middle angle lies
    within 90 degrees; at its limits the last angle is 0.
    """
    i, j, k = _axes(order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = np.asarray(matrices, float)
    middle = np.arcsin(np.clip(sign * m[..., i, k], -1.0, 1.0))
    locked = np.abs(m[..., i, k]) > 1 - 1e-10
    first = np.where(
        locked,
        np.arctan2(sign * m[..., k, j], m[..., j, j]),
        np.arctan2(-sign * m[..., j, k], m[..., k, k]),
    )
    last = np.where(locked, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    return np.stack([first, middle, last], -1)


def from_euler(angles: Array, order: str) -> Array:
    """Quaternions (..., 4) of Euler angles (..., 3) in radians; `order` as in `to_euler`."""
    q = np.broadcast_to(IDENTITY, (*np.shape(angles)[:-1], 4))
    for position, axis in enumerate(_axes(order)):
        q = multiply(q, from_axis_angle(np.eye(3)[axis], angles[..., position]))
    return q


def continuous_euler(angles: Array) -> Array:
    """Euler angles (F, ..., 3) in radians with each triple replaced by the equivalent nearest its predecessor.

    Besides whole turns, a triple (a, b, c) equals (a + pi, pi - b, c + pi) for the three-axis orders.
    """
    result = np.array(angles, float)
    half_turn = np.array([1.0, -1.0, 1.0])
    for frame in range(1, len(result)):
        previous = result[frame - 1]
        options = np.stack([result[frame], result[frame] * half_turn + np.pi])
        options = previous + (options - previous + np.pi) % (2 * np.pi) - np.pi
        other = np.sum(np.abs(options[1] - previous), -1) < np.sum(np.abs(options[0] - previous), -1) - 1e-9
        result[frame] = np.where(other[..., None], options[1], options[0])
    return result


def _axes(order: str) -> tuple[int, int, int]:
    if sorted(order) != ["X", "Y", "Z"]:
        raise ValueError(f"Euler order must name X, Y and Z once each, not {order!r}")
    i, j, k = ("XYZ".index(letter) for letter in order)
    return i, j, k


def forward_kinematics(
    parents: Sequence[int] | NDArray[np.int64], offsets: Array, root_translation: Array, rotations_local: Array
) -> tuple[Array, Array]:
    """Positions and orientations in the world of every joint.

    `parents` (J,) lists each parent before its children, -1 for the root; `offsets` (J, 3), or (..., J, 3) where
    joints slide, from the parent in the rest pose, the root's not added; `root_translation` (..., 3);
    `rotations_local` (..., J, 4). Returns `joints_world` (..., J, 3) and `rotations_world` (..., J, 4).
    """
    positions: list[Array] = []
    rotations: list[Array] = []
    for joint, parent in enumerate(parents):
        local = rotations_local[..., joint, :]
        if parent < 0:
            positions.append(np.asarray(root_translation, float))
            rotations.append(local)
        else:
            positions.append(positions[parent] + rotate(rotations[parent], offsets[..., joint, :]))
            rotations.append(multiply(rotations[parent], local))
    return np.stack(positions, -2), np.stack(rotations, -2)


def local_from_world(parents: Sequence[int] | NDArray[np.int64], rotations_world: Array) -> Array:
    """Local rotations (..., J, 4) of world orientations (..., J, 4)."""
    local = np.array(rotations_world, float)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            local[..., joint, :] = multiply(conjugate(rotations_world[..., parent, :]), rotations_world[..., joint, :])
    return local
