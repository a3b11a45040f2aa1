"""How fast DG-Net is: milliseconds a frame of the network, of whole inference, and frames a second of training.

Run by hand: `python tests/benchmarks/lifting_speed.py [--threads 1] [--device cpu]`. CPU seconds of this process are
counted on a CPU, so that other work on the machine disturbs little; the best of several runs is shown.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from motionlift.core.camera import intrinsics
from motionlift.core.lifting.device import choose_device
from motionlift.core.lifting.inference import lift_keypoints
from motionlift.core.lifting.loss import training_loss
from motionlift.core.lifting.network import DGNet, DGNetConfig
from motionlift.core.motion import Keypoints2D

FRAMES = 300
SIZES = ((64, 3), (128, 5))
SIZE = (1280, 720)
log = logging.getLogger("lifting_speed")


def seconds(run: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    """The shortest of several runs after one to warm up: CPU time a thread on a CPU, wall time elsewhere."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    times = []
    for _ in range(repeats + 1):
        before = clock()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(clock() - before)
    share = torch.get_num_threads() if device.type == "cpu" else 1
    return min(times[1:]) / share


def network(channels: int, blocks: int) -> DGNet:
    """A network with random weights and BatchNorm statistics that fit them."""
    torch.manual_seed(0)
    model = DGNet(DGNetConfig(joint_set="body_26", channels=channels, blocks=blocks,
                              frame_interval_s=1 / 15, balanced=False))  # fmt: skip
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(32, 4, 26, 2))
    return model.eval()


def keypoints(fps: float) -> Keypoints2D:
    random = np.random.default_rng(0)
    times = np.arange(FRAMES) / fps
    pixels = random.uniform(200, 500, (26, 2)) + 20 * np.sin(times[:, None, None] + random.uniform(0, 6, (26, 2)))
    return Keypoints2D(times, pixels, np.full((FRAMES, 26), 0.9), np.ones(FRAMES, bool), SIZE)


def measure(channels: int, blocks: int, device: torch.device) -> None:
    model = network(channels, blocks).to(device)
    name = f"{channels} channels, {blocks} blocks"
    with torch.inference_mode():
        for length, batch in ((4, 16), (FRAMES, 1)):
            windows = torch.randn(batch, length, 26, 2, device=device)
            for form, net in (("plain", model), ("folded", model.folded())):
                spent = seconds(lambda net=net, windows=windows: net(windows), device)  # type: ignore[misc]
                log.info("%s: %s, T = %d: %.3f ms/frame", name, form, length, 1000 * spent / (batch * length))
    for fps in (30.0, 25.0):
        for flip, overlap in ((False, 1), (True, 1), (True, 2), (True, None)):
            spent = seconds(
                lambda fps=fps, flip=flip, overlap=overlap: lift_keypoints(  # type: ignore[misc]
                    keypoints(fps), intrinsics(SIZE), model, device, flip, overlap
                ),
                device, 2,
            )  # fmt: skip
            log.info("%s: lift at %g fps, flip %s, overlap %s: %.2f ms/frame",
                     name, fps, flip, overlap or "all", 1000 * spent / FRAMES)  # fmt: skip
    inputs, targets = torch.randn(64, 4, 26, 2, device=device), torch.randn(64, 4, 26, 3, device=device)
    model.train()
    for half in (False, True):

        def step(half: bool = half) -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                output, outputs = model.forward_with_blocks(inputs)
            training_loss(output.float(), [o.float() for o in outputs], targets).backward()  # type: ignore[no-untyped-call]

        log.info("%s: forward and backward, %s: %.0f frames/s",
                 name, "bfloat16" if half else "single", 256 / seconds(step, device, 3))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(arguments.threads)
    for channels, blocks in SIZES:
        measure(channels, blocks, choose_device(arguments.device))


if __name__ == "__main__":
    main()
