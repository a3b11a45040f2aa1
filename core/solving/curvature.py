"""How strongly all terms together hold every frame: the Gauss-Newton matrix of a sequence solve, factorised.

Terms that couple neighbouring frames make such a problem stiff: along a plain gradient single frames move, and the clip
follows a frame a step. The matrix 2 J'J of the residuals' derivatives J knows (Nocedal and Wright, Numerical
Optimization, section 10.3): solved with, a gradient becomes a step that moves all frames together.

What looks at one frame makes blocks on the diagonal; what is planted couples neighbours, what accelerates the next but
one as well. Two frames at a time that is block tridiagonal, and factorised in a time that grows with the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .moved import UNKNOWNS
from .terms import Held

REACH = 2
"""Frames apart that are coupled."""
DAMPING = 1e-5
"""A share of the diagonal that is added, so that single precision suffices."""


@dataclass(frozen=True)
class Curvature:
    """A block Cholesky factor: `diagonal` lower triangles (2 U, 2 U) of two frames each, and `below` (2 U, 2 U) that
    couple them with the next two; `frames` in all, U = `UNKNOWNS`."""

    diagonal: tuple[Tensor, ...]
    below: tuple[Tensor, ...]
    frames: int

    def solve(self, gradient: Tensor) -> Tensor:
        """The step (F * UNKNOWNS,), frame by frame, whose gradient that is."""
        parts = list(_padded(gradient.view(self.frames, UNKNOWNS)).unsqueeze(-1))
        for i, triangle in enumerate(self.diagonal):
            given = torch.addmm(parts[i], self.below[i - 1], parts[i - 1], alpha=-1) if i else parts[i]
            parts[i] = torch.linalg.solve_triangular(triangle, given, upper=False)
        for i in reversed(range(len(parts))):
            later = i + 1 < len(parts)
            given = torch.addmm(parts[i], self.below[i].T, parts[i + 1], alpha=-1) if later else parts[i]
            parts[i] = torch.linalg.solve_triangular(self.diagonal[i].T, given, upper=True)
        return torch.cat(parts).view(-1)[: gradient.numel()]


def curvature(held: Sequence[Held]) -> Curvature:
    """Of everything that is held: the sum of its squares, differentiated twice."""
    frames = len(held[0].rows)
    blocks = [_coupled(held, apart) for apart in range(min(REACH + 1, frames))]
    blocks += [blocks[0].new_zeros(0, UNKNOWNS, UNKNOWNS)] * (REACH + 1 - len(blocks))
    blocks[0].diagonal(dim1=1, dim2=2).mul_(1 + DAMPING)
    own, coupling = _paired(blocks)
    diagonal: list[Tensor] = []
    below: list[Tensor] = []
    for i, block in enumerate(own):
        if i:
            # From the right: from the left torch takes twice as long.
            below.append(torch.linalg.solve_triangular(diagonal[-1].T, coupling[i - 1], upper=True, left=False))
            block = torch.addmm(block, below[-1], below[-1].T, alpha=-1)
        diagonal.append(torch.linalg.cholesky(block))
    return Curvature(tuple(diagonal), tuple(below), frames)


def _coupled(held: Sequence[Held], apart: int) -> Tensor:
    """Blocks (F - apart, U, U): how frames couple (rows) with those `apart` before them (columns)."""
    frames = len(held[0].rows) - apart
    blocks = held[0].rows.new_zeros(frames, UNKNOWNS, UNKNOWNS)
    for each in held:
        if len(each.weights) > apart:
            weights = 2 * each.weights[apart]
            weighted = each.rows[:frames] * weights[..., None]
            blocks.baddbmm_(each.rows[apart:].transpose(1, 2), weighted)
            if each.own is not None:
                blocks.diagonal(dim1=1, dim2=2).add_(weights * each.own)
    return blocks


def _padded(values: Tensor) -> Tensor:
    """Values (F, U), two frames a row; the last may be of nothing."""
    if len(values) % 2:
        values = torch.cat([values, torch.zeros_like(values[:1])])
    return values.reshape(-1, 2 * UNKNOWNS)


def _paired(blocks: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Blocks of two frames each (P, 2 U, 2 U): on the diagonal, and of each pair with the one before."""
    single, next_one, next_but_one = blocks
    pairs = -(-len(single) // 2)
    own, coupling = single.new_zeros(2, pairs, 2, UNKNOWNS, 2, UNKNOWNS)
    # Of a pair: its first frame, its second, and how they couple.
    own[:, 0, :, 0] = single[0::2]
    own[: len(single) // 2, 1, :, 1] = single[1::2]
    own[len(single) // 2 :, 1, :, 1] = torch.eye(UNKNOWNS)
    within = next_one[0::2]
    own[: len(within), 1, :, 0] = within
    own[: len(within), 0, :, 1] = within.transpose(1, 2)
    between = next_one[1::2]
    coupling[: len(between), 0, :, 1] = between
    for second in range(2):
        further = next_but_one[second::2]
        coupling[: len(further), second, :, second] = further
    return own.flatten(3, 4).flatten(1, 2), coupling.flatten(3, 4).flatten(1, 2)
