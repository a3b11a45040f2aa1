"""DG-Net's dynamical graphs: joints listen to those that are near, or that move alike, in this very frame."""

from __future__ import annotations

from torch import Tensor

from .layers import GraphConvolution, spread, spread_shifted
from .neighbours import InputGraphs, Neighbours, following, preceding
from .weighting import Importance


class DynamicalSpatialGraph(GraphConvolution):
    """DSG, eq. 3-7: `Y_t = B_t X_t Phi`, `B_t = D_t * R_t`.

    D_t marks each joint's K nearest by Euclidean distance of features; R_t(i, j) = gamma([x_i, x_j]).
    """

    def __init__(self, inputs: int, outputs: int, neighbours: Neighbours, importance: Importance) -> None:
        super().__init__(inputs, outputs, parts=1)
        self.neighbours = neighbours
        self.importance = importance

    def affinity(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        """B_t (T, B, N, N), divided by K."""
        chosen = self.neighbours.spatial(features, given)
        return self.importance.affinity(features, chosen, self.neighbours.count())

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        return self.mix(spread(self.affinity(features, given), features))


class DynamicalTemporalGraph(GraphConvolution):
    """DTG, eq. 10-14: `Y_t = X_t U_x + Q_{t+1} X_{t+1} U_f + Q_{t-1} X_{t-1} U_b`, `Q = L * H`.

    L_{t+1} marks for each joint the K whose movement to the next frame is most like its own, L_{t-1} likewise
    to the previous frame; H_{t+1}(i, j) = alpha([x_t^i, x_{t+1}^j]), H_{t-1}(i, j) = beta([x_t^i, x_{t-1}^j]).
    Beyond the ends the first and last frame repeat; see `Neighbours.temporal`.
    """

    def __init__(
        self, inputs: int, outputs: int, neighbours: Neighbours, forward: Importance, backward: Importance
    ) -> None:
        super().__init__(inputs, outputs, parts=3)
        self.neighbours = neighbours
        self.importance_forward = forward
        self.importance_backward = backward

    def affinities(self, features: Tensor, given: InputGraphs | None = None) -> tuple[Tensor, Tensor]:
        """Q_{t+1} and Q_{t-1}, each (T, B, N, N), divided by K."""
        after, before = self.neighbours.temporal(features, given)
        count = self.neighbours.count()
        return (
            self.importance_forward.affinity(features, after, count, following),
            self.importance_backward.affinity(features, before, count, preceding),
        )

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        after, before = self.affinities(features, given)
        return self.mix(features, spread_shifted(after, features, 1), spread_shifted(before, features, -1))
