"""Training windows from pairs: what a real detector made of films whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..camera import rays
from ..lifting.config import Cue
from ..lifting.inference import mirror
from ..lifting.normalise import camera_from_view, person_view
from ..skeleton import BODY_26, REFERENCE_HEIGHT, body_from_mediapipe
from .cameras import FOCAL_SPREAD, ROLL_SPREAD
from .noise import NoiseModel, disturb
from .pairs import PairClip
from .windows import Windows, sometimes_unknown

TREMBLE = replace(NoiseModel.none(), place=0.005, wander=0.004, wander_s=0.28, jitter=0.001)
"""A little more than was seen, anew in each draw, so that films are not learned by heart."""


class PairSource:
    """Draws windows of `frames` samples, `interval_s` apart, in which the person was detected throughout.

    Each draw mirrors half of them, rolls the camera, and errs on the lens and a little on the keypoints. `cues` are the
    detector's own. The same `seed` draws the same windows.
    """

    def __init__(
        self, clips: Sequence[PairClip], frames: int, interval_s: float, generator: torch.Generator, cues: Sequence[Cue]
    ) -> None:
        self.generator, self.cues, self.interval_s = generator, tuple(cues), interval_s
        device = generator.device
        seen, depths, sure, joints, starts, steps, first = [], [], [], [], [], [], 0
        for clip in clips:
            keypoints = clip.keypoints
            step = interval_s / float(np.median(np.diff(keypoints.times)))
            good = keypoints.detected & np.isfinite(clip.joints_camera).all((1, 2))
            span = int(np.ceil(step * (frames - 1) - 1e-6)) + 1
            if len(good) < span or keypoints.world_landmarks is None:
                continue
            whole = np.lib.stride_tricks.sliding_window_view(good, span).all(-1)
            starts.append(first + np.flatnonzero(whole))
            steps.append(np.full(len(starts[-1]), step))
            depth = keypoints.world_landmarks[..., 2] @ body_from_mediapipe().T
            seen.append(np.nan_to_num(rays(keypoints.pixels, clip.camera_K)[..., :2]))
            depths.append(np.nan_to_num(depth - depth[:, :1]))
            sure.append(keypoints.confidence)
            root = clip.joints_camera[:, :1]
            joints.append(np.nan_to_num(clip.joints_camera - root) * (REFERENCE_HEIGHT / clip.height))
            first += len(good)
        self._rays, self._depths, self._sure, self._joints = (
            torch.from_numpy(np.concatenate(values)).float().to(device) if values else torch.zeros(0)
            for values in (seen, depths, sure, joints)
        )
        self._starts = torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *starts])).to(device)
        self._steps = torch.from_numpy(np.concatenate([np.zeros(0), *steps])).float().to(device)
        self._taps = torch.arange(frames, device=device)
        self._mirror = torch.from_numpy(BODY_26.mirror).to(device)

    def __len__(self) -> int:
        """The number of windows there are, before anything is varied."""
        return len(self._starts)

    def draw(self, count: int) -> Windows:
        """`count` windows as `WindowSource.draw` gives them."""
        generator = self.generator
        chosen = torch.randint(len(self), (count,), generator=generator, device=generator.device)
        at = self._steps[chosen, None] * self._taps
        lower = (at + 1e-4).floor()
        weight = (at - lower).clamp_min(0)
        before = self._starts[chosen, None] + lower.long()
        after = before + (weight > 1e-3)

        def sampled(values: Tensor) -> Tensor:
            return torch.lerp(values[before], values[after], weight.view(*weight.shape, *[1] * (values.dim() - 1)))

        seen, joints = sampled(self._rays), sampled(self._joints)
        flip = torch.rand(count, 1, 1, generator=generator, device=generator.device) < 0.5
        seen = torch.where(flip[..., None], mirror(seen, self._mirror), seen)
        joints = torch.where(flip[..., None], mirror(joints, self._mirror), joints)
        roll = ROLL_SPREAD * torch.randn(count, generator=generator, device=generator.device)
        focal_error = (FOCAL_SPREAD * torch.randn(count, generator=generator, device=generator.device)).exp()
        seen, joints = _rolled(seen, roll) * focal_error[:, None, None, None], _rolled(joints, roll)
        seen = disturb(seen, joints, TREMBLE, self.interval_s, generator)
        view = person_view(seen, torch.ones_like(seen[..., 0]))
        told = []
        for cue in self.cues:
            value = sampled(self._depths if cue == "depth" else self._sure)
            value = torch.where(flip, value[:, :, self._mirror], value)
            told.append(sometimes_unknown(value, generator) if cue == "depth" else value)
        inputs = torch.cat([view.inputs, *(cue[..., None] for cue in told)], -1)
        targets = camera_from_view(joints, view.rotation.mT)
        return Windows(inputs, targets, torch.ones_like(targets[..., 0]))


def _rolled(values: Tensor, roll: Tensor) -> Tensor:
    """Values (B, T, N, 2 or 3) turned about the optical axis by `roll` (B,) rad."""
    cos, sin = roll.cos()[:, None, None], roll.sin()[:, None, None]
    x, y = values[..., 0], values[..., 1]
    return torch.cat([torch.stack([cos * x - sin * y, sin * x + cos * y], -1), values[..., 2:]], -1)
