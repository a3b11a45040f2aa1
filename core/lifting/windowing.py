"""Which windows of time are lifted: frames at the network's spacing, from videos of any rate, with gaps.

Where the spacing is a whole number of the video's frames, windows start at every frame and take the frames as they
are: inside a clip each frame is predicted once at every place within a window. Elsewhere windows are laid for one frame
after another; samples near a frame are moved onto it, the others are interpolated and belong to none. Either way a
frame's own keypoints are never interpolated, so fast movement keeps its height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..rotation import Array, Bools

SPACING_TOLERANCE = 0.05
"""How far, relatively, the frames' spacing may be from the trained one: far less than the speeds seen in training."""
NEAR = 0.13
"""How far, in intervals, a sample may be from a frame that is taken for it: 9 ms at 15 a second."""
BETWEEN_FRAMES = 2

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class WindowPlan:
    """W windows of T samples. Sample = (1 - weight) * frame[before] + weight * frame[after], each (W, T);
    `frames` (W, T): the frame that a window's prediction at that place belongs to, or -1: to none."""

    before: Indices
    after: Indices
    weight: Array
    frames: Indices

    def __len__(self) -> int:
        return len(self.frames)

    def part(self, start: int, stop: int) -> WindowPlan:
        """The windows start <= w < stop."""
        rows = slice(start, stop)
        return WindowPlan(self.before[rows], self.after[rows], self.weight[rows], self.frames[rows])

    def shifted(self, start: int) -> WindowPlan:
        """The same windows with frames counted from `start` frames earlier."""
        frames = np.where(self.frames < 0, -1, self.frames + start)
        return WindowPlan(self.before + start, self.after + start, self.weight, frames)

    def sample(self, values: Tensor) -> Tensor:
        """The windows' samples (W, T, ...) of a value per frame (F, ...)."""
        before, after = torch.from_numpy(self.before), torch.from_numpy(self.after)
        weight = torch.from_numpy(self.weight).to(values.dtype)
        return torch.lerp(values[before], values[after], weight.view(*weight.shape, *[1] * (values.dim() - 1)))


def plan_windows(times: Array, detected: Bools, length: int, interval: float, overlap: int | None = None) -> WindowPlan:
    """The windows of `length` samples, `interval` seconds apart, that cover the detected frames at `times` (F,) s.

    `overlap`: how many windows see a frame inside a run, 1 (fastest) to `length` (default); where frames do not fit
    the spacing, at least as many, `BETWEEN_FRAMES` at most.

    Windows stay within a run of detected frames (see `runs`) and move inwards at its ends; where a run is
    shorter than a window its last frame is repeated.
    """
    nothing = np.zeros((0, length), np.int64)
    plans = [WindowPlan(nothing, nothing, nothing.astype(float), nothing)]
    plans += [
        _plan_run(times[a:b], length, interval, overlap or length).shifted(a)
        for a, b in runs(times, detected, interval)
    ]
    return WindowPlan(
        np.concatenate([plan.before for plan in plans]),
        np.concatenate([plan.after for plan in plans]),
        np.concatenate([plan.weight for plan in plans]),
        np.concatenate([plan.frames for plan in plans]),
    )


def runs(times: Array, detected: Bools, interval: float) -> list[tuple[int, int]]:
    """(start, stop) of the stretches of frames that windows may span: from a detected frame to a detected frame,
    with no undetected gap in between that lasts longer than `interval` seconds."""
    seen = np.flatnonzero(detected)
    if not len(seen):
        return []
    gaps = (np.diff(seen) > 1) & (np.diff(times[seen]) > interval * (1 + SPACING_TOLERANCE))
    starts = np.concatenate([seen[:1], seen[1:][gaps]])
    stops = np.concatenate([seen[:-1][gaps], seen[-1:]]) + 1
    return [(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]


def fill_gaps(times: Array, values: Array, detected: Bools) -> Array:
    """`values` (F, N, D) with the undetected frames interpolated linearly in time, held at the ends; zeros where
    nothing was detected at all."""
    if detected.all():
        return np.asarray(values, float)
    seen = np.flatnonzero(detected)
    if not len(seen):
        return np.zeros(values.shape)
    place = np.clip(np.searchsorted(seen, np.arange(len(times)), side="right") - 1, 0, len(seen) - 1)
    before, after = seen[place], seen[np.minimum(place + 1, len(seen) - 1)]
    span = np.maximum(times[after] - times[before], 1e-12)
    weight = np.clip((times - times[before]) / span, 0.0, 1.0)[:, None, None]
    filled: Array = (1 - weight) * values[before] + weight * values[after]
    return filled


def _plan_run(times: Array, length: int, interval: float, overlap: int) -> WindowPlan:
    stride = _frames_per_interval(times, interval)
    if stride is None:
        return _between_frames(times, length, interval, min(overlap, BETWEEN_FRAMES))
    return _on_frames(len(times), length, stride, overlap)


def _frames_per_interval(times: Array, interval: float) -> int | None:
    """How many frames make one interval, if that is a whole number all along; 1 for a single frame."""
    if len(times) == 1:
        return 1
    stride = max(1, round(interval / float(np.median(np.diff(times)))))
    if stride >= len(times):
        return None
    steps = times[stride:] - times[:-stride]
    return stride if np.abs(steps - interval).max() <= SPACING_TOLERANCE * interval else None


def _on_frames(count: int, length: int, stride: int, overlap: int) -> WindowPlan:
    starts = np.arange(min(count, max(stride, count - (length - 1) * stride)))
    # Of the windows of a phase, which start `stride` apart, every `hop`-th, and the last, which ends the run.
    hop = max(1, length // overlap)
    starts = starts[(starts // stride % hop == 0) | (starts + stride >= len(starts))]
    taps = starts[:, None] + stride * np.arange(length)
    frames = np.where(taps < count, taps, -1)
    taps = np.minimum(taps, count - 1)
    return WindowPlan(taps, taps, np.zeros(taps.shape), frames)


def _between_frames(times: Array, length: int, interval: float, overlap: int) -> WindowPlan:
    """Windows laid for one frame after another, until each is seen often enough, with what lies near their samples."""
    count, seen = len(times), np.zeros(len(times), np.int64)
    starts: list[float] = []
    owners: list[tuple[int, int]] = []
    for turn in range(overlap):
        for frame in range(count):
            if seen[frame] > turn:
                continue
            # At the ends of the run a frame moves to the place in the window that keeps the window inside.
            highest = int((times[frame] - times[0]) / interval + 1e-9)
            lowest = length - 1 - int((times[-1] - times[frame]) / interval + 1e-9)
            place = turn * length // overlap
            place = min(max(place, lowest), highest) if lowest <= highest else min(place, highest)
            start = float(times[frame] - place * interval)
            nearest, near = _near(times, start + np.arange(length) * interval, interval)
            seen[np.unique(nearest[near])] += 1
            if place < length and not near[place]:
                seen[frame] += 1
            starts.append(start)
            owners.append((frame, place))
    sample = np.array(starts)[:, None] + np.arange(length) * interval
    nearest, near = _near(times, sample, interval)
    frame, place = np.array(owners).T
    rows = np.arange(len(frame))
    nearest[rows, place], near[rows, place] = frame, True
    sample = np.clip(sample, times[0], times[-1])
    after = np.clip(np.searchsorted(times, sample, side="left"), min(1, count - 1), count - 1)
    before = np.maximum(after - 1, 0)
    span = np.maximum(times[after] - times[before], 1e-12)
    weight = np.clip((sample - times[before]) / span, 0.0, 1.0)
    before, after = np.where(near, nearest, before), np.where(near, nearest, after)
    return WindowPlan(before, after, np.where(near, 0.0, weight), np.where(near, nearest, -1))


def _near(times: Array, sample: Array, interval: float) -> tuple[Indices, Bools]:
    """The frame nearest to each sample, and whether it is near enough to be taken for it."""
    after = np.clip(np.searchsorted(times, sample), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(times[before] - sample) <= np.abs(times[after] - sample), before, after)
    return nearest, np.abs(times[nearest] - sample) <= NEAR * interval
