"""Costs are counted as by hand, and timing leaves the machine as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from motionlift.core.evaluation.cost import CLIP_FRAMES, clip_of_windows, measure_cost, multiplications
from motionlift.core.lifting.alternatives.dilated import DilatedConfig, DilatedNet
from motionlift.core.lifting.alternatives.graph_transformer import Attention
from motionlift.core.lifting.alternatives.residual_mlp import ResidualMLP, ResidualMLPConfig
from motionlift.core.lifting.network import DGNet, DGNetConfig


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small networks run fastest on one thread, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_multiplications_of_a_perceptron() -> None:
    net = ResidualMLP(ResidualMLPConfig(width=32)).eval()
    per_frame = 34 * 32 + 4 * 32 * 32 + 32 * 51
    assert multiplications(net, torch.randn(2, 5, 17, 2)) == 10 * per_frame


def test_multiplications_of_attention_do_not_depend_on_the_kernel() -> None:
    tokens, channels = 17, 8
    of_tokens = 4 * channels * channels * tokens
    of_pairs = 2 * tokens * tokens * channels
    net, inputs = Attention(channels, 2, "joints").eval(), torch.randn(3, 2, tokens, channels)
    assert multiplications(net, inputs) == 6 * (of_tokens + of_pairs)


def test_a_whole_sequence_shares_what_windows_repeat() -> None:
    """As long as the sequence is much longer than the receptive field, a frame costs one output of each layer."""
    net, channels = DilatedNet(DilatedConfig(channels=16, widths=(3, 3))).eval(), 16
    per_frame = 3 * 34 * channels + 3 * channels**2 + channels**2 + channels * 51
    counted = multiplications(net, torch.randn(1, 2000, 17, 2))
    assert counted == pytest.approx(2000 * per_frame, rel=0.01)


@pytest.mark.parametrize(("frames", "windows"), [(1, 300), (27, 12), (300, 1), (None, 1)])
def test_the_clip_is_laid_out_in_windows(frames: int | None, windows: int) -> None:
    assert clip_of_windows(frames, 17, 3).shape == (windows, frames or CLIP_FRAMES, 17, 3)


def test_heads_for_training_only_are_not_counted() -> None:
    net = DGNet(DGNetConfig(channels=8, blocks=1)).eval()
    threads = torch.get_num_threads()
    cost = measure_cost(net, net.folded(), clip_of_windows(4, 17, 2))
    bare: nn.Module = DGNet(DGNetConfig(channels=8, blocks=1), block_heads=False)
    assert cost.parameters == sum(parameter.numel() for parameter in bare.parameters())
    assert cost.cpu_ms > 0
    assert (cost.gpu_ms is None) == (not torch.cuda.is_available())
    assert torch.get_num_threads() == threads
