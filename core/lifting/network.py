"""DG-Net: from the 2D joints of a few frames to their 3D positions."""

from __future__ import annotations

import copy
import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..jobs import UsageError
from .config import DGNetConfig, Operator
from .dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from .encoder import WindowEncoder
from .graph import adjacency
from .layers import (
    ConvolutionUnit,
    FixedGraph,
    FixedSpatialGraph,
    FixedTemporalGraph,
    GraphConvolution,
    NonLocal,
    ResidualGraph,
)
from .neighbours import GraphsOfTheInput, InputGraphs, Neighbours, Style, make_neighbours
from .spacetime import DynamicalSpaceTimeGraph, FixedSpaceTimeGraph
from .weighting import Importance, make_importance

__all__ = ["Affinity", "DGNet", "DGNetConfig"]


class Affinity(NamedTuple):
    """What one dynamical layer of a network listened to: its `name` among the network's modules, its `kind` ("spatial",
    "temporal" or "spacetime"), and how much each joint (row) counts which other (column) in the frame itself, in the
    next and in the one before, each (B, T, N, N) or None where the layer has no such graph."""

    name: str
    kind: str
    now: Tensor | None
    after: Tensor | None
    before: Tensor | None


class DGNet(nn.Module):
    """The network. Input FSG, `blocks` DG-Conv blocks, a head on all of their features.

    With `block_heads` each block also has a head of its own, for the training loss (eq. 16); `forward` never
    uses them.
    """

    def __init__(self, config: DGNetConfig, block_heads: bool = True) -> None:
        super().__init__()
        self.config = config
        self.is_folded = False
        channels = config.channels
        build = _Builder(config)
        self.input_graphs = build.input_graphs()
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
            build.head() for _ in range(config.blocks if block_heads and config.loss == "total" else 0)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Root-relative 3D (B, T, N, 3) of normalised 2D joints and their cues (B, T, N, 2 + cues), any T >= 1, or
        the configuration's with an encoder; 3D in the units of the training targets, in the frame the 2D was
        normalised in (x right, y down, z forward).

        Raises `UsageError` (`bad_input`), saying what was expected and found, for inputs of another shape.
        """
        features, guess = self._block_features(inputs)
        return self._network_output(features, guess)

    def guess(self, inputs: Tensor) -> Tensor:
        """What the encoder alone makes of inputs as `forward` takes them: at a twentieth of the cost."""
        assert self.encoder is not None
        self._check(inputs)
        guess: Tensor = self.encoder(inputs)
        return guess

    def correction(self, inputs: Tensor) -> Tensor:
        """What the graphs add to the guess: `forward` is both together."""
        assert self.encoder is not None
        return self._network_output(self._block_features(inputs)[0], None)

    def forward_with_blocks(self, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The output of `forward` and each block's own (B, T, N, 3), for `loss.training_loss`; none of these where the
        network has no block heads (the loss "network", or a network for use only)."""
        features, guess = self._block_features(inputs)
        outputs = [head(f).transpose(0, 1) for head, f in zip(self.block_heads, features, strict=False)]
        if guess is not None:
            outputs = [guess + output for output in outputs]
        return self._network_output(features, guess), outputs

    @torch.no_grad()
    def affinities(self, inputs: Tensor) -> list[Affinity]:
        """What every dynamical layer listens to for inputs as `forward` takes them, in the order of the layers: two for
        each DSG and DTG of a block, since a residual module has two layers."""
        found: list[Affinity] = []
        hooks = []
        for name, module in self.named_modules():
            if isinstance(module, DynamicalSpatialGraph | DynamicalTemporalGraph | DynamicalSpaceTimeGraph):

                def listen(layer: nn.Module, arguments: tuple[Tensor, InputGraphs | None], name: str = name) -> None:
                    found.append(_affinity(name, layer, *arguments))

                hooks.append(module.register_forward_pre_hook(listen))
        try:
            self(inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def _block_features(self, inputs: Tensor) -> tuple[list[Tensor], Tensor | None]:
        self._check(inputs)
        guess = None if self.encoder is None else self.encoder(inputs)
        if guess is not None:
            inputs = torch.cat([inputs, guess], -1)
        # Layers want time first.
        inputs = inputs.transpose(0, 1).to(self.input.convolution.weight.dtype).contiguous()
        given = None if self.input_graphs is None else self.input_graphs(inputs[..., :2])
        features = self.input_non_local(self.input(inputs))
        collected = []
        for block in self.blocks:
            features = block(features, given)
            collected.append(features)
        return collected, guess

    def _check(self, inputs: Tensor) -> None:
        config, shape = self.config, tuple(inputs.shape)
        joints, channels = len(config.joints), config.channels_in
        fits = len(shape) == 4 and shape[1] >= 1 and shape[2:] == (joints, channels)
        if not fits or (self.encoder is not None and shape[1] != config.frames):
            frames = f"{config.frames} frames" if self.encoder is not None else "one frame or more"
            what = " and ".join(("x and y", *config.cues))
            raise UsageError(
                "bad_input",
                f"The network expects windows of {frames}, {joints} joints ({config.joint_set}) and {channels} "
                f"channels ({what}), but found an array of shape {shape}.",
                "Give (windows, frames, joints, channels) as the network's configuration says.",
            )

    def _network_output(self, features: list[Tensor], guess: Tensor | None) -> Tensor:
        output: Tensor = self.head(torch.cat(features, -1).to(self.head.weight.dtype)).transpose(0, 1)
        return output if guess is None else guess + output

    def folded(self) -> DGNet:
        """A copy for evaluation only, equal within rounding and faster: BatchNorm inside the weights, fixed
        affinities computed once, no block heads, no gradients. A network that is folded already is its own."""
        if self.is_folded:
            return self
        fast = copy.deepcopy(self).eval().requires_grad_(False)
        fast.block_heads = nn.ModuleList()
        for module in fast.modules():
            if isinstance(module, ConvolutionUnit | NonLocal):
                module.fold()
            if isinstance(module, FixedGraph):
                module.affinity_cache = module.affinity_matrix()
        fast.is_folded = True
        return fast

    def in_bfloat16(self) -> DGNet:
        """A folded copy whose layers compute in bfloat16; what goes in and comes out, the head and the encoder stay
        single-precision. Distances are those of rounded features, so neighbours may differ, and results by
        millimetres."""
        fast = copy.deepcopy(self.folded())
        for part in (fast.input, fast.input_non_local, fast.blocks):
            part.to(torch.bfloat16)
        return fast


class Block(nn.Sequential):
    """DG-Conv block: spatial unit, non-local, temporal unit, non-local."""

    def forward(self, features: Tensor, given: InputGraphs | None = None) -> Tensor:
        for module in self:
            features = module(features, given) if isinstance(module, ResidualGraph) else module(features)
        return features


class _Builder:
    """Makes a network's parts from its configuration."""

    def __init__(self, config: DGNetConfig) -> None:
        self.config = config
        self.joined = adjacency(config.joints)
        self._layers = itertools.count()

    def fixed(self, inputs: int, outputs: int) -> FixedSpatialGraph:
        return FixedSpatialGraph(inputs, outputs, self.joined)

    def convolution(self, operator: Operator) -> GraphConvolution:
        channels, factorised = self.config.channels, self.config.factorised
        match operator:
            case "fsg" | "ftg" if not factorised:
                return FixedSpaceTimeGraph(channels, channels, self.joined)
            case "dsg" | "dtg" if not factorised:
                return DynamicalSpaceTimeGraph(channels, channels, self.spatial_neighbours(), self.importance())
            case "fsg":
                return self.fixed(channels, channels)
            case "dsg":
                return DynamicalSpatialGraph(channels, channels, self.spatial_neighbours(), self.importance())
            case "ftg":
                return FixedTemporalGraph(channels, channels)
            case "dtg":
                neighbours = self.temporal_neighbours()
                return DynamicalTemporalGraph(channels, channels, neighbours, self.importance(), self.importance())

    def spatial_neighbours(self) -> Neighbours:
        """Those of DSG, or of the graph of space and time, which gets as many as DSG and DTG have together."""
        config = self.config
        if config.factorised:
            return self._neighbours(config.spatial_neighbours, 1)
        return self._neighbours(config.spatial_neighbours + 2 * config.temporal_neighbours, 3)

    def temporal_neighbours(self) -> Neighbours:
        return self._neighbours(self.config.temporal_neighbours, 1)

    def _neighbours(self, number: int, frames: int) -> Neighbours:
        style: Style = self.config.style if self.config.knn else "full"
        return make_neighbours(style, number, self.config.joints, next(self._layers), frames)

    def importance(self) -> Importance:
        return make_importance(self.config.weighting, self.config.channels, self.config.scores)

    def input_graphs(self) -> GraphsOfTheInput | None:
        config = self.config
        if config.style != "precomputed":
            return None
        return GraphsOfTheInput(self.spatial_neighbours(), self.temporal_neighbours(), config.factorised)

    def residual(self, operator: Operator) -> ResidualGraph:
        return ResidualGraph(self.convolution(operator), self.convolution(operator))

    def head(self) -> nn.Sequential:
        """A block's own output, for training: a residual FSG and FSG to 3D, whatever the blocks are made of."""
        channels = self.config.channels
        residual = ResidualGraph(self.fixed(channels, channels), self.fixed(channels, channels))
        return nn.Sequential(residual, self.fixed(channels, 3))

    def non_local(self) -> nn.Module:
        return NonLocal(self.config.channels) if self.config.non_local else nn.Identity()

    def block(self) -> Block:
        spatial = [self.residual(operator) for operator in self.config.spatial_unit]
        temporal = [self.residual(operator) for operator in self.config.temporal_unit]
        return Block(*spatial, self.non_local(), *temporal, self.non_local())


def _affinity(name: str, layer: nn.Module, features: Tensor, given: InputGraphs | None) -> Affinity:
    """The affinity of a dynamical `layer` for its input."""
    frames, windows, joints, _ = features.shape

    def of_windows(graph: Tensor) -> Tensor:
        return graph.expand(frames, windows, joints, joints).transpose(0, 1)

    if isinstance(layer, DynamicalSpatialGraph):
        return Affinity(name, "spatial", of_windows(layer.affinity(features, given)), None, None)
    if isinstance(layer, DynamicalTemporalGraph):
        after, before = layer.affinities(features, given)
        return Affinity(name, "temporal", None, of_windows(after), of_windows(before))
    assert isinstance(layer, DynamicalSpaceTimeGraph)
    return Affinity(name, "spacetime", *map(of_windows, layer.affinity(features, given).chunk(3, -1)))
