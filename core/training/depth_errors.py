"""How MediaPipe's own depths err: measured on the same pairs as its places in the picture (`detector_errors`).

Most of it is the whole figure's: flatter than the truth, tilted and turned. Depths d of the joints are explained frame
by frame by slopes on where the joints truly are, d = s z + t y + u x, by least squares; s flattens, t tilts, u turns.
What is left is told of bones, one by one, since errors of neighbouring bones hardly correlate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..rotation import Array
from ..skeleton import BODY_26, REFERENCE_HEIGHT, body_from_mediapipe
from .pairs import PairClip

WINDOW_S = 1.0
"""Seconds of a window: what a whole window keeps is told from what changes within."""
STEP_S = 1 / 15
FLATTEST = 0.03
"""Metres, root mean square: figures with less depth than this say nothing about their slope."""
RIDGE = 1e-3
"""m²: keeps slopes near their usual value where joints hardly tell them."""


class FigureDepth(NamedTuple):
    """A slope of all joints' depths: its `mean`, its spread `between` windows and `within` them."""

    mean: float
    between: float
    within: float


class BoneDepth(NamedTuple):
    """Of the bone that ends at a joint, beyond the figure's: `slope` of its depth on the true one; `bias`, and spreads
    of what windows keep, `steady`, and what wanders in them, as shares of the bone's length."""

    slope: float
    bias: float
    steady: float
    wander: float


@dataclass(frozen=True)
class DepthErrors:
    """`figure`: slopes on depth, height and side (the camera's z, y and x); `bones` by the joint at their end;
    `correlated_s`: how long the figure's slopes take to change; `windows` it was measured on."""

    figure: tuple[FigureDepth, FigureDepth, FigureDepth]
    bones: dict[str, BoneDepth]
    correlated_s: float
    windows: int

    @staticmethod
    def from_json(values: dict[str, Any]) -> DepthErrors:
        """The inverse of `dataclasses.asdict`. Raises `TypeError`, `KeyError` or `ValueError`."""
        depth, height, side = (FigureDepth(*each) for each in values["figure"])
        bones = {name: BoneDepth(*each) for name, each in values["bones"].items()}
        return DepthErrors((depth, height, side), bones, float(values["correlated_s"]), int(values["windows"]))


def measure_depths(clips: Iterable[PairClip]) -> DepthErrors | None:
    """The depths' errors in all films; None where no film has a whole window."""
    windows = [window for clip in clips for window in _windows(clip)]
    if not windows:
        return None
    joints, depths = (np.stack(values) for values in zip(*windows, strict=True))
    return depth_errors(joints, depths)


def depth_errors(joints: Array, depths: Array) -> DepthErrors:
    """The errors of depths (W, T, 26) m of joints (W, T, 26, 3) m, both from the root, in windows of frames `STEP_S`
    apart."""
    slopes = _slopes(joints, depths)
    mean = slopes.mean(1)
    within = slopes - mean[:, None]
    depth, height, side = (
        FigureDepth(*_rounded(np.median(mean[:, axis]), _spread(mean[:, axis]), _spread(within[..., axis])))
        for axis in range(3)
    )
    beyond = depths - np.einsum("wtk,wtjk->wtj", slopes, joints[..., ::-1])
    bones = {name: _bone(joints, beyond, i) for i, name in enumerate(BODY_26.joints) if BODY_26.parents[i] >= 0}
    kept = (within[:, 1:] * within[:, :-1]).sum() / max((within[:, :-1] ** 2).sum(), 1e-12)
    (correlated_s,) = _rounded(-STEP_S / np.log(np.clip(kept, 0.05, 0.99)))
    return DepthErrors((depth, height, side), bones, correlated_s, len(joints))


def _windows(clip: PairClip) -> list[tuple[Array, Array]]:
    """Joints (T, 26, 3) m and depths (T, 26) m from the root, of one `REFERENCE_HEIGHT` tall, in every window in which
    somebody was detected throughout and has some depth; they overlap by half."""
    keypoints = clip.keypoints
    if keypoints.world_landmarks is None or len(keypoints.times) < 2:
        return []
    step = max(round(STEP_S / float(np.median(np.diff(keypoints.times)))), 1)
    count = round(WINDOW_S / STEP_S) + 1
    good = keypoints.detected & np.isfinite(clip.joints_camera).all((1, 2))
    joints = (clip.joints_camera - clip.joints_camera[:, :1]) * (REFERENCE_HEIGHT / clip.height)
    depths = keypoints.world_landmarks[..., 2] @ body_from_mediapipe().T
    depths = depths - depths[:, :1]
    found = []
    for first in range(0, len(good) - step * (count - 1), step * count // 2):
        frames = first + step * np.arange(count)
        if good[frames].all() and np.sqrt((joints[frames, :, 2] ** 2).mean()) > FLATTEST:
            found.append((joints[frames], depths[frames]))
    return found


def _slopes(joints: Array, depths: Array) -> Array:
    """(W, T, 3): slopes of depths (W, T, 26) on the joints' (W, T, 26, 3) z, y and x, held near (1, 0, 0) where the
    joints hardly tell them."""
    axes = joints[..., ::-1]
    exact = np.array([1.0, 0.0, 0.0])
    left = np.einsum("wtji,wtjk->wtik", axes, axes) + RIDGE * np.eye(3)
    right = np.einsum("wtji,wtj->wti", axes, depths - joints[..., 2])
    slopes: Array = exact + np.linalg.solve(left, right[..., None])[..., 0]
    return slopes


def _bone(joints: Array, rest: Array, joint: int) -> BoneDepth:
    """What is left, `rest` (W, T, 26), at the end of a bone against its start."""
    parent = BODY_26.bone_starts[joint]
    bone = joints[:, :, joint] - joints[:, :, parent]
    length = np.linalg.norm(bone, axis=-1).mean(1)[:, None]
    off, true = (rest[:, :, joint] - rest[:, :, parent]) / length, bone[..., 2] / length
    slope, bias = np.polyfit(true.ravel(), off.ravel(), 1)
    left = off - slope * true - bias
    steady = left.mean(1)
    return BoneDepth(*_rounded(slope, bias, _spread(steady), _spread(left - steady[:, None])))


def _rounded(*values: float) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in values)


def _spread(values: Array) -> float:
    """Half of the range that holds two thirds of the values: the standard deviation, were they normal."""
    low, high = np.percentile(values, (15.87, 84.13))
    return float(high - low) / 2
