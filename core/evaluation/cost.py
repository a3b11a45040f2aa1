"""What a network costs to use: parameters, multiplications, time."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..threads import one_thread

CLIP_FRAMES = 300
"""Length of the clip that is timed."""
REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """`parameters`: of what is used, without heads for training only; `macs`: multiplications and additions a frame, in
    pairs; `cpu_ms`: a frame on one thread; `gpu_ms`: a frame, None where there is no GPU."""

    parameters: int
    macs: int
    cpu_ms: float
    gpu_ms: float | None


def clip_of_windows(frames: int | None, joints: int, channels: int) -> Tensor:
    """A clip of `CLIP_FRAMES` frames as a network gets it: side by side in windows (B, T, N, C) of `frames`, the last
    one full, or whole. Random numbers, the same each time."""
    length = frames or CLIP_FRAMES
    generator = torch.Generator().manual_seed(0)
    return torch.randn(-(-CLIP_FRAMES // length), length, joints, channels, generator=generator)


def measure_cost(network: nn.Module, used: nn.Module, inputs: Tensor) -> Cost:
    """The cost of a clip `inputs` (B, T, N, C). `used`: the form of `network` that is timed, BatchNorm folded."""
    cuda = torch.cuda.is_available()
    with torch.inference_mode():
        cpu_ms = _milliseconds(used.cpu(), inputs)
        gpu_ms = _milliseconds(used.cuda(), inputs.cuda()) if cuda else None
    used.cpu()
    return Cost(
        sum(p.numel() for name, p in network.named_parameters() if not name.startswith("block_heads.")),
        multiplications(used, inputs) // CLIP_FRAMES,
        cpu_ms / CLIP_FRAMES,
        None if gpu_ms is None else gpu_ms / CLIP_FRAMES,
    )


def multiplications(network: nn.Module, inputs: Tensor) -> int:
    """Multiply-accumulates of one call: those of matrix products and convolutions, counted by torch from the shapes
    that occur. What is done element by element (activations, norms, sums, the search for neighbours) is left out, as
    papers do. Attention is counted as its matrix products, whatever kernel runs."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        network(inputs)
    return counter.get_total_flops() // 2


def _milliseconds(network: nn.Module, inputs: Tensor) -> float:
    """The median time of a call, after one that warms up; on a processor, on one thread."""
    with one_thread():
        network(inputs)
        return statistics.median(_timed(network, inputs) for _ in range(REPEATS))


def _timed(network: nn.Module, inputs: Tensor) -> float:
    if inputs.is_cuda:
        torch.cuda.synchronize()
    started = time.perf_counter()
    network(inputs)
    if inputs.is_cuda:
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - started)
