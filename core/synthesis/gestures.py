"""A film of hands: a figure that stands, turns its forearms and opens and closes its fingers, with the exact truth."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..camera import intrinsics
from ..hand_skeleton import FINGERS, HIGHEST, LOWEST, SIDES
from ..motion import Motion
from ..rotation import Array, continuous, from_axis_angle, multiply, rotate
from ..skeleton import ANIMATION_21, REFERENCE_HEIGHT, reference_rest
from ..solving.fingers import append_fingers
from .film import film
from .footsteps import FootstepPlan
from .performance import SIGN, perform

SIZE = (1280, 1080)
AWAY = 3.0
"""Metres from the camera: a hand is 75 pixels long."""

_CLOSED = np.radians([(15, 0, 30, 35), *[(70, 0, 85, 50)] * 4])
_FANNED = np.radians([0, -8, -2, 6, 14])


def gestures(seconds: float = 8.0, fps: float = 30.0) -> Motion:
    """The truth, of `ANIMATION_51`: forearms raised at the sides, palms turning by 50 degrees either way.

    Left fingers close one after the other, right ones together, every three seconds; open hands fan out.
    """
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    plan.pause(seconds + 2.0)
    times = np.arange(round(seconds * fps)) / fps
    performance = perform(plan.prints, (), times, reference_rest(REFERENCE_HEIGHT))
    local = performance.local_rotations.copy()
    for number, side in enumerate(SIDES):
        _raise_arm(local, side, times, phase=float(number))
    performance = dataclasses.replace(performance, local_rotations=continuous(local))
    front = rotate(local[0, 0], np.array([0.0, -1.0, 0.0])) * (1, 1, 0)
    place = performance.root_translation[0] * (1, 1, 0)
    eye = place + AWAY * front + np.array([0.0, 0.0, 1.3])
    target = place + np.array([0.0, 0.0, 0.95])
    truth = film(performance, eye, target, intrinsics(SIZE), SIZE)
    return append_fingers(truth, finger_play(times), np.ones((len(times), 2)))


def finger_play(times: Array) -> Array:
    """The angles (F, 2, 5, 4) of the fingers."""
    angles = np.zeros((len(times), 2, len(FINGERS), 4))
    for number in range(2):
        fan = _wave(times, 4.1, number)[:, None] * _FANNED
        for finger in range(len(FINGERS)):
            closed = _wave(times, 3.0, number + (0.5 * finger if number == 0 else 0.0))
            angles[:, number, finger] = closed[:, None] * _CLOSED[finger]
            angles[:, number, finger, 1] = fan[:, finger] * (1 - closed)
    return np.clip(angles, LOWEST, HIGHEST)


def _wave(times: Array, period: float, phase: float) -> Array:
    wave: Array = 0.5 - 0.5 * np.cos(2 * np.pi * times / period + phase)
    return wave


def _raise_arm(local: Array, side: str, times: Array, phase: float) -> None:
    """Upper arm lowered, forearm up, the hand turning and nodding."""
    sign = SIGN[side]
    shoulder, elbow, wrist = ANIMATION_21.indices(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    x, y, z = np.eye(3)

    def turned(axis: Array, degrees: Array | float) -> Array:
        return from_axis_angle(axis, np.radians(degrees + 0 * times))

    outward = multiply(turned(z, -25 * sign), turned(y, 60 * sign))
    local[:, shoulder] = multiply(outward, turned(x, -80.0))
    twist = turned(x, 25 * sign * np.sin(2 * np.pi * times / 7.0 + 1.3 * phase))
    local[:, elbow] = multiply(turned(-z, sign * (100 + 15 * np.sin(2 * np.pi * times / 5 + phase))), twist)
    nod = turned(y, sign * (-5 + 20 * np.sin(2 * np.pi * times / 3.1 + phase)))
    local[:, wrist] = multiply(twist, nod)
