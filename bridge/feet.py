"""Feet (and hands) that stay where they touched, on the target's own proportions.

Whoever has other legs than the source makes other steps: feet that stood still slide, sink or hover. Here the end of a
limb gets a path on which its contact points hold:

0. A foot that is larger for its leg than the source's tilts less near the floor: its ankle would rise into the hip.
1. While heel and toe tip both stand, the foot is level (or keeps its mean tilt on a slope) and does not turn; while
   the toe tip stands the toes lie flat, so that a heel that rises rolls over the ball of the foot. Toes that the
   source has well off the floor roll over their tip as there: laid flat they would pull the ankle down.
2. Every contact gets an anchor: where it was on average while it alone stood, or, where another point of the foot
   holds already, where that one puts it; at the height of the floor, or of the step the source stood on.
3. The foot is moved by what its anchors ask for, and between contacts by what leads smoothly from one to the next.
4. Nothing goes through the floor, but where the source stands on a lower one.
5. Where a leg does not reach, the hips come down, as little as needed and smoothly (`reaching.py`).

All on the stage (see `tpose.py`), in metres and seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.rotation import (
    Array,
    Bools,
    conjugate,
    continuous,
    from_rotation_vector,
    multiply,
    normalise,
    rotate,
)
from .tpose import FRONT, UP

HOLDS = 0.5
"""A contact of this much holds its point."""
STEEPEST_DEGREES = 40.0
"""A foot that stands tilted by more stands on an edge, and keeps its tilt."""
LYING_DEGREES = 110.0
"""A foot tilted by as much does not stand but lies."""
LARGE_FOOT = 1.3
"""Feet this much larger than their legs ask for tilt as the source's."""
NEAR_RISE, FAR_RISE = 0.2, 0.5
"""Of a leg's length: an ankle this far up belongs to a foot that rolls, and one to a foot that is in the air."""
TOES_UP_DEGREES = 8.0
"""Toes that point this much further down than where they lay no longer lie on the floor."""
FLOOR_BAND = 0.04
"""Metres: contacts of the source this near the floor are on it."""
FLOOR_BELOW = 0.08
"""Metres: and so are those less far below it. Toes of recorded figures are drawn too low, seldom too high."""
EASE_SECONDS = 0.25
"""How long a foot takes at most to come off the path that contacts ask for."""
TURN_EASE_SECONDS = 0.25
LIFT_FADE_FRAMES = 4
SHORTEST_STEP_SECONDS, SHORTEST_STEP = 0.12, 0.02


@dataclass(frozen=True)
class Touch:
    """One contact point of a limb's end.

    holds (F,) bool; offset (3,) m at rest from the head of the bone that carries it; on_tip: carried by the toes;
    height (F,) m: how high above the floor the source has it, at the target's scale.
    """

    holds: Bools
    offset: Array
    on_tip: bool
    height: Array


@dataclass(frozen=True)
class End:
    """The end of a limb: the ankle's path (F, 3), the foot's turns (F, 4), and those of the toes, if it has any,
    with the offset (3,) at rest from the ankle to the ball of the foot."""

    path: Array
    turns: Array
    tip_turns: Array | None = None
    tip_offset: Array | None = None

    def points(self, touch: Touch) -> Array:
        """Where a contact point is (F, 3)."""
        if touch.on_tip and self.tip_turns is not None and self.tip_offset is not None:
            ball = self.path + rotate(self.turns, self.tip_offset)
            return ball + rotate(self.tip_turns, touch.offset)
        return self.path + rotate(self.turns, touch.offset)

    def tilted(self, share: Array) -> End:
        """The end with a share (F,) of the tilt of foot and toes, their headings kept; none is lost of a foot that
        lies on its instep, or is upside down."""
        tip_turns = None if self.tip_turns is None else _tilted(self.tip_turns, share)
        return End(self.path, _tilted(self.turns, share), tip_turns, self.tip_offset)


def tilt_share(larger: float, rise: Array) -> Array:
    """Step 0: the share (F,) of its tilt that a foot keeps which is `larger` times as long as its leg asks for, where
    the source's ankle is `rise` (F,) of its leg's length above where it stands."""
    kept = min(1.0, LARGE_FOOT / larger)
    return kept + (1 - kept) * _smooth((rise - NEAR_RISE) / (FAR_RISE - NEAR_RISE))


def _tilted(turns: Array, share: Array) -> Array:
    heading = normalise(turns * np.array([1.0, 0.0, 0.0, 1.0]) + np.array([1e-9, 0.0, 0.0, 0.0]))
    tilt = rotation_vectors(multiply(turns, conjugate(heading)))
    degrees = np.degrees(np.linalg.norm(tilt, axis=-1))
    share = share + (1 - share) * _smooth((degrees - STEEPEST_DEGREES) / (LYING_DEGREES - STEEPEST_DEGREES))
    return multiply(from_rotation_vector(share[:, None] * tilt), heading)


def bridged(holds: Bools, points: Array, step: float) -> Bools:
    """A contact (F,) that holds on through gaps too short for a step, where its point (F, 3) m is the same after."""
    holds = holds.copy()
    for start, stop in runs(~holds):
        if start > 0 and stop < len(holds) and (stop - start) * step < SHORTEST_STEP_SECONDS:
            moved = np.linalg.norm(points[stop] - points[start - 1])
            holds[start:stop] = moved < SHORTEST_STEP
    return holds


def held(end: End, touches: Sequence[Touch], step: float, flatten: bool = True) -> End:
    """The end of a limb on a path on which its contact points hold. `step`: seconds a frame.

    `flatten` makes feet level as the module says; hands keep their turns.
    """
    if not touches:
        return end
    if flatten:
        end = _flattened(end, touches, step)
    path = end.path + way_to_anchors(end, touches, EASE_SECONDS / step)
    end = End(path, end.turns, end.tip_turns, end.tip_offset)
    return _above_floor(end, touches, np.any([touch.holds for touch in touches], 0))


def way_to_anchors(end: End, touches: Sequence[Touch], ease_frames: float) -> Array:
    """Steps 2 and 3: how far (F, 3) the end has to move for its contact points to hold, eased in and out."""
    anchors = _anchors(end, touches)
    holding = np.stack([touch.holds for touch in touches], 1)
    moves = np.stack([anchor - end.points(touch) for anchor, touch in zip(anchors, touches, strict=True)], 1)
    count = holding.sum(1)
    wanted = np.where(holding[..., None], moves, 0.0).sum(1) / np.maximum(count, 1)[:, None]
    return eased(wanted, count > 0, ease_frames)


def _flattened(end: End, touches: Sequence[Touch], step: float) -> End:
    """Step 1: level turns while a foot stands, eased in and out."""
    holding = np.stack([touch.holds for touch in touches], 1)
    heights = np.stack([touch.height for touch in touches], 1)
    turns = _steadied(end.turns, holding.sum(1) > 1, heights, step)
    tip_turns = end.tip_turns
    if tip_turns is not None:
        # Toes follow the foot's correction where they carry no weight.
        follow = multiply(multiply(turns, conjugate(end.turns)), tip_turns)
        on_tip = holding[:, [touch.on_tip for touch in touches]].any(1)
        lying = _lying(tip_turns, on_tip, holding.sum(1) > 1)
        tip_turns = _steadied(follow, on_tip, heights[:, :1], step, lying)
    return End(end.path, turns, tip_turns, end.tip_offset)


def _steadied(turns: Array, stands: Bools, heights: Array, step: float, share: Array | float = 1.0) -> Array:
    """Turns (F, 4) that are constant in each run of `stands`, and level where the points that stand are equally high:
    `heights` (F, C) m. `share` (F,): how much of this is done."""
    wanted = np.array(turns)
    for start, stop in runs(stands):
        mean = normalise(continuous(turns[start:stop]).mean(0))
        wanted[start:stop] = _level(mean) if np.ptp(heights[start:stop].mean(0)) < FLOOR_BAND else mean
    relative = multiply(wanted, conjugate(turns))
    wanted_corrections = np.asarray(share)[..., None] * rotation_vectors(relative)
    corrections = eased(wanted_corrections, stands, TURN_EASE_SECONDS / step)
    return multiply(from_rotation_vector(corrections), turns)


def _lying(tip_turns: Array, on_tip: Bools, stands: Bools) -> Array:
    """How much (F,) in [0, 1] toes with turns (F, 4) lie on the floor: wholly where the foot stands (F,), and less the
    further down they point in the rest of each run of `on_tip` (F,), which is how a source without toes of its own
    raises its heels."""
    down = np.degrees(np.arcsin(np.clip(-rotate(tip_turns, FRONT)[:, 2], -1, 1)))
    for start, stop in runs(on_tip):
        flat = down[start:stop][stands[start:stop]]
        down[start:stop] -= flat.mean() if len(flat) else 0.0
    return np.where(stands, 1.0, 1 - _smooth(down / TOES_UP_DEGREES))


def _level(turn: Array) -> Array:
    """The part of a turn (4,) about the vertical, if the rest is small; else the turn."""
    tilt = np.degrees(np.arccos(np.clip(rotate(turn, UP)[2], -1, 1)))
    about = normalise(turn * np.array([1.0, 0.0, 0.0, 1.0]))
    return about if tilt < STEEPEST_DEGREES and np.any(about) else turn


def rotation_vectors(q: Array) -> Array:
    """Axis times angle (..., 3), at most half a turn, of unit quaternions (..., 4)."""
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    vectors: Array = np.where(sine > 1e-12, q[..., 1:] / np.maximum(sine, 1e-12) * angle, 2 * q[..., 1:])
    return vectors


def _anchors(end: End, touches: Sequence[Touch]) -> list[Array]:
    """Step 2: for each contact point its anchor in every frame (F, 3), which means something while it holds."""
    points = [end.points(touch) for touch in touches]
    anchors = [np.zeros_like(end.path) for _ in touches]
    starts = sorted((start, stop, which) for which, touch in enumerate(touches) for start, stop in runs(touch.holds))
    known = [np.zeros(len(end.path), bool) for _ in touches]
    for start, stop, which in starts:
        place = points[which][start:stop].mean(0)
        height = float(touches[which].height[start:stop].mean())
        place[2] = 0.0 if -FLOOR_BELOW < height < FLOOR_BAND else height
        for other in range(len(touches)):
            both = np.flatnonzero(known[other][start:stop]) + start
            if len(both):
                at = both[0]
                place = anchors[other][at] + points[which][at] - points[other][at]
                break
        anchors[which][start:stop] = place
        known[which][start:stop] = True
    return anchors


def _above_floor(end: End, touches: Sequence[Touch], holding: Bools) -> End:
    """Step 4: lifted where a contact point would be lower than both the floor and the one that the source is on."""
    low = np.min([end.points(touch)[:, 2] + sunk(touch.height) for touch in touches], 0)
    # Where a point holds the foot is where it has to be; towards there the lift fades.
    held_at = np.flatnonzero(holding)
    frames = np.arange(len(low))
    after = np.clip(np.searchsorted(held_at, frames), 0, max(len(held_at) - 1, 0))
    away = np.full(len(low), LIFT_FADE_FRAMES)
    if len(held_at):
        away = np.minimum(np.abs(held_at[after] - frames), np.abs(held_at[np.maximum(after - 1, 0)] - frames))
    lift = np.clip(away / LIFT_FADE_FRAMES, 0.0, 1.0) * np.maximum(-low, 0.0)
    return End(end.path + lift[:, None] * UP, end.turns, end.tip_turns, end.tip_offset)


def sunk(heights: Array) -> Array:
    """How far (F,) m below the floor a point of the source is on purpose, of its `heights` (F,) m: a little is how
    it is drawn, much is another floor."""
    return np.clip(-2 * (heights + FLOOR_BELOW), 0.0, np.maximum(-heights, 0.0))


def eased(values: Array, known: Bools, ease_frames: float) -> Array:
    """Values (F, D) as they are where `known`, and smooth between.

    A gap up to twice `ease_frames` long leads from one known value to the next; in a longer one, and at the ends,
    values fall to zero within `ease_frames`.
    """
    frames = len(values)
    result = np.where(known[:, None], values, 0.0)
    for start, stop in runs(~known):
        before = values[start - 1] if start > 0 else None
        after = values[stop] if stop < frames else None
        at = np.arange(start, stop)
        if before is not None and after is not None and stop - start <= 2 * ease_frames:
            share = _smooth((at - start + 1) / (stop - start + 1))[:, None]
            result[start:stop] = (1 - share) * before + share * after
            continue
        if before is not None:
            result[start:stop] += (1 - _smooth((at - start + 1) / (ease_frames + 1)))[:, None] * before
        if after is not None:
            result[start:stop] += (1 - _smooth((stop - at) / (ease_frames + 1)))[:, None] * after
    return result


def _smooth(t: Array) -> Array:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def runs(flags: Bools) -> list[tuple[int, int]]:
    """(start, stop) of each run of true flags (F,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
