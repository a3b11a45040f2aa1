"""Balance: what holds a body up is below it.

The point about which gravity and inertia of a body turn nothing, the zero-moment point, lies within the feet that
stand (Vukobratovic and Borovac 2004). With the mass m at c, h above the floor, on horizontal axes

    z = c - (h / g) d^2 c / dt^2.

A picture hardly shows how far a person leans towards the camera or away from it, and a network that is a few degrees
off is off the same way all the time; over half a second the mean of z is above the mean of the feet, and that says how
the whole body stands.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..rotation import Array
from ..skeleton import BODY_26, mirrored_name
from .body import Body, Placed, acceleration, matrices
from .evidence import Evidence, Pose, Sigmas
from .moved import Moved
from .terms import Held, State

GRAVITY = 9.81
MEAN_S = 0.35
"""Standard deviation in seconds of the Gaussian that means are taken with."""
SUPPORT = 0.5
"""The share of contacts of a frame (one point is 1) from which on it says something."""
LOW, HIGH = 0.70, 0.85
"""Heights of the pelvis above the feet, as shares of the leg's length: at the one or below a body may well sit, at the
other it stands."""

_SEGMENTS = (
    (("pelvis", "neck"), 0.497, 0.5),
    (("left_ear", "left_ear"), 0.0405, 0.5),
    (("left_shoulder", "left_elbow"), 0.028, 0.436),
    (("left_elbow", "left_wrist"), 0.016, 0.43),
    (("left_index", "left_pinky"), 0.006, 0.5),
    (("left_hip", "left_knee"), 0.100, 0.433),
    (("left_knee", "left_ankle"), 0.0465, 0.433),
    (("left_heel", "left_toe_tip"), 0.0145, 0.5),
)
"""Segments between two points of the middle or the left, their share of the body's mass, and how far along it lies:
Winter 2009, table 4.1. Half of the head is at each ear."""


def mass_shares() -> Array:
    """The share (26,) of each `BODY_26` point in the centre of mass; they add up to 1."""
    shares = np.zeros(len(BODY_26))
    for ends, mass, along in _SEGMENTS:
        for first, last in {ends, (mirrored_name(ends[0]), mirrored_name(ends[1]))}:
            shares[BODY_26.index(first)] += mass * (1 - along)
            shares[BODY_26.index(last)] += mass * along
    result: Array = shares / shares.sum()
    return result


class Balance:
    """The mean zero-moment point is above the mean of the points that stand on the ground."""

    def __init__(self, start: Pose, body: Body, evidence: Evidence, sigmas: Sigmas) -> None:
        """Accelerations are those at the `start`: free ones would jerk at the ends of a stance to move the mean."""
        assert evidence.ground is not None
        normal = evidence.ground.normal
        figure = body.placed(matrices(start.rotations))
        self._shares = torch.from_numpy(mass_shares()).float()
        self._level = torch.from_numpy(np.eye(3) - np.outer(normal, normal)).float()
        self._up = torch.from_numpy(normal).float()
        centre = (figure.points @ self._shares).T + torch.from_numpy(start.path).float()
        self._accelerated = _accelerations(centre, evidence.times).T
        held = evidence.standing.sum(1)
        stands = np.where(held > SUPPORT, upright(_pelvis_height(figure, normal), _leg_length(body)), 0.0)
        self._of_contacts = torch.from_numpy(evidence.standing / np.maximum(held, SUPPORT)[:, None]).float()
        self._mean, total = _means(evidence.times, stands)
        spacing = float(np.median(np.diff(evidence.times))) if len(evidence.times) > 1 else MEAN_S
        self._weight = total / max(1.0, 2 * MEAN_S / spacing) / sigmas.balance**2

    def value(self, state: State) -> Tensor:
        figure = state.figure
        lean = figure.points @ self._shares - (figure.contacts * self._of_contacts).sum(-1)
        height = (self._up @ lean).clamp_min(0.1)
        off = self._level @ (lean - (height / GRAVITY) * self._accelerated)
        return (self._weight * (off @ self._mean).square().sum(0)).sum()

    def held(self, state: State, moved: Moved) -> Held:
        """As if every frame were its own mean: the matrix would be full."""
        centre = torch.einsum("fnau,n->fau", moved.points, self._shares)
        feet = torch.einsum("fnau,fn->fau", moved.contacts, self._of_contacts)
        return Held(self._level @ (centre - feet), (self._weight[:, None],))


def _accelerations(points: Tensor, times: Array) -> Tensor:
    """Of points (F, 3), also at both ends (F, 3)."""
    if len(times) < 3:
        return torch.zeros_like(points)
    inner = acceleration(points[None], torch.from_numpy(np.diff(times)).float()[:, None])[0]
    return torch.cat([inner[:1], inner, inner[-1:]])


def _pelvis_height(figure: Placed, up: Array) -> Array:
    """Above the lowest contact point (F,), m."""
    heights: Array = np.einsum("cfn,c->fn", figure.contacts.double().numpy(), up)
    return np.asarray(-heights.min(1))


def _leg_length(body: Body) -> float:
    return float(body.lengths[BODY_26.indices("left_knee", "left_ankle", "left_heel")].sum())


def upright(pelvis_height: Array, leg_length: float) -> Array:
    """How sure it is (F,) that feet alone carry a body whose pelvis is that high above what it stands on, m: who sits,
    kneels or lies is carried by something else."""
    share = (pelvis_height / leg_length - LOW) / (HIGH - LOW)
    return np.asarray(np.clip(share, 0.0, 1.0))


def _means(times: Array, stands: Array) -> tuple[Tensor, Tensor]:
    """Columns (F, F): the Gaussian mean about each frame over those that stand; and how much of it they are (F,)."""
    apart = (times[:, None] - times[None]) / MEAN_S
    bell = np.exp(-0.5 * apart**2)
    shares = bell * stands[:, None]
    total = shares.sum(0)
    mean = shares / np.maximum(total, 1e-9)
    return torch.from_numpy(mean).float(), torch.from_numpy(total / bell.sum(0)).float()
