"""The body laid onto the picture: bones keep their length, joints fall on their rays, feet stay above the floor.

A network in doubt about depth answers with the mean: it shortens bones and stretches squats. What it knows well
(the side to which each bone points, and its direction in the picture) is kept here as a prior; bone lengths,
keypoints and the smooth path of the whole then settle the depths. Unknowns are the bone vectors of `BODY_26` and
the pelvis's path, all frames together, found by gradient descent (Adam) from what was lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..rotation import Array
from ..skeleton import BODY_26, CONTACT_NAMES, INTERPOLATED
from .descent import descend
from .trajectory import Ground

STEPS = 150
LEARNING_RATE = 0.02
WINDOW, OVERLAP = 3000, 90
"""Frames refined at once, and shared by neighbouring windows, so that memory does not grow with the clip."""


@dataclass(frozen=True)
class Sigmas:
    """Standard deviations of the terms: metres, or metres per second squared."""

    keypoint: float = 0.015
    bone_across: float = 0.10
    bone_depth: float = 0.35
    """Of a bone's lifted direction, in the picture and in depth, as a share of the bone's length."""
    rigid: float = 0.005
    soft: float = 0.02
    """Of a bone's length, for limbs, and for bones that the body itself bends (neck to nose, spine)."""
    floor: float = 0.01
    plant: float = 0.05
    """Metres a second that a planted foot may move."""
    root: tuple[float, float, float] = (6.0, 6.0, 3.0)
    joint: float = 30.0


SOFT = ("spine", "neck", "nose", "left_shoulder", "right_shoulder")
SEEN = [i for i, name in enumerate(BODY_26.joints) if name not in INTERPOLATED]
FEET = BODY_26.indices(*CONTACT_NAMES)


@dataclass(frozen=True)
class Refined:
    """`points` (F, 26, 3) m from the pelvis, camera's axes; `path` (F, 3) m of the pelvis."""

    points: Array
    path: Array


@dataclass(frozen=True)
class Evidence:
    """What the refinement goes by: `rays` (F, 26, 2) x/z, y/z of the keypoints with `weights` (F, 26); `lengths`
    (26,) m of the bone that ends at each joint; `times` (F,) s; `ground`: feet must not go below it; `planted`
    (F, 4) in [0, 1]: `CONTACT_NAMES` that stand still."""

    rays: Array
    weights: Array
    lengths: Array
    times: Array
    ground: Ground | None
    planted: Array

    def window(self, part: slice) -> Evidence:
        """The evidence of some frames."""
        return replace(
            self,
            rays=self.rays[part],
            weights=self.weights[part],
            times=self.times[part],
            planted=self.planted[part],
        )


def refine(points: Array, path: Array, evidence: Evidence, sigmas: Sigmas = Sigmas()) -> Refined:
    """Refine lifted joints: `points` (F, 26, 3) m from the pelvis and `path` (F, 3) m to begin with."""
    if len(points) <= WINDOW:
        return _refined(points, path, evidence, sigmas)
    result = Refined(np.zeros_like(points), np.zeros_like(path))
    total = np.zeros(len(points))
    for start in range(0, len(points) - OVERLAP, WINDOW - OVERLAP):
        part = slice(start, min(start + WINDOW, len(points)))
        found = _refined(points[part], path[part], evidence.window(part), sigmas)
        count = len(found.path)
        ramp = np.minimum(np.arange(1, count + 1), np.arange(count, 0, -1)) / OVERLAP
        share = np.clip(ramp, 1e-6, 1.0)
        result.points[part] += share[:, None, None] * found.points
        result.path[part] += share[:, None] * found.path
        total[part] += share
    return Refined(result.points / total[:, None, None], result.path / total[:, None])


def bone_lengths(rest_points: Array) -> Array:
    """Lengths (26,) m of the bones of a rest body's `BODY_26` points (26, 3); 0 for the root."""
    parents = [max(parent, 0) for parent in BODY_26.parents]
    return np.asarray(np.linalg.norm(rest_points - rest_points[parents], axis=-1))


def _refined(points: Array, path: Array, evidence: Evidence, sigmas: Sigmas) -> Refined:
    parents = torch.tensor([max(parent, 0) for parent in BODY_26.parents])
    start = torch.from_numpy(points).float()
    lifted = start - start[:, parents]
    bones, root = lifted.clone().requires_grad_(True), torch.from_numpy(path).float().requires_grad_(True)
    cost = _cost(lifted, evidence, sigmas)
    descend(cost, [bones, root], LEARNING_RATE, STEPS)
    with torch.no_grad():
        return Refined((_chain(BODY_26.parents) @ bones).double().numpy(), root.double().numpy())


def _cost(lifted: Tensor, evidence: Evidence, sigmas: Sigmas) -> Callable[[Tensor, Tensor], Tensor]:
    """The sum of squares, each in standard deviations, as a function of bones (F, 26, 3) and root (F, 3)."""
    seen, sure = torch.from_numpy(evidence.rays[:, SEEN]).float(), torch.from_numpy(evidence.weights[:, SEEN]).float()
    length = torch.from_numpy(evidence.lengths).float()
    across = (sigmas.bone_across * length).clamp_min(0.01)[:, None]
    spread = torch.cat([across, across, (sigmas.bone_depth * length).clamp_min(0.01)[:, None]], 1)
    stiff = torch.full_like(length, sigmas.rigid)
    stiff[BODY_26.indices(*SOFT)] = sigmas.soft
    step = torch.from_numpy(np.diff(evidence.times)).float()[:, None]
    limit = torch.tensor(sigmas.root)
    chain = _chain(BODY_26.parents)
    still = torch.from_numpy(np.minimum(evidence.planted[1:], evidence.planted[:-1])).float()[..., None]

    def cost(bones: Tensor, root: Tensor) -> Tensor:
        joints = root[:, None] + chain @ bones
        shown = joints[:, SEEN]
        depth = shown[..., 2:].clamp_min(0.2)
        off = (shown[..., :2] / depth - seen) * depth.detach() / sigmas.keypoint
        squared = off.square().sum(-1)
        reprojection = (sure * squared / (1 + squared / 16)).sum()
        prior = ((bones - lifted) / spread)[:, 1:].square().sum()
        rigid = ((bones.norm(dim=-1) - length) / stiff)[:, 1:].square().sum()
        total: Tensor = reprojection + prior + rigid
        if len(step) > 1:
            total = total + (_acceleration(root, step) / limit).square().sum()
            total = total + (_acceleration(joints.flatten(1), step) / sigmas.joint).square().sum()
            slip = (joints[1:, FEET] - joints[:-1, FEET]) / step[..., None] / sigmas.plant
            total = total + (still * slip.square()).sum()
        if evidence.ground is not None:
            normal = torch.from_numpy(evidence.ground.normal).float()
            below = (evidence.ground.offset - joints[:, FEET] @ normal).clamp(0, 1)
            total = total + (below / sigmas.floor).square().clamp_max(900).sum()
        return total

    return cost


def _chain(parents: Sequence[int]) -> Tensor:
    """(J, J): row j is 1 at j and all that it hangs from but the root, so that `_chain @ bones` are the joints."""
    chain = torch.zeros(len(parents), len(parents))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            chain[joint] = chain[parent]
            chain[joint, joint] = 1.0
    return chain


def _acceleration(values: Tensor, step: Tensor) -> Tensor:
    """Second differences (F - 2, D) of samples `step` (F - 1, 1) seconds apart."""
    speed = (values[1:] - values[:-1]) / step
    return 2 * (speed[1:] - speed[:-1]) / (step[1:] + step[:-1])
