"""How strongly all terms together hold every frame: the Gauss-Newton matrix of a sequence solve, factorised.

Terms that couple neighbouring frames make such a problem stiff: along a plain gradient single frames move, and the clip
follows a frame a step. The matrix 2 J'J of the residuals' derivatives J knows (Nocedal and Wright, Numerical
Optimization, section 10.3): solved with, a gradient becomes a step that moves all frames together.

What looks at one frame makes blocks on the diagonal; what is planted couples neighbours, what accelerates the next but
one as well. Two frames at a time that is block tridiagonal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from .block_cholesky import BlockCholesky, side_by_side
from .moved import UNKNOWNS
from .terms import Held

REACH = 2
"""Frames apart that are coupled."""
TOGETHER = 128
"""Frames whose rows are weighted at once, small enough for a processor's cache."""
DAMPING = 1e-5
"""A share of the diagonal that is added, so that single precision suffices."""


@dataclass(frozen=True)
class Curvature:
    """The matrix of `frames` frames, factorised two frames at a time."""

    factor: BlockCholesky
    frames: int

    def solve(self, gradient: Tensor) -> Tensor:
        """The step (F * UNKNOWNS,), frame by frame, whose gradient that is."""
        steps = self.factor.solve(_padded(gradient.view(self.frames, UNKNOWNS)))
        return steps.view(-1)[: gradient.numel()]


def curvature(held: Iterable[Held], frames: int, threads: int = 1) -> Curvature:
    """Of everything that is held in so many frames: the sum of its squares, differentiated twice; the same on one
    thread or two. Each is asked for when the one before is added: together their rows are large."""
    blocks = [torch.zeros(max(0, frames - apart), UNKNOWNS, UNKNOWNS) for apart in range(REACH + 1)]
    for each in held:
        side_by_side(partial(_add, blocks[:1], each, 0), partial(_add, blocks[1:], each, 1), threads)
        # Before the next one is made.
        del each
    blocks[0].diagonal(dim1=1, dim2=2).mul_(1 + DAMPING)
    own, coupling = _paired(blocks)
    blocks.clear()
    return Curvature(BlockCholesky.of(own, coupling, threads), frames)


def _add(blocks: Sequence[Tensor], held: Held, first: int) -> None:
    """To blocks (F - apart, U, U): how frames couple (rows) with those `apart` before them (columns), from `first`
    apart on."""
    for apart, (block, weights) in enumerate(zip(blocks, held.weights[first:], strict=False), first):
        doubled = 2 * weights
        pairs = (block, held.rows, held.rows[apart:].transpose(1, 2), doubled[..., None].expand(len(block), -1, -1))
        for part, rows, after, weight in zip(
            *(torch.split(each[: len(block)], TOGETHER) for each in pairs), strict=True
        ):
            part.baddbmm_(after, rows * weight)
        if held.own is not None:
            block.diagonal(dim1=1, dim2=2).add_(doubled * held.own)


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
