"""The fixed operators against slow, plain versions of their equations, joint by joint; what all operators share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from motionlift.core.lifting.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from motionlift.core.lifting.graph import adjacency, hop_distance, tie_ranks
from motionlift.core.lifting.layers import (
    ConvolutionUnit,
    FixedSpatialGraph,
    FixedTemporalGraph,
    GraphConvolution,
    NonLocal,
    ResidualGraph,
)
from motionlift.core.lifting.neighbours import Neighbours, make_neighbours
from motionlift.core.lifting.spacetime import DynamicalSpaceTimeGraph, FixedSpaceTimeGraph
from motionlift.core.lifting.weighting import EmbeddedGaussian, PairImportance
from motionlift.core.skeleton import BODY_26, HUMAN36M_17

JOINTS = HUMAN36M_17
N = len(JOINTS)
HOPS = hop_distance(JOINTS)
C = 6
RANKS = tie_ranks(JOINTS)
FRAMES = pytest.mark.parametrize("frames", [1, 2, 5])
GRADIENTS = pytest.mark.parametrize("gradients", [True, False])
"""Operators take another way when nobody asks for gradients."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


def features(frames: int = 3, channels: int = C) -> Tensor:
    """(T, B, N, C)."""
    return torch.randn(frames, 2, N, channels, dtype=torch.float64)


@GRADIENTS
@pytest.mark.parametrize(("inputs", "outputs"), [(2, C), (C, C), (3 * C, 3)])
def test_fixed_spatial_graph(inputs: int, outputs: int, gradients: bool) -> None:
    layer = FixedSpatialGraph(inputs, outputs, adjacency(JOINTS)).double()
    with torch.no_grad():
        layer.edges.normal_()
    x = features(channels=inputs)
    own, others = layer.weight.chunk(2)
    cells = [(i, j) for i in range(N) for j in range(N) if HOPS[i, j] <= 1]
    strength = {cell: layer.edges[k].exp() for k, cell in enumerate(cells)}
    expected = torch.empty(3, 2, N, outputs, dtype=torch.float64)
    for i in range(N):
        joined = [j for a, j in cells if a == i]
        total = torch.stack([strength[i, j] for j in joined]).sum()
        expected[:, :, i] = layer.bias
        for j in joined:
            expected[:, :, i] += strength[i, j] / total * (x[:, :, j] @ (own if i == j else others))
    with torch.set_grad_enabled(gradients):
        assert torch.allclose(layer(x), expected)


@GRADIENTS
@FRAMES
def test_fixed_temporal_graph(frames: int, gradients: bool) -> None:
    layer = FixedTemporalGraph(C, C).double()
    x = features(frames)
    now, after, before = layer.weight.chunk(3)
    with torch.set_grad_enabled(gradients):
        found = layer(x)
    for t in range(frames):
        expected = x[t] @ now + x[min(t + 1, frames - 1)] @ after + x[max(t - 1, 0)] @ before + layer.bias
        assert torch.allclose(found[t], expected)


@GRADIENTS
@FRAMES
def test_fixed_graph_of_space_and_time(frames: int, gradients: bool) -> None:
    layer = FixedSpaceTimeGraph(C, C, adjacency(JOINTS)).double()
    with torch.no_grad():
        layer.edges.normal_()
    x = features(frames)
    affinity = layer.affinity_matrix()
    assert torch.allclose(affinity.sum(-1), torch.ones(N, dtype=torch.float64))
    own, others, after, before = layer.weight.chunk(4)
    expected = layer.bias.expand(frames, 2, N, C).clone()
    for t in range(frames):
        near = (x[t], x[min(t + 1, frames - 1)], x[max(t - 1, 0)])
        for i in range(N):
            for j in range(3 * N):
                if HOPS[i, j % N] <= 1:
                    weight = ((own if i == j else others), after, before)[j // N]
                    expected[t, :, i] += affinity[i, j] * (near[j // N][:, j % N] @ weight)
    with torch.set_grad_enabled(gradients):
        assert torch.allclose(layer(x), expected)


@GRADIENTS
def test_non_local_block(gradients: bool) -> None:
    block = NonLocal(C).double().eval()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_()
    x = features()
    g, theta, phi = block.g(x), block.theta(x), block.phi(x)
    mixed = torch.zeros_like(g)
    for i in range(N):
        for j in range(N):
            pair = torch.cat([theta[:, :, i], phi[:, :, j]], -1)
            mixed[:, :, i] += torch.relu(pair @ block.kernel.flatten())[..., None] / N * g[:, :, j]
    expected = x + block.norm(block.output(mixed).flatten(0, 2)).view(x.shape)
    with torch.set_grad_enabled(gradients):
        assert torch.allclose(block(x), expected)
    block.fold()
    assert torch.allclose(block(x), expected)


def test_non_local_block_starts_as_the_identity() -> None:
    x = features()
    assert torch.equal(NonLocal(C).double()(x), x)


def test_residual_adds_after_the_activation() -> None:
    module = ResidualGraph(FixedTemporalGraph(C, C), FixedTemporalGraph(C, C)).double()
    x = features()
    added = module(x) - x
    assert float(added.detach().min()) >= -1e-12
    assert float(module(x).detach().min()) < 0


def fc() -> PairImportance:
    return PairImportance(C, "sigmoid")


LAYERS: dict[str, Callable[[], torch.nn.Module]] = {
    "fsg": lambda: FixedSpatialGraph(C, C, adjacency(JOINTS)),
    "dsg": lambda: DynamicalSpatialGraph(C, C, Neighbours(3, RANKS), fc()),
    "dsg, gaussian": lambda: DynamicalSpatialGraph(C, C, Neighbours(3, RANKS), EmbeddedGaussian(C)),
    "ftg": lambda: FixedTemporalGraph(C, C),
    "dtg": lambda: DynamicalTemporalGraph(C, C, Neighbours(4, RANKS), fc(), fc()),
    "dtg, gaussian": lambda: DynamicalTemporalGraph(
        C, C, Neighbours(4, RANKS), EmbeddedGaussian(C), EmbeddedGaussian(C)
    ),
    "fixed space-time": lambda: FixedSpaceTimeGraph(C, C, adjacency(JOINTS)),
    "dynamical space-time": lambda: DynamicalSpaceTimeGraph(C, C, make_neighbours("dynamical", 11, JOINTS, 0, 3), fc()),
    "non-local": lambda: NonLocal(C).eval(),
}
EACH = pytest.mark.parametrize("name", LAYERS)


@EACH
def test_gradients(name: str) -> None:
    layer = LAYERS[name]().double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
    x = features(2)[:, :1].requires_grad_()
    parameters = list(layer.parameters())
    assert torch.autograd.gradcheck(lambda *inputs: layer(inputs[0]), (x, *parameters), fast_mode=True)


@EACH
@FRAMES
def test_the_graph_does_not_know_left_from_right(name: str, frames: int) -> None:
    mirror = torch.from_numpy(JOINTS.mirror)
    layer = LAYERS[name]().double()
    for x in (features(frames), features(1).expand(frames, -1, -1, -1).contiguous()):
        assert torch.allclose(layer(x[:, :, mirror]), layer(x)[:, :, mirror])


@pytest.mark.parametrize("name", ["dsg", "dtg", "dsg, gaussian", "dynamical space-time"])
def test_the_dynamical_graphs_know_no_names(name: str) -> None:
    """Where nothing ties, joints given in another order are answered in that order."""
    order = torch.randperm(N)
    layer, x = LAYERS[name]().double(), features()
    assert torch.allclose(layer(x[:, :, order]), layer(x)[:, :, order])


@EACH
@FRAMES
def test_windows_do_not_see_each_other(name: str, frames: int) -> None:
    layer, x = LAYERS[name]().double(), features(frames)
    with torch.no_grad():
        assert torch.allclose(layer(x)[:, 1:], layer(x[:, 1:].contiguous()))


@EACH
def test_half_precision_runs_close(name: str) -> None:
    layer, x = LAYERS[name](), features().float()
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    assert (low.float() - layer(x)).abs().max() < 0.1 * layer(x).abs().max()


@EACH
def test_inputs_are_not_written_over(name: str) -> None:
    layer, x = LAYERS[name]().double(), features()
    before = x.clone()
    with torch.no_grad():
        layer(x)
    assert torch.equal(x, before)


def test_folding_keeps_the_output() -> None:
    for name, make in LAYERS.items():
        if name == "non-local":
            continue
        convolution = make()
        assert isinstance(convolution, GraphConvolution)
        unit = ConvolutionUnit(convolution).double()
        assert isinstance(unit.norm, torch.nn.BatchNorm1d)
        with torch.no_grad():
            unit.norm.weight.normal_()
            unit.norm.bias.normal_()
        x = features()
        unit.train()(x)
        expected = unit.eval()(x)
        unit.fold()
        assert torch.allclose(unit(x), expected)


def test_layers_take_any_joint_set() -> None:
    x = torch.randn(3, 2, len(BODY_26), C)
    assert FixedSpatialGraph(C, 3, adjacency(BODY_26))(x).shape == (3, 2, 26, 3)
