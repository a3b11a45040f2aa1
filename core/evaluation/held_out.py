"""Recorded movement, filmed once and for all: sequences on which any lifting network can be measured.

Each sequence is one stretch of one take, as it was recorded: a body of its own, one camera, one detector's noise. The
same settings give the same sequences, whatever network is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..jobs import UsageError
from ..lifting.coordinates import balance
from ..lifting.inference import mirror
from ..lifting.normalise import camera_from_view, person_view
from ..lifting.windowing import plan_windows
from ..rotation import Array
from ..skeleton import JointSet
from ..training.bodies import vary_bodies
from ..training.cameras import film
from ..training.mocap import QUANTUM, PackedTakes
from ..training.noise import NoiseModel, observe

SHORTEST_S = 1.0
"""Seconds: shorter stretches are left out."""
CPU_FRAMES, GPU_FRAMES = 512, 16384
"""Frames lifted at once: few enough that their features stay in a CPU's cache, enough to keep a GPU busy."""


@dataclass(frozen=True)
class HeldOut:
    """F frames at a uniform `rate` a second.

    `rays` (F, N, 2): x/z and y/z of the joints as the detector reports them, with its `confidence` (F, N) in [0, 1] and
    its own guess of `depth` (F, N), m behind the pelvis; `joints_camera` (F, N, 3) m: the truth, root-relative, x
    right, y down, z forward.
    """

    rays: Tensor
    confidence: Tensor
    depth: Tensor
    joints_camera: Tensor
    rate: float

    def __len__(self) -> int:
        return len(self.rays)

    def inputs_of(self, cues: tuple[str, ...]) -> Tensor:
        """The cues (F, N, len(cues)) that a network wants to be told."""
        known = {"depth": self.depth, "confidence": self.confidence}
        return torch.stack([known[cue] for cue in cues], -1) if cues else self.rays[..., :0]


def held_out_sequences(
    takes: PackedTakes, part: str, count: int, longest: int, rate: float, noise: NoiseModel, seed: int = 12345
) -> list[HeldOut]:
    """`count` sequences of at most `longest` frames, at `rate` a second, of the takes of `part`; fewer if there are not
    as many. Chosen at random, so that each second of the part is as likely.

    Raises `UsageError` (`no_sequences`) where the part has no take of `SHORTEST_S`.
    """
    stretches = []
    for take in takes.of_part(part):
        frames = int((takes.starts[take + 1] - takes.starts[take] - 1) / takes.rates[take] * rate) + 1
        for first in range(0, frames, longest):
            if min(longest, frames - first) >= SHORTEST_S * rate:
                stretches.append((int(take), first, min(longest, frames - first)))
    if not stretches:
        raise UsageError(
            "no_sequences",
            f"No take of the part {part!r} lasts {SHORTEST_S:g} s.",
            "Use a larger library, or another part of it: train, validation or test.",
        )
    random = np.random.default_rng(seed)
    lengths = np.array([frames for _, _, frames in stretches], float)
    chosen = random.choice(len(stretches), min(count, len(stretches)), replace=False, p=lengths / lengths.sum())
    return [
        _filmed(_cut(takes, stretches[index], rate), rate, noise, torch.Generator().manual_seed(seed + 1 + int(index)))
        for index in sorted(chosen)
    ]


def _cut(takes: PackedTakes, stretch: tuple[int, int, int], rate: float) -> Tensor:
    """(1, F, 26, 3) m in the world, interpolated between the recorded frames; a stretch is a take, its first frame at
    `rate`, and the number of frames."""
    take, first, frames = stretch
    points = takes.points[takes.starts[take] : takes.starts[take + 1]]
    at = np.minimum((first + np.arange(frames)) * takes.rates[take] / rate, len(points) - 1)
    before = at.astype(np.int64)
    after = np.minimum(before + 1, len(points) - 1)
    weight = (at - before)[:, None, None]
    cut = QUANTUM * ((1 - weight) * points[before] + weight * points[after])
    return torch.from_numpy(cut).float()[None]


def _filmed(points: Tensor, rate: float, noise: NoiseModel, generator: torch.Generator) -> HeldOut:
    points = vary_bodies(points, generator)
    joints, rays = film(points, points, generator)
    seen = observe(rays, joints, noise, generator, 1 / rate)
    return HeldOut(seen.rays[0], seen.confidence[0], seen.depth[0], joints[0], rate)


@dataclass(frozen=True)
class Lifter:
    """How a network is used on a sequence. `frames`: of its windows, None for the whole sequence at once; `interval_s`:
    the time between their frames; `overlap`: how many windows see a frame; `flip_average`: the mirror image is lifted
    too; `cues`: what its inputs hold besides the places in the picture; `balanced`: as in `DGNetConfig`."""

    network: nn.Module
    joints: JointSet
    frames: int | None
    interval_s: float
    cues: tuple[str, ...] = ()
    overlap: int = 1
    flip_average: bool = True
    balanced: bool = False

    def lift(self, sequence: HeldOut) -> Array:
        """Joints (F, N, 3) m in the camera's frame, root-relative."""
        device = next(self.network.parameters()).device
        frames = len(sequence)
        times, detected = np.arange(frames) / sequence.rate, np.ones(frames, bool)
        length = self.frames or max(1, round((frames - 1) / (sequence.rate * self.interval_s)) + 1)
        plan = plan_windows(times, detected, length, self.interval_s, self.overlap)
        batch = max(1, (CPU_FRAMES if device.type == "cpu" else GPU_FRAMES) // length)
        cues = sequence.inputs_of(self.cues)
        total = torch.zeros(frames + 1, len(self.joints), 3)  # The last takes what belongs to no frame (-1).
        count = torch.zeros(frames + 1)
        with torch.inference_mode():
            for first in range(0, len(plan), batch):
                part = plan.part(first, first + batch)
                lifted = self._windows(part.sample(sequence.rays).to(device), part.sample(cues).to(device)).cpu()
                owners = torch.from_numpy(part.frames).flatten().remainder(frames + 1)
                total.index_add_(0, owners, lifted.flatten(0, 1))
                count.index_add_(0, owners, torch.ones(len(owners)))
        joints: Array = (total[:-1] / count[:-1, None, None].clamp_min(1)).double().numpy()
        return joints - joints[:, :1]

    def _windows(self, rays: Tensor, cues: Tensor) -> Tensor:
        view = person_view(rays, torch.ones_like(rays[..., 0]))
        inputs = torch.cat([view.inputs, cues], -1)
        output: Tensor = self.network(inputs)
        if self.flip_average:
            counterpart = torch.from_numpy(self.joints.mirror).to(rays.device)
            output = (output + mirror(self.network(mirror(inputs, counterpart)), counterpart)) / 2
        if self.balanced:
            output = balance(output, view.inputs / view.scale[:, None, None, None])
        return camera_from_view(output, view.rotation)
