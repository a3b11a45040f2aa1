"""The skeleton as a graph, and the search for neighbours."""

from __future__ import annotations

import pytest
import torch

from motionlift.core.lifting.graph import adjacency, hop_distance, nearest, squared_distances, tie_ranks
from motionlift.core.skeleton import BODY_26, HUMAN36M_17, JointSet

SETS = pytest.mark.parametrize("joints", [HUMAN36M_17, BODY_26], ids=lambda joints: joints.name)


@SETS
def test_adjacency_holds_every_bone_both_ways_and_each_joint(joints: JointSet) -> None:
    joined = adjacency(joints)
    assert torch.equal(joined, joined.T)
    assert int(joined.sum()) == len(joints) + 2 * len(joints.edges)


@SETS
def test_hops_are_the_length_of_the_way_through_the_tree(joints: JointSet) -> None:
    def ancestors(joint: int) -> list[int]:
        way = [joint]
        while joints.parents[way[-1]] >= 0:
            way.append(joints.parents[way[-1]])
        return way

    hops = hop_distance(joints)
    for i in range(len(joints)):
        for j in range(len(joints)):
            a, b = ancestors(i), ancestors(j)
            common = len(set(a) & set(b))
            assert hops[i, j] == len(a) + len(b) - 2 * common


@SETS
def test_ranks_of_ties(joints: JointSet) -> None:
    ranks, hops = tie_ranks(joints), hop_distance(joints)
    mirror = torch.from_numpy(joints.mirror)
    everyone = torch.arange(len(joints), dtype=torch.int32)
    assert all(torch.equal(row.sort().values, everyone) for row in ranks)
    assert torch.equal(ranks.diagonal(), torch.zeros(len(joints), dtype=torch.int32))
    for i in range(len(joints)):
        ordered = hops[i][ranks[i].argsort()]
        if mirror[i] != i:
            assert torch.equal(ordered, ordered.sort().values)
            assert torch.equal(ranks[mirror[i]][mirror], ranks[i])


@SETS
@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_still_body_has_neighbours_along_the_skeleton_and_mirrors(joints: JointSet, count: int) -> None:
    chosen = nearest(torch.zeros(len(joints), 8), count, tie_ranks(joints))
    mirror = torch.from_numpy(joints.mirror)
    assert torch.equal(chosen[mirror][:, mirror], chosen)
    assert torch.equal(chosen.sum(-1), torch.full((len(joints),), count))
    assert bool(chosen.diagonal().all())
    knee = joints.index("left_knee")
    if count == 3:
        assert set(chosen[knee].nonzero().flatten().tolist()) == set(
            joints.indices("left_hip", "left_knee", "left_ankle")
        )


def test_nearest_agrees_with_sorting_all_distances() -> None:
    torch.manual_seed(0)
    features = torch.randn(50, 26, 16)
    ranks = tie_ranks(BODY_26)
    distances = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    for count in (1, 3, 7, 26, 40):
        expected = torch.zeros(50, 26, 26, dtype=torch.bool)
        expected.scatter_(-1, distances.argsort(-1)[..., :count], True)
        assert torch.equal(nearest(features, count, ranks), expected)


def test_nearest_counts_exactly_when_joints_coincide() -> None:
    torch.manual_seed(0)
    features = torch.randn(20, 26, 4).round()
    assert bool((nearest(features, 4, tie_ranks(BODY_26)).sum(-1) == 4).all())


def test_squared_distances_do_not_suffer_from_a_far_origin() -> None:
    torch.manual_seed(0)
    features = torch.randn(17, 8)
    near, far = squared_distances(features), squared_distances(features + 100)
    assert torch.allclose(near, torch.cdist(features, features) ** 2, atol=1e-4)
    assert torch.allclose(near, far, atol=1e-3)
