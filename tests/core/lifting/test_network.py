"""The whole network: size, shapes, invariances, the folded form, the loss."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from motionlift.core.jobs import UsageError
from motionlift.core.lifting.loss import training_loss
from motionlift.core.lifting.network import DGNet, DGNetConfig

SMALL = DGNetConfig(joint_set="body_26", channels=16, blocks=2)


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def trained_a_little(config: DGNetConfig) -> DGNet:
    """A network whose BatchNorms have seen data, so that evaluation is in a sane range."""
    torch.manual_seed(1)
    model = DGNet(config)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    with torch.no_grad():
        for _ in range(2):
            model.train()(torch.randn(16, config.frames, len(config.joints), 2))
    return model.eval()


def test_parameter_counts_of_the_papers_network() -> None:
    assert parameters(DGNet(DGNetConfig(), block_heads=False)) == 2_366_479
    assert parameters(DGNet(DGNetConfig())) == 2_702_589


@pytest.mark.parametrize("frames", [1, 2, 4, 27])
def test_any_number_of_frames(frames: int) -> None:
    model = trained_a_little(SMALL)
    output = model(torch.randn(2, frames, 26, 2))
    assert output.shape == (2, frames, 26, 3)
    assert bool(output.isfinite().all())


def test_windows_of_a_batch_do_not_see_each_other() -> None:
    model, x = trained_a_little(SMALL), torch.randn(5, 4, 26, 2)
    with torch.inference_mode():
        together, alone = model(x), torch.cat([model(window[None]) for window in x])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("config", [SMALL, DGNetConfig(blocks=2)], ids=["small", "full width"])
def test_the_folded_network_is_the_same(config: DGNetConfig) -> None:
    model, x = trained_a_little(config), torch.randn(3, 4, len(config.joints), 2)
    folded = model.folded()
    with torch.inference_mode():
        expected = model(x)
        assert (folded(x) - expected).abs().max() < 1e-4 * max(1.0, float(expected.abs().max()))
        assert torch.equal(folded.folded()(x), folded(x))
    assert not any(isinstance(module, nn.BatchNorm1d) for module in folded.modules())
    assert parameters(folded) < parameters(model)


def test_evaluation_stays_finite_while_batchnorm_lags() -> None:
    """After few steps the running statistics are far from the batch's; bounded scores keep the output finite."""
    torch.manual_seed(0)
    model = DGNet(DGNetConfig(channels=32))
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.randn(8, 4, 17, 2), torch.randn(8, 4, 17, 3)
    for _ in range(3):
        optimiser.zero_grad()
        torch.autograd.backward(training_loss(*model.forward_with_blocks(x), y))
        optimiser.step()
    assert bool(model.eval()(x).isfinite().all())


def test_it_learns_and_every_parameter_takes_part() -> None:
    torch.manual_seed(0)
    model = DGNet(SMALL)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    x, y = torch.randn(8, 4, 26, 2), 0.3 * torch.randn(8, 1, 26, 3).expand(8, 4, 26, 3)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = training_loss(*model.forward_with_blocks(x), y)
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


def test_the_loss_is_that_of_the_paper() -> None:
    torch.manual_seed(0)
    target, network = torch.randn(2, 3, 5, 3), torch.randn(2, 3, 5, 3)
    blocks = [torch.randn(2, 3, 5, 3) for _ in range(2)]

    def plain(predicted: torch.Tensor) -> float:
        joints = [(predicted[b, t, n] - target[b, t, n]).norm() ** 2
                  for b in range(2) for t in range(3) for n in range(5)]  # fmt: skip
        return float(sum(joints)) / 30

    expected = plain(network) + 0.1 * sum(plain(block) for block in blocks)
    assert float(training_loss(network, blocks, target)) == pytest.approx(expected, rel=1e-5)
    ones = torch.ones(5)
    assert float(training_loss(network, blocks, target, 7 * ones)) == pytest.approx(expected, rel=1e-5)


def test_config_survives_json() -> None:
    config = DGNetConfig(joint_set="body_26", channels=64, frame_interval_s=1 / 30, balanced=False)
    assert DGNetConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    "values",
    [{"colour": 3}, {"joint_set": "octopus_8"}, {"channels": 7}, {"channels": "wide"}, {"blocks": 0}, {"frames": 0},
     {"frame_interval_s": 0.0}, {"scores": "cubic"}, {"spatial_unit": ["fsg", "xyz"]}],
)  # fmt: skip
def test_impossible_configurations_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        DGNetConfig.from_json(values)
    assert caught.value.code == "bad_network"
    assert caught.value.hint


def test_units_and_non_local_follow_the_configuration() -> None:
    config = DGNetConfig(channels=16, blocks=1, spatial_unit=("fsg",), temporal_unit=("ftg", "dtg"), non_local=False)
    assert DGNet(config)(torch.randn(1, 4, 17, 2)).shape == (1, 4, 17, 3)
    assert parameters(DGNet(config)) < parameters(DGNet(DGNetConfig(channels=16, blocks=1)))
