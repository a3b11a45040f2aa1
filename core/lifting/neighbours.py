"""Which joints listen to which: the styles of graph that the paper compares, and the searches of the dynamical one.

Masks are bool (..., N, M): row i marks those of M candidates that joint i listens to. M is N, or 3 N in a graph of
space and time: the joints of the frame itself, of the next and of the one before.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from ..skeleton import JointSet
from .graph import adjacency, nearest, nearest_of, tie_ranks, with_counterparts

Style = Literal["dynamical", "fixed", "full", "random", "symmetry", "precomputed"]
STYLES: tuple[Style, ...] = get_args(Style)


class InputGraphs(NamedTuple):
    """The graphs of the style "precomputed", found once from the network's 2D inputs (T, B, N, 2) and used by every
    layer: `spatial` (T, B, N, N), or (T, B, N, 3 N) where space and time are one; `after`, `before` (T, B, N, N)."""

    spatial: Tensor
    after: Tensor
    before: Tensor


class Neighbours(nn.Module):
    """Who listens to whom in one layer: each joint's `number` nearest, or `fixed` (N, M) bool; with `redrawn`, `number`
    at random in training, anew for every frame. `ranks` (N, M): see `graph.tie_ranks`."""

    ranks: Tensor
    fixed: Tensor | None

    def __init__(self, number: int, ranks: Tensor, fixed: Tensor | None = None, redrawn: bool = False) -> None:
        super().__init__()
        self.number = min(number, ranks.shape[1])
        self.redrawn = redrawn
        self.register_buffer("ranks", ranks, persistent=False)
        self.register_buffer("fixed", fixed, persistent=False)

    def count(self) -> Tensor | int:
        """The number of neighbours: one, or of each joint (N, 1)."""
        return self.number if self.fixed is None else self.fixed.sum(-1, keepdim=True)

    def without_search(self, features: Tensor) -> Tensor | None:
        """The mask for features (T, B, N, C) where it does not depend on them, (N, M) or (T, B, N, M)."""
        if self.redrawn and self.training:
            return random_neighbours((*features.shape[:2], *self.ranks.shape), self.number, features.device)
        return self.fixed

    def spatial(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        """D of eq. 4: by distance of features (T, B, N, C)."""
        if (mask := self.without_search(features)) is not None:
            return mask
        return nearest(features.detach(), self.number, self.ranks) if given is None else given.spatial

    def temporal(self, features: Tensor, given: InputGraphs | None = None) -> tuple[Tensor, Tensor]:
        """L_{t+1} and L_{t-1} of eq. 11: by similarity of the movement of features (T, B, N, C).

        At the ends, where a frame is repeated, the neighbours come from the side that exists; a single frame has no
        movement, and each joint only itself.
        """
        if (mask := self.without_search(features)) is not None:
            return mask, mask
        if given is not None:
            return given.after, given.before
        frames, batch, joints, _ = features.shape
        if frames == 1:
            own = torch.eye(joints, dtype=torch.bool, device=features.device).expand(1, batch, joints, joints)
            return own, own
        # x_{t-1} - x_t at t is -(x_t - x_{t-1}): the same distances, so one search serves both directions.
        moving = nearest((features[1:] - features[:-1]).detach(), self.number, self.ranks)
        return torch.cat([moving, moving[-1:]]), torch.cat([moving[:1], moving])

    def spacetime(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        """The nearest, by distance of features (T, B, N, C), among the joints of three frames; frames beyond the ends
        have none to offer."""
        if (mask := self.without_search(features)) is not None:
            return mask
        if given is not None:
            return given.spatial
        points = features.detach()
        candidates = torch.cat([points, following(points), preceding(points)], 2)
        absent = torch.zeros(features.shape[0], candidates.shape[2], dtype=torch.bool, device=features.device)
        joints = features.shape[2]
        absent[-1, joints : 2 * joints] = True
        absent[0, 2 * joints :] = True
        return nearest_of(points, candidates, self.number, self.ranks, absent[:, None, None])


class GraphsOfTheInput(nn.Module):
    """Finds the `InputGraphs` in 2D joints (T, B, N, 2), by the `spatial` (of space and time together: `spacetime`) and
    the `temporal` neighbours of a network's layers."""

    def __init__(self, spatial: Neighbours, temporal: Neighbours, factorised: bool) -> None:
        super().__init__()
        self.spatial = spatial
        self.temporal = temporal
        self.factorised = factorised

    def forward(self, places: Tensor) -> InputGraphs:
        spatial = self.spatial.spatial(places) if self.factorised else self.spatial.spacetime(places)
        return InputGraphs(spatial, *self.temporal.temporal(places))


def make_neighbours(style: Style, number: int, joints: JointSet, layer: int, frames: int = 1) -> Neighbours:
    """The neighbours of `style` in the `layer`-th layer of a network, among the joints of `frames` frames."""
    ranks = tie_ranks(joints)
    ranks = torch.cat([ranks + frame * len(joints) for frame in range(frames)], 1)
    return Neighbours(number, ranks, fixed_neighbours(style, joints, number, layer, frames), style == "random")


def fixed_neighbours(style: Style, joints: JointSet, number: int, layer: int = 0, frames: int = 1) -> Tensor | None:
    """(N, frames x N) bool: who listens to whom in the graphs that the paper's table of styles compares with DG-Net's,
    None for those that are searched for:

    - "dynamical": each joint's `number` nearest, in each layer's own features (KNN of eq. 3 and 10);
    - "precomputed": as many, found once in the network's 2D input (movement: in that of the 2D joints), for all layers;
    - "fixed": the joints at the other ends of its bones, and itself;
    - "symmetry": these, and its counterpart on the other side of the body;
    - "full": all joints;
    - "random": itself and others drawn without regard to anything, `number` in all. In training they are drawn anew for
      every frame (from torch's generator), as the paper's far higher error suggests (80.5 mm against 50.3 fixed); in
      evaluation each layer keeps one draw, so that results are the same every time.

    The paper names the styles without defining them; these are the plainest readings. Of `frames` frames the skeletal
    styles repeat in each, as in MS-G3D's unified graph (Liu et al. 2020, eq. 3).
    """
    match style:
        case "fixed":
            return adjacency(joints).repeat(1, frames)
        case "symmetry":
            return with_counterparts(joints).repeat(1, frames)
        case "full":
            return torch.ones(len(joints), frames * len(joints), dtype=torch.bool)
        case "random":
            shape = (len(joints), frames * len(joints))
            return random_neighbours(shape, min(number, shape[1]), "cpu", torch.Generator().manual_seed(layer))
        case "dynamical" | "precomputed":
            return None


def random_neighbours(
    shape: tuple[int, ...], count: int, device: torch.device | str, generator: torch.Generator | None = None
) -> Tensor:
    """Masks (..., N, M) of `count` candidates drawn at random for every row, itself among them."""
    luck = torch.rand(shape, generator=generator, device=device)
    luck.diagonal(dim1=-2, dim2=-1).fill_(2.0)
    mask = torch.zeros(shape, dtype=torch.bool, device=device)
    return mask.scatter_(-1, luck.topk(count, -1).indices, True)


def following(features: Tensor) -> Tensor:
    """X_{t+1} of (T, B, N, C), the last frame repeated."""
    return torch.cat([features[1:], features[-1:]])


def preceding(features: Tensor) -> Tensor:
    """X_{t-1} of (T, B, N, C), the first frame repeated."""
    return torch.cat([features[:1], features[:-1]])
