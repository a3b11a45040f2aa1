"""How a figure moves as its joints turn: the derivatives of `Placed`.

All vectors of a figure are fixed to joints: a turn t of joint j moves R_j c by t x R_j c, and the scalar product of two
vectors a and b, fixed to joints i and j, by (t_i - t_j) . (a x b).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..skeleton import ANIMATION_21
from .body import HINGES, PARTS, Body, Placed

TURNS = 3 * len(ANIMATION_21)
UNKNOWNS = TURNS + 3
"""Of a frame: turns of all joints, then the path's shift."""


@dataclass(frozen=True)
class Moved:
    """Derivatives by a frame's unknowns: of `points`, `landmarks`, `contacts` and `supports` (F, N, 3, UNKNOWNS) in
    their places, and of `bends` (F, 4, UNKNOWNS)."""

    points: Tensor
    landmarks: Tensor
    contacts: Tensor
    supports: Tensor
    bends: Tensor

    @staticmethod
    def of(body: Body, rotations: Tensor, figure: Placed) -> Moved:
        """At world rotations (3, 3, F, 21), under which the body is the `figure`."""
        columns = dict(zip(PARTS, torch.split(body.columns, list(PARTS.values()), 1), strict=True))
        placed = ("points", "landmarks", "contacts", "supports")
        rows = _rows(rotations, torch.cat([columns[name] for name in placed], 1))
        points, landmarks, contacts, supports = torch.split(rows, [PARTS[name] for name in placed], 1)
        hinges = ANIMATION_21.indices(*HINGES)
        before = [ANIMATION_21.parents[hinge] for hinge in hinges]
        return Moved(points, landmarks, contacts, supports, product_rows(figure.before, figure.beyond, before, hinges))


def product_rows(first: Tensor, second: Tensor, ours: Sequence[int], theirs: Sequence[int]) -> Tensor:
    """Derivatives (F, N, UNKNOWNS) of the scalar products of vectors (3, F, N) that are fixed to joints (N,)."""
    return turn_rows(torch.linalg.cross(first, second, dim=0), ours, theirs)


def turn_rows(crosses: Tensor, ours: Sequence[int], theirs: Sequence[int]) -> Tensor:
    """Rows (F, N, UNKNOWNS) of what grows by (t_i - t_j) . c with the turns of joints (N,) `ours` and `theirs`, by
    `crosses` c (3, F, N)."""
    both = crosses.permute(1, 2, 0)
    rows: Tensor = both.new_zeros(*both.shape[:2], UNKNOWNS)
    turns = rows[..., :TURNS].view(*both.shape[:2], -1, 3)
    each = torch.arange(len(ours))
    turns[:, each, list(ours)] = both
    turns[:, each, list(theirs)] -= both
    return rows


def _rows(rotations: Tensor, columns: Tensor) -> Tensor:
    """Derivatives (F, N, 3, UNKNOWNS) of the places that `columns` (3 * 21, N) give under rotations (3, 3, F, 21)."""
    joints = len(ANIMATION_21)
    # A joint's share of each vector (3, F, N, 21).
    x, y, z = torch.einsum("ikfj,kjn->ifnj", rotations, columns.view(3, joints, -1))
    result: Tensor = x.new_zeros(*x.shape[:2], 3, UNKNOWNS)
    turned = result[..., :TURNS].view(*result.shape[:-1], joints, 3)
    turned[:, :, 0, :, 1], turned[:, :, 0, :, 2] = z, -y
    turned[:, :, 1, :, 0], turned[:, :, 1, :, 2] = -z, x
    turned[:, :, 2, :, 0], turned[:, :, 2, :, 1] = y, -x
    # The shift moves everything alike.
    result[..., TURNS:] = torch.eye(3)
    return result
