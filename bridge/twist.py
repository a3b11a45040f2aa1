"""Rotations shared along chains: spines of any number of bones, and twist along limbs.

A turn q splits into a swing, which takes an axis where q takes it by the shortest way, and a twist about that axis:
q = swing twist. Skin wants twist spread over a limb's length: an upper arm that turns about itself is still at the
shoulder and full at the elbow, a forearm is still at the elbow and full at the wrist.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.rotation import Array, conjugate, from_axis_angle, multiply, normalise, slerp, twist_angle


def shared_rotations(knots: Sequence[Array], count: int) -> list[Array]:
    """The turns (F, 4) of `count` bones in a row that lead from `knots[0]`, which the bone before them has, to
    `knots[-1]`, which the last of them gets.

    As many bones as there are steps between knots (F, 4) get the knots themselves; fewer or more are spread evenly
    along them, each slerped between its neighbours.
    """
    steps = len(knots) - 1
    result = []
    for bone in range(1, count + 1):
        at = steps * bone / count
        low = min(int(at + 1e-9), steps - 1)
        share = at - low
        if share > 1 - 1e-9:
            result.append(knots[low + 1])
        else:
            result.append(slerp(knots[low], knots[low + 1], np.full(len(knots[0]), share)))
    return result


def twist_along(turn: Array, carrier: Array, axis: Array) -> Array:
    """How far (F,) radians `turn` (F, 4) twists about `axis` (3,) against `carrier` (F, 4), continuous over frames.

    `axis` is the bone's direction where both turns are none.
    """
    angle: Array = np.unwrap(twist_angle(multiply(conjugate(carrier), turn), normalise(axis)))
    # Whole turns that were there from the start are nobody's twist.
    unwound: Array = angle - 2 * np.pi * np.round(np.median(angle) / (2 * np.pi))
    return unwound


def untwisted(turn: Array, axis: Array, angle: Array) -> Array:
    """`turn` (F, 4) without `angle` (F,) radians of its twist about `axis` (3,)."""
    return multiply(turn, from_axis_angle(normalise(axis), -angle))


def place_along(head: Array, start: Array, end: Array) -> float:
    """Where a bone that begins at `head` (3,) sits between `start` and `end` (3,): 0 to 1."""
    along = end - start
    return float(np.clip(np.dot(head - start, along) / max(float(np.dot(along, along)), 1e-12), 0.0, 1.0))
