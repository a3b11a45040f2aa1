"""Two-bone limbs: an arm or a leg whose end goes where it is wanted, with the least change to its pose.

First the bend of the knee changes, by the law of cosines, until the limb has the length that is wanted; then the limb
as a whole turns by the shortest way. A limb that already ends in the right place
is not touched, and a small way of the end is a small change of the pose, except where the limb is nearly straight: so
targets out of reach should be avoided before (`feet.py` lowers the hips).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.rotation import Array, cross, from_rotation_vector, minimal_rotation, multiply, normalise, rotate

OVERSTRETCHED = 0.1
"""Radians against the hinge from which a joint is taken to be bent backwards on purpose; less is a straight one."""


@dataclass(frozen=True)
class Limb:
    """The pose of a two-bone limb: joints (F, 3) m and turns (F, 4) of its two bones, on the stage."""

    start: Array
    middle: Array
    end: Array
    upper: Array
    lower: Array


def reach(limb: Limb) -> float:
    """The length in metres of the limb when straight."""
    upper = np.linalg.norm(limb.middle - limb.start, axis=-1)
    lower = np.linalg.norm(limb.end - limb.middle, axis=-1)
    return float(np.median(upper) + np.median(lower))


def moved_end(limb: Limb, goal: Array, hinge: Array) -> Limb:
    """The limb with its end at `goal` (F, 3), or as near as it reaches.

    `hinge` (F, 3): about which the lower bone turns when the limb bends: left for knees, whose shins go back.
    """
    above, below = limb.middle - limb.start, limb.end - limb.middle
    a, b = np.linalg.norm(above, axis=-1), np.linalg.norm(below, axis=-1)
    wanted = np.clip(np.linalg.norm(goal - limb.start, axis=-1), np.abs(a - b) + 1e-6, a + b - 1e-9)
    bend = np.arccos(np.clip((wanted**2 - a**2 - b**2) / (2 * a * b), -1.0, 1.0))
    along = normalise(above)
    bent_below = rotate(from_rotation_vector(_bent(along, normalise(below), bend, hinge)), along) * b[:, None]
    changed = np.abs(wanted - np.linalg.norm(above + below, axis=-1)) > 1e-9
    bent_below = np.where(changed[:, None], bent_below, below)
    lower = multiply(minimal_rotation(below, bent_below), limb.lower)
    whole = minimal_rotation(above + bent_below, goal - limb.start)
    middle = limb.start + rotate(whole, above)
    return Limb(
        start=limb.start,
        middle=middle,
        end=middle + rotate(whole, bent_below),
        upper=multiply(whole, limb.upper),
        lower=multiply(whole, lower),
    )


def _bent(along: Array, below: Array, bend: Array, hinge: Array) -> Array:
    """Rotation vectors (F, 3) from the upper bone's direction to the lower's, `bend` (F,) radians long.

    What the limb is bent already stays, and the difference is made up about the joint's own hinge: so the knee of a
    straight leg, whose little bend points anywhere, goes forward, and that of a bent one stays in its plane.
    """
    now = np.arccos(np.clip(np.sum(along * below, -1), -1.0, 1.0))[:, None] * normalise(cross(along, below))
    level = normalise(hinge - along * np.sum(hinge * along, -1, keepdims=True))
    forward = np.sum(now * level, -1)
    square = forward**2 - np.sum(now * now, -1) + bend**2
    more = np.where(forward < -OVERSTRETCHED, -1.0, 1.0) * np.sqrt(np.maximum(square, 0.0)) - forward
    return normalise(now + more[:, None] * level) * bend[:, None]
