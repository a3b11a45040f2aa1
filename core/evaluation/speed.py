"""The paper's table of speed as ratios: with the search for neighbours, without, and VideoPose3D's 243-frame window.

The paper timed a GTX 1080; times differ from machine to machine, ratios less. VideoPose3D is timed as the paper ran it:
one window of 243 frames for each frame that comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..lifting.alternatives.dilated import DilatedConfig, DilatedNet
from ..lifting.network import DGNet, DGNetConfig
from .cost import CLIP_FRAMES, clip_of_windows, measure_cost
from .report import Table

PAPER_MS = {"DG-Net": 0.51, "DG-Net without KNN": 0.41, "VideoPose3D, 243 frames a frame": 2.33}
_WINDOWS = 64
"""Windows of VideoPose3D that are timed at once."""


@dataclass(frozen=True)
class Speed:
    """Milliseconds a frame on one CPU thread, and on a GPU if there is one."""

    name: str
    cpu_ms: float
    gpu_ms: float | None


def measure_speed(channels: int = 128, blocks: int = 5) -> list[Speed]:
    """The three rows, DG-Net's in windows of T = 4 and folded for use; random weights, which cost what others do."""
    torch.manual_seed(0)
    result = []
    for name, knn in zip(PAPER_MS, (True, False), strict=False):
        network = DGNet(DGNetConfig(channels=channels, blocks=blocks, knn=knn), block_heads=False).eval()
        config = network.config
        cost = measure_cost(network, network.folded(), clip_of_windows(config.frames, len(config.joints), 2))
        result.append(Speed(name, cost.cpu_ms, cost.gpu_ms))
    wide = DilatedConfig(widths=(3,) * 5)
    dilated = _Centres(DilatedNet(wide).folded())
    cost = measure_cost(dilated, dilated, torch.randn(_WINDOWS, wide.receptive_field, len(wide.joints), 2))
    # `measure_cost` divides by the clip's frames; here each window is one frame.
    a_window = CLIP_FRAMES / _WINDOWS
    gpu_ms = None if cost.gpu_ms is None else cost.gpu_ms * a_window
    return [*result, Speed(list(PAPER_MS)[2], cost.cpu_ms * a_window, gpu_ms)]


class _Centres(nn.Module):
    """VideoPose3D in the strided form, which computes no more of a window than its middle frame needs."""

    def __init__(self, network: DilatedNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network.at_centres(inputs)


def speed_table(speeds: list[Speed]) -> Table:
    """Times, and ratios to the first row, beside the paper's."""
    first, paper_first = speeds[0], PAPER_MS["DG-Net"]
    rows = [
        (
            speed.name,
            f"{speed.cpu_ms:.3f}",
            f"{speed.cpu_ms / first.cpu_ms:.2f}",
            "" if speed.gpu_ms is None else f"{speed.gpu_ms:.4f}",
            "" if speed.gpu_ms is None or first.gpu_ms is None else f"{speed.gpu_ms / first.gpu_ms:.2f}",
            f"{PAPER_MS[speed.name]:.2f}",
            f"{PAPER_MS[speed.name] / paper_first:.2f}",
        )
        for speed in speeds
    ]
    columns = ("network", "CPU, ms a frame", "ratio", "GPU, ms a frame", "ratio", "paper, ms a frame", "ratio")
    note = (
        "One CPU thread, and a GPU where there is one, clips of 300 frames; the paper's on a GTX 1080. Without KNN "
        "every joint listens to every other. VideoPose3D is timed as the paper ran it, a window of 243 frames for each "
        "frame that comes out."
    )
    return Table("Speed", columns, tuple(rows), note)
