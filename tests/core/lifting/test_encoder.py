"""The window encoder, alone and under the graph."""

from __future__ import annotations

import pytest
import torch

from motionlift.core.jobs import UsageError
from motionlift.core.lifting.encoder import WindowEncoder
from motionlift.core.lifting.network import DGNet, DGNetConfig


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_every_frame_sees_the_whole_window() -> None:
    encoder = WindowEncoder(5, 7, 3, 16, 2)
    inputs = random(1, 5, 7, 3).requires_grad_(True)
    (gradient,) = torch.autograd.grad(encoder(inputs)[0, 0].sum(), inputs)
    assert (gradient.abs().amax((0, 2, 3)) > 0).all()
    assert encoder(random(4, 5, 7, 3)).shape == (4, 5, 7, 3)


def test_windows_do_not_see_each_other() -> None:
    encoder = WindowEncoder(5, 7, 3, 16, 2)
    inputs = random(3, 5, 7, 3)
    torch.testing.assert_close(encoder(inputs)[1:2], encoder(inputs[1:2]))


def test_a_fresh_graph_leaves_the_guess_and_a_trained_one_corrects_it() -> None:
    config = DGNetConfig(
        "body_26", channels=8, blocks=2, frames=3, balanced=False, cues=("depth",), encoder_width=16, encoder_blocks=1
    )
    network = DGNet(config).eval()
    inputs = random(2, 3, 26, 3)
    assert network.encoder is not None
    torch.testing.assert_close(network(inputs), network.encoder(inputs))
    torch.nn.init.normal_(network.head.weight)
    assert (network(inputs) - network.encoder(inputs)).abs().max() > 0.1
    torch.testing.assert_close(network.folded()(inputs), network(inputs), atol=1e-3, rtol=1e-3)


def test_another_window_length_is_refused() -> None:
    network = DGNet(DGNetConfig("body_26", channels=8, blocks=1, frames=3, encoder_width=16))
    with pytest.raises(UsageError) as caught:
        network(random(1, 4, 26, 2))
    assert caught.value.code == "bad_input"
    assert "3 frames" in caught.value.message
