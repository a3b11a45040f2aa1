"""Space and time as one graph, which the paper compares with its two ("unified" against "factorised").

The nodes are the joints of three frames, t, t + 1 and t - 1 in this order: N x 3 candidates for each joint of frame t.
The paper's text does not define its variant; this follows MS-G3D's unified graph (Liu et al. 2020, section 3.3), whose
adjacency repeats the skeleton in every frame of the neighbourhood, and keeps what DG-Net adds: a search by distance
of features, one importance for all pairs, a weight per frame. So FSG and FTG both are special cases of
`FixedSpaceTimeGraph`, and DSG of `DynamicalSpaceTimeGraph`. Beyond the ends the first and last frame repeat.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .layers import FixedGraph, GraphConvolution, spread, spread_shifted
from .neighbours import InputGraphs, Neighbours, following, preceding
from .weighting import Importance


class FixedSpaceTimeGraph(FixedGraph):
    """`Y_t = diag(A_t) X_t W_0 + offdiag(A_t) X_t W_1 + A_{t+1} X_{t+1} W_f + A_{t-1} X_{t-1} W_b`.

    A (N, 3 N) is a softmax, per joint, over one learnable scalar for itself and each neighbour on the skeleton in
    each of the three frames (as `FixedSpatialGraph` has in one).
    """

    def __init__(self, inputs: int, outputs: int, joined: Tensor) -> None:
        super().__init__(inputs, outputs, joined.repeat(1, 3), parts=4)

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        now, after, before = self.affinity_matrix().to(features.dtype).chunk(3, -1)
        own = now.diagonal()
        return self.mix(
            own.unsqueeze(-1) * features,
            spread(now - torch.diag_embed(own), features),
            spread_shifted(after, features, 1),
            spread_shifted(before, features, -1),
        )


class DynamicalSpaceTimeGraph(GraphConvolution):
    """`Y_t = B_t X_t W_x + B_{t+1} X_{t+1} W_f + B_{t-1} X_{t-1} W_b`, `B = D * R` (N, 3 N).

    D marks each joint's K nearest by distance of features among the joints of the three frames; R(i, j) = gamma([x_i,
    x_j]). Frames beyond the ends offer no neighbours.
    """

    def __init__(self, inputs: int, outputs: int, neighbours: Neighbours, importance: Importance) -> None:
        super().__init__(inputs, outputs, parts=3)
        self.neighbours = neighbours
        self.importance = importance

    def affinity(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        """B (T, B, N, 3 N), divided by K."""
        chosen = self.neighbours.spacetime(features, given)
        return self.importance.affinity(features, chosen, self.neighbours.count(), _of_three_frames)

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        now, after, before = self.affinity(features, given).chunk(3, -1)
        return self.mix(spread(now, features), spread_shifted(after, features, 1), spread_shifted(before, features, -1))


def _of_three_frames(values: Tensor) -> Tensor:
    """Values (T, B, N, ...) of each joint as those (T, B, 3 N, ...) of its candidates."""
    return torch.cat([values, following(values), preceding(values)], 2)
