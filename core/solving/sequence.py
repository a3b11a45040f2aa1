"""The sequence solve: world rotations of all joints and the pelvis's path, all frames together.

What was lifted gives the start and the bones' directions; keypoints, constant bones, smoothness, hinges, the floor and
planted feet settle the rest. Unknowns are rotation vectors (F, 21, 3) that turn the start on, and shifts (F, 3) of its
path: the sum of squares below is minimised by L-BFGS.

Terms that couple neighbouring frames make such a problem stiff: a plain gradient moves single frames, the clip follows
a frame a step. So the unknowns are amplitudes z of cosines over time: x = U (d + s v)^(-1/2) z, where v tells how much
each of the cosines U is bent, s is what bending weighs, and d the typical curvature of the other terms in x. In z all
movements, slow ones too, are about equally easy.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..rotation import Array, from_rotation_vector, multiply
from ..skeleton import ANIMATION_21, BODY_26, INTERPOLATED
from ..threads import one_thread
from .body import HINGES, Body, Placed, turned
from .descent import minimise
from .trajectory import Ground

WINDOW, OVERLAP = 360, 60
"""Frames solved at once, and shared by neighbouring windows, so that time and memory grow with the clip, not faster."""


@dataclass(frozen=True)
class Sigmas:
    """Standard deviations of the terms: metres, radians, or those per second (squared)."""

    keypoint: float = 0.015
    """A keypoint, at the body."""
    outlier: float = 8.0
    """Times that, beyond which a keypoint counts less and less."""
    bone_across: float = 0.20
    bone_depth: float = 0.35
    """Of a bone's lifted vector, in the picture and in depth, as a share of the bone's length."""
    path_acceleration: tuple[float, float, float] = (6.0, 6.0, 3.0)
    point_acceleration: float = 30.0
    turn_acceleration: float = 200.0
    start: float = 0.35
    """Radians from the start, which settles what nothing else does, such as the twist of a straight limb."""
    below_floor: float = 0.01
    on_floor: float = 0.01
    plant_speed: float = 0.05
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
    `planted` and `standing` (F, 4) in [0, 1]: `CONTACT_NAMES` that keep their place, and that touch the ground."""

    rays: Array
    weights: Array
    lifted: Array
    times: Array
    ground: Ground | None
    planted: Array
    standing: Array

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
        )


def solve_sequence(start: Pose, body: Body, evidence: Evidence, iterations: int, sigmas: Sigmas = Sigmas()) -> Pose:
    """The pose that fits the evidence best, from `start` on."""
    frames = len(start.path)
    angles, shifts, total = np.zeros((frames, len(ANIMATION_21), 3)), np.zeros((frames, 3)), np.zeros(frames)
    for part in windows(frames):
        pose = Pose(start.rotations[part], start.path[part])
        found = _solve_window(pose, body, evidence.window(part), iterations, sigmas)
        count = part.stop - part.start
        ramp = np.minimum(np.arange(1, count + 1), np.arange(count, 0, -1)) / OVERLAP
        share = np.clip(ramp, 1e-6, 1.0)
        angles[part] += share[:, None, None] * found[0]
        shifts[part] += share[:, None] * found[1]
        total[part] += share
    rotations = multiply(from_rotation_vector(angles / total[:, None, None]), start.rotations)
    return Pose(rotations, start.path + shifts / total[:, None])


def windows(frames: int) -> list[slice]:
    """Parts of about equal length, `WINDOW` at most, that share `OVERLAP` frames with their neighbours."""
    if frames <= WINDOW:
        return [slice(0, frames)]
    count = -(-(frames - OVERLAP) // (WINDOW - OVERLAP))
    bounds = np.linspace(0, frames - OVERLAP, count + 1).round().astype(int)
    return [slice(int(first), int(last) + OVERLAP) for first, last in itertools.pairwise(bounds)]


def _solve_window(start: Pose, body: Body, evidence: Evidence, iterations: int, sigmas: Sigmas) -> tuple[Array, Array]:
    """Angles (F, 21, 3) and shifts (F, 3) from the start."""
    frames, turns = len(start.path), 3 * len(ANIMATION_21)
    cost = _cost(start, body, evidence, sigmas)
    modes, curvature = _modes(evidence.times)
    turn_scale = _scale(curvature, _turn_curvature(body, evidence, sigmas), sigmas.turn_acceleration)
    shift_scale = _scale(curvature, _shift_curvature(start, body, evidence, sigmas), sigmas.path_acceleration[0])

    def unknowns(z: Tensor) -> tuple[Tensor, Tensor]:
        angles = modes @ (turn_scale * z[: frames * turns].view(frames, turns))
        return angles.view(frames, -1, 3), modes @ (shift_scale * z[frames * turns :].view(frames, 3))

    def objective(z: Tensor) -> tuple[float, Tensor]:
        leaf = z.detach().requires_grad_(True)
        value = cost(*unknowns(leaf))
        (gradient,) = torch.autograd.grad(value, leaf)
        return float(value.detach()), gradient

    with one_thread():
        best = minimise(objective, torch.zeros(frames * (turns + 3)), iterations)
    angles, shifts = unknowns(best)
    return angles.double().numpy(), shifts.double().numpy()


def _cost(start: Pose, body: Body, evidence: Evidence, sigmas: Sigmas) -> Callable[[Tensor, Tensor], Tensor]:
    """The sum of squares, each in standard deviations, of angles (F, 21, 3) and shifts (F, 3)."""
    at_start, path = body.carried(start.rotations), torch.from_numpy(start.path).float()
    keypoints = _keypoint_term(evidence, sigmas)
    bones = _bone_term(evidence, sigmas, body.lengths())
    smooth = _smoothness_terms(evidence, sigmas)
    feet = _feet_terms(evidence, sigmas)
    knees = [index for index, name in enumerate(HINGES) if name.endswith("knee")]

    def cost(angles: Tensor, shifts: Tensor) -> Tensor:
        figure = body.placed(turned(at_start, angles[:, body.carriers]))
        root = path + shifts
        beyond = (-figure.bends).clamp_min(0) / sigmas.hyperextension
        bent = (figure.bends[:, knees] / sigmas.straight).square()
        return (
            keypoints(figure, root)
            + bones(figure)
            + smooth(figure, root, angles)
            + feet(figure, root)
            + beyond.square().sum()
            + (bent / (1 + bent / sigmas.bent**2)).sum()
            + (angles / sigmas.start).square().sum()
        )

    return cost


def _keypoint_term(evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor], Tensor]:
    """Landmarks fall on their rays; Geman and McClure's function for those that do not."""
    seen = [i for i, name in enumerate(BODY_26.joints) if name not in INTERPOLATED]
    rays = torch.from_numpy(evidence.rays[:, seen]).float()
    sure = torch.from_numpy(evidence.weights[:, seen]).float()

    def term(figure: Placed, root: Tensor) -> Tensor:
        shown = figure.landmarks[:, seen] + root[:, None]
        depth = shown[..., 2:].clamp_min(0.2)
        off = (shown[..., :2] / depth - rays) * depth.detach() / sigmas.keypoint
        squared = off.square().sum(-1)
        return (sure * squared / (1 + squared / sigmas.outlier**2)).sum()

    return term


def _bone_term(evidence: Evidence, sigmas: Sigmas, lengths: Tensor) -> Callable[[Placed], Tensor]:
    """Bones point where they were lifted to, less surely in depth. Their lengths (26,) are the body's own: a network
    in doubt answers with the mean, which is too short."""
    parents = torch.tensor([max(parent, 0) for parent in BODY_26.parents])
    lifted = torch.from_numpy(evidence.lifted).float()
    length = lengths[:, None].clamp_min(0.02)
    lifted = functional.normalize(lifted - lifted[:, parents], dim=-1) * length
    spread = torch.cat([sigmas.bone_across * length] * 2 + [sigmas.bone_depth * length], -1).clamp_min(0.01)

    def term(figure: Placed) -> Tensor:
        bones = figure.points - figure.points[:, parents]
        return ((bones - lifted) / spread)[:, 1:].square().sum()

    return term


def _smoothness_terms(evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor, Tensor], Tensor]:
    """Path, points and rotations accelerate little."""
    step = torch.from_numpy(np.diff(evidence.times)).float()[:, None]
    limit = torch.tensor(sigmas.path_acceleration)

    def term(figure: Placed, root: Tensor, angles: Tensor) -> Tensor:
        if len(step) < 2:
            return root.new_zeros(())
        points = (figure.points + root[:, None]).flatten(1)
        total: Tensor = (
            (_acceleration(root, step) / limit).square().sum()
            + (_acceleration(points, step) / sigmas.point_acceleration).square().sum()
            + (_acceleration(angles.flatten(1), step) / sigmas.turn_acceleration).square().sum()
        )
        return total

    return term


def _feet_terms(evidence: Evidence, sigmas: Sigmas) -> Callable[[Placed, Tensor], Tensor]:
    """Planted feet stand still, on the ground; no foot goes far below it."""
    planted, standing = (torch.from_numpy(share).float() for share in (evidence.planted, evidence.standing))
    still = torch.minimum(planted[1:], planted[:-1])[..., None]
    step = torch.from_numpy(np.diff(evidence.times)).float()[:, None, None]
    ground = evidence.ground

    def term(figure: Placed, root: Tensor) -> Tensor:
        feet = figure.contacts + root[:, None]
        slip = (feet[1:] - feet[:-1]) / step / sigmas.plant_speed
        total: Tensor = (still * slip.square()).sum()
        if ground is not None:
            height = feet @ torch.from_numpy(ground.normal).float() - ground.offset
            total = total + ((-height).clamp(0, 1) / sigmas.below_floor).square().clamp_max(900).sum()
            squared = (height / sigmas.on_floor).square()
            total = total + (standing * squared / (1 + squared / 100)).sum()
        return total

    return term


def _acceleration(values: Tensor, step: Tensor) -> Tensor:
    """Second differences (F - 2, D) of samples `step` (F - 1, 1) seconds apart."""
    speed = (values[1:] - values[:-1]) / step
    result: Tensor = 2 * (speed[1:] - speed[:-1]) / (step[1:] + step[:-1])
    return result


def _modes(times: Array) -> tuple[Tensor, Array]:
    """Cosines (F, F), columns of unit length, and how strongly D'D bends each (F,), D the second differences over time.

    But for its ends D'D has these eigenvectors and the eigenvalues (2 - 2 cos(pi k / F))^2 / dt^4.
    """
    frames = len(times)
    place, mode = np.arange(frames) + 0.5, np.arange(frames)
    cosines = np.cos(np.pi / frames * place[:, None] * mode) * np.sqrt(2 / frames)
    cosines[:, 0] /= np.sqrt(2)
    spacing = float(np.median(np.diff(times))) if frames > 1 else 1.0
    bending: Array = (2 - 2 * np.cos(np.pi * mode / frames)) ** 2 / spacing**4
    return torch.from_numpy(cosines).float(), bending


def _scale(curvature: Array, data: Array, acceleration: float) -> Tensor:
    """(F, D): what a unit of each mode's coefficient is, for unknowns whose terms have curvatures `data` (D,)."""
    return torch.from_numpy(1 / np.sqrt(data + curvature[:, None] / acceleration**2)).float()


def _turn_curvature(body: Body, evidence: Evidence, sigmas: Sigmas) -> Array:
    """(63,): how strongly the keypoints beyond each joint, the bones that hang from it and the start hold it."""
    lengths = np.linalg.norm(body.vectors[: len(ANIMATION_21)].double().numpy(), axis=-1)
    carried = body.chain.double().numpy()[body.point_joints.numpy()]
    beyond = (evidence.weights.mean(0)[:, None] * carried).sum(0)
    held = np.full(len(ANIMATION_21), 1 / sigmas.start**2)
    for joint, parent in enumerate(ANIMATION_21.parents):
        if parent >= 0:
            held[parent] += lengths[joint] ** 2 * beyond[joint] / (2 * sigmas.keypoint) ** 2 + 1 / sigmas.bone_across**2
    return np.repeat(held, 3)


def _shift_curvature(start: Pose, body: Body, evidence: Evidence, sigmas: Sigmas) -> Array:
    """(3,): how strongly the keypoints hold the path across and along the line of sight."""
    seen = evidence.weights.sum(1).mean() / (2 * sigmas.keypoint) ** 2 + 1.0
    depth = max(float(np.median(start.path[:, 2])), 0.5)
    spread = np.median(np.linalg.norm(evidence.rays - evidence.rays.mean(1, keepdims=True), axis=-1))
    return np.array([seen, seen, seen * max(float(spread), 0.1 / depth) ** 2])
