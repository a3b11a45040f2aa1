"""Training windows drawn from packed takes on the device: no loader, nothing is ever waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..lifting.config import Cue
from ..lifting.inference import mirror
from ..lifting.normalise import camera_from_view, person_view
from ..skeleton import BODY_26
from .bodies import vary_bodies
from .cameras import film
from .mixing import mix_limbs, turn_limbs
from .mocap import QUANTUM, PackedTakes
from .noise import NoiseModel, confidence, depth_cue, disturb, landmarks

SPEED_SPREAD = 0.15
"""Standard deviation of the log of the speed at which a window is played."""


CUE_DROPOUT = 0.15
"""Share of windows without the depth cue, so that the network also does without."""


class Windows(NamedTuple):
    """`inputs` (B, T, 26, 2 + cues): places as `person_view` gives them, then cues; `targets` (B, T, 26, 3) m,
    root-relative, in the view's frame; `weight` (B, T, 26): how much each joint's error counts."""

    inputs: Tensor
    targets: Tensor
    weight: Tensor


def sometimes_unknown(cue: Tensor, generator: torch.Generator) -> Tensor:
    """A cue (B, T, N), zero in `CUE_DROPOUT` of the windows."""
    known = torch.rand(len(cue), 1, 1, generator=generator, device=generator.device) >= CUE_DROPOUT
    return cue * known


class WindowSource:
    """Draws windows of `frames` samples, `interval_s` apart, from some takes of a packed set, with `cues`.

    Every draw has bodies, cameras, speed and detector noise of its own. The same `seed` draws the same windows.
    """

    def __init__(
        self,
        takes: PackedTakes,
        which: NDArray[np.int64],
        frames: int,
        interval_s: float,
        seed: int,
        device: str,
        cues: Sequence[Cue] = (),
    ) -> None:
        self.cues = tuple(cues)
        self.frames, self.interval_s, self.device = frames, interval_s, device
        self._points = torch.from_numpy(takes.points).to(device)
        self._starts = torch.from_numpy(takes.starts[which]).to(device)
        self._lengths = torch.from_numpy(np.diff(takes.starts)[which]).to(device)
        self._rates = torch.from_numpy(takes.rates[which]).float().to(device)
        self._share = (self._lengths / self._rates).float()
        self._mirror = torch.from_numpy(BODY_26.mirror).to(device)
        self.generator = torch.Generator(device).manual_seed(seed)

    def draw(self, count: int, noise: NoiseModel) -> Windows:
        """`count` fresh windows."""
        points = mix_limbs(self._mirrored(self._cut(count)), self.generator)
        points = vary_bodies(turn_limbs(points, self.generator), self.generator)
        joints, rays = film(points, landmarks(points, noise, self.generator), self.generator)
        seen = disturb(rays, joints, noise, self.interval_s, self.generator)
        view = person_view(seen, torch.ones_like(seen[..., 0]))
        targets = camera_from_view(joints, view.rotation.mT)
        told = []
        for cue in self.cues:
            if cue == "depth":
                depth = depth_cue(targets, noise, self.interval_s, self.generator)
                told.append(sometimes_unknown(depth, self.generator))
            else:
                told.append(confidence(seen - rays, joints, rays, noise, self.generator))
        inputs = torch.cat([view.inputs, *(cue[..., None] for cue in told)], -1)
        return Windows(inputs, targets, torch.ones_like(targets[..., 0]))

    def _cut(self, count: int) -> Tensor:
        """Windows (B, T, 26, 3) m in the world, interpolated between recorded frames, held at a take's end."""
        generator, device = self.generator, self.device
        take = torch.multinomial(self._share, count, replacement=True, generator=generator)
        speed = (SPEED_SPREAD * torch.randn(count, generator=generator, device=device)).exp()
        step = self.interval_s * speed * self._rates[take]
        last = (self._lengths[take] - 1).float()
        room = (last - step * (self.frames - 1)).clamp_min(0)
        first = room * torch.rand(count, generator=generator, device=device)
        at = first[:, None] + step[:, None] * torch.arange(self.frames, device=device)
        at = torch.minimum(at, last[:, None])
        lower = at.floor()
        weight = (at - lower)[..., None, None]
        upper = torch.minimum(lower + 1, last[:, None])
        start = self._starts[take][:, None]
        before = self._points[start + lower.long()].float()
        after = self._points[start + upper.long()].float()
        return QUANTUM * torch.lerp(before, after, weight)

    def _mirrored(self, points: Tensor) -> Tensor:
        """Every other window, at random, reflected."""
        flip = torch.rand(len(points), 1, 1, 1, generator=self.generator, device=self.device) < 0.5
        return torch.where(flip, mirror(points, self._mirror), points)
