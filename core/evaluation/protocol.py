"""The paper's protocol: how recordings train a network and how it is measured on others.

A window is T frames that follow each other, in the picture's coordinates; the truth is metres in the camera's frame
from the root. Where the configuration balances coordinates, the output is averaged with its reprojection: at the true
depth of the root in training, in the test at the depth that fits best, so the test sees 2D and the lens only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..lifting.coordinates import balance
from ..lifting.inference import mirror
from ..lifting.loss import training_loss
from ..lifting.network import DGNet
from ..rotation import Array
from ..skeleton import JointSet
from ..training.windows import Windows
from .datasets.recording import Recording

OVERLAP = 2
"""Predictions of a frame in the test, by different windows, that are averaged."""
GPU_BATCH, CPU_BATCH = 4096, 64


class Given(NamedTuple):
    """What the inputs (B, T, N, 5) of a window hold: `screen` and `rays` (B, T, N, 2), `depth` (B, T) m of the root."""

    screen: Tensor
    rays: Tensor
    depth: Tensor

    @staticmethod
    def of(inputs: Tensor) -> Given:
        return Given(inputs[..., :2], inputs[..., 2:4], inputs[..., 0, 4])


class RecordingWindows:
    """Draws training windows from recordings that lie on the device as a whole: no loader, nothing is waited for.

    Every window of `frames` valid frames is as likely as any other; every other window, at random, is mirrored. A
    recording shorter than a window is held at its end. `noise` pixels disturb the 2D, anew in each draw.
    """

    def __init__(
        self, recordings: Sequence[Recording], joints: JointSet, frames: int, seed: int, device: str, noise: float = 0.0
    ) -> None:
        inputs, targets, starts, first = [], [], [], 0
        for recording in recordings:
            held = np.minimum(np.arange(max(len(recording), frames)), len(recording) - 1)
            depth = np.broadcast_to(recording.root_depth[held, None, None], (len(held), len(joints), 1))
            inputs.append(np.concatenate([recording.screen[held], recording.rays[held], depth], -1))
            targets.append(recording.joints_camera[held])
            whole = np.lib.stride_tricks.sliding_window_view(recording.valid[held], frames).all(-1)
            starts.append(first + np.flatnonzero(whole))
            first += len(held)
        self._inputs = torch.from_numpy(np.concatenate(inputs)).to(device)
        self._targets = torch.from_numpy(np.concatenate(targets)).to(device)
        self._starts = torch.from_numpy(np.concatenate(starts)).to(device)
        self._frames = torch.arange(frames, device=device)
        self._mirror = torch.from_numpy(joints.mirror).to(device)
        self._noise = noise * 2 / recordings[0].width
        self.generator = torch.Generator(device).manual_seed(seed)

    def __len__(self) -> int:
        """The number of windows."""
        return len(self._starts)

    def draw(self, count: int) -> Windows:
        """`count` windows: inputs (B, T, N, 5), see `Given`; targets (B, T, N, 3) m."""
        device, generator = self._inputs.device, self.generator
        chosen = torch.randint(len(self._starts), (count,), generator=generator, device=device)
        frames = self._starts[chosen, None] + self._frames
        inputs, targets = self._inputs[frames], self._targets[frames]
        if self._noise:
            # The lenses are nearly the same, so a ray is as many times smaller than its place on the screen.
            error = self._noise * torch.randn(*inputs.shape[:-1], 2, generator=generator, device=device)
            ratio = inputs[..., 2:4].std() / inputs[..., :2].std()
            inputs = torch.cat([inputs[..., :2] + error, inputs[..., 2:4] + ratio * error, inputs[..., 4:]], -1)
        flip = torch.rand(count, 1, 1, 1, generator=generator, device=device) < 0.5
        inputs = torch.where(flip, mirrored(inputs, self._mirror), inputs)
        targets = torch.where(flip, mirrored(targets, self._mirror), targets)
        return Windows(inputs, targets, torch.ones_like(targets[..., 0]))


def mirrored(values: Tensor, counterpart: Tensor) -> Tensor:
    """Inputs (..., N, 5) or joints (..., N, 3) reflected in x, each joint exchanged with its `counterpart` (N,)."""
    if values.shape[-1] != 5:
        return mirror(values, counterpart)
    screen, rays, depth = torch.split(values, [2, 2, 1], -1)
    return torch.cat([mirror(screen, counterpart), mirror(rays, counterpart), depth[..., counterpart, :]], -1)


def protocol_loss(network: nn.Module, windows: Windows) -> Tensor:
    """The paper's loss (eq. 17, or 15 where the configuration says so) on windows of `RecordingWindows`."""
    assert isinstance(network, DGNet)
    given = Given.of(windows.inputs)
    output, blocks = network.forward_with_blocks(given.screen)
    if network.config.balanced:
        output = balance(output, given.rays, given.depth)
        blocks = [balance(block, given.rays, given.depth) for block in blocks]
    return training_loss(output, blocks, windows.targets, windows.weight)


@torch.inference_mode()
def predict(network: DGNet, recording: Recording, device: str = "cpu") -> Array:
    """Joints (F, N, 3) m from the root, in the camera's frame, that the network finds in a recording's 2D alone.

    Windows of the trained length; `OVERLAP` predictions of a frame, and those of the mirror image, are averaged.
    `network` in evaluation mode on `device`.
    """
    frames, length = network.config.frames, len(recording)
    hop = max(1, frames // OVERLAP)
    last = max(length - frames, 0)
    starts = np.unique(np.append(np.arange(0, last + 1, hop), last))
    taps = torch.from_numpy(starts[:, None] + np.arange(frames))
    screen, rays = torch.from_numpy(recording.screen), torch.from_numpy(recording.rays)
    counterpart = torch.from_numpy(network.config.joints.mirror).to(device)
    total = torch.zeros(max(length, frames), screen.shape[1], 3)
    count = torch.zeros(max(length, frames), 1, 1)
    for part in torch.split(taps, CPU_BATCH if torch.device(device).type == "cpu" else GPU_BATCH):
        held = part.clamp_max(length - 1)
        seen, seen_rays = screen[held].to(device), rays[held].to(device)
        straight, reflected = network(torch.cat([seen, mirrored(seen, counterpart)])).chunk(2)
        output = (straight + mirrored(reflected, counterpart)) / 2
        if network.config.balanced:
            output = balance(output, seen_rays)
        total.index_add_(0, part.flatten(), output.flatten(0, 1).float().cpu())
        count.index_add_(0, part.flatten(), torch.ones(part.numel(), 1, 1))
    found: Array = (total / count)[:length].double().numpy()
    return found - found[:, :1]
