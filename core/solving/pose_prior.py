"""How people hold themselves: what evidence leaves open, a body's usual pose decides.

A picture hardly shows a limb that points at the camera, nor a body's lean towards it, but who bends the knees bends the
hips and leans ahead. A Gaussian of recorded poses knows that: its features are the rotation of each joint in its
parent's axes, as the sine of the angle times the axis, and the vertical in the pelvis's axes.

`pose_prior.json` is fitted by `synthesis.make_pose_prior`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..rotation import Array
from ..skeleton import ANIMATION_21
from .evidence import Evidence, Sigmas
from .moved import UNKNOWNS, Moved, turn_rows
from .terms import Held, State

VERTICAL = 2
"""Features of the vertical: how far the pelvis is tilted to its left and to the front."""
_JOINTS = range(1, len(ANIMATION_21))
_PARENTS = torch.tensor([ANIMATION_21.parents[joint] for joint in _JOINTS])
_EACH = [joint for joint in _JOINTS for _ in range(3)]
_ITS_PARENT = [ANIMATION_21.parents[joint] for joint in _EACH]


@dataclass(frozen=True)
class PoseStatistics:
    """`mean` (62,) and `covariance` (62, 62) of `pose_features`."""

    mean: Array
    covariance: Array

    @staticmethod
    def of(features: Array) -> PoseStatistics:
        """Of the features (N, 62) of many poses."""
        return PoseStatistics(features.mean(0), np.cov(features.T))

    @staticmethod
    def load(path: Path) -> PoseStatistics:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return PoseStatistics(np.array(stored["mean"]), np.array(stored["covariance"]))

    def text(self) -> str:
        """As `load` reads it."""
        rounded = {"mean": np.round(self.mean, 4).tolist(), "covariance": np.round(self.covariance, 5).tolist()}
        return json.dumps(rounded, separators=(",", ":")) + "\n"


@functools.cache
def recorded() -> PoseStatistics:
    """Of recorded people, those who lie left out."""
    return PoseStatistics.load(Path(__file__).with_name("pose_prior.json"))


def pose_features(rotations: Tensor, up: Tensor) -> Tensor:
    """Features (F, 62) of poses: world `rotations` (3, 3, F, 21); `up` (3,) in the same world."""
    # A matrix's entries (z, y) - (y, z) and so on are twice the sine of its angle times its axis.
    bent = sum(sign * (first * second).sum(0) for sign, first, second in _products(rotations)) / 2
    vertical = (rotations[:, :VERTICAL, :, 0] * up[:, None, None]).sum(0)
    return torch.cat([torch.as_tensor(bent).permute(1, 2, 0).flatten(1), vertical.T], 1)


def _products(rotations: Tensor) -> tuple[tuple[float, Tensor, Tensor], ...]:
    """A sign and two vectors (3, 3, F, 20), of the parent and of the joint itself, whose products make up features:
    components, features, frames, joints."""
    parents, own = rotations.index_select(-1, _PARENTS), rotations[..., 1:]
    (z_of_parent, y_of_parent), (z, y) = ([axes.roll(by, 1) for by in (1, -1)] for axes in (parents, own))
    return (1.0, z_of_parent, y), (-1.0, y_of_parent, z)


class PosePrior:
    """Poses are such as people take."""

    def __init__(self, evidence: Evidence, sigmas: Sigmas) -> None:
        statistics = recorded()
        kept = len(statistics.mean) - (VERTICAL if evidence.ground is None else 0)
        up = np.zeros(3) if evidence.ground is None else evidence.ground.normal
        covariance = statistics.covariance[:kept, :kept] + sigmas.feature**2 * np.eye(kept)
        whitening = np.linalg.inv(np.linalg.cholesky(covariance)) / sigmas.pose
        self._up, self._kept = torch.from_numpy(up).float(), kept
        self._mean = torch.from_numpy(statistics.mean[:kept]).float()
        self._whitening = torch.from_numpy(whitening).float()

    def value(self, state: State) -> Tensor:
        off = pose_features(state.rotations, self._up)[:, : self._kept] - self._mean
        return (off @ self._whitening.T).square().sum()

    def held(self, state: State, moved: Moved) -> Held:
        crosses = sum(
            sign / 2 * torch.linalg.cross(first, second, dim=0) for sign, first, second in _products(state.rotations)
        )
        # Joint by joint, as features are.
        bent = turn_rows(torch.as_tensor(crosses).permute(0, 2, 3, 1).flatten(2), _ITS_PARENT, _EACH)
        rows = torch.cat([bent, bent.new_zeros(len(bent), VERTICAL, UNKNOWNS)], 1)
        tilted = state.rotations[:, :VERTICAL, :, 0].transpose(1, 2)
        # The vertical stays when the pelvis, the first joint, turns.
        turned = torch.linalg.cross(tilted, self._up[:, None, None].expand_as(tilted), dim=0)
        rows[:, -VERTICAL:, :3] = turned.permute(1, 2, 0)
        rows = self._whitening @ rows[:, : self._kept]
        return Held(rows, (rows.new_ones(rows.shape[:2]),))
