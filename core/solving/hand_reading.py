"""What the landmarks of a hand say of its palm and its fingers, frame by frame.

The landmarks are brought into the camera's frame; the palm's orientation is a rigid fit; each finger is a chain of
hinges, its knuckle with a bend and a spread, fitted to the directions of its bones.

A picture of a hand shows its outline far better than what is towards the camera: the mirror image in depth, a hand
of the other side, projects nearly alike. The detector takes one for the other now and then. Which side a hand is on
is known from the arm, so each frame is read both ways, as seen and reflected, and the most plausible sequence of the
two is found by dynamic programming (Viterbi).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..hand_skeleton import (
    CHAINS,
    DIRECTIONS,
    HAND_21,
    HIGHEST,
    HINGES,
    LATERALS,
    LOWEST,
    REFERENCE_STARTS,
    RELAXED,
    SIDES,
)
from ..keypoints import HandKeypoints
from ..motion import Motion
from ..rotation import (
    IDENTITY,
    Array,
    angle_between,
    conjugate,
    forward_kinematics,
    from_axis_angle,
    from_matrix,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
    slerp,
)
from .stretches import by_stretches

POINTING = 0.3
"""How much the body decides, against the palm, where the hand points that the fingers bend from."""

_PALM = [HAND_21.index(name) for name in ("wrist", "thumb_cmc", "index_mcp", "middle_mcp", "ring_mcp", "pinky_mcp")]
_PALM_WEIGHTS = np.array([1.0, 0.15, 1.0, 1.0, 1.0, 1.0])
_PALM_REST = np.concatenate([np.zeros((1, 3)), REFERENCE_STARTS])
_MIRROR = np.array([-1.0, 1.0, 1.0])

_DIRECTION_SIGMA = 0.25
_SIGMAS = np.radians([(40, 30, 40, 50), *[(60, 12, 60, 60)] * 4])
"""How far angles (5, 4) stray from the relaxed hand's."""
_TIP_FOLLOWS, _TIP_SIGMA = 0.6, np.radians(20.0)
"""The last joint of a finger bends with the one before: the same tendon moves both."""
_ITERATIONS = 6
_STEP = 1e-4

_SIDE_WEIGHT = 1.5
_TURN_SIGMA = np.radians(25.0)
_BODY_SIGMA = np.radians(70.0)
_TURN_SECONDS = 1 / 30
_BREAK_SECONDS = 0.5
_COST_MOST = 9.0


@dataclass(frozen=True)
class Hand:
    """One hand read: its palm (F, 4) in the world, finger angles (F, 5, 4), confidence (F,)."""

    palm: Array
    angles: Array
    weights: Array


def read_hand(hands: HandKeypoints, number: int, motion: Motion) -> Hand:
    """Hand `number` of `SIDES` in every frame, the more plausible of what was seen and its reflection.

    `motion` is the body's. In frames without a hand it is as the body has it, relaxed, and weighs nothing.
    """
    frames, side = len(motion), SIDES[number]
    (body,) = orientations(motion, motion.local_rotations, [motion.joint(f"{side}_wrist")])
    weights = hands.confidence[:, number]
    seen = np.flatnonzero(weights > 0)
    turn = from_matrix(motion.world_from_camera[:, :3, :3])
    axis = normalise(motion.rest_offsets[motion.joint(f"{side}_wrist")])
    palm = np.array(body)
    angles = np.tile(RELAXED, (frames, 1, 1))
    if not len(seen):
        return Hand(palm, angles, np.array(weights))
    looks_right = hands.left[seen, number] if side == "left" else 1 - hands.left[seen, number]

    def read(part: slice, depth: float, likely: Array) -> tuple[Array, Array, Array]:
        here = seen[part]
        turned, camera_K = (each if len(each) == 1 else each[here] for each in (turn, motion.camera_K))
        world = hands.world[here, number] * np.array([1.0, 1.0, depth])
        points = hand_points(hands.pixels[here, number].astype(np.float64), world, camera_K)
        palms = palm_rotations(points, side)
        in_world = multiply(turned, palms)
        hinged = pointing(in_world, body[here], axis, POINTING)
        bends, cost = finger_angles(points, multiply(conjugate(turned), hinged), side)
        cost = cost - _SIDE_WEIGHT * np.log(np.clip(likely[part], 0.02, 0.98))
        cost += np.minimum((angle_between(in_world, body[here]) / _BODY_SIGMA) ** 2, _COST_MOST)
        return in_world, bends, cost

    readings = [
        by_stretches(partial(read, depth=depth, likely=likely), len(seen))
        for depth, likely in ((1.0, looks_right), (-1.0, 1 - looks_right))
    ]
    chosen = _most_plausible(motion.times[seen], [(p, c) for p, _, c in readings])
    palm[seen] = np.where(chosen[:, None] == 0, readings[0][0], readings[1][0])
    angles[seen] = np.where(chosen[:, None, None] == 0, readings[0][1], readings[1][1])
    return Hand(palm, angles, np.array(weights))


def orientations(motion: Motion, local: Array, joints: Sequence[int]) -> list[Array]:
    """Orientations (F, 4) in the world of some joints of a motion under local rotations (F, J, 4)."""

    def of(part: slice) -> list[Array]:
        root = motion.root_translation[part]
        world = forward_kinematics(motion.parents, motion.rest_offsets, root, local[part])[1]
        return [world[:, joint] for joint in joints]

    return by_stretches(of, len(motion))


def hand_points(pixels: Array, world: Array, camera_K: Array) -> Array:
    """Landmarks (F, 21, 3) m from the wrist, in the camera's frame.

    `world` (F, 21, 3) m give the scale and the depth, the mean of `world` and `pixels` (F, 21, 2), which err apart,
    what lies in the picture's plane. They are as a camera sees them that looks at the hand: they are turned onto the
    ray towards it. `camera_K` (1 or F, 3, 3).
    """
    flat = pixels - pixels.mean(1, keepdims=True)
    known = world[..., :2] - world[..., :2].mean(1, keepdims=True)
    scale = np.sum(flat**2, (1, 2)) / np.maximum(np.sum(flat * known, (1, 2)), 1e-6)
    scale = np.maximum(scale, 1e-6)[:, None, None]
    points = np.concatenate([(flat / scale + known) / 2, world[..., 2:]], -1)
    focal = np.stack([camera_K[:, 0, 0], camera_K[:, 1, 1]], -1)
    ray = np.concatenate([(pixels[:, 0] - camera_K[:, :2, 2]) / focal, np.ones((len(pixels), 1))], -1)
    onto = minimal_rotation(np.array([0.0, 0.0, 1.0]), ray)
    return rotate(onto[:, None], points - points[:, :1])


def palm_rotations(points: Array, side: str) -> Array:
    """Orientations (F, 4) of the hand from landmarks (F, 21, 3), in their frame: what turns the rest hand's palm onto
    theirs, by least squares (Kabsch 1976)."""
    rest = _PALM_REST * (_MIRROR if side == "right" else 1.0)
    weights = _PALM_WEIGHTS / _PALM_WEIGHTS.sum()
    seen = points[:, _PALM]
    seen = seen - np.einsum("j,fjx->fx", weights, seen)[:, None]
    covariance = np.einsum("j,fjx,jy->fxy", weights, seen, rest - weights @ rest)
    u, _, vt = np.linalg.svd(covariance)
    u[..., -1] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return from_matrix(u @ vt)


def finger_angles(points: Array, palm: Array, side: str) -> tuple[Array, Array]:
    """Angles (F, 5, 4) as in `hand_skeleton.finger_rotations` and the cost (F,) of the fit.

    `points` (F, 21, 3) m and the palm's orientation (F, 4) in one frame. Gauss-Newton on the directions of the bones,
    angles held near the relaxed hand's, the finger tips following their neighbours, all within the limits.
    """
    chains = rotate(conjugate(palm)[:, None, None], points[:, CHAINS])
    directions = normalise(np.diff(chains, axis=2)) * (_MIRROR if side == "right" else 1.0)
    angles = np.tile(np.clip(RELAXED, LOWEST, HIGHEST), (len(points), 1, 1))
    for _ in range(_ITERATIONS):
        residual = _residuals(angles, directions)
        columns = [(_residuals(angles + _STEP * unit, directions) - residual) / _STEP for unit in np.eye(4)]
        jacobian = np.stack(columns, -1)
        normal = np.einsum("...ri,...rj->...ij", jacobian, jacobian)
        gradient = np.einsum("...ri,...r->...i", jacobian, residual)
        angles = np.clip(angles - np.linalg.solve(normal, gradient[..., None])[..., 0], LOWEST, HIGHEST)
    return angles, np.mean(np.sum(_residuals(angles, directions) ** 2, -1), -1)


def _residuals(angles: Array, directions: Array) -> Array:
    """(F, 5, 14): how far the bones' directions, then the angles, are from where they should be, in sigmas."""
    turned = multiply(from_axis_angle(HINGES, angles[..., 0]), from_axis_angle(LATERALS, angles[..., 1]))
    bones = [rotate(turned, DIRECTIONS)]
    for joint in (2, 3):
        turned = multiply(turned, from_axis_angle(HINGES, angles[..., joint]))
        bones.append(rotate(turned, DIRECTIONS))
    off = (np.stack(bones, -2) - directions) / _DIRECTION_SIGMA
    follow = (angles[..., 3] - _TIP_FOLLOWS * angles[..., 2]) / _TIP_SIGMA
    return np.concatenate([off.reshape(*off.shape[:-2], -1), (angles - RELAXED) / _SIGMAS, follow[..., None]], -1)


def pointing(palm: Array, body: Array, axis: Array, share: float) -> Array:
    """Palms (F, 4) turned so that their `axis` (3,) points by `share` as that of `body` (F, 4) does."""
    whole = minimal_rotation(rotate(palm, axis), rotate(body, axis))
    part = slerp(np.broadcast_to(IDENTITY, whole.shape), whole, np.full(len(whole), share))
    return multiply(part, palm)


def _most_plausible(times: Array, readings: list[tuple[Array, Array]]) -> NDArray[np.int64]:
    """(N,) 0 or 1: the sequence of readings, each palms (N, 4) and costs (N,), of the least cost, turns included."""
    palms, costs = np.stack([p for p, _ in readings], 1), np.stack([c for _, c in readings], 1)
    steps = np.diff(times)
    turns = angle_between(palms[:-1, :, None], palms[1:, None, :])
    sigma = _TURN_SIGMA * np.sqrt(np.maximum(steps / _TURN_SECONDS, 1.0))[:, None, None]
    between = np.minimum((turns / sigma) ** 2, _COST_MOST) * (steps < _BREAK_SECONDS)[:, None, None]
    total = costs[0]
    came_from = np.zeros(costs.shape, np.int64)
    for n in range(1, len(costs)):
        ways = total[:, None] + between[n - 1]
        came_from[n] = np.argmin(ways, 0)
        total = np.min(ways, 0) + costs[n]
    path = np.empty(len(costs), np.int64)
    path[-1] = int(np.argmin(total))
    for n in range(len(costs) - 1, 0, -1):
        path[n - 1] = came_from[n, path[n]]
    return path
