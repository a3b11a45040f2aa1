"""The dynamical graphs of every style and weighting against slow, plain versions of their equations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motionlift.core.lifting.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from motionlift.core.lifting.graph import hop_distance, tie_ranks
from motionlift.core.lifting.neighbours import (
    STYLES,
    GraphsOfTheInput,
    InputGraphs,
    Neighbours,
    Style,
    fixed_neighbours,
    make_neighbours,
)
from motionlift.core.lifting.spacetime import DynamicalSpaceTimeGraph
from motionlift.core.lifting.weighting import EmbeddedGaussian, Importance, PairImportance, make_importance
from motionlift.core.skeleton import HUMAN36M_17

JOINTS = HUMAN36M_17
N = len(JOINTS)
C = 6
RANKS, HOPS = tie_ranks(JOINTS), hop_distance(JOINTS)
STYLE = pytest.mark.parametrize("style", STYLES)
WEIGHTINGS = ("none", "fc", "relu", "embedded_gaussian")
WEIGHTING = pytest.mark.parametrize("weighting", WEIGHTINGS)
TRIED = [0, 6, 9, 13]
"""The joints that the slow versions are made for: on the midline, at an end, inside, left and right."""
FRAMES = pytest.mark.parametrize("frames", [1, 3])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


def features(frames: int, channels: int = C) -> Tensor:
    """(T, 2, N, C)."""
    return torch.randn(frames, 2, N, channels, dtype=torch.float64)


def weighting_of(name: str) -> Importance:
    if name == "relu":
        return PairImportance(C, "relu")
    return make_importance(name, C, "sigmoid")  # type: ignore[arg-type]


def shares(importance: Importance, x: Tensor, others: list[Tensor], count: int) -> list[Tensor]:
    """What a joint with features `x` gives each of the chosen, `others`."""
    if isinstance(importance, PairImportance):
        raw = [torch.dot(importance.weight.flatten(), torch.cat([x, y])) for y in others]
        return [(torch.sigmoid(r) if importance.scores == "sigmoid" else torch.relu(r)) / count for r in raw]
    if isinstance(importance, EmbeddedGaussian):
        products = [torch.dot(importance.theta(x), importance.phi(y)).exp() for y in others]
        return [product / torch.stack(products).sum() for product in products]
    return [torch.tensor(1 / count, dtype=torch.float64)] * len(others)


def sorted_by_distance(point: Tensor, candidates: Tensor, joint: int) -> list[int]:
    """Candidates (M, C) by distance from a point (C); ties by rank, the joint itself first."""
    distance = (candidates - point).norm(dim=-1)

    def key(j: int) -> tuple[bool, float, int, int]:
        return (j != joint, float(distance[j]), j // N, int(RANKS[joint, j % N]))

    return sorted(range(len(candidates)), key=key)


def chosen_of(style: Style, number: int, neighbours: Neighbours, joint: int, frames: int = 1) -> list[int] | None:
    """The neighbours of a joint in the styles that do not search, from their words."""
    bones = [j for j in range(N) if HOPS[joint, j] <= 1]
    match style:
        case "fixed":
            one = bones
        case "symmetry":
            one = sorted({*bones, int(JOINTS.mirror[joint])})
        case "full":
            one = list(range(N))
        case "random":
            assert neighbours.fixed is not None
            drawn = neighbours.fixed[joint].nonzero().flatten().tolist()
            assert len(drawn) == number
            assert joint in drawn
            return list(drawn)
        case _:
            return None
    return [j + frame * N for frame in range(frames) for j in one]


@STYLE
@WEIGHTING
@torch.no_grad()
def test_spatial_graph(style: Style, weighting: str) -> None:
    neighbours = make_neighbours(style, 3, JOINTS, 5)
    layer = DynamicalSpatialGraph(C, C, neighbours, weighting_of(weighting)).double().eval()
    x, places = features(2), features(2, 2)
    given = GraphsOfTheInput(neighbours, neighbours, True)(places) if style == "precomputed" else None
    expected = layer.bias.expand(2, 2, N, C).clone()
    for t in range(2):
        for b in range(2):
            for i in TRIED:
                near = places[t, b] if style == "precomputed" else x[t, b]
                chosen = chosen_of(style, 3, neighbours, i)
                chosen = sorted_by_distance(near[i], near, i)[:3] if chosen is None else chosen
                parts = shares(layer.importance, x[t, b, i], [x[t, b, j] for j in chosen], len(chosen))
                for j, share in zip(chosen, parts, strict=True):
                    expected[t, b, i] += share * (x[t, b, j] @ layer.weight)
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            assert torch.allclose(layer(x, given)[:, :, TRIED], expected[:, :, TRIED])


@FRAMES
@STYLE
@WEIGHTING
@torch.no_grad()
def test_temporal_graph(style: Style, weighting: str, frames: int) -> None:
    neighbours = make_neighbours(style, 4, JOINTS, 5)
    layer = DynamicalTemporalGraph(C, C, neighbours, weighting_of(weighting), weighting_of(weighting)).double().eval()
    x, places = features(frames), features(frames, 2)
    given = GraphsOfTheInput(neighbours, neighbours, True)(places) if style == "precomputed" else None
    near = places if style == "precomputed" else x
    now, ahead, behind = layer.weight.chunk(3)
    expected = x @ now + layer.bias

    def moving_alike(t: int, b: int, i: int, step: int) -> list[int]:
        step = step if 0 <= t + step < frames else -step
        if not 0 <= t + step < frames:
            return [i]
        movement = near[t + step, b] - near[t, b]
        return sorted_by_distance(movement[i], movement, i)[:4]

    for importance, weight, step in ((layer.importance_forward, ahead, 1), (layer.importance_backward, behind, -1)):
        for t in range(frames):
            other = x[min(max(t + step, 0), frames - 1)]
            for b in range(2):
                for i in TRIED:
                    chosen = chosen_of(style, 4, neighbours, i)
                    count = 4 if chosen is None else len(chosen)
                    chosen = moving_alike(t, b, i, step) if chosen is None else chosen
                    parts = shares(importance, x[t, b, i], [other[b, j] for j in chosen], count)
                    for j, share in zip(chosen, parts, strict=True):
                        expected[t, b, i] = expected[t, b, i] + share * (other[b, j] @ weight)
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            assert torch.allclose(layer(x, given)[:, :, TRIED], expected[:, :, TRIED])


@FRAMES
@STYLE
@WEIGHTING
@torch.no_grad()
def test_graph_of_space_and_time(style: Style, weighting: str, frames: int) -> None:
    neighbours = make_neighbours(style, 11, JOINTS, 5, 3)
    layer = DynamicalSpaceTimeGraph(C, C, neighbours, weighting_of(weighting)).double().eval()
    x, places = features(frames), features(frames, 2)
    temporal = make_neighbours(style, 4, JOINTS, 5)
    given = GraphsOfTheInput(neighbours, temporal, False)(places) if style == "precomputed" else None
    near = places if style == "precomputed" else x
    expected = layer.bias.expand(frames, 2, N, C).clone()

    def window(values: Tensor, t: int, b: int) -> Tensor:
        return torch.cat([values[t, b], values[min(t + 1, frames - 1), b], values[max(t - 1, 0), b]])

    for t in range(frames):
        there = [True, t + 1 < frames, t > 0]
        for b in range(2):
            candidates, points = window(x, t, b), window(near, t, b)
            for i in TRIED:
                chosen = chosen_of(style, 11, neighbours, i, 3)
                count = 11 if chosen is None else len(chosen)
                if chosen is None:
                    chosen = [j for j in sorted_by_distance(near[t, b, i], points, i) if there[j // N]][:11]
                parts = shares(layer.importance, x[t, b, i], [candidates[j] for j in chosen], count)
                for j, share in zip(chosen, parts, strict=True):
                    expected[t, b, i] += share * (candidates[j] @ layer.weight.chunk(3)[j // N])
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            assert torch.allclose(layer(x, given)[:, :, TRIED], expected[:, :, TRIED])


@pytest.mark.parametrize("number", [1, 4, 7, 17, 60])
@pytest.mark.parametrize("frames", [1, 3])
def test_any_number_of_neighbours(number: int, frames: int) -> None:
    neighbours = make_neighbours("dynamical", number, JOINTS, 0, frames)
    x = features(3)
    for points in (x, torch.zeros_like(x), x.round()):
        found = neighbours.spatial(points) if frames == 1 else neighbours.spacetime(points)
        assert bool(found.diagonal(dim1=-2, dim2=-1).all())
        assert torch.equal(found[1].sum(-1), torch.full((2, N), min(number, frames * N)))
    if frames == 3:
        alone = neighbours.spacetime(x[:1])
        assert torch.equal(alone.sum(-1), torch.full((1, 2, N), min(number, N)))
        assert not bool(alone[..., N:].any())


def test_precomputed_graphs_do_not_depend_on_features() -> None:
    neighbours = make_neighbours("precomputed", 4, JOINTS, 0)
    given = GraphsOfTheInput(neighbours, neighbours, True)(features(3, 2))
    assert isinstance(given, InputGraphs)
    for _ in range(2):
        assert neighbours.spatial(features(3), given) is given.spatial
        assert neighbours.temporal(features(3), given) == (given.after, given.before)


def test_random_graphs_are_drawn_anew_in_training_and_kept_in_evaluation() -> None:
    neighbours = make_neighbours("random", 4, JOINTS, layer=2)
    x = features(3)
    assert neighbours.fixed is not None
    assert torch.equal(neighbours.eval().spatial(x), neighbours.fixed)
    drawn = [neighbours.train().spatial(x) for _ in range(2)]
    assert not torch.equal(*drawn)
    assert not torch.equal(drawn[0][0, 0], drawn[0][1, 0])
    assert all(bool((mask.sum(-1) == 4).all()) and bool(mask.diagonal(dim1=-2, dim2=-1).all()) for mask in drawn)
    again, other = (make_neighbours("random", 4, JOINTS, layer) for layer in (2, 3))
    assert again.fixed is not None
    assert other.fixed is not None
    assert torch.equal(again.fixed, neighbours.fixed)
    assert not torch.equal(other.fixed, neighbours.fixed)


@pytest.mark.parametrize("style", ["fixed", "symmetry", "full"])
@pytest.mark.parametrize("frames", [1, 3])
def test_settled_styles_mirror(style: Style, frames: int) -> None:
    chosen = fixed_neighbours(style, JOINTS, 4, frames=frames)
    assert chosen is not None
    mirror = torch.from_numpy(JOINTS.mirror)
    for part in chosen.chunk(frames, -1):
        assert torch.equal(part[mirror][:, mirror], part)
        assert bool(part.diagonal().all())
