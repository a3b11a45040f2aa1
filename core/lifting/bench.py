"""How fast DG-Net is: milliseconds a frame of networks of every configuration, of whole lifting, and of training.

Weights are random, with BatchNorm statistics that fit them: speed does not depend on what was learned. On a CPU the
process's own processor time is counted, so that other work on the machine disturbs little; elsewhere the clock.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..camera import intrinsics
from ..jobs import MotionLiftError
from ..keypoints import Keypoints2D
from .config import DGNetConfig
from .device import Precision, matrix_products
from .inference import lift_keypoints
from .loss import training_loss
from .network import DGNet

PICTURE = (1280, 720)
CPU_FRAMES, GPU_WINDOWS = 128, 512
"""How many frames a CPU, how many windows a GPU is given at once."""

_LEAST = 0.1
"""Seconds that are measured at least: Windows counts a process's time in steps of 16 ms."""

PAPER_MS = {True: 0.51, False: 0.41}
"""The paper's milliseconds a frame on a GTX 1080, with and without KNN (and 2.33 for VideoPose3D)."""

COMPACT = DGNetConfig(joint_set="body_26", channels=64, blocks=3, frame_interval_s=1 / 15, balanced=False)
CONFIGURATIONS: dict[str, DGNetConfig] = {
    "dgnet-paper": DGNetConfig(),
    "no KNN": DGNetConfig(knn=False),
    "fixed": DGNetConfig(style="fixed"),
    "unified": DGNetConfig(factorised=False),
    "no non-local": DGNetConfig(non_local=False),
    "3 blocks": DGNetConfig(blocks=3),
    "64 channels, 3 blocks, body_26": COMPACT,
    "64 channels, 3 blocks, no KNN": dataclasses.replace(COMPACT, knn=False),
}
"""What is measured unless asked otherwise: the paper's network, one setting changed at a time, and a compact one."""


@dataclass(frozen=True)
class Timing:
    """One measurement: `milliseconds` a frame of a network on `frames` frames in windows of `length`; its `parameters`
    without block heads, as in use."""

    name: str
    parameters: int
    device: str
    precision: Precision
    compiled: bool
    length: int
    frames: int
    milliseconds: float


@dataclass(frozen=True)
class Bench:
    """How measurements are made: on `device`, with `threads` CPU threads (as set by the caller), the best of
    `repeats`."""

    device: torch.device
    precision: Precision = "exact"
    compiled: bool = False
    repeats: int = 3

    def network(self, name: str, config: DGNetConfig, length: int, frames: int) -> Timing:
        """The network alone, folded, on about `frames` frames in windows of `length` (of the configuration's, with an
        encoder). Raises `MotionLiftError` (`compile_failed`) where PyTorch cannot compile it."""
        model = ready(config)
        length = config.frames if config.encoder_width else length
        windows = max(1, round(frames / length)) if self.device.type == "cpu" else GPU_WINDOWS
        at_once = max(1, CPU_FRAMES // length) if self.device.type == "cpu" else GPU_WINDOWS
        folded = (model.in_bfloat16() if self.precision == "bfloat16" else model.folded()).to(self.device)
        run = self._compiled(folded) if self.compiled else folded
        # All batches of one size, or each other size would be compiled on its own.
        batches = max(1, round(windows / at_once))
        inputs = torch.randn(min(at_once, windows), length, len(config.joints), config.channels_in, device=self.device)

        def work() -> None:
            for _ in range(batches):
                run(inputs)

        with torch.inference_mode(), matrix_products(self.precision, self.device):
            spent = self.seconds(work)
        count = batches * len(inputs) * length
        parameters = size(model) - size(model.block_heads)
        return Timing(name, parameters, str(self.device), self.precision, self.compiled, length, count,
                      1000 * spent / count)  # fmt: skip

    def lifting(self, config: DGNetConfig, frames: int, fps: float, flip: bool, overlap: int | None) -> float:
        """Milliseconds a frame of `inference.lift_keypoints` on a clip of so many frames."""
        model, keypoints, camera_K = ready(config).folded(), made_up_keypoints(frames, fps), intrinsics(PICTURE)

        def work() -> None:
            lift_keypoints(keypoints, camera_K, model, self.device, flip, overlap, precision=self.precision)

        return 1000 * self.seconds(work) / frames

    def training(self, config: DGNetConfig, windows: int = 64) -> float:
        """Frames a second forward and backward, in windows of the configuration's length."""
        model = ready(config).to(self.device).train()
        shape = (windows, config.frames, len(config.joints))
        inputs = torch.randn(*shape, config.channels_in, device=self.device)
        targets = torch.randn(*shape, 3, device=self.device)

        def work() -> None:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
                output, blocks = model.forward_with_blocks(inputs)
            torch.autograd.backward(training_loss(output.float(), [block.float() for block in blocks], targets))

        with matrix_products(self.precision, self.device):
            return windows * config.frames / self.seconds(work)

    def seconds(self, work: Callable[[], object]) -> float:
        """The shortest of several runs after one to warm up: processor time a thread on a CPU, else by the clock.

        What takes less than `_LEAST` is done over and over in each run.
        """
        on_cpu = self.device.type == "cpu"
        clock = time.process_time if on_cpu else time.perf_counter

        def run(times: int) -> float:
            before = clock()
            for _ in range(times):
                work()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            elif self.device.type == "mps":
                torch.mps.synchronize()
            return clock() - before

        run(1)
        times = 1
        while (spent := run(times)) < _LEAST:
            times *= 2
        spent = min([spent, *(run(times) for _ in range(self.repeats - 1))])
        return spent / times / (torch.get_num_threads() if on_cpu else 1)

    def _compiled(self, network: DGNet) -> Callable[[Tensor], Tensor]:
        compiled: Callable[[Tensor], Tensor] = torch.compile(network)

        def run(inputs: Tensor) -> Tensor:
            try:
                return compiled(inputs)
            except RuntimeError as error:
                raise MotionLiftError(
                    "compile_failed",
                    f"PyTorch {torch.__version__} cannot compile the network here: {str(error).splitlines()[0]}",
                    "It needs a C++ compiler for a CPU and Triton for a GPU; MotionLift itself never compiles.",
                ) from error

        return run


def ready(config: DGNetConfig) -> DGNet:
    """A network with random weights and BatchNorm statistics that fit them, in evaluation mode."""
    torch.manual_seed(0)
    model = DGNet(config)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(32, config.frames, len(config.joints), config.channels_in))
    return model.eval()


def size(model: nn.Module) -> int:
    """The number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def made_up_keypoints(frames: int, fps: float) -> Keypoints2D:
    """A `BODY_26` figure swaying slowly."""
    random = np.random.default_rng(0)
    times = np.arange(frames) / fps
    pixels = random.uniform(200, 500, (26, 2)) + 20 * np.sin(times[:, None, None] + random.uniform(0, 6, (26, 2)))
    return Keypoints2D(times, pixels, np.full((frames, 26), 0.9), np.ones(frames, bool), PICTURE)
