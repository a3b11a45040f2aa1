"""Who is compared: DG-Net's configurations and the networks that users would otherwise run, each with its recipe.

All learn from the same takes, bodies, cameras and noise, with the same loss (joint distances as they are), optimiser
and average of the weights, except `dgnet-paper`, which keeps the paper's squared loss. Windows, and how many of them
make a step, are each network's own; learning rates are the papers'. Dropout is off: windows are drawn anew at each
step, so that nothing is learned by heart, and short runs learn faster without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..jobs import UsageError
from ..lifting.alternatives.dilated import DilatedConfig, DilatedNet
from ..lifting.alternatives.graph_transformer import GraphTransformer, GraphTransformerConfig
from ..lifting.alternatives.hop_aware import HopAwareConfig, HopAwareNet
from ..lifting.alternatives.residual_mlp import ResidualMLP, ResidualMLPConfig
from ..lifting.alternatives.semantic_gcn import SemanticGCN, SemanticGCNConfig
from ..lifting.config import Cue, DGNetConfig
from ..lifting.loss import pose_loss, training_loss
from ..lifting.network import DGNet


@dataclass(frozen=True)
class Task:
    """What all contestants lift: `joint_set`, `cues`, and `interval_s` seconds between frames."""

    joint_set: str
    cues: tuple[Cue, ...]
    interval_s: float

    @property
    def channels_in(self) -> int:
        return 2 + len(self.cues)


@dataclass(frozen=True)
class Contestant:
    """`make` builds the network; `frames`: of the windows it is trained with; `windows`: how many make a step; `whole`:
    lifts whole sequences at once, else windows of `frames`; `loss` (network, inputs (B, T, N, C), targets (B, T, N, 3),
    weight (B, T, N)) a scalar."""

    name: str
    make: Callable[[Task], nn.Module]
    frames: int
    windows: int
    learning_rate: float
    loss: Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]
    whole: bool = False

    @property
    def lifted_frames(self) -> int | None:
        """Frames of a window when it is used; None for the whole sequence."""
        return None if self.whole else self.frames


def distance_loss(network: nn.Module, inputs: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """The mean distance of the joints."""
    return pose_loss(network(inputs), targets, weight, squared=False)


def centre_loss(network: nn.Module, inputs: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """The same, at the centres of receptive fields side by side (`DilatedNet.at_centres`)."""
    assert isinstance(network, DilatedNet)
    field = network.config.receptive_field
    centres = slice(field // 2, None, field)
    return pose_loss(network.at_centres(inputs), targets[:, centres], weight[:, centres], squared=False)


def block_loss(squared: bool) -> Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]:
    """DG-Net's own, eq. 17, of squared distances or of plain ones."""

    def loss(network: nn.Module, inputs: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        assert isinstance(network, DGNet)
        output, blocks = network.forward_with_blocks(inputs)
        return training_loss(output, blocks, targets, weight, squared=squared)

    return loss


def _dgnet(frames: int, balanced: bool = False) -> Callable[[Task], nn.Module]:
    def make(task: Task) -> nn.Module:
        return DGNet(
            DGNetConfig(
                joint_set=task.joint_set,
                cues=task.cues,
                frames=frames,
                frame_interval_s=task.interval_s,
                balanced=balanced,
            )
        )

    return make


def _dilated(*widths: int) -> Callable[[Task], nn.Module]:
    return lambda task: DilatedNet(DilatedConfig(task.joint_set, task.channels_in, widths=widths, dropout=0.0))


CONTESTANTS = (
    Contestant("dgnet-paper", _dgnet(4, balanced=True), 4, 64, 1e-3, block_loss(squared=True)),
    Contestant("dgnet-4", _dgnet(4), 4, 64, 1e-3, block_loss(squared=False)),
    Contestant("dgnet-27", _dgnet(27), 27, 16, 1e-3, block_loss(squared=False)),
    Contestant(
        "residual-mlp",
        lambda task: ResidualMLP(ResidualMLPConfig(task.joint_set, task.channels_in, dropout=0.0)),
        1, 512, 1e-3, distance_loss,
    ),
    # Windows as long as the sequences it is used on, nine places in each, so that it sees people as far off centre.
    Contestant("dilated-27", _dilated(3, 3, 3), 243, 64, 1e-3, centre_loss, whole=True),
    Contestant("dilated-243", _dilated(3, 3, 3, 3, 3), 243, 64, 1e-3, centre_loss, whole=True),
    Contestant(
        "semantic-gcn",
        lambda task: SemanticGCN(SemanticGCNConfig(task.joint_set, task.channels_in)),
        1, 256, 1e-3, distance_loss,
    ),
    Contestant(
        "hop-aware",
        lambda task: HopAwareNet(HopAwareConfig(task.joint_set, task.channels_in, dropout=0.0)),
        27, 16, 1e-3, distance_loss,
    ),
    Contestant(
        "graph-transformer",
        lambda task: GraphTransformer(GraphTransformerConfig(task.joint_set, task.channels_in)),
        27, 16, 5e-4, distance_loss,
    ),
)  # fmt: skip


def contestants(names: tuple[str, ...] = ()) -> tuple[Contestant, ...]:
    """Those called `names`, all by default. Raises `UsageError` (`unknown_contestant`)."""
    known = {contestant.name: contestant for contestant in CONTESTANTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            "unknown_contestant", f"There is no network called {', '.join(unknown)}.", f"Choose of {', '.join(known)}."
        )
    return tuple(known[name] for name in names) if names else CONTESTANTS


def folded(network: nn.Module) -> nn.Module:
    """A copy for use: BatchNorm folded where the network can."""
    fold: Callable[[], nn.Module] = network.folded  # type: ignore[assignment]
    with torch.no_grad():
        return fold()
