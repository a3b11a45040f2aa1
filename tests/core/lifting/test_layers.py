"""Each operator against a slow, plain version of its equation, joint by joint."""

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
    NonLocal,
    ResidualGraph,
)
from motionlift.core.lifting.neighbours import STYLES, Neighbours, Style, fixed_neighbours
from motionlift.core.lifting.weighting import EmbeddedGaussian, Importance, PairImportance, Scores
from motionlift.core.skeleton import BODY_26, HUMAN36M_17

JOINTS = HUMAN36M_17
N = len(JOINTS)
C = 6
RANKS = tie_ranks(JOINTS)
SCORES = pytest.mark.parametrize("scores", ["sigmoid", "relu"])
FRAMES = pytest.mark.parametrize("frames", [1, 2, 5])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


def features(frames: int = 3, channels: int = C) -> Tensor:
    return torch.randn(2, frames, N, channels, dtype=torch.float64)


def score(importance: Importance, x: Tensor, y: Tensor) -> Tensor:
    assert isinstance(importance, PairImportance)
    raw = torch.dot(importance.weight.flatten(), torch.cat([x, y]))
    return torch.sigmoid(raw) if importance.scores == "sigmoid" else torch.relu(raw)


def neighbours(points: Tensor, joint: int, count: int) -> list[int]:
    distance = (points - points[joint]).norm(dim=-1)
    return sorted(range(N), key=lambda j: (float(distance[j]), int(RANKS[joint, j])))[:count]


@pytest.mark.parametrize(("inputs", "outputs"), [(2, C), (C, C), (3 * C, 3)])
def test_fixed_spatial_graph(inputs: int, outputs: int) -> None:
    layer = FixedSpatialGraph(inputs, outputs, adjacency(JOINTS)).double()
    with torch.no_grad():
        layer.edges.normal_()
    x = features(channels=inputs)
    own, others = layer.weight.chunk(2)
    cells = [(i, j) for i in range(N) for j in range(N) if hop_distance(JOINTS)[i, j] <= 1]
    strength = {cell: layer.edges[k].exp() for k, cell in enumerate(cells)}
    expected = torch.empty(2, 3, N, outputs, dtype=torch.float64)
    for i in range(N):
        joined = [j for a, j in cells if a == i]
        total = torch.stack([strength[i, j] for j in joined]).sum()
        expected[:, :, i] = layer.bias
        for j in joined:
            expected[:, :, i] += strength[i, j] / total * (x[:, :, j] @ (own if i == j else others))
    assert torch.allclose(layer(x), expected)


@SCORES
def test_dynamical_spatial_graph(scores: Scores) -> None:
    layer = DynamicalSpatialGraph(C, C, Neighbours(3, RANKS), PairImportance(C, scores)).double()
    x = features()
    expected = layer.bias.expand(2, 3, N, C).clone()
    for b in range(2):
        for t in range(3):
            for i in range(N):
                for j in neighbours(x[b, t], i, 3):
                    weight = score(layer.importance, x[b, t, i], x[b, t, j]) / 3
                    expected[b, t, i] += weight * (x[b, t, j] @ layer.weight)
    assert torch.allclose(layer(x), expected)


@FRAMES
def test_fixed_temporal_graph(frames: int) -> None:
    layer = FixedTemporalGraph(C, C).double()
    x = features(frames)
    now, after, before = layer.weight.chunk(3)
    for t in range(frames):
        expected = x[:, t] @ now + x[:, min(t + 1, frames - 1)] @ after + x[:, max(t - 1, 0)] @ before + layer.bias
        assert torch.allclose(layer(x)[:, t], expected)


@FRAMES
@SCORES
def test_dynamical_temporal_graph(frames: int, scores: Scores) -> None:
    layer = DynamicalTemporalGraph(
        C, C, Neighbours(4, RANKS), PairImportance(C, scores), PairImportance(C, scores)
    ).double()
    x = features(frames)
    now, after, before = layer.weight.chunk(3)
    expected = x @ now + layer.bias

    def movement(b: int, t: int, towards: int) -> list[list[int]]:
        if not 0 <= t + towards < frames:
            towards = -towards
        if not 0 <= t + towards < frames:
            return [[i] for i in range(N)]
        return [neighbours(x[b, t + towards] - x[b, t], i, 4) for i in range(N)]

    for b in range(2):
        for t in range(frames):
            following, preceding = x[b, min(t + 1, frames - 1)], x[b, max(t - 1, 0)]
            for i in range(N):
                for j in movement(b, t, 1)[i]:
                    weight = score(layer.importance_forward, x[b, t, i], following[j]) / 4
                    expected[b, t, i] += weight * (following[j] @ after)
                for j in movement(b, t, -1)[i]:
                    weight = score(layer.importance_backward, x[b, t, i], preceding[j]) / 4
                    expected[b, t, i] += weight * (preceding[j] @ before)
    assert torch.allclose(layer(x), expected)


def test_non_local_block() -> None:
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


LAYERS: dict[str, Callable[[], torch.nn.Module]] = {
    "fsg": lambda: FixedSpatialGraph(C, C, adjacency(JOINTS)),
    "dsg": lambda: DynamicalSpatialGraph(C, C, Neighbours(3, RANKS), PairImportance(C, "sigmoid")),
    "ftg": lambda: FixedTemporalGraph(C, C),
    "dtg": lambda: DynamicalTemporalGraph(
        C, C, Neighbours(4, RANKS), PairImportance(C, "sigmoid"), PairImportance(C, "sigmoid")
    ),
    "non-local": lambda: NonLocal(C).eval(),
}
EACH = pytest.mark.parametrize("name", LAYERS)


@EACH
def test_gradients(name: str) -> None:
    layer = LAYERS[name]().double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
    x = features(2)[:1].requires_grad_()
    parameters = list(layer.parameters())
    assert torch.autograd.gradcheck(lambda *inputs: layer(inputs[0]), (x, *parameters), fast_mode=True)


@EACH
@FRAMES
def test_the_graph_does_not_know_left_from_right(name: str, frames: int) -> None:
    mirror = torch.from_numpy(JOINTS.mirror)
    layer = LAYERS[name]().double()
    for x in (features(frames), features(1).expand(-1, frames, -1, -1)):
        assert torch.allclose(layer(x[:, :, mirror]), layer(x)[:, :, mirror])


@EACH
def test_half_precision_runs_close(name: str) -> None:
    layer, x = LAYERS[name](), features().float()
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    assert (low.float() - layer(x)).abs().max() < 0.1 * layer(x).abs().max()


def test_folding_keeps_the_output() -> None:
    for name in ("fsg", "dsg", "ftg", "dtg"):
        unit = ConvolutionUnit(LAYERS[name]()).double()  # type: ignore[arg-type]
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
    x = torch.randn(2, 3, len(BODY_26), C)
    assert FixedSpatialGraph(C, 3, adjacency(BODY_26))(x).shape == (2, 3, 26, 3)


FIXED_STYLES = pytest.mark.parametrize(
    "style", [style for style in STYLES if style not in ("dynamical", "precomputed")]
)


@FIXED_STYLES
def test_fixed_styles_are_what_their_names_say(style: Style) -> None:
    chosen = fixed_neighbours(style, JOINTS, 4)
    assert chosen is not None
    assert chosen.diagonal().all()
    expected = {"full": N, "random": 4}.get(style)
    assert expected is None or bool((chosen.sum(-1) == expected).all())
    if style in ("fixed", "symmetry"):
        assert bool(chosen[hop_distance(JOINTS) <= 1].all())
    if style == "symmetry":
        assert all(bool(chosen[joint, int(pair)]) for joint, pair in enumerate(JOINTS.mirror))
    if style != "random":
        mirror = torch.from_numpy(JOINTS.mirror)
        assert torch.equal(chosen[mirror][:, mirror], chosen)


def test_styles_that_search_have_no_fixed_neighbours() -> None:
    assert fixed_neighbours("dynamical", JOINTS, 4) is None
    assert fixed_neighbours("precomputed", JOINTS, 4) is None


@FIXED_STYLES
@pytest.mark.parametrize("weighting", ["none", "fc", "embedded_gaussian"])
def test_spatial_graphs_of_every_style_and_weighting(style: Style, weighting: str) -> None:
    makers: dict[str, Callable[[], Importance]] = {
        "none": Importance,
        "fc": lambda: PairImportance(C, "sigmoid"),
        "embedded_gaussian": lambda: EmbeddedGaussian(C),
    }
    importance = makers[weighting]()
    chosen = fixed_neighbours(style, JOINTS, 3)
    assert chosen is not None
    layer = DynamicalSpatialGraph(C, C, Neighbours(3, RANKS, chosen), importance).double()
    x = features(frames=2)
    expected = layer.bias.expand(2, 2, N, C).clone()
    for b in range(2):
        for t in range(2):
            for i in range(N):
                listened = [j for j in range(N) if chosen[i, j]]
                if isinstance(importance, PairImportance):
                    shares = [score(importance, x[b, t, i], x[b, t, j]) / len(listened) for j in listened]
                elif isinstance(importance, EmbeddedGaussian):
                    raw = [torch.dot(importance.theta(x[b, t, i]), importance.phi(x[b, t, j])) for j in listened]
                    shares = list(torch.softmax(torch.stack(raw), 0))
                else:
                    shares = [torch.tensor(1 / len(listened), dtype=torch.float64)] * len(listened)
                for j, share in zip(listened, shares, strict=True):
                    expected[b, t, i] += share * (x[b, t, j] @ layer.weight)
    assert torch.allclose(layer(x), expected)


@pytest.mark.parametrize("weighting", ["none", "embedded_gaussian"])
@FRAMES
def test_temporal_graphs_with_other_weightings(weighting: str, frames: int) -> None:
    make = Importance if weighting == "none" else lambda: EmbeddedGaussian(C)
    layer = DynamicalTemporalGraph(C, C, Neighbours(4, RANKS), make(), make()).double()
    x = features(frames)
    own, ahead, behind = layer.weight.chunk(3)
    after, before = layer.neighbours.temporal(x)
    expected = layer.bias + x @ own
    for chosen, importance, weight, step in (
        (after, layer.importance_forward, ahead, 1),
        (before, layer.importance_backward, behind, -1),
    ):
        for t in range(frames):
            other = x[:, min(max(t + step, 0), frames - 1)]
            for i in range(N):
                for b in range(2):
                    listened = [j for j in range(N) if chosen[b, t, i, j]]
                    if isinstance(importance, EmbeddedGaussian):
                        raw = [torch.dot(importance.theta(x[b, t, i]), importance.phi(other[b, j])) for j in listened]
                        shares = torch.softmax(torch.stack(raw), 0)
                    else:
                        shares = torch.full((len(listened),), 1 / 4, dtype=torch.float64)
                    for j, share in zip(listened, shares, strict=True):
                        expected[b, t, i] = expected[b, t, i] + share * (other[b, j] @ weight)
    assert torch.allclose(layer(x), expected)
