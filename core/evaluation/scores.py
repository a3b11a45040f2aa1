"""Every metric of a network on recordings: of each, by action, by joint, and the mean that a protocol reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..rotation import Array, Bools
from ..skeleton import JointSet
from . import metrics
from .datasets.recording import Floats

METRICS = ("MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE", "ACC", "BONES", "PCK", "AUC")
"""mm; MPJVE mm a frame, ACC mm a frame squared, BONES the mean standard deviation of a bone's length in mm; PCK and AUC
in percent."""


@dataclass(frozen=True)
class Score:
    """One recording: `values` by the names in `METRICS`, `joints` (N,) mm, each a mean over `frames` valid frames."""

    action: str
    frames: int
    values: dict[str, float]
    joints: Array


def score(
    found: Array,
    true: Array | Floats,
    valid: Bools,
    action: str,
    joints: JointSet,
    counted: Sequence[int] | None = None,
) -> Score:
    """Compare root-relative joints (F, N, 3) m in the frames that are `valid` (F,); PCK and AUC over the joints
    `counted`, all unless told. Changes over time are compared where all frames of a difference are valid."""
    found, target = 1000 * found, 1000 * np.asarray(true, np.float64)
    counted = range(len(joints)) if counted is None else counted
    of_pose = {"MPJPE": metrics.mpjpe, "P-MPJPE": metrics.pa_mpjpe, "N-MPJPE": metrics.n_mpjpe}
    poses, truth = found[valid], target[valid]
    values = {name: float(metric(poses, truth).mean()) for name, metric in of_pose.items()}
    values["MPJVE"] = _over_time(metrics.mpjve(found, target), valid, 1)
    values["ACC"] = _over_time(metrics.acceleration_error(found, target), valid, 2)
    values["BONES"] = float(metrics.bone_length_deviation(poses, joints.edges).mean())
    values["PCK"] = 100 * float(metrics.pck(poses[:, counted], truth[:, counted]).mean())
    values["AUC"] = 100 * float(metrics.auc(poses[:, counted], truth[:, counted]).mean())
    return Score(action, len(poses), values, metrics.joint_errors(poses, truth).mean(0))


def mean(scores: Iterable[Score]) -> dict[str, float]:
    """Each metric's mean over all frames; NaN where no clip is long enough for it."""
    scores = list(scores)
    return {name: _weighted([s.values[name] for s in scores], [s.frames for s in scores]) for name in METRICS}


def by_action(scores: Iterable[Score]) -> dict[str, dict[str, float]]:
    """`mean` of each action's recordings, actions in alphabetical order."""
    scores = list(scores)
    return {action: mean(s for s in scores if s.action == action) for action in sorted({s.action for s in scores})}


def mean_of_actions(scores: Iterable[Score]) -> dict[str, float]:
    """The mean over actions, however long each is: what Human3.6M's protocols report."""
    actions = by_action(scores).values()
    return {name: float(np.nanmean([values[name] for values in actions])) for name in METRICS}


def by_joint(scores: Iterable[Score], joints: JointSet) -> dict[str, float]:
    """Each joint's mean distance from its truth, mm."""
    scores = list(scores)
    errors = np.average([s.joints for s in scores], axis=0, weights=[s.frames for s in scores])
    return dict(zip(joints.joints, map(float, errors), strict=True))


AVERAGES: dict[str, Callable[[Iterable[Score]], dict[str, float]]] = {"actions": mean_of_actions, "frames": mean}
"""The mean that a protocol reports: over actions, or over all frames."""


def _over_time(errors: Array, valid: Bools, order: int) -> float:
    if len(valid) <= order:
        return float("nan")
    whole = np.lib.stride_tricks.sliding_window_view(valid, order + 1).all(-1)
    return float(errors[whole].mean()) if whole.any() else float("nan")


def _weighted(values: Sequence[float], weights: Sequence[int]) -> float:
    known = np.isfinite(values)
    return float(np.average(np.array(values)[known], weights=np.array(weights)[known])) if known.any() else float("nan")
