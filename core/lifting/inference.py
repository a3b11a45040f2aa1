"""One person's keypoints lifted to 3D: windows at the trained spacing, whatever the video's rate, averaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..camera import rays as camera_rays
from ..motion import Keypoints2D
from ..rotation import Array
from ..skeleton import body_from_mediapipe
from .coordinates import balance
from .network import DGNet, DGNetConfig
from .normalise import camera_from_view, person_view
from .windowing import fill_gaps, plan_windows

GPU_BATCH, CPU_BATCH = 512, 16
"""Windows lifted at once: enough to keep a GPU busy; few enough that their features stay in a CPU's cache."""


def lift_keypoints(
    keypoints: Keypoints2D,
    camera_K: Array,
    model: DGNet,
    device: torch.device | str = "cpu",
    flip_average: bool = True,
    overlap: int | None = None,
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """DG-Net's joints (F, N, 3): metres in the camera's frame, relative to the first joint, of a body that stands
    `REFERENCE_HEIGHT` tall; NaN in frames without a detection and finite in all others.

    Each frame is seen by several windows, at different places within them, and their predictions are averaged:
    by `overlap` windows, all that there are by default (see `windowing.plan_windows`). `camera_K` (3, 3) in pixels;
    `model` in any form, a copy is folded and moved to `device`; `flip_average` also lifts the mirror image and
    averages; `batch`: windows at once; `progress` gets the windows done and their number.
    """
    pixels = fill_gaps(keypoints.times, keypoints.pixels, keypoints.detected)
    config = model.config
    plan = plan_windows(keypoints.times, keypoints.detected, config.frames, config.frame_interval_s, overlap)
    batch = batch or (CPU_BATCH if torch.device(device).type == "cpu" else GPU_BATCH)
    joints = pixels.shape[1]
    rays = torch.from_numpy(camera_rays(pixels, camera_K)[..., :2]).float()
    confidence = fill_gaps(keypoints.times, keypoints.confidence[..., None], keypoints.detected)[..., 0]
    seen = torch.from_numpy(confidence).float()
    cues = torch.from_numpy(_cues(keypoints, config)).float()
    network = model.folded().to(device)

    # A last place takes the predictions that belong to no frame (-1).
    total = torch.zeros(len(pixels) + 1, joints, 3)
    count = torch.zeros(len(pixels) + 1)
    with torch.inference_mode():
        for first in range(0, len(plan), batch):
            part = plan.part(first, first + batch)
            predicted = _lift_windows(
                network,
                part.sample(rays).to(device),
                part.sample(seen).to(device),
                part.sample(cues).to(device),
                flip_average,
            ).cpu()
            frames = torch.from_numpy(part.frames).flatten().remainder(len(count))
            total.index_add_(0, frames, predicted.flatten(0, 1))
            count.index_add_(0, frames, torch.ones(len(frames)))
            if progress is not None:
                progress(first + len(part), len(plan))
    lifted: Array = (total[:-1] / count[:-1, None, None].clamp_min(1)).double().numpy()
    lifted -= lifted[:, :1]
    lifted[~keypoints.detected] = np.nan
    return lifted


def _cues(keypoints: Keypoints2D, config: DGNetConfig) -> Array:
    """What the network wants to be told besides places (F, N, cues); 0 where it is not known."""
    frames, joints = keypoints.pixels.shape[:2]
    cues = np.zeros((frames, joints, len(config.cues)))
    if "depth" in config.cues and keypoints.world_landmarks is not None:
        depth = keypoints.world_landmarks[..., 2] @ body_from_mediapipe().T
        depth = fill_gaps(keypoints.times, (depth - depth[:, :1])[..., None], keypoints.detected)[..., 0]
        cues[..., config.cues.index("depth")] = np.nan_to_num(depth)
    return cues


def _lift_windows(network: DGNet, rays: Tensor, confidence: Tensor, cues: Tensor, flip_average: bool) -> Tensor:
    """Joints (B, T, N, 3) in the camera's frame of windows of rays (B, T, N, 2)."""
    # As in training: weighting by confidence here made rendered clips worse (MPJPE 84 mm against 80).
    view = person_view(rays, torch.ones_like(confidence))
    inputs = torch.cat([view.inputs, cues], -1)
    if flip_average:
        joints = torch.from_numpy(network.config.joints.mirror).to(inputs.device)
        straight, mirrored = network(torch.cat([inputs, mirror(inputs, joints)])).chunk(2)
        output = (straight + mirror(mirrored, joints)) / 2
    else:
        output = network(inputs)
    if network.config.balanced:
        output = balance(output, view.inputs / view.scale[:, None, None, None], weight=confidence)
    return camera_from_view(output, view.rotation)


def mirror(points: Tensor, counterpart: Tensor) -> Tensor:
    """Points (..., N, D) reflected in x, each joint exchanged with its `counterpart` (N,)."""
    sign = torch.ones(points.shape[-1], device=points.device, dtype=points.dtype)
    sign[0] = -1
    return points[..., counterpart, :] * sign
