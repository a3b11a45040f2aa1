"""Affinities of a clip's frames, and the picture of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from motionlift.core.camera import intrinsics
from motionlift.core.jobs import MotionLiftError, UsageError
from motionlift.core.lifting.affinity import frame_affinities, spread_samples
from motionlift.core.lifting.affinity_picture import affinity_picture, joint_colour
from motionlift.core.lifting.bench import PICTURE, made_up_keypoints, ready
from motionlift.core.lifting.network import DGNetConfig
from motionlift.core.skeleton import BODY_26

K = intrinsics(PICTURE)
KEYPOINTS = made_up_keypoints(40, 30.0)


def config(**changes: Any) -> DGNetConfig:
    values: dict[str, Any] = {"joint_set": "body_26", "channels": 8, "blocks": 2, "frame_interval_s": 1 / 15,
                              "balanced": False}  # fmt: skip
    return DGNetConfig(**{**values, **changes})


@pytest.mark.parametrize("style", ["dynamical", "fixed", "full", "precomputed"])
def test_a_network_tells_what_each_of_its_dynamical_layers_listens_to(style: str) -> None:
    network = ready(config(style=style, weighting="none"))
    found = network.affinities(torch.randn(3, 4, 26, 2))
    assert [affinity.kind for affinity in found] == ["spatial", "spatial", "temporal", "temporal"] * 2
    assert [affinity.name.split(".")[1] for affinity in found] == ["0"] * 4 + ["1"] * 4
    for affinity in found:
        given = [part for part in (affinity.now, affinity.after, affinity.before) if part is not None]
        assert len(given) == (1 if affinity.kind == "spatial" else 2)
        for part in given:
            assert part.shape == (3, 4, 26, 26)
            # Without weights rows are means over the neighbours.
            assert torch.allclose(part.sum(-1), torch.ones(3, 4, 26))
    assert not any(len(module._forward_pre_hooks) for module in network.modules())


def test_in_one_graph_of_space_and_time_a_row_is_shared_by_three_frames() -> None:
    network = ready(config(factorised=False, weighting="none"))
    (first, *_) = network.affinities(torch.randn(3, 4, 26, 2))
    assert first.kind == "spacetime"
    assert first.now is not None
    assert first.after is not None
    assert first.before is not None
    total = first.now + first.after + first.before
    assert torch.allclose(total.sum(-1), torch.ones(3, 4, 26))
    assert not bool(first.after[:, -1].any())
    assert not bool(first.before[:, 0].any())


def test_affinities_of_frames_are_those_of_the_window_around_them() -> None:
    network = ready(config())
    found = frame_affinities(KEYPOINTS, K, network, [5, 20], block=1)
    assert found.spatial is not None
    assert found.after is not None
    assert found.spatial.shape == found.after.shape == (2, 26, 26)
    assert np.allclose(found.pixels, KEYPOINTS.pixels[[5, 20]])
    # 30 frames a second, windows at 15: the next step is two frames later.
    assert np.allclose(found.pixels_next, KEYPOINTS.pixels[[7, 22]])
    assert np.all((found.spatial > 0).sum(-1) <= 2 * network.config.spatial_neighbours)
    assert np.all(np.diagonal(found.spatial, axis1=1, axis2=2) > 0)
    last = frame_affinities(KEYPOINTS, K, network, [5, 20]).spatial
    assert last is not None
    assert not np.allclose(found.spatial, last)


@pytest.mark.parametrize("block", [0, 3])
def test_a_block_that_is_not_there(block: int) -> None:
    with pytest.raises(UsageError) as caught:
        frame_affinities(KEYPOINTS, K, ready(config()), [5], block)
    assert caught.value.code == "wrong_block"


def test_a_network_without_dynamical_graphs_has_nothing_to_draw() -> None:
    network = ready(config(spatial_unit=("fsg",), temporal_unit=("ftg",)))
    with pytest.raises(MotionLiftError) as caught:
        frame_affinities(KEYPOINTS, K, network, [5])
    assert caught.value.code == "no_affinities"


def test_samples_are_spread_over_the_frames_with_a_detection() -> None:
    assert spread_samples(KEYPOINTS, 4) == [5, 15, 25, 35]
    assert spread_samples(KEYPOINTS.window(0, 2), 4) == [0, 1]


@pytest.mark.parametrize("changes", [{}, {"factorised": False}, {"temporal_unit": ("ftg",)}])
def test_the_picture(changes: dict[str, Any]) -> None:
    found = frame_affinities(KEYPOINTS, K, ready(config(**changes)), [5, 20, 35])
    pictures = [np.full((PICTURE[1], PICTURE[0], 3), 200, np.uint8)] * 3
    sheet = affinity_picture(found, pictures, [0.2, 0.7, 1.2])
    one = affinity_picture(found, pictures[:1], [0.2], ["left_wrist"])
    assert sheet.size[1] == one.size[1]
    assert sheet.size[0] > 2 * one.size[0]
    drawn = {colour for _, colour in one.getcolors(1 << 24) or ()}
    assert joint_colour(BODY_26, BODY_26.index("left_wrist")) in drawn
    assert not np.array_equal(np.asarray(sheet)[:, : one.size[0]], np.asarray(one))
