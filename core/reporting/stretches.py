"""Places to check: when which part of the body is doubtful, and why.

An animator looks at these first, so they are few: short flickers are dropped, and each moment of a body part is told
once, with the reason that explains the most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..motion import Motion
from ..rotation import Array, Bools
from ..skeleton import BODY_26
from .evidence import checked, figure_height_px, foot_contacts, in_picture, landmarks_world, seen_span, stays_in_place

Reason = Literal["not_found", "out_of_picture", "unsure", "off_picture", "sliding"]
"""Nobody detected; outside the picture; the detector is unsure (hidden, blurred, small); the figure lies elsewhere than
what the detector sees with confidence; a foot that stands moves. In this order, each covers those after it."""

WORDS: dict[Reason, str] = {
    "not_found": "not found",
    "out_of_picture": "outside the picture",
    "unsure": "hidden or unclear",
    "off_picture": "not where the picture shows it",
    "sliding": "slides while it stands",
}
EVERYTHING = "whole figure"

GROUPS: dict[str, tuple[str, ...]] = {
    "head": ("nose", "left_ear", "right_ear"),
    "torso": ("left_shoulder", "right_shoulder", "left_hip", "right_hip"),
    "left arm": ("left_elbow", "left_wrist"),
    "right arm": ("right_elbow", "right_wrist"),
    "left leg": ("left_knee",),
    "right leg": ("right_knee",),
    "left foot": ("left_ankle", "left_heel", "left_toe_tip"),
    "right foot": ("right_ankle", "right_heel", "right_toe_tip"),
}
"""Parts of the body by the `BODY_26` keypoints that show them."""

DOUBT = 0.5
"""A frame counts from this doubt on, 0 (sure) to 1."""
HALF_OFF = 0.08
"""Distance of the figure from a confident keypoint, in figure heights, of which the doubt is one half."""
HALF_SLIDE = 0.20
"""The same for a standing foot's speed, m/s."""
SHORTEST_S = 0.1
BRIDGED_S = 0.15
"""Stretches are at least so long; shorter breaks in one are passed over."""
OUTSIDE_MARGIN = 0.005
"""Of the picture's longer side: keypoints on its very edge are still in it."""


@dataclass(frozen=True)
class Stretch:
    """One doubtful stretch of one body part, from `start_s` until `end_s` of the motion's clock.

    `group`: a name in `GROUPS`, or "whole figure". `doubt`: seconds times how doubtful they are (0 to 1).
    """

    start_s: float
    end_s: float
    group: str
    reason: Reason
    doubt: float

    @property
    def words(self) -> str:
        """What is wrong, as a person would say it."""
        return f"{self.group} {WORDS[self.reason]}"


def weak_stretches(motion: Motion) -> list[Stretch]:
    """The doubtful stretches of a motion, the most doubtful first.

    Frames before the person is first found and after the last time are no stretch: there only a pose is held. Raises
    `MotionLiftError` (`bad_motion`) for a skeleton that is not ours.
    """
    first, stop = seen_span(checked(motion))
    inside = np.zeros(len(motion), bool)
    inside[first:stop] = True
    lost = inside & ~motion.detected
    found = list(_stretches(motion, EVERYTHING, "not_found", lost.astype(float)))
    covered = inside & _mask(found, motion.times)
    for group, doubts in _doubts(motion).items():
        free = inside & ~covered
        for reason, doubt in doubts.items():
            told = list(_stretches(motion, group, reason, np.where(free, doubt, 0.0)))
            free &= ~_mask(told, motion.times)
            found.extend(told)
    return sorted(found, key=lambda stretch: (-stretch.doubt, stretch.start_s, stretch.group))


def group_confidence(motion: Motion) -> dict[str, Array]:
    """How sure (F,) the detector is of each of `GROUPS`, 0 to 1."""
    return {
        group: motion.keypoint_confidence[:, BODY_26.indices(*points)].mean(1) * motion.detected
        for group, points in GROUPS.items()
    }


def step_s(motion: Motion) -> float:
    """The usual time between samples in seconds; a frame's at the export rate for a single sample."""
    return float(np.median(np.diff(motion.times))) if len(motion) > 1 else 1 / motion.fps


def _doubts(motion: Motion) -> dict[str, dict[Reason, Array]]:
    """Doubt (F,) in [0, 1] of each group for each reason, in the order of `Reason`."""
    pixels = in_picture(motion, landmarks_world(motion))
    margin = OUTSIDE_MARGIN * max(motion.image_size)
    outside = ~((pixels > -margin) & (pixels < np.array(motion.image_size) + margin)).all(-1)
    off = np.linalg.norm(pixels - motion.keypoints_2d, axis=-1) / figure_height_px(motion)[:, None]
    off = np.where(np.isfinite(off), off, 0.0)
    confidence = group_confidence(motion)
    result: dict[str, dict[Reason, Array]] = {}
    for group, names in GROUPS.items():
        points = BODY_26.indices(*names)
        seen = motion.keypoint_confidence[:, points]
        weighted = (off[:, points] * seen).sum(1) / np.maximum(seen.sum(1), 1e-9)
        result[group] = {
            "out_of_picture": outside[:, points].mean(1),
            "unsure": 1 - confidence[group],
            "off_picture": weighted / (2 * HALF_OFF),
        }
        if group.endswith("foot"):
            result[group]["sliding"] = _slide_speed(motion, group.split()[0]) / (2 * HALF_SLIDE)
    return result


def _slide_speed(motion: Motion, side: str) -> Array:
    """The fastest (F,) m/s that one of a foot's planted points moves along the floor; 0 where none is planted."""
    columns = foot_contacts(motion, side)
    if len(motion) < 2 or not columns or stays_in_place(motion):
        return np.zeros(len(motion))
    feet = motion.contact_positions()[:, columns, :2]
    steps = np.linalg.norm(np.diff(feet, axis=0), axis=-1) / np.diff(motion.times)[:, None]
    planted = motion.contacts[:, columns] > 0.5
    steps = np.where(planted[1:] & planted[:-1], steps, 0.0).max(1)
    return np.maximum(np.append(steps, 0.0), np.insert(steps, 0, 0.0))


def _stretches(motion: Motion, group: str, reason: Reason, doubt: Array) -> Iterator[Stretch]:
    """Runs of `doubt` (F,) over the limit, short breaks passed over, short runs dropped."""
    step = step_s(motion)
    # A sample lasts until the next one.
    ends = np.append(motion.times[1:], motion.times[-1] + step)
    last: tuple[int, int] | None = None
    for start, stop in runs(doubt >= DOUBT):
        if last and motion.times[start] - ends[last[1] - 1] <= BRIDGED_S:
            last = (last[0], stop)
            continue
        if last:
            yield from _told(motion, group, reason, doubt, ends, last)
        last = (start, stop)
    if last:
        yield from _told(motion, group, reason, doubt, ends, last)


def _told(
    motion: Motion, group: str, reason: Reason, doubt: Array, ends: Array, run: tuple[int, int]
) -> Iterator[Stretch]:
    start, stop = run
    start_s, end_s = float(motion.times[start]), float(ends[stop - 1])
    # Half a millisecond: times are rounded.
    if end_s - start_s > SHORTEST_S - 5e-4:
        seconds = ends[start:stop] - motion.times[start:stop]
        yield Stretch(start_s, end_s, group, reason, float(np.clip(doubt[start:stop], 0, 1) @ seconds))


def runs(mask: Bools) -> list[tuple[int, int]]:
    """The runs of True in a mask (F,) as (first, one after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _mask(stretches: list[Stretch], times: Array) -> Bools:
    """Which samples (F,) lie in one of the stretches."""
    result = np.zeros(len(times), bool)
    for stretch in stretches:
        result |= (times >= stretch.start_s - 1e-9) & (times < stretch.end_s - 1e-9)
    return result
