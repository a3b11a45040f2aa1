"""What a network's dynamical graphs found in a clip: the affinities of single frames, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..jobs import MotionLiftError, UsageError
from ..keypoints import Keypoints2D
from ..rotation import Array
from ..skeleton import JointSet
from .inference import window_inputs
from .network import Affinity, DGNet
from .windowing import WindowPlan, fill_gaps, plan_windows


@dataclass(frozen=True)
class FrameAffinities:
    """The affinities of S frames of a clip in one block of a network; rows are the joints that listen.

    `samples` (S,): the frames' indices; `pixels` and `pixels_next` (S, N, 2): the joints in the frame and one step of
    the network's windows later; `spatial`: how much each joint counts which other in the frame itself (S, N, N);
    `after`, `before`: in the next and in the last step. None where the block has no such graph. A block's dynamical
    graphs have two layers each or more; these are the means of theirs.
    """

    joints: JointSet
    block: int
    samples: tuple[int, ...]
    pixels: Array
    pixels_next: Array
    spatial: Array | None
    after: Array | None
    before: Array | None


def frame_affinities(
    keypoints: Keypoints2D, camera_K: Array, model: DGNet, samples: Sequence[int], block: int | None = None
) -> FrameAffinities:
    """The affinities of `block` (from 1; the last by default) in the frames `samples`, detected ones, on a CPU.

    Each frame is seen in the window that has it nearest its middle. Raises `UsageError`: `wrong_block`, and as
    `inference.lift_keypoints`; `MotionLiftError` (`no_affinities`) for a network without dynamical graphs.
    """
    config = model.config
    block = config.blocks if block is None else block
    if not 1 <= block <= config.blocks:
        raise UsageError(
            "wrong_block", f"There is no block {block}.", f"The network's blocks are 1 to {config.blocks}."
        )
    whole = plan_windows(keypoints.times, keypoints.detected, config.frames, config.frame_interval_s)
    rows, places = _middle_windows(whole, samples)
    plan = WindowPlan(whole.before[rows], whole.after[rows], whole.weight[rows], whole.frames[rows])
    network = model.folded().cpu()
    found = network.affinities(window_inputs(keypoints, camera_K, config, plan))
    of_block = [affinity for affinity in found if affinity.name.startswith(f"blocks.{block - 1}.")]
    if not of_block:
        raise MotionLiftError(
            "no_affinities",
            "The network has no dynamical graphs, so there is nothing to draw.",
            "Use weights whose blocks have DSG or DTG, such as those that come with MotionLift.",
        )
    pixels = torch.from_numpy(fill_gaps(keypoints.times, keypoints.pixels, keypoints.detected))
    windows = plan.sample(pixels).numpy()
    each, following = np.arange(len(rows)), np.minimum(places + 1, config.frames - 1)
    return FrameAffinities(
        config.joints, block, tuple(samples), windows[each, places], windows[each, following],
        *(_mean(of_block, part, places) for part in ("now", "after", "before")),
    )  # fmt: skip


def spread_samples(keypoints: Keypoints2D, count: int) -> list[int]:
    """Up to `count` detected frames, spread over the clip: the middle of each of as many equal parts."""
    seen = np.flatnonzero(keypoints.detected)
    return [int(part[len(part) // 2]) for part in np.array_split(seen, min(count, len(seen)))] if len(seen) else []


def _middle_windows(plan: WindowPlan, samples: Sequence[int]) -> tuple[Array, Array]:
    """Of each sample the window that has it nearest its middle, and its place there."""
    rows, places = [], []
    middle = (plan.frames.shape[1] - 1) / 2
    for sample in samples:
        where = np.argwhere(plan.frames == sample)
        if not len(where):
            raise UsageError("bad_setting", f"Nobody was detected in frame {sample}.", "Choose another frame.")
        row, place = where[np.argmin(np.abs(where[:, 1] - middle))]
        rows.append(int(row))
        places.append(int(place))
    return np.array(rows, int), np.array(places, int)


def _mean(affinities: Sequence[Affinity], part: str, places: Array) -> Array | None:
    """The mean over layers of one part of their affinities, at a place in each window: (S, N, N)."""
    given: list[Tensor] = [value for value in (getattr(a, part) for a in affinities) if value is not None]
    if not given:
        return None
    mean: Array = torch.stack(given).mean(0).double().numpy()[np.arange(len(places)), places]
    return mean
