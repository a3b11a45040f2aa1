"""The curvature: derivatives against differences, its solution against a full matrix's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.core.rotation import Array, from_rotation_vector, multiply
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.solving.balance import Balance
from motionlift.core.solving.body import PARTS, Body, components, matrices, turned
from motionlift.core.solving.curvature import curvature
from motionlift.core.solving.evidence import Evidence, Pose, Sigmas
from motionlift.core.solving.limits import Limits
from motionlift.core.solving.moved import TURNS, UNKNOWNS, Moved
from motionlift.core.solving.pose_prior import PosePrior
from motionlift.core.solving.terms import (
    Bones,
    Ends,
    Floor,
    Held,
    Hinges,
    Keypoints,
    Plants,
    Smoothness,
    Start,
    State,
    Steadiness,
    Term,
)
from motionlift.core.solving.trajectory import Ground

BODY = Body.of(*reference_rest())
FRAMES = 5
TIMES = np.array([0.0, 0.03, 0.07, 0.1, 0.13])


def pose() -> Pose:
    """One pose, kept: nothing accelerates."""
    vectors = 0.4 * np.random.default_rng(3).normal(size=(1, len(ANIMATION_21), 3))
    upright = from_rotation_vector(np.array([np.pi / 2, 0, 0]))
    rotations = multiply(upright, from_rotation_vector(vectors))
    return Pose(np.tile(rotations, (FRAMES, 1, 1)), np.tile([0.1, 0.2, 4.0], (FRAMES, 1)))


def state(unknowns: Tensor) -> State:
    start = pose()
    vectors = unknowns.view(FRAMES, -1, 3).permute(2, 0, 1)
    turns, shifts = vectors[..., : len(ANIMATION_21)], vectors[..., len(ANIMATION_21) :]
    rotations = turned(matrices(start.rotations), turns)
    return State(rotations, turns, BODY.placed(rotations), components(start.path[:, None]) + shifts)


def evidence() -> Evidence:
    """What a perfect detector sees of that pose, which stands."""
    at = state(torch.zeros(FRAMES * UNKNOWNS))
    seen = (at.figure.landmarks + at.root).double().numpy().transpose(1, 2, 0)
    points = at.figure.points.double().numpy().transpose(1, 2, 0)
    feet = np.full((FRAMES, 4), 0.8)
    normal = np.array([0.0, -1.0, 0.0])
    return Evidence(
        seen[..., :2] / seen[..., 2:], np.full((FRAMES, 26), 0.7), points, TIMES, Ground(normal, 0.0),
        feet, feet, np.full((FRAMES, 5), 0.5),
    )  # fmt: skip


def matrix(held: Held) -> Array:
    """The full matrix (F * U, F * U)."""
    frames = len(held.rows)
    full = torch.zeros(frames, UNKNOWNS, frames, UNKNOWNS, dtype=torch.double)
    for apart, weights in enumerate(held.weights):
        for frame in range(frames - apart):
            later, earlier = held.rows[frame + apart].double(), held.rows[frame].double()
            block = later.T @ (weights[frame].double()[:, None] * earlier)
            if held.own is not None:
                block = block + torch.diag(weights[frame].double() * held.own.double())
            full[frame + apart, :, frame] += block
            if apart:
                full[frame, :, frame + apart] += block.T
    result: Array = np.asarray(2.0 * full.reshape(frames * UNKNOWNS, -1).numpy(), dtype=np.float64)
    return result


def as_long_as_there() -> Body:
    """The body with bones as long as they are in that pose: some reach across a joint, and bend with it."""
    return replace(BODY, lengths=state(torch.zeros(FRAMES * UNKNOWNS)).figure.bones[:, 0].norm(dim=0))


TERMS: list[Term] = [
    Keypoints(evidence(), Sigmas()),
    Bones(evidence(), as_long_as_there(), Sigmas()),
    Smoothness(evidence(), pose().path, Sigmas()),
    Steadiness(evidence(), Sigmas()),
    Plants(evidence(), Sigmas()),
    Start(Sigmas()),
    Ends(components(pose().path[:, None]), True, True, Sigmas()),
]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: type(term).__name__)
def test_where_everything_fits_a_term_bends_as_it_says(term: Term) -> None:
    origin = torch.zeros(FRAMES * UNKNOWNS)
    at = state(origin)
    full = matrix(term.held(at, Moved.of(BODY, at.rotations, at.figure)))
    random = torch.Generator().manual_seed(0)
    for _ in range(3):
        step = 0.01 * torch.randn(len(origin), generator=random)
        both = [float(term.value(state(origin + sign * step))) for sign in (1, -1)]
        second = sum(both) - 2 * float(term.value(at))
        assert second == pytest.approx(step.double().numpy() @ full @ step.double().numpy(), rel=0.03)


@pytest.mark.parametrize("part", ["points", "landmarks", "contacts", "supports", "bends"])
def test_derivatives_are_those_of_differences(part: str) -> None:
    origin = torch.zeros(FRAMES * UNKNOWNS)
    at = state(origin)
    moved = getattr(Moved.of(BODY, at.rotations, at.figure), part)
    step = 0.003 * torch.randn(len(origin), generator=torch.Generator().manual_seed(1))

    def placed(unknowns: Tensor) -> Tensor:
        there = state(unknowns)
        if part == "bends":
            return there.figure.bends
        result: Tensor = (getattr(there.figure, part) + there.root).permute(1, 2, 0)
        return result

    found = (moved * step.view(FRAMES, *[1] * (moved.ndim - 2), UNKNOWNS)).sum(-1)
    torch.testing.assert_close(found, (placed(step) - placed(-step)) / 2, atol=2e-5, rtol=1e-2)
    assert set(PARTS) >= {part} or part == "bends"


MISFITS: list[Term] = [
    Floor(replace(evidence(), ground=Ground(np.array([0.0, -1.0, 0.0]), -1.0)), Sigmas()),
    Hinges(Sigmas()),
    Limits(Sigmas()),
    PosePrior(evidence(), Sigmas()),
    Balance(pose(), BODY, evidence(), Sigmas()),
]


@pytest.mark.parametrize("made", MISFITS, ids=lambda term: type(term).__name__)
def test_what_does_not_fit_falls_along_its_own_step(made: Term) -> None:
    leaf = torch.zeros(FRAMES * UNKNOWNS).requires_grad_(True)
    value = made.value(state(leaf))
    (gradient,) = torch.autograd.grad(value, leaf)
    assert float(value.detach()) > 0
    at = state(torch.zeros_like(leaf))
    moved = Moved.of(BODY, at.rotations, at.figure)
    held = [each.held(at, moved) for each in (made, Start(Sigmas()), Steadiness(evidence(), Sigmas()))]
    step = -0.1 * curvature(held, FRAMES).solve(gradient)
    assert float(made.value(state(step))) < float(value.detach())


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7])
def test_it_solves_as_a_full_matrix_does(frames: int) -> None:
    random = torch.Generator().manual_seed(frames)
    rows = torch.randn(frames, 9, UNKNOWNS, generator=random)
    bands = (
        torch.full((frames, 9), 3.0),
        torch.full((max(0, frames - 1), 9), -0.8),
        torch.full((max(0, frames - 2), 9), 0.2),
    )
    held = [
        Held(rows, bands),
        Held(rows.new_zeros(frames, 0, UNKNOWNS), (torch.ones(frames, 1),), torch.full((UNKNOWNS,), 2.0)),
    ]
    gradient = torch.randn(frames * UNKNOWNS, generator=random)
    full = matrix(held[0]) + matrix(held[1])
    wanted = np.linalg.solve(full, gradient.double().numpy())
    found = curvature(held, frames).solve(gradient).numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-3 * np.abs(wanted).max())


def test_turns_come_before_the_shift() -> None:
    assert TURNS == 63
    assert UNKNOWNS == TURNS + 3
