"""Training DG-Net from motion capture, on a page: draw windows, step, average, evaluate, keep the best.

The budget is wall-clock time. A run that is stopped and resumed goes on where it was. Where the network has a window
encoder, that learns alone first, from many more windows a step; then the graph learns to correct what it guesses.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..evaluation.metrics import mpjpe, pa_mpjpe
from ..jobs import UsageError
from ..lifting.checkpoint import save_weights
from ..lifting.device import choose_device
from ..lifting.loss import pose_loss, training_loss
from ..lifting.network import DGNet, DGNetConfig
from .mocap import PackedTakes, pack_folder
from .noise import NoiseModel
from .state import Progress, TrainingState
from .windows import Windows, WindowSource

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSettings:
    """`data`: a folder of BVH files or a packed set; `output`: the weights; `state`: where the run is kept.

    `minutes`: this session's wall-clock budget; `planned_minutes`: the whole run's, over which the learning rate
    falls exponentially from `learning_rate` to `final_share` of it. `frames`, `interval_s`: the windows' samples
    and their spacing. `squared_loss`: the paper's; else joint distances count as they are. `depth`: with the
    detector's own depth as a cue. `encoder_width`, `encoder_blocks`: of the window encoder, 0 for none;
    `encoder_share` of the planned time it learns alone, from `encoder_windows` windows a step, in bfloat16.
    """

    data: Path
    output: Path
    state: Path
    minutes: float
    planned_minutes: float
    channels: int = 128
    blocks: int = 5
    frames: int = 4
    interval_s: float = 1 / 15
    windows: int = 64
    learning_rate: float = 1e-3
    final_share: float = 0.02
    averaging: float = 0.999
    block_weight: float = 0.1
    squared_loss: bool = True
    depth: bool = False
    encoder_width: int = 0
    encoder_blocks: int = 3
    encoder_share: float = 0.7
    encoder_windows: int = 512
    evaluate_every: int = 500
    seed: int = 0
    device: str = "auto"
    threads: int | None = None

    def of_the_run(self) -> dict[str, object]:
        """The settings that must not change when a run is resumed."""
        names = ("channels", "blocks", "frames", "interval_s", "windows", "learning_rate", "final_share",
                 "averaging", "block_weight", "squared_loss", "depth", "encoder_width", "encoder_blocks",
                 "encoder_share", "encoder_windows", "seed", "planned_minutes")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def encoder_seconds(self) -> float:
        """How long the encoder learns alone."""
        return self.planned_minutes * 60 * self.encoder_share if self.encoder_width else 0.0

    def rate(self, seconds: float) -> float:
        """The learning rate so many seconds into the run: it falls once while the encoder learns alone, once after."""
        alone, whole = self.encoder_seconds(), self.planned_minutes * 60
        share = seconds / alone if seconds < alone else (seconds - alone) / max(whole - alone, 1e-9)
        return float(self.learning_rate * self.final_share ** min(share, 1.0))


def train(settings: TrainSettings, report: Callable[[Progress], None] = lambda progress: None) -> Progress:
    """Train for `settings.minutes`, or until the plan is done, and write the best averaged weights.

    `report` is called after each evaluation. Raises `MotionLiftError` for unusable data or state.
    """
    if settings.minutes <= 0 or settings.planned_minutes <= 0:
        raise UsageError("bad_setting", "The training time must be positive.", "Give --minutes above 0.")
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = choose_device(settings.device)
    takes = PackedTakes.load(settings.data) if settings.data.is_file() else pack_folder(settings.data)
    state = _new_state(settings, str(device))
    source = WindowSource(
        takes, takes.of_part("train"), settings.frames, settings.interval_s, settings.seed, str(device), settings.depth
    )
    state.generator = source.generator
    if settings.state.exists():
        state.load(settings.state, settings.of_the_run())
        log.info("Going on at step %d after %.1f minutes", state.progress.step, state.progress.seconds / 60)
    validation = _validation_windows(takes, settings, str(device))

    noise, progress = NoiseModel(), state.progress
    started, before = time.monotonic(), progress.seconds
    budget = min(settings.minutes * 60, settings.planned_minutes * 60 - before)
    losses: list[float] = []
    rate = settings.learning_rate
    while (elapsed := time.monotonic() - started) < budget:
        progress.seconds = before + elapsed
        rate = settings.rate(progress.seconds)
        alone = progress.seconds < settings.encoder_seconds()
        windows = source.draw(settings.encoder_windows if alone else settings.windows, noise)
        losses.append(_step(state, windows, rate, settings, alone))
        progress.step += 1
        if progress.step % settings.evaluate_every == 0:
            _evaluate(state, validation, float(np.mean(losses)), rate, settings)
            losses.clear()
            report(progress)
    progress.seconds = before + time.monotonic() - started
    if losses:
        _evaluate(state, validation, float(np.mean(losses)), rate, settings)
        report(progress)
    return progress


def _new_state(settings: TrainSettings, device: str) -> TrainingState:
    torch.manual_seed(settings.seed)
    config = DGNetConfig(
        joint_set="body_26",
        channels=settings.channels,
        blocks=settings.blocks,
        frames=settings.frames,
        frame_interval_s=settings.interval_s,
        balanced=False,
        cues=("depth",) if settings.depth else (),
        encoder_width=settings.encoder_width,
        encoder_blocks=settings.encoder_blocks,
    )
    network = DGNet(config).to(device)
    average = copy.deepcopy(network).requires_grad_(False).eval()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    return TrainingState(network, average, optimiser, torch.Generator(device), Progress())


def _step(state: TrainingState, windows: Windows, rate: float, settings: TrainSettings, encoder_alone: bool) -> float:
    """One update of the network and its average; returns the loss."""
    inputs, targets = windows
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    state.network.train()
    encoder = state.network.encoder
    if encoder_alone and encoder is not None:
        with torch.autocast(inputs.device.type, torch.bfloat16):
            guess = encoder(inputs)
        loss = pose_loss(guess, targets, squared=settings.squared_loss)
    else:
        if encoder is not None:
            encoder.requires_grad_(False)
        output, blocks = state.network.forward_with_blocks(inputs)
        weight = settings.block_weight if state.network.config.loss == "total" else 0.0
        loss = training_loss(output, blocks, targets, block_weight=weight, squared=settings.squared_loss)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
    state.optimiser.step()
    # Early on the average follows closely, so that it forgets the random start.
    keep = min(settings.averaging, (state.progress.step + 1) / (state.progress.step + 10))
    with torch.no_grad():
        for mean, value in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)
    return float(loss.detach())


def _evaluate(
    state: TrainingState,
    validation: list[tuple[torch.Tensor, torch.Tensor]],
    loss: float,
    rate: float,
    settings: TrainSettings,
) -> None:
    """Measure the average on the validation windows, keep the state, and the weights if they are the best."""
    errors, aligned = [], []
    with torch.inference_mode():
        for inputs, targets in validation:
            found, true = state.average(inputs).double().cpu().numpy(), targets.double().cpu().numpy()
            found, true = found.reshape(-1, *found.shape[2:]), true.reshape(-1, *true.shape[2:])
            errors.append(mpjpe(found, true).mean())
            aligned.append(pa_mpjpe(found, true).mean())
    progress = state.progress
    row = {
        "step": float(progress.step),
        "minutes": progress.seconds / 60,
        "rate": rate,
        "loss": loss,
        "mpjpe_mm": 1000 * float(np.mean(errors)),
        "pa_mpjpe_mm": 1000 * float(np.mean(aligned)),
    }
    progress.history.append(row)
    log.info(
        "step %(step)d, %(minutes).1f min: loss %(loss).5f, MPJPE %(mpjpe_mm).1f, PA-MPJPE %(pa_mpjpe_mm).1f mm", row
    )
    if row["mpjpe_mm"] < progress.best_mpjpe:
        progress.best_mpjpe = row["mpjpe_mm"]
        info = {"settings": {k: str(v) for k, v in asdict(settings).items() if k in settings.of_the_run()}, **row}
        save_weights(settings.output, state.average, info)
    state.save(settings.state, settings.of_the_run())


def _validation_windows(
    takes: PackedTakes, settings: TrainSettings, device: str
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """512 windows, the same for every run of the same window length; of the training takes if there are no others."""
    which = takes.of_part("validation")
    which = which if len(which) else takes.of_part("train")
    source = WindowSource(takes, which, settings.frames, settings.interval_s, 12345, device, settings.depth)
    return [source.draw(128, NoiseModel()) for _ in range(4)]
