"""A performance: a body carried by its feet, that waves and squats as it is told.

Every motion is a pure function of time: footprints decide the feet, the feet carry the pelvis and swing the arms,
actions are laid over that, and the legs are solved back to the planted feet, so that nothing slides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from ..rotation import (
    IDENTITY,
    Array,
    continuous,
    from_axis_angle,
    multiply,
    rotate,
    slerp,
)
from ..skeleton import ANIMATION_21, CONTACT_NAMES, reference_rest
from .footsteps import FootShape, FootTrack, Prints, track_foot
from .legs import solve_leg

SIGN = {"left": 1.0, "right": -1.0}
LEG_REACH = 0.996
"""How far a leg straightens at most, as a share of its length: real knees do not lock in a walk."""


@dataclass(frozen=True)
class Wave:
    """Raise a hand and wave from `start` to `stop` s, `rate` times a second."""

    start: float
    stop: float
    side: str = "right"
    rate: float = 1.5


@dataclass(frozen=True)
class Squat:
    """Go down by `depth` m and up again between `start` and `stop` s."""

    start: float
    stop: float
    depth: float = 0.34


@dataclass(frozen=True)
class Performance:
    """What a figure does, in its own world (Z up, floor at 0, metres): see `Motion` for the fields."""

    times: Array
    rest_offsets: Array
    rest_tails: Array
    root_translation: Array
    local_rotations: Array
    contacts: Array


def perform(
    prints: Prints,
    actions: tuple[Wave | Squat, ...],
    times: Array,
    rest: tuple[Array, Array] | None = None,
) -> Performance:
    """The motion at uniform `times` (F,) s of a body with `rest` offsets and tails (21, 3) on its footprints."""
    offsets, tails = rest or reference_rest()
    rate = (len(times) - 1) / float(times[-1] - times[0])
    kept, times = slice(len(_margin(rate)), len(_margin(rate)) + len(times)), _extended(times, rate)
    feet = {side: track_foot(prints[side], times, FootShape.of(offsets, side)) for side in SIGN}
    stride, heading = _stride(feet, rate), _heading(feet, rate)
    squat = sum((_bump(times, a) * a.depth for a in actions if isinstance(a, Squat)), np.zeros(len(times)))
    bow = squat / 0.34
    local = np.tile(IDENTITY, (len(times), len(ANIMATION_21), 1))
    lean = np.radians(2.5) + np.radians(26) * bow
    sway = _sway(feet, rate)
    local[:, 0] = _chain(
        _about("z", heading - np.radians(11) * stride), _about("y", np.radians(-3.0) * sway), _about("x", lean)
    )
    _pose_trunk(local, stride, sway, bow, times)
    for side in SIGN:
        _pose_arm(local, side, stride, bow)
    for action in actions:
        if isinstance(action, Wave):
            _wave(local, action, times)
    root = _carry_pelvis(feet, local[:, 0], heading, sway, squat, offsets, rate)
    for side, foot in feet.items():
        solve_leg(local, root, offsets, side, foot)
    contacts = np.stack([_planted(feet, name) for name in CONTACT_NAMES], -1)
    return Performance(times[kept], offsets, tails, root[kept], continuous(local[kept]), contacts[kept])


def _margin(rate: float) -> Array:
    """Times (M,) s after 0 for half a second, so that smoothing knows what happens beyond the ends."""
    return np.arange(1, round(0.5 * rate) + 1) / rate


def _extended(times: Array, rate: float) -> Array:
    """`times` with the margin before and after."""
    margin = _margin(rate)
    return np.concatenate([times[0] - margin[::-1], times, times[-1] + margin])


def _planted(feet: dict[str, FootTrack], contact: str) -> Array:
    side, point = contact.split("_", 1)
    return np.asarray(feet[side].heel_planted if point == "heel" else feet[side].toe_planted, float)


def _heading(feet: dict[str, FootTrack], rate: float) -> Array:
    """The body's heading (F,) rad: the mean of the feet's, smoothed."""
    angles = []
    for foot in feet.values():
        forward = rotate(foot.rotations, np.array([1.0, 0, 0]))
        angles.append(np.unwrap(np.arctan2(forward[:, 1], forward[:, 0])))
    angles[1] = angles[1] + 2 * np.pi * np.round((angles[0][0] - angles[1][0]) / (2 * np.pi))
    return _smooth(np.mean(angles, 0), 0.16, rate)


def _stride(feet: dict[str, FootTrack], rate: float) -> Array:
    """How far the left ankle is ahead of the right (F,) m, smoothed: it drives arms, pelvis and shoulders."""
    heading = _heading(feet, rate)
    forward = np.stack([np.sin(heading), -np.cos(heading)], -1)
    apart = (feet["left"].ankles - feet["right"].ankles)[:, :2]
    return _smooth(np.sum(apart * forward, -1), 0.05, rate)


def _sway(feet: dict[str, FootTrack], rate: float) -> Array:
    """Which leg carries the body (F,): 1 the left, -1 the right, 0 both."""
    return _smooth(feet["right"].swinging.astype(float) - feet["left"].swinging.astype(float), 0.11, rate)


def _carry_pelvis(
    feet: dict[str, FootTrack], pelvis: Array, heading: Array, sway: Array, squat: Array, offsets: Array, rate: float
) -> Array:
    """The pelvis (F, 3) m: midway between the feet, over the one that stands, as high as both legs reach."""
    middle = _smooth(0.5 * (feet["left"].ankles + feet["right"].ankles)[:, :2], 0.13, rate)
    across = np.stack([np.cos(heading), np.sin(heading)], -1)
    forward = np.stack([np.sin(heading), -np.cos(heading)], -1)
    place = middle + 0.024 * sway[:, None] * across - 0.42 * squat[:, None] * forward
    ceilings = []
    for side, foot in feet.items():
        hip, knee, ankle = ANIMATION_21.indices(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        reach = LEG_REACH * (np.linalg.norm(offsets[knee]) + np.linalg.norm(offsets[ankle]))
        hip_offset = rotate(pelvis, offsets[hip])
        away = np.linalg.norm(place + hip_offset[:, :2] - foot.ankles[:, :2], axis=-1)
        rise = np.sqrt(np.maximum(reach**2 - away**2, (0.3 * reach) ** 2))
        ceilings.append(foot.ankles[:, 2] + rise - hip_offset[:, 2])
    # The lowest ceiling nearby, averaged over no more than "nearby", lies below every ceiling.
    ceiling = np.minimum(*ceilings)
    near = 2 * round(0.06 * rate) + 1
    height = gaussian_filter1d(
        minimum_filter1d(ceiling, near, mode="nearest"), 0.045 * rate, mode="nearest", radius=near // 2
    )
    standing = ANIMATION_21.indices("left_knee", "left_ankle")
    upright = offsets[0, 2] - (1 - LEG_REACH) * float(np.linalg.norm(offsets[standing], axis=-1).sum())
    return np.concatenate([place, np.minimum(height, upright - squat)[:, None]], -1)


def _pose_trunk(local: Array, stride: Array, sway: Array, bow: Array, times: Array) -> None:
    """Spine against the pelvis, head level and looking ahead, and breathing."""
    twist = np.radians(10) * stride
    breath = np.radians(0.7) * np.sin(2 * np.pi * 0.27 * times)
    for joint, share in (("spine", 0.45), ("chest", 0.55)):
        _set(local, joint, _chain(
            _about("z", 2.0 * share * twist), _about("y", share * np.radians(3.0) * sway),
            _about("x", share * (np.radians(8) * bow + breath)),
        ))  # fmt: skip
    _set(local, "neck", _chain(_about("z", -0.4 * twist), _about("x", np.radians(2) - np.radians(12) * bow)))
    _set(local, "head", _chain(_about("z", -0.5 * twist), _about("x", -np.radians(4) - np.radians(12) * bow)))


def _pose_arm(local: Array, side: str, stride: Array, bow: Array) -> None:
    """An arm that hangs, swings against its own leg, and is held out in front in a squat."""
    sign = SIGN[side]
    swing = -sign * stride
    flex = np.radians(4) + np.radians(46) * swing + np.radians(72) * bow
    down = np.radians(81) - np.radians(4) * bow
    ones = np.ones_like(flex)
    _set(local, f"{side}_clavicle", _about("y", sign * np.radians(3) * ones))
    _set(local, f"{side}_shoulder", _chain(
        _about("x", -flex), _about("y", sign * (down - np.radians(3))), _about("x", -np.radians(8) * ones)
    ))  # fmt: skip
    bend = np.radians(17) + np.radians(26) * np.maximum(swing, 0) + np.radians(8) * bow
    _set(local, f"{side}_elbow", _about("z", -sign * bend))
    _set(local, f"{side}_wrist", _about("z", -sign * np.radians(6) * ones))


def _wave(local: Array, wave: Wave, times: Array) -> None:
    """Upper arm out to the side, forearm up, palm to the front, the forearm swinging."""
    sign = SIGN[wave.side]
    raised = _ramp(times, wave.start, wave.stop, 0.55)
    swing = np.sin(2 * np.pi * wave.rate * (times - wave.start)) * _ramp(times, wave.start + 0.3, wave.stop - 0.3, 0.3)
    ones = np.ones_like(times)
    pose = {
        "clavicle": _about("y", -sign * np.radians(9) * ones),
        "shoulder": _chain(
            _about("z", -sign * np.radians(14) * ones), _about("y", sign * np.radians(14) * ones),
            _about("x", -np.radians(84) * ones),
        ),
        "elbow": _about("z", -sign * (np.radians(92) + np.radians(24) * swing)),
        "wrist": _about("z", -sign * np.radians(10) * swing),
    }  # fmt: skip
    for joint, target in pose.items():
        index = ANIMATION_21.index(f"{wave.side}_{joint}")
        local[:, index] = slerp(local[:, index], target, raised)
    head = ANIMATION_21.index("head")
    local[:, head] = multiply(local[:, head], _about("y", sign * np.radians(5) * raised))


def _set(local: Array, joint: str, rotation: Array) -> None:
    local[:, ANIMATION_21.index(joint)] = rotation


def _about(axis: str, angle: Array) -> Array:
    """Quaternions (F, 4) about X, Y or Z by angles (F,) rad."""
    return from_axis_angle(np.eye(3)["xyz".index(axis)], angle)


def _chain(*turns: Array) -> Array:
    """The product of quaternions: the last acts first."""
    result = turns[0]
    for turn in turns[1:]:
        result = multiply(result, turn)
    return result


def _smooth(values: Array, sigma: float, rate: float) -> Array:
    """Values (F, ...) smoothed along time by a Gaussian of `sigma` s."""
    return np.asarray(gaussian_filter1d(values, sigma * rate, axis=0, mode="nearest"))


def _ramp(times: Array, start: float, stop: float, rise: float) -> Array:
    """0 outside `start` to `stop`, 1 inside, easing over `rise` s at either end."""
    s = np.clip(np.minimum(times - start, stop - times) / rise, 0.0, 1.0)
    ramp: Array = s**3 * (s * (6 * s - 15) + 10)
    return ramp


def _bump(times: Array, squat: Squat) -> Array:
    """From 0 to 1 and back while the squat lasts, resting a little at the bottom."""
    return _ramp(times, squat.start, squat.stop, 0.46 * (squat.stop - squat.start))
