"""Weights on disk: round trip, size, and every way a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from motionlift.core.jobs import MotionLiftError
from motionlift.core.lifting.checkpoint import FORMAT, default_weights, load_weights, save_weights, weights_info
from motionlift.core.lifting.network import DGNet, DGNetConfig

CONFIG = DGNetConfig(joint_set="body_26", channels=16, blocks=2, balanced=False)
INFO = {"data": "läufe", "mpjpe_mm": 61.5}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = DGNet(CONFIG)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None
    model(torch.randn(32, 4, 26, 2))
    path = tmp_path / "net.safetensors"
    save_weights(path, model, INFO)
    return path


def test_round_trip(weights: Path, tmp_path: Path) -> None:
    model = load_weights(weights)
    assert model.config == CONFIG
    assert not model.training
    assert len(model.block_heads) == 0
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())
    again = tmp_path / "again.safetensors"
    save_weights(again, model, INFO)
    x = torch.randn(2, 4, 26, 2)
    assert torch.equal(load_weights(again)(x), model(x))
    assert weights_info(weights) == (CONFIG, INFO)


def test_half_precision_is_close_and_small(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = DGNet(CONFIG)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None
    model(torch.randn(32, 4, 26, 2))
    path = tmp_path / "net.safetensors"
    save_weights(path, model, {})
    x = torch.randn(2, 4, 26, 2)
    whole, stored = model.eval()(x), load_weights(path)(x)
    # Neighbours at the edge of being chosen may change, so the mean is compared.
    assert (whole - stored).abs().mean() < 0.02 * whole.abs().mean()
    count = sum(p.numel() for p in load_weights(path).parameters())
    assert path.stat().st_size < 2.4 * count + 20_000


def test_diverged_weights_are_not_written(tmp_path: Path) -> None:
    model = DGNet(CONFIG)
    with torch.no_grad():
        model.head.weight[0, 0] = torch.nan
    with pytest.raises(MotionLiftError) as caught:
        save_weights(tmp_path / "net.safetensors", model, {})
    assert caught.value.code == "weights_overflow"
    assert not list(tmp_path.iterdir())


def refused(path: Path, code: str) -> MotionLiftError:
    with pytest.raises(MotionLiftError) as caught:
        load_weights(path)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


def test_missing(tmp_path: Path) -> None:
    refused(tmp_path / "none.safetensors", "weights_missing")
    refused(tmp_path, "weights_missing")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 pretending", b"\xff" * 400, b"\x08" + b"\0" * 7 + b'{"a":1} '])
def test_not_safetensors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    refused(path, "weights_not_ours")


def test_cut_off(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(weights, "weights_not_ours")


def rewritten(path: Path, header: dict[str, Any] | None = None, drop: str = "", extra: str = "") -> Path:
    with safe_open(path, framework="pt") as file:
        stored = dict(file.metadata())
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    if drop:
        del tensors[drop]
    if extra:
        tensors[extra] = torch.zeros(3)
    save_file(tensors, path, {**stored, **(header or {})})
    return path


def test_other_contents(weights: Path) -> None:
    original = weights.read_bytes()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"header": {"format": "something-else"}}, "something-else"),
        ({"header": {"config": "{"}}, "configuration"),
        ({"header": {"config": "[]"}}, "configuration"),
        ({"header": {"config": json.dumps({**CONFIG.to_json(), "colour": 1})}}, "colour"),
        ({"header": {"config": json.dumps({**CONFIG.to_json(), "channels": 32})}}, "shape"),
        ({"header": {"config": json.dumps({**CONFIG.to_json(), "blocks": 3})}}, "lacks"),
        ({"drop": "head.bias"}, "head.bias"),
        ({"extra": "passenger"}, "passenger"),
    ]
    for change, word in cases:
        weights.write_bytes(original)
        assert word in refused(rewritten(weights, **change), "weights_not_ours").message


def test_what_is_missing_and_what_is_too_much_are_both_said(weights: Path) -> None:
    message = refused(rewritten(weights, drop="head.bias", extra="passenger"), "weights_not_ours").message
    assert all(word in message for word in ("lacks head.bias", "holds passenger", "expected", "found"))


def test_weights_that_are_no_numbers(weights: Path) -> None:
    with safe_open(weights, framework="pt") as file:
        stored = dict(file.metadata())
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    tensors["head.bias"][1] = torch.nan
    save_file(tensors, weights, stored)
    assert "head.bias" in refused(weights, "weights_not_ours").message


def test_files_from_before_a_setting_existed_load_with_its_default(weights: Path) -> None:
    newer = ("cues", "encoder_width", "encoder_blocks", "style", "weighting", "factorised", "knn", "loss")
    before = load_weights(weights)
    older = {name: value for name, value in CONFIG.to_json().items() if name not in newer}
    model = load_weights(rewritten(weights, header={"config": json.dumps(older)}))
    assert model.config == CONFIG
    x = torch.randn(2, 4, 26, 2)
    assert torch.equal(model(x), before(x))


def test_names_of_tensors_stay_what_they_were(weights: Path) -> None:
    """As the first version wrote them; renaming any makes every file that exists unreadable."""
    fsg, score = ("weight", "bias", "edges"), "weight"
    convolutions = {0: fsg, 1: ("weight", "bias", f"importance.{score}"), 3: ("weight", "bias"), 5: ("weight", "bias"),
                    4: ("weight", "bias", f"importance_forward.{score}", f"importance_backward.{score}")}  # fmt: skip
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    non_local = (
        "kernel",
        *(f"{part}.{kind}" for part in ("g", "theta", "phi", "output") for kind in ("weight", "bias")),
    )
    names = {f"input.convolution.{name}" for name in fsg} | {f"head.{name}" for name in fsg}
    names |= {f"input.norm.{name}" for name in norm}
    places = ["input_non_local", *(f"blocks.{block}.{place}" for block in range(2) for place in (2, 6))]
    names |= {f"{place}.{name}" for place in places for name in (*non_local, *(f"norm.{kind}" for kind in norm))}
    for block in range(2):
        for place, parts in convolutions.items():
            for unit in ("first", "second"):
                names |= {f"blocks.{block}.{place}.{unit}.convolution.{part}" for part in parts}
                names |= {f"blocks.{block}.{place}.{unit}.norm.{part}" for part in norm}
    with safe_open(weights, framework="pt") as file:
        assert set(file.keys()) == names


def test_no_header(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    assert FORMAT in refused(path, "weights_not_ours").message


def test_weights_of_the_package_fit_the_joints_that_are_detected() -> None:
    path = default_weights()
    assert path.parent.name == "weights"
    if not path.is_file():
        pytest.skip("no weights are shipped yet")
    assert load_weights(path).config.joint_set == "body_26"
