"""The sequence solve: world rotations of all joints and the pelvis's path, all frames together.

What was lifted gives the start and the bones' directions; keypoints, constant bones, smoothness, hinges, the floor and
planted feet settle the rest. Unknowns are turns (F, 21, 3) of the start (`body.turned`) and shifts (F, 3) of its
path: the sum of squares below is minimised by L-BFGS.

Terms that couple neighbouring frames make such a problem stiff: a plain gradient moves single frames, the clip follows
a frame a step. So the unknowns are amplitudes z of cosines over time: x = U (p + m v + b a)^(-1/2) z, where m and b
tell how much each of the cosines U moves and bends, and p, v and a how strongly the terms hold x in its place and
against speed and acceleration (typically, over the clip). In z all movements, slow ones too, are about equally easy.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..rotation import Array, multiply
from ..skeleton import ANIMATION_21, BODY_26, INTERPOLATED
from ..threads import one_thread
from .balance import balance_term, upright
from .body import HINGES, Body, Placed, acceleration, matrices, quaternions, turned
from .descent import minimise
from .limits import limit_term
from .trajectory import Ground

WINDOW, OVERLAP = 360, 60
"""Frames solved at once, and shared by neighbouring windows, so that time and memory grow with the clip, not faster."""


@dataclass(frozen=True)
class Sigmas:
    """Standard deviations of the terms: metres, radians, or those per second (squared)."""

    keypoint: float = 0.04
    """A keypoint, at the body."""
    outlier: float = 8.0
    """Times that, beyond which a keypoint counts less and less."""
    bone: float = 0.16
    """Of a bone's lifted vector, as a share of the bone's length."""
    path_acceleration: tuple[float, float, float] = (6.0, 6.0, 3.0)
    point_acceleration: float = 22.0
    turn_acceleration: float = 200.0
    start: float = 0.25
    """Radians from the start, which settles what nothing else does, such as the twist of a straight limb."""
    below_floor: float = 0.01
    on_floor: float = 0.01
    plant_speed: float = 0.05
    balance: float = 0.01
    """Metres by which a body's mean zero-moment point is off the feet it stands on."""
    limit: float = 0.06
    """Of the sines and cosines of joints' angles, beyond their limits."""
    hyperextension: float = 0.05
    """Sine of the angle beyond straight."""
    straight: float = 0.15
    """Sine of a knee's angle. A leg bent by 25 degrees is 2 cm shorter in the picture, little more than a keypoint
    errs, and the mean of what a network thinks possible is always bent: people mostly stand on straight legs."""
    bent: float = 4.0
    """Times that, beyond which a knee is bent, and left alone."""

    def smoothed(self, factor: float) -> Sigmas:
        """With accelerations `factor` times as large."""
        x, y, z = self.path_acceleration
        return replace(
            self,
            path_acceleration=(x * factor, y * factor, z * factor),
            point_acceleration=self.point_acceleration * factor,
            turn_acceleration=self.turn_acceleration * factor,
        )


@dataclass(frozen=True)
class Pose:
    """`rotations` (F, 21, 4), world orientations in the camera's axes; `path` (F, 3) m of the pelvis."""

    rotations: Array
    path: Array


@dataclass(frozen=True)
class Evidence:
    """What the solve goes by: `rays` (F, 26, 2) x/z, y/z of the keypoints with `weights` (F, 26); `lifted`
    (F, 26, 3) m from the pelvis, of the body's size; `times` (F,) s; `ground`, if feet are to respect one;
    `planted` and `standing` (F, 4) in [0, 1]: `CONTACT_NAMES` that keep their place, and that touch the ground;
    `carrying` (F, 5): `SUPPORT_NAMES` that keep theirs, where there are any."""

    rays: Array
    weights: Array
    lifted: Array
    times: Array
    ground: Ground | None
    planted: Array
    standing: Array
    carrying: Array | None = None

    def window(self, part: slice) -> Evidence:
        """The evidence of some frames."""
        return replace(
            self,
            rays=self.rays[part],
            weights=self.weights[part],
            lifted=self.lifted[part],
            times=self.times[part],
            planted=self.planted[part],
            standing=self.standing[part],
            carrying=None if self.carrying is None else self.carrying[part],
        )


def solve_sequence(start: Pose, body: Body, evidence: Evidence, iterations: int, sigmas: Sigmas = Sigmas()) -> Pose:
    """The pose that fits the evidence best, from `start` on."""
    frames = len(start.path)
    turns, shifts, total = np.zeros((frames, len(ANIMATION_21), 3)), np.zeros((frames, 3)), np.zeros(frames)
    for part in windows(frames):
        pose = Pose(start.rotations[part], start.path[part])
        found = _solve_window(pose, body, evidence.window(part), iterations, sigmas)
        count = part.stop - part.start
        ramp = np.minimum(np.arange(1, count + 1), np.arange(count, 0, -1)) / OVERLAP
        share = np.clip(ramp, 1e-6, 1.0)
        turns[part] += share[:, None, None] * found[0]
        shifts[part] += share[:, None] * found[1]
        total[part] += share
    rotations = multiply(quaternions(turns / total[:, None, None]), start.rotations)
    return Pose(rotations, start.path + shifts / total[:, None])


def misfit(pose: Pose, body: Body, evidence: Evidence, iterations: int, sigmas: Sigmas = Sigmas()) -> float:
    """The sum of squares that is left after a solve from `pose` on, in standard deviations: at most `WINDOW` frames."""
    cost = _cost(pose, body, evidence, sigmas)
    turns, shifts = _solve_window(pose, body, evidence, iterations, sigmas)
    with torch.inference_mode(), one_thread():
        return float(cost(_components(turns), _components(shifts[:, None])))


def windows(frames: int) -> list[slice]:
    """Parts of about equal length, `WINDOW` at most, that share `OVERLAP` frames with their neighbours."""
    if frames <= WINDOW:
        return [slice(0, frames)]
    count = -(-(frames - OVERLAP) // (WINDOW - OVERLAP))
    bounds = np.linspace(0, frames - OVERLAP, count + 1).round().astype(int)
    return [slice(int(first), int(last) + OVERLAP) for first, last in itertools.pairwise(bounds)]


def _solve_window(start: Pose, body: Body, evidence: Evidence, iterations: int, sigmas: Sigmas) -> tuple[Array, Array]:
    """Angles (F, 21, 3) and shifts (F, 3) from the start."""
    frames, size = len(start.path), 3 * len(ANIMATION_21)
    cost = _cost(start, body, evidence, sigmas)
    modes, bending, motion = _modes(evidence.times)
    turn_scale = _turn_curvature(body, evidence, sigmas).scale(bending, motion)
    shift_scale = _shift_curvature(start, evidence, sigmas).scale(bending, motion).T[..., None]

    def unknowns(z: Tensor) -> tuple[Tensor, Tensor]:
        turns = modes @ (turn_scale * z[: frames * size].view(3, frames, -1))
        return turns, modes @ (shift_scale * z[frames * size :].view(3, frames, 1))

    def objective(z: Tensor) -> tuple[float, Tensor]:
        leaf = z.detach().requires_grad_(True)
        value = cost(*unknowns(leaf))
        (gradient,) = torch.autograd.grad(value, leaf)
        return float(value.detach()), gradient

    with one_thread():
        best = minimise(objective, torch.zeros(frames * (size + 3)), iterations)
    turns, shifts = unknowns(best)
    return _along_frames(turns), _along_frames(shifts)[:, 0]


def _cost(start: Pose, body: Body, evidence: Evidence, sigmas: Sigmas) -> Callable[[Tensor, Tensor], Tensor]:
    """The sum of squares, each in standard deviations, of turns (3, F, 21) and shifts (3, F, 1)."""
    at_start, path = matrices(start.rotations), _components(start.path[:, None])
    keypoints = _keypoint_term(evidence, sigmas)
    bones = _bone_term(evidence, sigmas, body.lengths)
    smooth = _smoothness_terms(evidence, sigmas)
    feet = _feet_terms(evidence, sigmas)
    balance = _balance(start, body, evidence, sigmas)
    limits = limit_term(sigmas.limit)
    knees = [index for index, name in enumerate(HINGES) if name.endswith("knee")]

    def cost(turns: Tensor, shifts: Tensor) -> Tensor:
        rotations = turned(at_start, turns)
        figure = body.placed(rotations)
        root = path + shifts
        beyond = (-figure.bends).clamp_min(0) / sigmas.hyperextension
        bent = (figure.bends[:, knees] / sigmas.straight).square()
        return (
            keypoints(figure, root)
            + bones(figure)
            + smooth(figure, root, turns)
            + feet(figure, root)
            + balance(figure, root)
            + limits(rotations)
            + beyond.square().sum()
            + (bent / (1 + bent / sigmas.bent**2)).sum()
            + (turns / sigmas.start).square().sum()
        )

    return cost


def _keypoint_term(evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor], Tensor]:
    """Landmarks fall on their rays; Geman and McClure's function for those that do not."""
    rays = _components(evidence.rays)
    made_up = BODY_26.indices(*INTERPOLATED)
    weights = evidence.weights.copy()
    weights[:, made_up] = 0.0
    sure = torch.from_numpy(weights).float()

    def term(figure: Placed, root: Tensor) -> Tensor:
        shown = figure.landmarks + root
        depth = shown[2].clamp_min(0.2)
        off = (shown[:2] / depth - rays) * (depth.detach() / sigmas.keypoint)
        squared = off.square().sum(0)
        return (sure * squared / (1 + squared / sigmas.outlier**2)).sum()

    return term


def _bone_term(evidence: Evidence, sigmas: Sigmas, lengths: Tensor) -> Callable[[Placed], Tensor]:
    """Bones point where they were lifted to. Their lengths (26,) are the body's own: a network
    in doubt answers with the mean, which is too short."""
    parents = [max(parent, 0) for parent in BODY_26.parents]
    length = lengths.clamp_min(0.02)
    lifted = _components(evidence.lifted - evidence.lifted[:, parents])
    lifted = functional.normalize(lifted, dim=0) * length
    # The first point has no bone.
    inverse = 1 / (sigmas.bone * length).clamp_min(0.01) * (torch.arange(len(length)) > 0)

    def term(figure: Placed) -> Tensor:
        return ((figure.bones - lifted) * inverse).square().sum()

    return term


def _smoothness_terms(evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor, Tensor], Tensor]:
    """Path, points and rotations accelerate little."""
    step = torch.from_numpy(np.diff(evidence.times)).float()[:, None]
    limit = torch.tensor(sigmas.path_acceleration)[:, None, None]

    def term(figure: Placed, root: Tensor, turns: Tensor) -> Tensor:
        if len(step) < 2:
            return root.new_zeros(())
        total: Tensor = (
            (acceleration(root, step) / limit).square().sum()
            + (acceleration(figure.points + root, step) / sigmas.point_acceleration).square().sum()
            + (acceleration(turns, step) / sigmas.turn_acceleration).square().sum()
        )
        return total

    return term


def _feet_terms(evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor], Tensor]:
    """Planted feet stand still, on the ground; no foot goes far below it. Whatever else carries stays where it is."""
    planted, standing = (torch.from_numpy(share).float() for share in (evidence.planted, evidence.standing))
    still = torch.minimum(planted[1:], planted[:-1])
    others = None
    if evidence.carrying is not None and evidence.carrying.any():
        carrying = torch.from_numpy(evidence.carrying).float()
        others = torch.minimum(carrying[1:], carrying[:-1])
    step = torch.from_numpy(np.diff(evidence.times)).float()[:, None]
    ground = evidence.ground
    normal = torch.from_numpy(ground.normal if ground else np.zeros(3)).float()[:, None, None]

    def term(figure: Placed, root: Tensor) -> Tensor:
        feet = figure.contacts + root
        slip = (feet[:, 1:] - feet[:, :-1]) / step / sigmas.plant_speed
        total: Tensor = (still * slip.square()).sum()
        if others is not None:
            supports = figure.supports + root
            slide = (supports[:, 1:] - supports[:, :-1]) / step / sigmas.plant_speed
            total = total + (others * slide.square()).sum()
        if ground is not None:
            height = (feet * normal).sum(0) - ground.offset
            total = total + ((-height).clamp(0, 1) / sigmas.below_floor).square().clamp_max(900).sum()
            squared = (height / sigmas.on_floor).square()
            total = total + (standing * squared / (1 + squared / 100)).sum()
        return total

    return term


def _balance(start: Pose, body: Body, evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor], Tensor]:
    """The body is above what it stands on, where that is known."""
    if evidence.ground is None:
        return lambda figure, root: root.new_zeros(())
    normal = evidence.ground.normal
    figure = body.placed(matrices(start.rotations))
    soles = np.einsum("cfn,c->fn", figure.contacts.double().numpy(), normal).min(1)
    leg = body.lengths[BODY_26.indices("left_knee", "left_ankle", "left_heel")].sum()
    stands = upright(-soles, float(leg))
    return balance_term(evidence.times, evidence.standing, stands, normal, sigmas.balance)


def _components(vectors: Array) -> Tensor:
    """Vectors (F, N, D) as (D, F, N), the order of `Placed`."""
    return torch.from_numpy(np.ascontiguousarray(vectors.transpose(2, 0, 1))).float()


def _along_frames(components: Tensor) -> Array:
    """The inverse of `_components`."""
    result: Array = components.double().numpy().transpose(1, 2, 0)
    return result


@dataclass(frozen=True)
class _Curvature:
    """How strongly the terms hold unknowns (D,): in their place, against moving, and against accelerating."""

    place: Array
    speed: Array
    acceleration: Array

    def scale(self, bending: Array, motion: Array) -> Tensor:
        """(F, D): what a unit of each mode's amplitude is, see `_modes`."""
        total = self.place + motion[:, None] * self.speed + bending[:, None] * self.acceleration
        return torch.from_numpy(1 / np.sqrt(total)).float()


def _modes(times: Array) -> tuple[Tensor, Array, Array]:
    """Cosines (F, F), columns of unit length; how strongly D'D bends and S'S moves each (F,), D and S the second and
    first differences over time.

    But for its ends D'D has these eigenvectors and the eigenvalues (2 - 2 cos(pi k / F))^2 / dt^4; S'S has their root.
    """
    frames = len(times)
    place, mode = np.arange(frames) + 0.5, np.arange(frames)
    cosines = np.cos(np.pi / frames * place[:, None] * mode) * np.sqrt(2 / frames)
    cosines[:, 0] /= np.sqrt(2)
    spacing = float(np.median(np.diff(times))) if frames > 1 else 1.0
    motion: Array = (2 - 2 * np.cos(np.pi * mode / frames)) / spacing**2
    return torch.from_numpy(cosines).float(), motion**2, motion


def _turn_curvature(body: Body, evidence: Evidence, sigmas: Sigmas) -> _Curvature:
    """Of each joint's turns (21,): by what the joint carries."""
    count, feet = len(BODY_26), evidence.planted.shape[1]
    squared = (body.columns.double().numpy().reshape(3, len(ANIMATION_21), -1) ** 2).sum(0)
    points, bones, landmarks, contacts = np.split(squared[:, : 3 * count + feet], [count, 2 * count, 3 * count], axis=1)
    lengths = np.maximum(body.lengths.numpy(), 0.02)
    return _Curvature(
        landmarks @ evidence.weights.mean(0) / (2 * sigmas.keypoint) ** 2
        + (bones / (sigmas.bone * lengths) ** 2).sum(1)
        + contacts @ evidence.standing.mean(0) / (2 * sigmas.on_floor) ** 2
        + 1 / sigmas.start**2,
        contacts @ evidence.planted.mean(0) / sigmas.plant_speed**2,
        points.sum(1) / sigmas.point_acceleration**2 + 1 / sigmas.turn_acceleration**2,
    )


def _shift_curvature(start: Pose, evidence: Evidence, sigmas: Sigmas) -> _Curvature:
    """Of the path's shifts (3,): the keypoints hold it across the line of sight, less along it."""
    seen = evidence.weights.sum(1).mean() / (2 * sigmas.keypoint) ** 2 + 1.0
    depth = max(float(np.median(start.path[:, 2])), 0.5)
    spread = np.median(np.linalg.norm(evidence.rays - evidence.rays.mean(1, keepdims=True), axis=-1))
    ground = np.zeros(3) if evidence.ground is None else evidence.ground.normal**2
    return _Curvature(
        seen * np.array([1.0, 1.0, max(float(spread), 0.1 / depth) ** 2])
        + ground * evidence.standing.mean(0).sum() / (2 * sigmas.on_floor) ** 2,
        np.full(3, evidence.planted.mean(0).sum() / sigmas.plant_speed**2),
        len(BODY_26) / sigmas.point_acceleration**2 + 1 / np.array(sigmas.path_acceleration) ** 2,
    )
