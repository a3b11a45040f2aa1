"""Symmetric block tridiagonal systems, solved exactly in a time that grows with their length.

A chain of blocks is eliminated from both ends at once, and what is left meets in the middle (a twisted factorisation:
van der Vorst 1987, Large tridiagonal and block tridiagonal linear systems on vector and parallel computers): no more
work than from one end to the other, and two threads can share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ..threads import one_thread

T = TypeVar("T")


def side_by_side(first: Callable[[], T], second: Callable[[], T], threads: int) -> tuple[T, T]:
    """What both give; on two threads where there are as many."""

    def alone(work: Callable[[], T]) -> T:
        # These settings hold for the thread that makes them.
        with one_thread(), torch.inference_mode():
            return work()

    if threads < 2:
        return first(), second()
    with ThreadPoolExecutor(1, "motionlift-solve") as pool:
        other = pool.submit(alone, second)
        return first(), other.result()


def _by_columns(matrix: Tensor) -> Tensor:
    """The same memory as a matrix that is read down its columns, as LAPACK writes."""
    return matrix if matrix.stride(0) == 1 else matrix.T


@dataclass(frozen=True)
class _Arm:
    """Blocks eliminated one after the other: of each the lower triangle (N, N), and what couples the next one with it
    (N, N), after the last that of the middle."""

    triangles: tuple[Tensor, ...]
    below: tuple[Tensor, ...]

    @staticmethod
    def of(own: Sequence[Tensor], coupling: Sequence[Tensor]) -> _Arm:
        """In the memory of what is given."""
        triangles: list[Tensor] = []
        below: list[Tensor] = []
        for block, next_with_it in zip(own, coupling, strict=True):
            left = torch.addmm(block, below[-1], below[-1].T, alpha=-1) if triangles else block.clone()
            triangles.append(torch.linalg.cholesky(left, out=_by_columns(block)))
            # From the right: from the left torch takes twice as long.
            given, place = next_with_it.clone(), _by_columns(next_with_it)
            below.append(torch.linalg.solve_triangular(triangles[-1].T, given, upper=True, left=False, out=place))
        return _Arm(tuple(triangles), tuple(below))

    def forward(self, right: Sequence[Tensor]) -> list[Tensor]:
        """The right-hand sides (N, 1) of its blocks once those before are eliminated, through the triangles."""
        found: list[Tensor] = []
        for i, (triangle, part) in enumerate(zip(self.triangles, right, strict=True)):
            given = torch.addmm(part, self.below[i - 1], found[-1], alpha=-1) if found else part
            found.append(torch.linalg.solve_triangular(triangle, given, upper=False))
        return found

    def back(self, found: Sequence[Tensor], middle: Tensor) -> list[Tensor]:
        """The solution of its blocks, after `forward`, once that of the middle is known."""
        solved, after = list(found), middle
        for i in reversed(range(len(solved))):
            given = torch.addmm(solved[i], self.below[i].T, after, alpha=-1)
            after = solved[i] = torch.linalg.solve_triangular(self.triangles[i].T, given, upper=True)
        return solved


@dataclass(frozen=True)
class BlockCholesky:
    """A factorised chain of blocks: the arm from its start, the one from its end, and the triangle (N, N) of the middle
    where they meet."""

    first: _Arm
    last: _Arm
    middle: Tensor
    threads: int

    @staticmethod
    def of(own: Tensor, coupling: Tensor, threads: int = 1) -> BlockCholesky:
        """Of blocks `own` (P, N, N) on the diagonal, of which the i-th couples with the next by `coupling`[i]
        (P - 1 at least, N, N; rows are the next one's). Both are overwritten: the factor lies where they did. It is the
        same for any number of `threads`."""
        half = len(own) // 2
        blocks, ahead = own.unbind(), coupling[: len(own) - 1].unbind()
        behind = [block.T for block in ahead]
        first, last = side_by_side(
            lambda: _Arm.of(blocks[:half], ahead[:half]),
            lambda: _Arm.of(blocks[:half:-1], behind[half:][::-1]),
            threads,
        )
        middle = blocks[half]
        for arm in (first, last):
            if arm.below:
                middle = torch.addmm(middle, arm.below[-1], arm.below[-1].T, alpha=-1)
        return BlockCholesky(first, last, torch.linalg.cholesky(middle), threads)

    def solve(self, right: Tensor) -> Tensor:
        """The solution (P, N) for a right-hand side (P, N)."""
        parts = right.unsqueeze(-1).unbind()
        half = len(self.first.triangles)
        starts, ends = side_by_side(
            lambda: self.first.forward(parts[:half]), lambda: self.last.forward(parts[:half:-1]), self.threads
        )
        given = parts[half]
        for arm, found in ((self.first, starts), (self.last, ends)):
            if found:
                given = torch.addmm(given, arm.below[-1], found[-1], alpha=-1)
        middle = torch.cholesky_solve(given, self.middle)
        before, after = side_by_side(
            lambda: self.first.back(starts, middle), lambda: self.last.back(ends, middle), self.threads
        )
        return torch.stack([*before, middle, *reversed(after)]).squeeze(-1)
