"""DG-Net: from the 2D joints of a few frames to their 3D positions."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from ..jobs import UsageError
from ..skeleton import JointSet
from .encoder import WindowEncoder
from .graph import JOINT_SETS, STYLES, Style, adjacency, fixed_neighbours, tie_ranks
from .layers import (
    ConvolutionUnit,
    DynamicalSpatialGraph,
    DynamicalTemporalGraph,
    EmbeddedGaussian,
    FixedSpatialGraph,
    FixedTemporalGraph,
    GraphConvolution,
    Importance,
    Neighbours,
    NonLocal,
    PairImportance,
    ResidualGraph,
    Scores,
    Weighting,
)

Operator = Literal["fsg", "dsg", "ftg", "dtg"]
Cue = Literal["depth"]
Loss = Literal["total", "network"]


@dataclass(frozen=True)
class DGNetConfig:
    """Everything that decides the network's shape and what it was trained for. Defaults are the paper's.

    joint_set: name of a set in `graph.JOINT_SETS`; `spatial_unit` and `temporal_unit`: the residual graph modules of
    a block, in order; `spatial_neighbours` and `temporal_neighbours`: K of DSG and DTG; `frames`: T of the training
    windows; `frame_interval_s`: seconds between their frames; `balanced`: outputs are to be averaged with
    their reprojection (see `coordinates.balance`); `scores`: how the importance of a pair is bounded; `style`: which
    joints the dynamical operators listen to (`graph.fixed_neighbours`), and `weighting` how much each of them counts;
    `loss`: the whole of eq. 17, or without its blocks; `cues`: what the
    inputs tell of a joint besides its place in the picture ("depth": the detector's own, metres from the pelvis);
    `encoder_width`, `encoder_blocks`: of the `WindowEncoder` whose guess is corrected, 0 for none, as in the paper.
    """

    joint_set: str = "human36m_17"
    channels: int = 128
    blocks: int = 5
    spatial_neighbours: int = 3
    temporal_neighbours: int = 4
    frames: int = 4
    frame_interval_s: float = 0.02
    balanced: bool = True
    non_local: bool = True
    scores: Scores = "sigmoid"
    style: Style = "dynamical"
    weighting: Weighting = "fc"
    loss: Loss = "total"
    spatial_unit: tuple[Operator, ...] = ("fsg", "dsg")
    temporal_unit: tuple[Operator, ...] = ("ftg", "dtg", "ftg")
    cues: tuple[Cue, ...] = ()
    encoder_width: int = 0
    encoder_blocks: int = 3

    def __post_init__(self) -> None:
        _require(self.joint_set in JOINT_SETS, f"there is no joint set {self.joint_set!r}")
        _require(self.channels >= 2 and self.channels % 2 == 0, "channels must be an even number from 2")
        for name in ("blocks", "spatial_neighbours", "temporal_neighbours", "frames"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1")
        _require(self.frame_interval_s > 0, "frame_interval_s must be positive")
        _require(self.scores in ("sigmoid", "relu"), f"there are no scores {self.scores!r}")
        _require(self.style in STYLES, f"there is no graph style {self.style!r}")
        _require(self.weighting in get_args(Weighting), f"there is no weighting {self.weighting!r}")
        _require(self.loss in get_args(Loss), f"there is no loss {self.loss!r}")
        _require(set(self.cues) <= {"depth"}, f"there are no cues {self.cues!r}")
        _require(self.encoder_width >= 0 and self.encoder_blocks >= 0, "the encoder's size must not be negative")
        for operator in self.spatial_unit + self.temporal_unit:
            _require(operator in _OPERATORS, f"there is no operator {operator!r}")

    @property
    def channels_in(self) -> int:
        """Numbers a joint comes with: its place in the picture, then the cues."""
        return 2 + len(self.cues)

    @property
    def joints(self) -> JointSet:
        return JOINT_SETS[self.joint_set]

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON values."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> DGNetConfig:
        """The inverse of `to_json`; fields that are left out take their defaults.

        Raises `UsageError` (code `bad_network`) for an unknown field or a value that does not fit.
        """
        unknown = sorted(set(values) - {f.name for f in dataclasses.fields(DGNetConfig)})
        _require(not unknown, f"there is no setting {', '.join(unknown)}")
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        try:
            return DGNetConfig(**plain)
        except TypeError as error:
            raise _bad_network(f"a setting has the wrong type ({error})") from error


_OPERATORS = ("fsg", "dsg", "ftg", "dtg")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise _bad_network(what)


def _bad_network(what: str) -> UsageError:
    return UsageError("bad_network", f"This network cannot be built: {what}.", "Correct the network's configuration.")


class DGNet(nn.Module):
    """The network. Input FSG, `blocks` DG-Conv blocks, a head on all of their features.

    With `block_heads` each block also has a head of its own, for the training loss (eq. 16); `forward` never
    uses them.
    """

    def __init__(self, config: DGNetConfig, block_heads: bool = True) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        build = _Builder(config)
        guessed = 3 if config.encoder_width else 0
        self.encoder = (
            WindowEncoder(
                config.frames, len(config.joints), config.channels_in, config.encoder_width, config.encoder_blocks
            )
            if config.encoder_width
            else None
        )
        self.input = ConvolutionUnit(build.fixed(config.channels_in + guessed, channels))
        self.input_non_local = build.non_local()
        self.blocks = nn.ModuleList(build.block() for _ in range(config.blocks))
        self.head = build.fixed(config.blocks * channels, 3)
        if config.encoder_width:
            # Corrections start at nothing.
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
        self.block_heads = nn.ModuleList(
            nn.Sequential(build.residual("fsg"), build.fixed(channels, 3))
            for _ in range(config.blocks if block_heads else 0)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Root-relative 3D (B, T, N, 3) of normalised 2D joints and their cues (B, T, N, 2 + cues), any T >= 1, or
        the configuration's with an encoder; 3D in the units of the training targets, in the frame the 2D was
        normalised in (x right, y down, z forward)."""
        features, guess = self._block_features(inputs)
        return self._network_output(features, guess)

    def forward_with_blocks(self, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The output of `forward` and each block's own (B, T, N, 3), for `loss.training_loss`."""
        features, guess = self._block_features(inputs)
        outputs = [head(f) for head, f in zip(self.block_heads, features, strict=True)]
        if guess is not None:
            outputs = [guess + output for output in outputs]
        return self._network_output(features, guess), outputs

    def _block_features(self, inputs: Tensor) -> tuple[list[Tensor], Tensor | None]:
        guess = None if self.encoder is None else self.encoder(inputs)
        if guess is not None:
            inputs = torch.cat([inputs, guess], -1)
        features = self.input_non_local(self.input(inputs))
        collected = []
        for block in self.blocks:
            features = block(features)
            collected.append(features)
        return collected, guess

    def _network_output(self, features: list[Tensor], guess: Tensor | None) -> Tensor:
        output: Tensor = self.head(torch.cat(features, -1))
        return output if guess is None else guess + output

    def folded(self) -> DGNet:
        """A copy for evaluation only, equal within rounding and faster: BatchNorm inside the weights, fixed
        affinities computed once, no block heads, no gradients."""
        fast = copy.deepcopy(self).eval().requires_grad_(False)
        fast.block_heads = nn.ModuleList()
        for module in fast.modules():
            if isinstance(module, ConvolutionUnit | NonLocal):
                module.fold()
            if isinstance(module, FixedSpatialGraph):
                module.affinity_cache = module.affinity_matrix()
        return fast


class _Builder:
    """Makes a network's parts from its configuration."""

    def __init__(self, config: DGNetConfig) -> None:
        self.config = config
        self.joined = adjacency(config.joints)
        self.ranks = tie_ranks(config.joints)

    def fixed(self, inputs: int, outputs: int) -> FixedSpatialGraph:
        return FixedSpatialGraph(inputs, outputs, self.joined)

    def convolution(self, operator: Operator) -> GraphConvolution:
        config, channels = self.config, self.config.channels
        match operator:
            case "fsg":
                return self.fixed(channels, channels)
            case "dsg":
                return DynamicalSpatialGraph(
                    channels, channels, self.neighbours(config.spatial_neighbours), self.importance()
                )
            case "ftg":
                return FixedTemporalGraph(channels, channels)
            case "dtg":
                neighbours = self.neighbours(config.temporal_neighbours)
                return DynamicalTemporalGraph(channels, channels, neighbours, self.importance(), self.importance())

    def neighbours(self, number: int) -> Neighbours:
        return Neighbours(number, self.ranks, fixed_neighbours(self.config.style, self.config.joints, number))

    def importance(self) -> Importance:
        match self.config.weighting:
            case "none":
                return Importance()
            case "fc":
                return PairImportance(self.config.channels, self.config.scores)
            case "embedded_gaussian":
                return EmbeddedGaussian(self.config.channels)

    def residual(self, operator: Operator) -> ResidualGraph:
        return ResidualGraph(self.convolution(operator), self.convolution(operator))

    def non_local(self) -> nn.Module:
        return NonLocal(self.config.channels) if self.config.non_local else nn.Identity()

    def block(self) -> nn.Sequential:
        """DG-Conv block: spatial unit, non-local, temporal unit, non-local."""
        spatial = [self.residual(operator) for operator in self.config.spatial_unit]
        temporal = [self.residual(operator) for operator in self.config.temporal_unit]
        return nn.Sequential(*spatial, self.non_local(), *temporal, self.non_local())
