"""What holds a network back: its errors where keypoints and depths are those detected, such as training makes them up,
and true ones, on the same films.

Where what is made up does better than what was detected, training errs otherwise than the detector does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from ..camera import project
from ..keypoints import Keypoints2D
from ..lifting.device import choose_device
from ..lifting.inference import lift_keypoints
from ..lifting.network import DGNet
from ..reconstruction import OVERLAP
from ..rotation import Array
from ..skeleton import REFERENCE_HEIGHT, body_from_mediapipe
from ..training.noise import NoiseModel, depth_cue, disturb, landmarks
from ..training.pairs import PairClip
from .metrics import mpjpe, pa_mpjpe
from .pairs import compared, frames_compared
from .report import Table

Source = Literal["detected", "made up", "true", "none"]
COMPARED: tuple[tuple[Source, Source], ...] = (
    ("detected", "detected"),
    ("detected", "none"),
    ("detected", "made up"),
    ("detected", "true"),
    ("made up", "detected"),
    ("made up", "none"),
    ("made up", "made up"),
    ("true", "true"),
)
"""Where places in the picture and depths come from."""


@dataclass(frozen=True)
class InputErrors:
    """MPJPE and PA-MPJPE in mm of one film, for each of `COMPARED`."""

    mpjpe: tuple[float, ...]
    pa_mpjpe: tuple[float, ...]


def measure_inputs(clip: PairClip, network: DGNet, seed: int = 0, device: str = "auto") -> InputErrors:
    """The errors on one film, over the frames in which somebody was detected.

    Raises `MotionLiftError` (`bad_pairs`) where nobody was, or not with the detector's own 3D.
    """
    seen, _ = frames_compared(clip)
    truth = compared(clip.joints_camera[seen])
    errors, aligned = [], []
    for places, depths in COMPARED:
        given = altered(clip, places, depths, seed)
        lifted = lift_keypoints(given, clip.camera_K, network, choose_device(device), True, OVERLAP)
        points = compared(lifted[seen])
        errors.append(1000 * float(mpjpe(points, truth).mean()))
        aligned.append(1000 * float(pa_mpjpe(points, truth).mean()))
    return InputErrors(tuple(errors), tuple(aligned))


def altered(clip: PairClip, places: Source, depths: Source, seed: int = 0) -> Keypoints2D:
    """A film's keypoints with other places in the picture and other depths; the same seed makes up the same."""
    keypoints = clip.keypoints
    generator = torch.Generator().manual_seed(seed)
    noise = NoiseModel()
    step = float(np.median(np.diff(keypoints.times))) if len(keypoints.times) > 1 else 1.0
    # Of one of the noise's size, as training has it: seen alike, since everything is smaller by the same.
    joints = _tensor(clip.joints_camera * (REFERENCE_HEIGHT / clip.height))
    root = joints[:, :, :1]
    if places in ("made up", "true"):
        seen = joints if places == "true" else root + landmarks(joints - root, noise, generator)
        rays = seen[..., :2] / seen[..., 2:].clamp_min(0.1)
        if places == "made up":
            rays = disturb(rays, joints - root, noise, step, generator)
        ahead = np.concatenate([rays[0].double().numpy(), np.ones((*rays.shape[1:3], 1))], -1)
        pixels = project(ahead, clip.camera_K)
        keypoints = replace(keypoints, pixels=np.where(keypoints.detected[:, None, None], pixels, np.nan))
    if depths == "none":
        return replace(keypoints, world_landmarks=None)
    if depths in ("made up", "true"):
        told = depth_cue(joints - root, noise, step, generator) if depths == "made up" else (joints - root)[..., 2]
        world = np.zeros((len(clip), body_from_mediapipe().shape[1], 3))
        # The landmarks of which the joints' depths are made, nearly: some joints lie between others.
        world[..., 2] = told[0].double().numpy() @ np.linalg.pinv(body_from_mediapipe()).T
        keypoints = replace(keypoints, world_landmarks=world)
    return keypoints


def inputs_table(clips: Sequence[InputErrors], weights: str) -> Table:
    """A row for each of `COMPARED`, the mean over films."""
    joint, aligned = (np.mean([getattr(clip, name) for clip in clips], axis=0) for name in ("mpjpe", "pa_mpjpe"))
    rows = tuple(
        (places, depths, float(a), float(b)) for (places, depths), a, b in zip(COMPARED, joint, aligned, strict=True)
    )
    note = f"mm, mean over {len(clips)} films, as lifted. Weights: {weights}."
    return Table("Errors by what the network is told", ("places", "depths", "MPJPE", "PA-MPJPE"), rows, note)


def _tensor(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.nan_to_num(values)[None]).float()
