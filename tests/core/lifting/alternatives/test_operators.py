"""The operators that are written for speed, against slow, plain versions of their equations."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from motionlift.core.lifting.alternatives.dilated import DilatedConfig, DilatedNet
from motionlift.core.lifting.alternatives.graph_transformer import (
    Attention,
    SimilarityGraph,
    SkeletonGraph,
    symmetrically_normalised,
)
from motionlift.core.lifting.alternatives.hop_aware import DynamicGraph, HopAwareAggregation, HopAwareConfig
from motionlift.core.lifting.graph import adjacency, hop_distance
from motionlift.core.skeleton import HUMAN36M_17

N = len(HUMAN36M_17)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(2)


def features(frames: int, channels: int) -> Tensor:
    return torch.randn(2, frames, N, channels, dtype=torch.float64)


def with_statistics(net: torch.nn.Module) -> torch.nn.Module:
    """Evaluation mode, with running statistics and gains that do something."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
    return net.double().eval()


@pytest.mark.parametrize("widths", [(3, 3), (3, 5, 3), (1, 3)])
def test_dilated_convolutions(widths: tuple[int, ...]) -> None:
    """Frame by frame and tap by tap: frames beyond the ends are the first and the last."""
    net = DilatedNet(DilatedConfig(widths=widths, channels=6))
    with_statistics(net)
    sequence = features(7, 2)[:1]
    margin, frames = math.prod(widths) // 2, sequence.shape[1]
    # A frame's features by its number, which may lie before the first or after the last.
    now = {t: sequence[0, min(max(t, 0), frames - 1)].flatten() for t in range(-margin, frames + margin)}
    now = _convolved(net.input, now, widths[0], 1)
    dilation = widths[0]
    for block, width in zip(net.blocks, widths[1:], strict=True):
        inner = _convolved(block.single, _convolved(block.dilated, now, width, dilation), 1, 1)
        now = {t: now[t] + value for t, value in inner.items()}
        dilation *= width
    assert sorted(now) == list(range(frames))
    for t in range(frames):
        assert torch.allclose(net(sequence)[0, t], net.output(now[t]).view(N, 3))


def _convolved(layer: Any, frames: dict[int, Tensor], width: int, dilation: int) -> dict[int, Tensor]:
    norm, taps = layer.taps.norm, layer.taps.linear.weight.chunk(width, 1)
    result = {}
    for t in frames:
        around = [t + (tap - width // 2) * dilation for tap in range(width)]
        if all(other in frames for other in around):
            total = sum(tap @ frames[other] for tap, other in zip(taps, around, strict=True))
            scaled = (total - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps) * norm.weight + norm.bias
            result[t] = torch.relu(scaled)
    return result


@pytest.mark.parametrize("widths", [(3, 3), (3, 5, 3), (1, 3)])
def test_the_strided_form_gives_the_centres(widths: tuple[int, ...]) -> None:
    net = DilatedNet(DilatedConfig(widths=widths, channels=6))
    with_statistics(net)
    field = math.prod(widths)
    sequence = features(3 * field, 2)
    assert torch.allclose(net.at_centres(sequence), net(sequence)[:, field // 2 :: field])


@pytest.mark.parametrize("frames", [1, 4])
def test_hop_aware_aggregation(frames: int) -> None:
    config = HopAwareConfig(channels=6, near=1, far=3, squeeze=0.5, embedding=4)
    layer = HopAwareAggregation(config, 5, 7).double()
    with torch.no_grad():
        layer.graph.alpha.fill_(0.7)
        layer.edges.normal_()
    x = features(frames, 5)
    distance = hop_distance(HUMAN36M_17)
    pairs = [(i, j) for i in range(N) for j in range(N) if distance[i, j] <= 3]
    fixed = {pair: layer.edges[k] for k, pair in enumerate(pairs)}
    dynamic = layer.graph(x)
    expected = torch.empty(2, frames, N, 7, dtype=torch.float64)
    for b in range(2):
        for t in range(frames):
            for i in range(N):
                heard = []
                for group, (hops, width) in zip(layer.groups, config.widths().items(), strict=True):
                    (weights,) = group.parameters()
                    total = torch.zeros(width, dtype=torch.float64)
                    of_group = [pair for pair in pairs if int(distance[pair]) in hops]
                    for k, (own, other) in enumerate(of_group):
                        if own == i:
                            strength = fixed[own, other] + dynamic[b, t, own, other]
                            total = total + strength * (x[b, t, other] @ weights[k])
                    heard.append(total)
                expected[b, t, i] = layer.fuse(torch.cat(heard))
    assert torch.allclose(layer(x), expected)


def test_widths_fall_with_the_hops() -> None:
    widths = HopAwareConfig(channels=64, near=2, far=5, squeeze=0.25).widths()
    assert widths == {range(3): 64, range(3, 4): 16, range(4, 5): 4, range(5, 6): 1}


def test_the_fixed_graph_starts_as_means_over_hops() -> None:
    config = HopAwareConfig(channels=8)
    layer = HopAwareAggregation(config, 8, 8)
    affinity, distance = layer.affinity(torch.randn(1, 1, N, 8))[0, 0], hop_distance(HUMAN36M_17)
    for i in range(N):
        for hops in range(config.far + 1):
            there = affinity[i][distance[i] == hops]
            assert not len(there) or float(there.detach().sum()) == pytest.approx(1)
    assert not bool(affinity[distance > config.far].any())


def test_the_dynamic_graph() -> None:
    graph = DynamicGraph(5, 4, 3).double()
    with torch.no_grad():
        graph.alpha.fill_(2.0)
    x = features(3, 5)
    assert graph(x).shape == (2, 3, N, N)
    assert float(graph(x).detach().abs().max()) <= 2
    before, here, after = x[:, 0], x[:, 0], x[:, 1]
    theta, phi = graph.theta_and_phi(torch.cat([before, here, after], -1)).chunk(2, -1)
    for i in range(N):
        for j in range(N):
            assert torch.allclose(graph(x)[:, 0, i, j], 2 * torch.tanh((theta[:, i] * phi[:, j]).sum(-1) / 2))


@pytest.mark.parametrize("over", ["joints", "frames"])
def test_attention(over: str) -> None:
    layer, x = Attention(6, 2, over).double(), features(4, 6)
    tokens = x if over == "joints" else x.transpose(1, 2)
    queries, keys, values = layer.queries_keys_values(tokens).chunk(3, -1)
    mixed = torch.empty_like(tokens)
    for head in (slice(0, 3), slice(3, 6)):
        scores = queries[..., head] @ keys[..., head].mT / math.sqrt(3)
        mixed[..., head] = torch.softmax(scores, -1) @ values[..., head]
    expected = layer.output(mixed)
    assert torch.allclose(layer(x), expected if over == "joints" else expected.transpose(1, 2))


def test_the_skeleton_graph() -> None:
    joined = adjacency(HUMAN36M_17)
    layer = SkeletonGraph(4, joined)
    with_statistics(layer)
    x = features(2, 4)
    degree = joined.sum(-1)
    expected = layer.own(x)
    for i in range(N):
        for j in range(N):
            if joined[i, j]:
                expected[:, :, i] += layer.neighbours(x)[:, :, j] / math.sqrt(degree[i] * degree[j])
    expected = torch.relu(x + layer.norm(expected.flatten(0, 2)).view(x.shape))
    assert torch.allclose(layer(x), expected)


def test_the_similarity_graph_joins_the_frames_most_alike() -> None:
    layer, x = SimilarityGraph(4, 2), features(6, 4)
    chosen = layer.nearest(x.transpose(1, 2))
    for b in range(2):
        for joint in range(N):
            for t in range(6):
                products = [float(x[b, t, joint] @ x[b, other, joint]) for other in range(6)]
                best = sorted(range(6), key=lambda other: -products[other])[:2]
                assert sorted(chosen[b, joint, t].nonzero().flatten().tolist()) == sorted(best)


def test_symmetric_normalisation_has_a_spectrum_within_one() -> None:
    affinity = symmetrically_normalised(adjacency(HUMAN36M_17).double())
    assert torch.allclose(affinity, affinity.mT)
    assert float(torch.linalg.eigvalsh(affinity).abs().max()) == pytest.approx(1)
