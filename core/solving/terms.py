"""The terms of the sequence solve: what each asks of a figure, and how strongly it holds it there.

A term gives its `value`, a sum of squares in standard deviations, and `held`: the derivatives of what it squares, from
which `curvature` builds the Gauss-Newton matrix. What a term makes weaker and weaker (an outlier) is held as weakly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor
from torch.nn import functional

from ..rotation import Array
from ..skeleton import BODY_26, INTERPOLATED
from . import bone_errors
from .body import HINGES, Body, Placed, acceleration, components
from .evidence import Evidence, Sigmas
from .moved import TURNS, UNKNOWNS, Moved
from .smoothing import acceleration_bands

FLOOR_OUTLIER = 10.0
"""Standard deviations off the floor beyond which a foot that should stand on it is held less and less."""
DEEPEST = 30.0
"""Standard deviations below the floor beyond which a foot is not pushed up: it stands on another one."""
LIVELY_SECONDS = 0.1
"""Standard deviation of the time around a frame in which accelerations are seen."""
END = 2
"""Frames at an end that accelerations and plants couple with what is beyond."""


@dataclass(frozen=True)
class State:
    """Frames under way: `rotations` (3, 3, F, 21) of the joints, `turns` (3, F, 21) of them since the start, the
    `figure` from its pelvis and the pelvis's place `root` (3, F, 1)."""

    rotations: Tensor
    turns: Tensor
    figure: Placed
    root: Tensor


@dataclass(frozen=True)
class Held:
    """`rows` (F, R, UNKNOWNS): derivatives of what a term squares; `weights`: k-th of them (F - k, R or 1), how
    strongly rows of frames k apart are coupled, and those of the same frame held, per square; `own` (UNKNOWNS,): the
    same of the unknowns themselves, for weights (F - k, 1)."""

    rows: Tensor
    weights: tuple[Tensor, ...]
    own: Tensor | None = None


class Term(Protocol):
    """Something that is asked of a figure."""

    def value(self, state: State) -> Tensor:
        """The sum of squares, in standard deviations."""
        ...

    def held(self, state: State, moved: Moved) -> Held:
        """How strongly it holds the figure there."""
        ...


def geman_mcclure(squared: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Squares that count less and less beyond `scale`, and how much a little more of each adds (Geman and McClure
    1987)."""
    share = 1 / (1 + squared / scale**2)
    return squared * share, share.square()


_HANDS = BODY_26.indices(*(f"{side}_{point}" for side in ("left", "right") for point in ("wrist", "index", "pinky")))


class Keypoints:
    """Landmarks fall on their rays, but for outliers."""

    def __init__(self, evidence: Evidence, sigmas: Sigmas) -> None:
        weights = evidence.weights.copy()
        weights[:, BODY_26.indices(*INTERPOLATED)] = 0.0
        self._rays, self._weights = components(evidence.rays), torch.from_numpy(weights).float()
        self._sigma, self._outlier = torch.full((len(BODY_26),), sigmas.keypoint), sigmas.outlier
        self._sigma[_HANDS] = sigmas.hand

    def _off(self, state: State) -> tuple[Tensor, Tensor]:
        """Where landmarks are (2, F, 26) on their rays' scale, and the squares by which they are off."""
        shown = state.figure.landmarks + state.root
        depth = shown[2].clamp_min(0.2)
        at = shown[:2] / depth
        return at, ((at - self._rays) * (depth.detach() / self._sigma)).square().sum(0)

    def value(self, state: State) -> Tensor:
        return (self._weights * geman_mcclure(self._off(state)[1], self._outlier)[0]).sum()

    def held(self, state: State, moved: Moved) -> Held:
        at, squared = self._off(state)
        rows = moved.landmarks[:, :, :2] - at.permute(1, 2, 0)[..., None] * moved.landmarks[:, :, 2:]
        weights = self._weights * geman_mcclure(squared, self._outlier)[1] / self._sigma**2
        return Held(rows.flatten(1, 2), (weights.repeat_interleave(2, 1),))


class Bones:
    """Bones point where they were lifted to. Their lengths are the body's own: a network in doubt answers with the
    mean, which is too short. How far they are trusted was measured, bone by bone and axis by axis."""

    def __init__(self, evidence: Evidence, body: Body, sigmas: Sigmas) -> None:
        length = body.lengths.clamp_min(0.02)
        lifted = components(evidence.lifted - evidence.lifted[:, BODY_26.bone_starts])
        self._lifted = functional.normalize(lifted, dim=0) * length
        spread = sigmas.bone * torch.from_numpy(bone_errors.measured().relative()).float().T[:, None]
        # The first point has no bone.
        self._inverse = 1 / (spread * length).clamp_min(0.01) * (torch.arange(len(length)) > 0)

    def value(self, state: State) -> Tensor:
        return ((state.figure.bones - self._lifted) * self._inverse).square().sum()

    def held(self, state: State, moved: Moved) -> Held:
        rows = (moved.points - moved.points[:, BODY_26.bone_starts])[:, 1:].flatten(1, 2)
        held = self._inverse[:, 0, 1:].T.flatten().square()
        return Held(rows, (held[None].expand(len(rows), -1),))


class Smoothness:
    """Points accelerate little, but where they were seen to: what holds a hand still that rests would take from one
    that waves."""

    def __init__(self, evidence: Evidence, path: Array, sigmas: Sigmas) -> None:
        """`path` (F, 3) m of the pelvis, about."""
        self._times, self._step = evidence.times, _step(evidence)
        seen = acceleration(components(evidence.lifted + path[:, None]), self._step).square().sum(0).double().numpy()
        if len(seen):
            around = LIVELY_SECONDS / float(np.mean(np.diff(evidence.times)))
            seen = gaussian_filter1d(seen, around, axis=0, mode="nearest")
        self._weights = 1 / (sigmas.point_acceleration**2 + sigmas.livelier**2 * seen)

    def value(self, state: State) -> Tensor:
        accelerated = acceleration(state.figure.points + state.root, self._step).square().sum(0)
        return (torch.from_numpy(self._weights).float() * accelerated).sum()

    def held(self, state: State, moved: Moved) -> Held:
        bands = torch.from_numpy(acceleration_bands(self._times, self._weights)).float().repeat_interleave(3, 2)
        weights = tuple(band[: max(0, len(band) - apart)] for apart, band in enumerate(bands))
        return Held(moved.points.flatten(1, 2), weights)


class Steadiness:
    """Path and rotations accelerate little."""

    def __init__(self, evidence: Evidence, sigmas: Sigmas) -> None:
        self._times, self._step = evidence.times, _step(evidence)
        self._path, self._turn = torch.tensor(sigmas.path_acceleration), sigmas.turn_acceleration

    def value(self, state: State) -> Tensor:
        path = acceleration(state.root, self._step) / self._path[:, None, None]
        return path.square().sum() + (acceleration(state.turns, self._step) / self._turn).square().sum()

    def held(self, state: State, moved: Moved) -> Held:
        none = moved.points.new_zeros(len(moved.points), 0, UNKNOWNS)
        own = torch.cat([torch.full((TURNS,), self._turn**-2), self._path**-2])
        bands = torch.from_numpy(acceleration_bands(self._times, 1.0)).float()
        return Held(none, tuple(band[: max(0, len(band) - apart), None] for apart, band in enumerate(bands)), own)


def _step(evidence: Evidence) -> Tensor:
    """Seconds (F - 1, 1) between frames."""
    return torch.from_numpy(np.diff(evidence.times)).float()[:, None]


class Plants:
    """Planted feet stand still, and so does whatever else carries."""

    def __init__(self, evidence: Evidence, sigmas: Sigmas) -> None:
        held = np.concatenate([evidence.planted, evidence.carrying], 1)
        speed = sigmas.plant_speed * np.diff(evidence.times)
        still = np.minimum(held[1:], held[:-1]) / speed[:, None] ** 2
        self._still = torch.from_numpy(still).float()

    def value(self, state: State) -> Tensor:
        placed = torch.cat([state.figure.contacts, state.figure.supports], 2) + state.root
        return (self._still * (placed[:, 1:] - placed[:, :-1]).square().sum(0)).sum()

    def held(self, state: State, moved: Moved) -> Held:
        rows = torch.cat([moved.contacts, moved.supports], 1).flatten(1, 2)
        still = self._still.repeat_interleave(3, 1)
        place = torch.zeros(len(rows), still.shape[1])
        place[1:] += still
        place[:-1] += still
        return Held(rows, (place, -still))


class Floor:
    """Feet that stand are on the ground, but for outliers; no foot goes far below it."""

    def __init__(self, evidence: Evidence, sigmas: Sigmas) -> None:
        assert evidence.ground is not None
        self._normal = torch.from_numpy(evidence.ground.normal).float()
        self._offset = evidence.ground.offset
        self._standing = torch.from_numpy(evidence.standing).float()
        self._on, self._below = sigmas.on_floor, sigmas.below_floor

    def _heights(self, state: State) -> Tensor:
        feet = state.figure.contacts + state.root
        return (feet * self._normal[:, None, None]).sum(0) - self._offset

    def value(self, state: State) -> Tensor:
        height = self._heights(state)
        below = (-height / self._below).clamp(0, DEEPEST).square().sum()
        return below + (self._standing * geman_mcclure((height / self._on).square(), FLOOR_OUTLIER)[0]).sum()

    def held(self, state: State, moved: Moved) -> Held:
        height = self._heights(state)
        sunk = (height < 0) & (height > -DEEPEST * self._below)
        on = self._standing * geman_mcclure((height / self._on).square(), FLOOR_OUTLIER)[1] / self._on**2
        rows = (moved.contacts * self._normal[:, None]).sum(2)
        return Held(rows, (on + sunk / self._below**2,))


class Hinges:
    """Elbows and knees do not bend beyond straight; knees that are nearly straight are straight."""

    def __init__(self, sigmas: Sigmas) -> None:
        self._beyond, self._straight, self._bent = sigmas.hyperextension, sigmas.straight, sigmas.bent
        self._knees = torch.tensor([name.endswith("knee") for name in HINGES]).float()

    def value(self, state: State) -> Tensor:
        bends = state.figure.bends
        beyond = (-bends).clamp_min(0) / self._beyond
        bent = geman_mcclure((bends / self._straight).square(), self._bent)[0]
        return beyond.square().sum() + (self._knees * bent).sum()

    def held(self, state: State, moved: Moved) -> Held:
        bends = state.figure.bends
        bent = geman_mcclure((bends / self._straight).square(), self._bent)[1] / self._straight**2
        return Held(moved.bends, ((bends < 0) / self._beyond**2 + self._knees * bent,))


class Ends:
    """The frames at a window's ends stay where they were: that is where its neighbours, which see further, had them."""

    def __init__(self, path: Tensor, first: bool, last: bool, sigmas: Sigmas) -> None:
        """`path` (3, F, 1) at the start; which ends have a neighbour."""
        self._path, self._turn, self._shift = path, sigmas.end_turn, sigmas.end_shift
        self._held = torch.zeros(path.shape[1], 1)
        self._held[: END * first] = 1.0
        self._held[len(self._held) - END * last :] = 1.0

    def value(self, state: State) -> Tensor:
        turned = (state.turns / self._turn).square().sum((0, 2))
        shifted = ((state.root - self._path) / self._shift).square().sum((0, 2))
        return (self._held[:, 0] * (turned + shifted)).sum()

    def held(self, state: State, moved: Moved) -> Held:
        none = moved.points.new_zeros(len(moved.points), 0, UNKNOWNS)
        own = torch.cat([torch.full((TURNS,), self._turn**-2), torch.full((UNKNOWNS - TURNS,), self._shift**-2)])
        return Held(none, (self._held,), own)


class Start:
    """Little turns from where the solve began."""

    def __init__(self, sigmas: Sigmas) -> None:
        self._sigma = sigmas.start

    def value(self, state: State) -> Tensor:
        return (state.turns / self._sigma).square().sum()

    def held(self, state: State, moved: Moved) -> Held:
        none = moved.points.new_zeros(len(moved.points), 0, UNKNOWNS)
        own = torch.cat([torch.full((TURNS,), self._sigma**-2), torch.zeros(UNKNOWNS - TURNS)])
        return Held(none, (none.new_ones(len(none), 1),), own)
