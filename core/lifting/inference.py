"""One person's keypoints lifted to 3D: windows at the trained spacing, whatever the video's rate, averaged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..camera import rays as camera_rays
from ..jobs import UsageError
from ..keypoints import Keypoints2D
from ..rotation import Array
from ..skeleton import MEDIAPIPE_33, body_from_mediapipe
from ..threads import one_thread
from .coordinates import balance
from .device import Precision, matrix_products
from .network import DGNet, DGNetConfig
from .normalise import PersonView, camera_from_view, person_view
from .windowing import WindowPlan, fill_gaps, plan_windows

GPU_BATCH, CPU_BATCH = 512, 4
"""Windows lifted at once: enough to keep a GPU busy; few enough that their features stay in a CPU's cache, and that
most of them are the same when a clip has grown (`lifting.remembered`)."""

GUESSES, GUESS_BATCH = 8, 64
"""Guesses of an encoder that are averaged a frame, at least, and its windows at once on a CPU. A frame is guessed
differently at each place within a window: eight guesses err by 4 % less than one, sixteen no less than eight."""

Part = Literal["whole", "guess", "correction"]
"""Of a network: where it has an encoder, that one's guess, and what the graphs add to it."""
Predict = Callable[[Tensor], Tensor]
"""From windows of `_values` (B, T, N, C) to joints (B, T, N, 3) in the camera's frame, both on the CPU."""


@dataclass(frozen=True)
class Pass:
    """A clip lifted by `predict`, that `part` of a network, `batch` windows at once; the predictions of a frame, by
    `overlap` windows (all where None), are averaged."""

    part: Part
    predict: Predict
    overlap: int | None
    batch: int


def lift_keypoints(
    keypoints: Keypoints2D,
    camera_K: Array,
    model: DGNet,
    device: torch.device | str = "cpu",
    flip_average: bool = True,
    overlap: int | None = None,
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    precision: Precision = "exact",
    threads: int = 1,
) -> Array:
    """DG-Net's joints (F, N, 3): metres in the camera's frame, relative to the first joint, of a body that stands
    `REFERENCE_HEIGHT` tall; NaN in frames without a detection and finite in all others.

    Each frame is seen by several windows, at different places within them, and their predictions are averaged:
    by `overlap` windows, all that there are by default (see `windowing.plan_windows`), of an encoder's guesses, which
    cost little, `GUESSES` at least. `camera_K` (3, 3) in pixels; `model` in any form, a copy is folded and moved to
    `device`; `flip_average` also lifts the mirror image and averages, of networks with an encoder its guesses; `batch`:
    windows at once; `progress` gets the windows done and their number; `precision`: see `device.PRECISIONS`, "bfloat16"
    also rounds the features that neighbours are found by; `threads`: how many lift, each its own windows, with the same
    result.

    Raises `UsageError`, saying what was expected and found: `wrong_joints` for keypoints of another joint set than the
    network's, `bad_keypoints` for arrays that do not fit together, hold no frame, or are not finite where somebody was
    detected.
    """
    check_keypoints(keypoints, model.config)
    device = torch.device(device)
    batch = batch or batch_on(device)

    def part_of(part: Part) -> Predict:
        return predictor(model, device, flip_average, precision, part)

    with matrix_products(precision, device):
        passes = passes_of(model.config, part_of, batch, overlap)
        return lift_by(passes, model.config, keypoints, camera_K, progress, threads)


def batch_on(device: torch.device) -> int:
    """Windows lifted at once on a device."""
    return CPU_BATCH if device.type == "cpu" else GPU_BATCH


def predictor(
    model: DGNet, device: torch.device, flip_average: bool, precision: Precision = "exact", part: Part = "whole"
) -> Predict:
    """What lifts windows with a network, or with a part of it, any thread's. See `lift_keypoints` for the arguments."""
    network = _for_use(model, device, precision)

    def predict(windows: Tensor) -> Tensor:
        # These settings hold for the thread that makes them.
        with torch.inference_mode(), one_thread():
            return _lift_windows(network, windows.to(device), flip_average, part).cpu()

    return predict


def passes_of(
    config: DGNetConfig, part_of: Callable[[Part], Predict], batch: int, overlap: int | None = None
) -> list[Pass]:
    """How a clip is lifted by a network of `config`, whose parts are to be had from `part_of`: together they are what
    it makes of the clip."""
    # What is balanced is a frame's whole prediction.
    if not config.encoder_width or config.balanced:
        return [Pass("whole", part_of("whole"), overlap, batch)]
    guesses = None if overlap is None else max(overlap, GUESSES)
    return [
        Pass("correction", part_of("correction"), overlap, batch),
        Pass("guess", part_of("guess"), guesses, max(batch, GUESS_BATCH)),
    ]


def lift_by(
    passes: Sequence[Pass],
    config: DGNetConfig,
    keypoints: Keypoints2D,
    camera_K: Array,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
) -> Array:
    """As `lift_keypoints`, by whatever lifts windows of a network of `config`: the sum of what the passes give."""
    check_keypoints(keypoints, config)
    times, detected, length = keypoints.times, keypoints.detected, config.frames
    plans = [plan_windows(times, detected, length, config.frame_interval_s, each.overlap) for each in passes]
    values = _values(keypoints, camera_K, config)
    windows, done = sum(map(len, plans)), 0

    def noted(lifted: int) -> None:
        nonlocal done
        done += lifted
        if progress is not None:
            progress(done, windows)

    with ThreadPoolExecutor(threads) as pool:
        averages = [_averaged(each, plan, values, pool, noted) for each, plan in zip(passes, plans, strict=True)]
    lifted: Array = sum(averages[1:], averages[0]).double().numpy()
    lifted -= lifted[:, :1]
    lifted[~keypoints.detected] = np.nan
    return lifted


def _averaged(
    each: Pass, plan: WindowPlan, values: Tensor, pool: ThreadPoolExecutor, noted: Callable[[int], None]
) -> Tensor:
    """The mean prediction (F, N, 3) for each frame."""
    frames, joints = values.shape[:2]
    # A last place takes the predictions that belong to no frame (-1).
    total = torch.zeros(frames + 1, joints, 3)
    count = torch.zeros(frames + 1)

    def lift_part(part: WindowPlan) -> Tensor:
        return each.predict(part.sample(values))

    parts = [plan.part(first, first + each.batch) for first in range(0, len(plan), each.batch)]
    for part, predicted in zip(parts, pool.map(lift_part, parts), strict=True):
        owners = torch.from_numpy(part.frames).flatten().remainder(len(count))
        total.index_add_(0, owners, predicted.flatten(0, 1))
        count.index_add_(0, owners, torch.ones(len(owners)))
        noted(len(part))
    return total[:-1] / count[:-1, None, None].clamp_min(1)


def check_keypoints(keypoints: Keypoints2D, config: DGNetConfig) -> None:
    """Raise what `lift_keypoints` raises for keypoints that a network of `config` cannot lift."""
    shape, joints = keypoints.pixels.shape, len(config.joints)
    if len(shape) == 3 and shape[1] != joints:
        raise UsageError(
            "wrong_joints",
            f"The network expects {joints} joints ({config.joint_set}), but the keypoints have {shape[1]}.",
            "Use weights that were trained for the joints that are detected (body_26).",
        )
    frames = shape[0]
    if frames == 0:
        raise _bad_keypoints("at least one frame", "none")
    for name, wanted in (("times", (frames,)), ("pixels", (frames, joints, 2)), ("confidence", (frames, joints)),
                         ("detected", (frames,))):  # fmt: skip
        found = getattr(keypoints, name).shape
        if found != wanted:
            raise _bad_keypoints(f"{name} of shape {wanted}", f"shape {found}")
    world = keypoints.world_landmarks
    if world is not None and world.shape != (frames, len(MEDIAPIPE_33), 3):
        raise _bad_keypoints(f"world landmarks of shape {(frames, len(MEDIAPIPE_33), 3)}", f"shape {world.shape}")
    if not np.isfinite(keypoints.times).all() or (np.diff(keypoints.times) <= 0).any():
        raise _bad_keypoints("times that increase", "times that do not")
    finite = np.isfinite(keypoints.pixels).all((-2, -1)) & np.isfinite(keypoints.confidence).all(-1)
    broken = np.flatnonzero(keypoints.detected & ~finite)
    if len(broken):
        raise _bad_keypoints("finite keypoints in every frame with a detection", f"others in frame {broken[0]}")


def _bad_keypoints(expected: str, found: str) -> UsageError:
    return UsageError(
        "bad_keypoints",
        f"These keypoints cannot be lifted: expected {expected}, but found {found}.",
        "Detect them again, or mark frames in which nobody was found as not detected.",
    )


def _for_use(model: DGNet, device: torch.device, precision: Precision) -> DGNet:
    """The network folded, of that precision and on that device; the caller's own stays as and where it is."""
    network = model.in_bfloat16() if precision == "bfloat16" else model.folded()
    if network.head.weight.device == device:
        return network
    return (copy.deepcopy(network) if network is model else network).to(device)


def _filled_confidence(keypoints: Keypoints2D) -> Array:
    return fill_gaps(keypoints.times, keypoints.confidence[..., None], keypoints.detected)[..., 0]


def _cues(keypoints: Keypoints2D, config: DGNetConfig) -> Array:
    """What the network wants to be told besides places (F, N, cues), in its order; NaN where it is not known."""
    frames, joints = keypoints.pixels.shape[:2]
    cues = np.full((frames, joints, len(config.cues)), np.nan)
    for channel, cue in enumerate(config.cues):
        if cue == "confidence":
            cues[..., channel] = _filled_confidence(keypoints)
        elif keypoints.world_landmarks is not None:
            depth = keypoints.world_landmarks[..., 2] @ body_from_mediapipe().T
            depth = (depth - depth[:, :1])[..., None]
            cues[..., channel] = fill_gaps(keypoints.times, depth, keypoints.detected)[..., 0]
    return cues


def _values(keypoints: Keypoints2D, camera_K: Array, config: DGNetConfig) -> Tensor:
    """All that windows are cut from, in one array (F, N, 2 + cues + 1): rays, cues, confidence."""
    pixels = fill_gaps(keypoints.times, keypoints.pixels, keypoints.detected)
    parts = [camera_rays(pixels, camera_K)[..., :2], _cues(keypoints, config), _filled_confidence(keypoints)[..., None]]
    return torch.from_numpy(np.concatenate(parts, -1)).float()


def window_inputs(keypoints: Keypoints2D, camera_K: Array, config: DGNetConfig, plan: WindowPlan) -> Tensor:
    """What a network is given for the windows of a plan: (W, T, N, 2 + cues). Raises as `lift_keypoints`."""
    check_keypoints(keypoints, config)
    return _network_inputs(plan.sample(_values(keypoints, camera_K, config)))[0]


def _network_inputs(windows: Tensor) -> tuple[Tensor, PersonView]:
    """The network's inputs (B, T, N, 2 + cues) for windows of `_values`, and the view they are seen in."""
    rays, cues = windows[..., :2], windows[..., 2:-1]
    # As in training: weighting by confidence here made rendered clips worse (MPJPE 84 mm against 80).
    view = person_view(rays, torch.ones_like(rays[..., 0]))
    # A cue that is unknown anywhere in a window is left out of all of it, as in training.
    cues = torch.where(cues.isfinite().all(2, keepdim=True).all(1, keepdim=True), cues, 0.0)
    return torch.cat([view.inputs, cues], -1), view


def _lift_windows(network: DGNet, windows: Tensor, flip_average: bool, part: Part = "whole") -> Tensor:
    """Joints (B, T, N, 3) in the camera's frame of windows of `_values`, or what that part has of them."""
    inputs, view = _network_inputs(windows)
    forward = network if part == "whole" else getattr(network, part)
    # Graphs that correct a guess have little to correct: not worth twice their cost.
    if flip_average and part != "correction":
        joints = torch.from_numpy(network.config.joints.mirror).to(inputs.device)
        straight, mirrored = forward(torch.cat([inputs, mirror(inputs, joints)])).chunk(2)
        output = (straight + mirror(mirrored, joints)) / 2
    else:
        output = forward(inputs)
    if network.config.balanced:
        output = balance(output, view.inputs / view.scale[:, None, None, None], weight=windows[..., -1])
    return camera_from_view(output, view.rotation)


def mirror(points: Tensor, counterpart: Tensor) -> Tensor:
    """Points (..., N, D) reflected in x, each joint exchanged with its `counterpart` (N,)."""
    sign = torch.ones(points.shape[-1], device=points.device, dtype=points.dtype)
    sign[0] = -1
    return points[..., counterpart, :] * sign
