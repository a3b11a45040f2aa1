"""Left stays left: finding and undoing exchanges of a body's sides.

MediaPipe now and then exchanges the left and right of the legs, the arms or the whole body for some frames, in full
confidence. Nothing in a single frame shows it, but limbs do not jump. For a pair of joints let D be the left one's
place minus the right one's: an exchange turns D into -D and leaves the pair's middle alone. So the sign of every D
is sought under which it moves smoothly: where legs pass each other D goes *through* zero at a steady velocity, in an
exchange it turns back or jumps. The most likely sequence of signs is found by dynamic programming (Viterbi) over the
eight states {as detected, exchanged} of torso, arms and legs. Every state's survivor carries its own estimate of D
and its velocity (an alpha-beta filter, gains by Benedict and Bordner 1962: beta = alpha^2 / (2 - alpha)), from which
the next D is predicted.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array
from ..skeleton import MEDIAPIPE_33, mirrored_name

GROUPS = ("torso", "arms", "legs")
_EVIDENCE = (
    ("torso", ("shoulder",), 1.0),
    ("torso", ("hip",), 1.0),
    ("torso", ("ear",), 0.5),
    ("arms", ("elbow",), 1.0),
    ("arms", ("wrist", "index"), 1.0),
    ("legs", ("knee",), 1.0),
    ("legs", ("ankle",), 1.0),
    ("legs", ("heel", "foot_index"), 1.0),
)
"""The pairs whose D is watched: group, landmarks that are averaged, weight."""

_GROUP_OF = {"elbow": "arms", "wrist": "arms", "pinky": "arms", "index": "arms", "thumb": "arms",
             "knee": "legs", "ankle": "legs", "heel": "legs", "foot_index": "legs"}  # fmt: skip

_STATES = np.array(list(itertools.product((0, 1), repeat=len(GROUPS))))
_SIGNS = 1.0 - 2.0 * _STATES
_PAIR_GROUP = np.array([GROUPS.index(group) for group, _, _ in _EVIDENCE])
_GROUP_WEIGHTS = np.array([sum(weight for name, _, weight in _EVIDENCE if name == group) for group in GROUPS])
_PAIR_SIGNS = _SIGNS[:, _PAIR_GROUP]
_CHANGED = _STATES[:, None] != _STATES[None]

_BODY_METRES = 1.7
_DEPTH_WEIGHTS = {"torso": 0.6, "arms": 0.15, "legs": 0.15}
"""The detector's depth is a guess. That of the limbs follows the sides it believes in, so it is hardly a witness."""
_NOISE = 0.06
"""Metres that D strays from a prediction over one thirtieth of a second."""
_ACCELERATION = 30.0
_FILTER_SECONDS = 0.015
_SURPRISE_MOST = 0.2
_FASTEST = 15.0
"""Metres a second that two limbs go apart or together."""
_COST_MOST = 12.0
_CHANGE, _CHANGE_GROUP = 2.0, 1.5
_PRIOR_PER_SECOND = 5.0
_TWIST_PER_SECOND = 20.0
_FORGET_SECONDS = 0.3
_BREAK_SECONDS = 0.7
_HIP_WIDTH, _SHOULDER_WIDTH = 0.2, 0.33


def exchanged(times: Array, pixels: Array, world: Array, sure: Array, size: Array) -> NDArray[np.bool_]:
    """(N, 3) whether the sides of each of `GROUPS` are exchanged in each sample of one track.

    times (N,) s, increasing, gaps allowed; pixels (N, 33, 2); world (N, 33, 3) m; sure (N, 33) in [0, 1]: their
    confidence; size (N,) px: the body's standing height in the picture. Which of the two sides is the right one is
    decided by the majority: the fewer samples are exchanged.
    """
    if len(times) < 2:
        return np.zeros((len(times), len(GROUPS)), bool)
    apart, weights = _differences(pixels, world, sure, size)
    path = _most_likely(times, apart, weights, _twist_cost(apart))
    return _STATES[path].astype(bool)


def exchange(values: Array, groups: NDArray[np.bool_]) -> Array:
    """`values` (N, 33, ...) with the left and right landmarks of the marked groups (N, 3) exchanged."""
    result = values.copy()
    for index, name in enumerate(MEDIAPIPE_33):
        part = name.removeprefix("left_").removeprefix("right_").removesuffix("_left").removesuffix("_right")
        marked = groups[:, GROUPS.index(_GROUP_OF.get(part, "torso"))]
        result[marked, index] = values[marked, _other(name)]
    return result


def _other(name: str) -> int:
    swapped = {"mouth_left": "mouth_right", "mouth_right": "mouth_left"}
    return MEDIAPIPE_33.index(swapped.get(name, mirrored_name(name)))


def _differences(pixels: Array, world: Array, sure: Array, size: Array) -> tuple[Array, Array]:
    """D (N, P, 3) in metres (picture x, picture y, weighted depth) of the `_EVIDENCE`, and its weights (N, P)."""
    scale = (_BODY_METRES / size)[:, None, None]
    places = np.concatenate([pixels * scale, world[..., 2:]], axis=-1)
    apart = np.empty((len(pixels), len(_EVIDENCE), 3))
    weights = np.empty(apart.shape[:2])
    for pair, (group, names, weight) in enumerate(_EVIDENCE):
        left = [MEDIAPIPE_33.index(f"left_{name}") for name in names]
        right = [MEDIAPIPE_33.index(f"right_{name}") for name in names]
        apart[:, pair] = (places[:, left] - places[:, right]).mean(1) * (1.0, 1.0, _DEPTH_WEIGHTS[group])
        weights[:, pair] = weight * np.sqrt(sure[:, left].min(1) * sure[:, right].min(1)) + 1e-3
    return apart, weights


def _twist_cost(apart: Array) -> Array:
    """(N, 8) cost a second of limbs that cross the torso they hang on: elbows against shoulders, knees against hips,
    as far as the picture shows them apart."""
    pairs = [names[0] for _, names, _ in _EVIDENCE]

    def along(limb: str, root: str, width: float) -> Array:
        a, b = apart[:, pairs.index(limb), :2], apart[:, pairs.index(root), :2]
        crossing: Array = np.clip(np.sum(a * b, axis=-1) / width**2, 0.0, 1.0)
        return crossing

    arms = along("elbow", "shoulder", _SHOULDER_WIDTH)
    legs = along("knee", "hip", _HIP_WIDTH)
    twisted = _STATES[:, 1:] != _STATES[:, :1]
    cost: Array = _TWIST_PER_SECOND * (arms[:, None] * twisted[:, 0] + legs[:, None] * twisted[:, 1])
    return cost


def _most_likely(times: Array, apart: Array, weights: Array, twist: Array) -> NDArray[np.int64]:
    """(N,) index into `_STATES`: the sequence of the least cost."""
    steps = np.diff(times, prepend=times[0])
    cost = twist[0] * 0.0
    level = _PAIR_SIGNS[:, :, None] * apart[0]
    velocity = np.zeros_like(level)
    came_from = np.zeros((len(times), len(_STATES)), np.int64)
    prior = _PRIOR_PER_SECOND * _STATES.sum(1)
    change = np.where(_CHANGED.any(-1), _CHANGE + _CHANGE_GROUP * _CHANGED.sum(-1), 0.0)
    every = np.arange(len(_STATES))
    membership = (_PAIR_GROUP[:, None] == np.arange(len(GROUPS))).astype(np.float64)
    for n in range(1, len(times)):
        step = float(steps[n])
        held = min(step, 1 / 30)
        if step > _BREAK_SECONDS:
            # Nothing connects the two sides of so long a gap: each state may come from the cheapest.
            came_from[n] = int(np.argmin(cost))
            cost = np.full_like(cost, cost.min()) + held * (prior + twist[n])
            level, velocity = _PAIR_SIGNS[:, :, None] * apart[n], np.zeros_like(velocity)
            continue
        predicted = level + velocity * min(step, 0.1)
        share = weights[n] / (weights[n] @ membership)[_PAIR_GROUP]
        seen = weights[n] @ membership / _GROUP_WEIGHTS
        misses = [np.sum((sign * apart[n] - predicted) ** 2, -1) * share @ membership for sign in (1.0, -1.0)]
        scatter = _NOISE + 0.5 * _ACCELERATION * step**2
        # (from, group, bit) -> (from, to); costs are per thirtieth of a second, whatever the rate. But a jump is one
        # event, between however close frames.
        off = np.stack(misses, -1) / (2 * scatter**2)
        jump = np.minimum(off - _COST_MOST, _COST_MOST)
        smooth = np.maximum(np.minimum(off, _COST_MOST) * min(1.0, step * 30), jump) * seen[:, None]
        transition = sum(smooth[:, g][:, _STATES[:, g]] for g in range(len(GROUPS)))
        transition = transition + change * np.exp(-(step - held) / _FORGET_SECONDS)
        total = cost[:, None] + transition
        best = np.argmin(total, axis=0)
        came_from[n] = best
        cost = total[best, every] + held * (prior + twist[n])
        alpha = 1 - np.exp(-step / _FILTER_SECONDS)
        beta = alpha**2 / (2 - alpha)
        surprise = _PAIR_SIGNS[:, :, None] * apart[n] - predicted[best]
        # A jump is no movement: it must not carry the prediction on, nor the prediction follow it at once.
        level = predicted[best] + alpha * _at_most(surprise, _FASTEST * step)
        velocity = velocity[best] + beta / max(step, 1e-3) * _at_most(surprise, _SURPRISE_MOST)
    path = np.empty(len(times), np.int64)
    path[-1] = int(np.argmin(cost))
    for n in range(len(times) - 1, 0, -1):
        path[n - 1] = came_from[n, path[n]]
    return path


def _at_most(vectors: Array, length: float) -> Array:
    """The vectors (..., 3), those that are longer cut to `length`."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    cut: Array = vectors * np.minimum(1.0, length / np.maximum(lengths, 1e-9))
    return cut
