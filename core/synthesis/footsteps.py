"""Feet that walk over planned footprints: planted exactly while they stand, rolled from heel to ball."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, from_axis_angle, multiply, rotate
from ..skeleton import ANIMATION_21, attachment, attachment_scale

HEEL_STRIKE_PITCH = np.radians(16.0)
TOE_OFF_PITCH = np.radians(34.0)
FULL_STEP = 0.5
"""The step length in metres from which on the foot rolls fully; shorter steps roll less."""
SETTLE_TIME, PEEL_TIME = 0.13, 0.34
"""Seconds from heel strike to flat, and from heel off to toe off."""
SWING_CLEARANCE = 0.045


@dataclass(frozen=True)
class Footprint:
    """Where a foot stands: the floor below its ankle (x, y) m in the world, its heading in radians about Z from
    facing -Y, and from when: the foot leaves its previous print at `lift` and strikes here at `strike`, s."""

    x: float
    y: float
    heading: float
    lift: float = -np.inf
    strike: float = -np.inf


@dataclass(frozen=True)
class FootShape:
    """Points of one foot in the ankle's T-pose frame, m: the ball is the toe joint."""

    heel: Array
    ball: Array
    ankle_height: float

    @staticmethod
    def of(rest_offsets: Array, side: str) -> FootShape:
        name = f"{side}_heel"
        heel = attachment(name)[1] * attachment_scale(name, rest_offsets)
        return FootShape(heel, rest_offsets[ANIMATION_21.index(f"{side}_toe")], float(-heel[2]))


@dataclass(frozen=True)
class FootTrack:
    """One foot over time: ankles (F, 3) m and orientations (F, 4) in the world, toe bend (F,) rad about the foot's
    X, planted heel and toe (F,), whether it swings (F,)."""

    ankles: Array
    rotations: Array
    toe_bend: Array
    heel_planted: NDArray[np.bool_]
    toe_planted: NDArray[np.bool_]
    swinging: NDArray[np.bool_]


def track_foot(prints: list[Footprint], times: Array, shape: FootShape) -> FootTrack:
    """The foot's path over its prints, in order of time, at `times` (F,) s."""
    samples = [_foot_at(prints, float(t), shape) for t in times]
    ankles, rotations, bend, heel, toe, swinging = (np.array(column) for column in zip(*samples, strict=True))
    return FootTrack(ankles, rotations, bend, heel, toe, swinging)


_Sample = tuple[Array, Array, float, bool, bool, bool]


def _foot_at(prints: list[Footprint], t: float, shape: FootShape) -> _Sample:
    current = max(index for index, mark in enumerate(prints) if mark.lift <= t)
    if t < prints[current].strike:
        return _swing(prints[current - 1], prints[current], t, shape)
    following = prints[current + 1] if current + 1 < len(prints) else None
    pitch = _stance_pitch(prints, current, t)
    ankle, rotation = _standing(prints[current], pitch, shape)
    peeling = following is not None and t > following.lift - PEEL_TIME
    return ankle, rotation, -max(pitch, 0.0), not peeling and pitch <= 0, pitch >= 0, False


def _roll(previous: Footprint, following: Footprint) -> float:
    """How fully the foot rolls in a step between two prints, 0 to 1."""
    length = float(np.hypot(following.x - previous.x, following.y - previous.y))
    return min(1.0, length / (2 * FULL_STEP))


def _stance_pitch(prints: list[Footprint], current: int, t: float) -> float:
    """Radians about the foot's X while it stands: negative on the heel, positive on the ball."""
    mark = prints[current]
    if current > 0 and t < mark.strike + SETTLE_TIME:
        s = (t - mark.strike) / SETTLE_TIME
        return float(-HEEL_STRIKE_PITCH * _roll(prints[current - 1], mark) * (1 - _ease(s)))
    if current + 1 < len(prints):
        following = prints[current + 1]
        s = (t - following.lift + PEEL_TIME) / PEEL_TIME
        if s > 0:
            return float(TOE_OFF_PITCH * _roll(mark, following) * s * s)
    return 0.0


def _standing(mark: Footprint, pitch: float, shape: FootShape) -> tuple[Array, Array]:
    """Ankle (3,) and orientation (4,) of a foot that pivots on its heel or on its ball without sliding."""
    heading = from_axis_angle(np.array([0.0, 0, 1]), mark.heading)
    rotation = multiply(heading, from_axis_angle(np.array([1.0, 0, 0]), pitch))
    flat = np.array([mark.x, mark.y, shape.ankle_height])
    pivot = shape.heel if pitch < 0 else shape.ball
    return flat + rotate(heading, pivot) - rotate(rotation, pivot), rotation


def _swing(start: Footprint, end: Footprint, t: float, shape: FootShape) -> _Sample:
    duration = end.strike - end.lift
    u = (t - end.lift) / duration
    roll = _roll(start, end)
    leaving, landing = TOE_OFF_PITCH * roll, -HEEL_STRIKE_PITCH * roll
    peel_speed = 2 * leaving / PEEL_TIME
    pitch = _hermite(leaving, landing, peel_speed * duration, 0.0, u)
    first, _ = _standing(start, leaving, shape)
    before, _ = _standing(start, leaving - peel_speed * 1e-4, shape)
    last, _ = _standing(end, landing, shape)
    ankle = _hermite(first, last, (first - before) / 1e-4 * duration, 0.0 * first, u)
    ankle[2] += SWING_CLEARANCE * (0.5 + 0.5 * roll) * 16 * (u * (1 - u)) ** 2
    turn = (end.heading - start.heading + np.pi) % (2 * np.pi) - np.pi
    heading = from_axis_angle(np.array([0.0, 0, 1]), start.heading + turn * _ease(u))
    rotation = multiply(heading, from_axis_angle(np.array([1.0, 0, 0]), float(pitch)))
    return ankle, rotation, float(-max(float(pitch), 0.0) * (1 - _ease(u))), False, False, True


def _ease(s: float) -> float:
    return s * s * (3 - 2 * s)


def _hermite(start: Array | float, end: Array | float, out: Array | float, into: Array | float, u: float) -> Array:
    """The cubic from `start` to `end` with tangents `out` and `into` per unit of u."""
    curve = (
        (2 * u**3 - 3 * u**2 + 1) * np.asarray(start)
        + (u**3 - 2 * u**2 + u) * np.asarray(out)
        + (3 * u**2 - 2 * u**3) * np.asarray(end)
        + (u**3 - u**2) * np.asarray(into)
    )
    return np.asarray(curve)


Prints = dict[str, list[Footprint]]


@dataclass
class FootstepPlan:
    """Footprints of both feet, laid one after the other: `stand`, then any number of walks and pauses.

    Positions are in metres in the world, headings in radians about Z from facing -Y, times in seconds.
    """

    prints: Prints
    time: float
    half_width: float
    place: Array
    heading: float

    STEP_TIME = 0.54
    SWING_SHARE = 0.74

    @staticmethod
    def stand(x: float, y: float, heading: float, half_width: float = 0.095) -> FootstepPlan:
        """Both feet side by side, `half_width` from the middle (x, y)."""
        plan = FootstepPlan({"left": [], "right": []}, 0.0, half_width, np.array([x, y]), heading)
        for side in plan.prints:
            plan.prints[side].append(plan._print(side, -np.inf, -np.inf))
        return plan

    def _print(self, side: str, lift: float, strike: float) -> Footprint:
        across = self.half_width if side == "left" else -self.half_width
        x = self.place[0] + across * np.cos(self.heading)
        y = self.place[1] + across * np.sin(self.heading)
        splay = np.radians(6.0) * (1 if side == "left" else -1)
        return Footprint(float(x), float(y), float(self.heading + splay), lift, strike)

    def step(self, side: str, forward: float, turn: float = 0.0) -> None:
        """Set one foot down `forward` metres ahead of the place, after turning it by `turn` radians."""
        self.heading += turn
        self.place = self.place + forward * np.array([np.sin(self.heading), -np.cos(self.heading)])
        lift = self.time
        self.prints[side].append(self._print(side, lift, lift + self.SWING_SHARE * self.STEP_TIME))
        self.time += self.STEP_TIME

    def walk(self, steps: int, length: float, turn: float = 0.0, first: str = "right") -> str:
        """Walk `steps` steps of `length` metres, turning by `turn` radians in all; returns the foot whose turn is."""
        side = first
        for _ in range(steps):
            self.step(side, length, turn / steps)
            side = "left" if side == "right" else "right"
        return side

    def pause(self, seconds: float) -> None:
        """Stand for a while."""
        self.time += seconds
