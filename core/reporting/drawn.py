"""What a preview draws of a motion: points and the lines between them, with how sure each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..hand_skeleton import FINGER_JOINTS
from ..motion import Motion
from ..rotation import Array, Bools, rotate
from .evidence import seen_span


@dataclass(frozen=True)
class Drawn:
    """A motion as points and lines.

    points_world (F, P, 3) m: the joints, the ends of bones without children, the heels; lines (L, 2): their indices;
    fingers (L,): which of them are, to be drawn fine; line_confidence (F, L) in [0, 1]; side (P,): -1 right, 1 left, 0
    the middle, and fingers. feet_world (F, C, 3) m and planted (F, C): the contact points; shown (F,): whether the
    person is there: from first seen to last.
    """

    points_world: Array
    lines: NDArray[np.int64]
    fingers: Bools
    line_confidence: Array
    side: NDArray[np.int64]
    feet_world: Array
    planted: Bools
    shown: Bools

    @property
    def least_confidence(self) -> Array:
        """How sure (F,) the least sure tenth of the body's lines is at best; thirty fingers would outvote them."""
        return np.asarray(np.percentile(self.line_confidence[:, ~self.fingers], 10, axis=-1))


def drawn(motion: Motion) -> Drawn:
    """The motion as points and lines."""
    joints = len(motion.joint_names)
    leaves = np.setdiff1d(np.arange(joints), motion.parents)
    tails = motion.joint_positions[:, leaves] + rotate(motion.world_rotations()[:, leaves], motion.rest_tails[leaves])
    feet = motion.contact_positions()
    heels = np.array([c for c, name in enumerate(motion.contact_names) if name.endswith("heel")], int)
    children = np.flatnonzero(motion.parents >= 0)
    starts = np.concatenate([motion.parents[children], leaves, motion.contact_parents[heels]])
    lines = np.stack([starts, np.concatenate([children, joints + np.arange(len(leaves) + len(heels))])], -1)
    fingers = np.isin(motion.joint_names, FINGER_JOINTS)
    sides = [0 if finger else _side(name) for name, finger in zip(motion.joint_names, fingers, strict=True)]
    # A line is as sure as the less sure of its joints; a bone's end as its joint.
    ends = np.where(lines < joints, lines, lines[:, :1])
    first, stop = seen_span(motion)
    frames = np.arange(len(motion))
    return Drawn(
        points_world=np.concatenate([motion.joint_positions, tails, feet[:, heels]], 1),
        lines=lines,
        fingers=fingers[ends].any(-1),
        line_confidence=certainty(motion)[:, ends].min(-1),
        side=np.array(sides + [sides[leaf] for leaf in leaves] + [sides[motion.contact_parents[h]] for h in heels]),
        feet_world=feet,
        planted=motion.contacts > 0.5,
        shown=(frames >= first) & (frames < stop),
    )


def certainty(motion: Motion) -> Array:
    """The confidence (F, J) relative to the most that a joint gets: joints that no keypoint marks never reach 1, which
    says nothing about this moment."""
    most = np.maximum(np.percentile(motion.confidence, 95, axis=0), 0.5)
    return np.asarray(np.clip(motion.confidence / most, 0, 1) * motion.detected[:, None])


def heading(motion: Motion) -> float:
    """Where the figure faces in plan on average, radians from -Y towards +X; 0 where it goes round."""
    forward = rotate(motion.local_rotations[:, 0], np.array([0.0, -1.0, 0.0]))[:, :2].mean(0)
    return float(np.arctan2(forward[0], -forward[1])) if np.linalg.norm(forward) > 0.1 else 0.0


def _side(name: str) -> int:
    return int(name.startswith("left_")) - int(name.startswith("right_"))
