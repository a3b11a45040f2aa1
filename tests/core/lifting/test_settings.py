"""Every setting that the paper compares builds a network that computes, learns, folds and is stored."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from motionlift.core.jobs import UsageError
from motionlift.core.lifting.checkpoint import load_weights, save_weights
from motionlift.core.lifting.neighbours import STYLES
from motionlift.core.lifting.network import DGNet, DGNetConfig

SETTINGS: list[dict[str, Any]] = [
    *({"style": style, "weighting": how} for style in STYLES for how in ("none", "fc", "embedded_gaussian")),
    *({"spatial_unit": unit} for unit in (("fsg",), ("fsg", "fsg"), ("fsg", "dsg", "dsg"), ("fsg", "dsg", "fsg"))),
    *({"temporal_unit": unit} for unit in (
        ("ftg",), ("ftg", "dtg"), ("ftg", "ftg"), ("ftg", "dtg", "dtg"), ("dtg",), (),
    )),
    *({"blocks": blocks} for blocks in (1, 3)),
    *({"frames": frames} for frames in (2, 3, 5, 9)),
    *({"spatial_neighbours": k, "temporal_neighbours": k} for k in (1, 5, 7)),
    {"non_local": False}, {"balanced": False}, {"loss": "network"}, {"scores": "relu"}, {"knn": False},
    *({"factorised": False, "style": style, "weighting": how}
      for style in STYLES for how in ("none", "fc", "embedded_gaussian")),
    {"factorised": False, "knn": False}, {"factorised": False, "frames": 1}, {"frames": 1},
]  # fmt: skip


@pytest.mark.parametrize("changes", SETTINGS, ids=lambda changes: ",".join(f"{k}={v}" for k, v in changes.items()))
def test_a_network_with(changes: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = DGNetConfig(**{"channels": 8, "blocks": 2, **changes})
    assert DGNetConfig.from_json(config.to_json()) == config
    network = DGNet(config)
    inputs = torch.randn(3, config.frames, 17, 2)
    output, blocks = network.train().forward_with_blocks(inputs)
    assert output.shape == (3, config.frames, 17, 3)
    loss = output.square().mean() + sum(block.square().mean() for block in blocks)
    gradients = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    # Non-local blocks begin as the identity (their last gain is 0), so what is inside learns later.
    assert all(g is None or bool(torch.isfinite(g).all()) for g in gradients)
    assert sum(g is not None and bool(g.abs().max() > 0) for g in gradients) > 0.6 * len(gradients)
    # In double precision, so that rounding decides no tie between neighbours.
    exact, windows = copy.deepcopy(network).double().eval(), inputs.double()
    with torch.no_grad():
        plain = exact(windows)
        torch.testing.assert_close(exact.folded()(windows), plain, atol=1e-8, rtol=1e-8)
        torch.testing.assert_close(exact(windows[1:2]), plain[1:2], atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(exact(windows), plain, atol=1e-8, rtol=1e-8)
    save_weights(tmp_path / "w.safetensors", network, {})
    assert load_weights(tmp_path / "w.safetensors").config == config


@pytest.mark.parametrize(
    "changes", [{"style": "round"}, {"weighting": "heavy"}, {"loss": "none"}, {"cues": ("colour",)}]
)
def test_settings_that_do_not_exist_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        DGNetConfig(**changes)
    assert caught.value.code == "bad_network"


def test_the_papers_parameter_counts_stand() -> None:
    counts = [sum(p.numel() for p in DGNet(DGNetConfig(), heads).parameters()) for heads in (False, True)]
    assert counts == [2_366_479, 2_702_589]
