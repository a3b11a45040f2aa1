"""What an animator should look at in a take: how sure each part of the body is, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.motion import Motion
from ..core.rotation import Array
from .feet import runs

PARTS: Mapping[str, tuple[str, ...]] = {
    "head": ("head", "neck"),
    "body": ("pelvis", "spine", "chest", "left_hip", "right_hip", "left_shoulder", "right_shoulder"),
    "left arm": ("left_elbow", "left_wrist"),
    "right arm": ("right_elbow", "right_wrist"),
    "left leg": ("left_knee", "left_ankle", "left_toe"),
    "right leg": ("right_knee", "right_ankle", "right_toe"),
}
WEAK = 0.35
"""Confidence below which a part is worth a look."""
SHORTEST_WEAK_SECONDS = 0.2
"""Shorter stretches are no trouble, and gaps as short are bridged."""


@dataclass(frozen=True)
class Stretch:
    """Frames `start` to `stop` (not with it) of a motion in which `parts` of the body are uncertain."""

    start: int
    stop: int
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"check {', '.join(self.parts)}"


def part_confidence(motion: Motion) -> dict[str, Array]:
    """The confidence (F,) of each of `PARTS`: the mean of its joints."""
    return {
        part: motion.confidence[:, [motion.joint(name) for name in joints if name in motion.joint_names]].mean(1)
        for part, joints in PARTS.items()
    }


def weak_stretches(motion: Motion) -> list[Stretch]:
    """Where to look, in order; parts that are weak at the same time share a stretch."""
    step = float(np.median(np.diff(motion.times))) if len(motion) > 1 else 1.0
    shortest = max(1, round(SHORTEST_WEAK_SECONDS / step))
    weak: dict[str, list[tuple[int, int]]] = {}
    for part, confidence in part_confidence(motion).items():
        flags = confidence < WEAK
        for start, stop in runs(~flags):
            if stop - start < shortest and start > 0 and stop < len(flags):
                flags[start:stop] = True
        weak[part] = [(start, stop) for start, stop in runs(flags) if stop - start >= shortest]
    together = np.zeros(len(motion), bool)
    for stretches in weak.values():
        for start, stop in stretches:
            together[start:stop] = True
    return [
        Stretch(
            start, stop, tuple(part for part, found in weak.items() if any(a < stop and b > start for a, b in found))
        )
        for start, stop in runs(together)
    ]


def contact_edges(contacts: Array) -> list[tuple[int, bool]]:
    """(frame, holds) at the first frame and wherever a contact (F,) starts or ends holding."""
    holds = contacts > 0.5
    changes = np.flatnonzero(np.diff(holds.astype(np.int8))) + 1
    return [(0, bool(holds[0])), *((int(frame), bool(holds[frame])) for frame in changes)]


def contacts_of_edges(edges: Sequence[tuple[float, float]], frames: int) -> Array:
    """Contacts (F,), 0 or 1, of (frame, value) edges in any order: each holds until the next; the first from the
    start."""
    contacts = np.zeros(frames)
    ordered = sorted(edges)
    for number, (frame, value) in enumerate(ordered):
        start = 0 if number == 0 else max(round(frame), 0)
        contacts[start:] = float(value > 0.5)
    return contacts
