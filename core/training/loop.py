"""Training the network that is shipped: motion capture through virtual cameras, mixed with pairs of real detection.

In two parts, each a run of its own (`fit`): the window encoder learns alone, from many windows a step; then the graph
learns to correct what it guesses. Without an encoder, as in the paper, there is the second part only.
"""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..evaluation.metrics import mpjpe, pa_mpjpe
from ..jobs import MotionLiftError, UsageError
from ..lifting.checkpoint import load_weights, save_weights
from ..lifting.config import DGNetConfig
from ..lifting.device import choose_device
from ..lifting.loss import pose_loss, training_loss
from ..lifting.network import DGNet
from .fit import FitPlan, Fitted, Stopped, fit, never
from .mocap import joined, load_takes, nothing_to_learn
from .noise import NoiseModel
from .pair_windows import PairSource
from .pairs import PairClip, load_pairs
from .settings import TrainSettings
from .state import Progress
from .windows import Windows, WindowSource

log = logging.getLogger(__name__)

N = TypeVar("N", bound=nn.Module)

VALIDATION_PART = 10
"""One in so many recordings that were filmed is for validation."""


@dataclass(frozen=True)
class Session:
    """`report` is called after each evaluation; `stopped` is asked before each step, and ends the session."""

    report: Callable[[Progress], None] = lambda progress: None
    stopped: Stopped = never


def train(settings: TrainSettings, session: Session = Session()) -> Progress:
    """Train for `settings.minutes`, or until the plan is done or the session stopped, and write the best averaged
    weights.

    Raises `MotionLiftError` for unusable data or state, and where the
    training diverged (`diverged`), so that there are no weights.
    """
    if settings.minutes is not None and settings.minutes <= 0:
        raise UsageError("bad_setting", "The training time must be positive.", "Give --minutes above 0.")
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = choose_device(settings.device)
    data = _Data.of(settings, device)
    torch.manual_seed(settings.seed)
    network = _start(settings).to(device)
    spent = 0.0
    if network.encoder is not None:
        guess = _fit_encoder(network, data, settings, session)
        network.encoder.load_state_dict(guess.network.state_dict())
        if not guess.finished:
            return guess.progress
        spent = guess.session_seconds
        network.encoder.requires_grad_(False)
        if session.stopped():
            return guess.progress
    if settings.minutes is not None and spent >= 60 * settings.minutes:
        return guess.progress
    return _fit_network(network, data, settings, spent, session).progress


def _start(settings: TrainSettings) -> DGNet:
    network = DGNet(settings.config())
    if settings.start is not None:
        given, config = load_weights(settings.start), network.config
        if given.config.cues != config.cues[: len(given.config.cues)] or given.config != replace(
            config, cues=given.config.cues
        ):
            raise UsageError(
                "other_network",
                f"{settings.start.name} holds another network than the one to be trained.",
                "Train with the settings that its model card names; only cues may be added, after those it has.",
            )
        # A weights file has no heads on the blocks: those are for training.
        network.load_state_dict(network.state_dict() | _widened(given, config))
    return network


def _widened(network: DGNet, config: DGNetConfig) -> dict[str, Tensor]:
    """The network's weights for inputs with more cues, which it does not listen to yet."""
    state = dict(network.state_dict())
    old, new = network.config.channels_in, config.channels_in
    if old == new:
        return state
    added = new - old
    # A graph convolution has a part for the joint itself and one for its neighbours; the encoder's guess comes last.
    parts = state["input.convolution.weight"].chunk(2)
    state["input.convolution.weight"] = torch.cat(
        [torch.cat([part[:old], part.new_zeros(added, part.shape[1]), part[old:]]) for part in parts]
    )
    if "encoder.input.weight" in state:
        columns = state["encoder.input.weight"].unflatten(1, (-1, old))
        state["encoder.input.weight"] = nn.functional.pad(columns, (0, added)).flatten(1)
    return state


def is_validation(clip: PairClip) -> bool:
    """Whether a film is for validation: by what is performed in it, so that more films move none from side to side."""
    return zlib.crc32(clip.name.encode()) % VALIDATION_PART == 0


@dataclass(frozen=True)
class _Data:
    """What is drawn from, on the device, and what is measured on: windows through virtual cameras, then of films."""

    captured: WindowSource
    filmed: PairSource | None
    pairs_share: float
    validation: Mapping[str, list[Windows]]

    @staticmethod
    def of(settings: TrainSettings, device: torch.device) -> _Data:
        takes = joined([load_takes(path) for path in settings.data])
        if not len(takes.of_part("train")):
            raise nothing_to_learn(*settings.data)
        films = [clip for path in settings.pairs for clip in load_pairs(path)]
        frames, interval = settings.frames, settings.interval_s
        which = takes.of_part("validation")
        which = which if len(which) else takes.of_part("train")
        source = WindowSource(takes, which, frames, interval, 12345, str(device), settings.cues())
        validation = {"mpjpe_mm": [source.draw(128, NoiseModel()) for _ in range(4)]}

        def filmed(clips: Iterable[PairClip], generator: torch.Generator) -> PairSource:
            return PairSource(list(clips), frames, interval, generator, settings.cues())

        captured = WindowSource(
            takes, takes.of_part("train"), frames, interval, settings.seed, str(device), settings.cues()
        )
        held_out = [clip for clip in films if is_validation(clip)]
        kept = [clip for clip in films if not is_validation(clip)] or films
        if len(held := filmed(held_out, torch.Generator(device).manual_seed(12345))):
            validation = {"filmed_mm": [held.draw(128) for _ in range(4)], **validation}
        drawn = filmed(kept, captured.generator) if kept else None
        return _Data(captured, drawn if drawn is not None and len(drawn) else None, settings.pairs_share, validation)

    def draw(self, count: int) -> Windows:
        """`count` windows, of both kinds."""
        from_films = round(count * self.pairs_share) if self.filmed is not None else 0
        parts = [self.captured.draw(count - from_films, NoiseModel())] if from_films < count else []
        if self.filmed is not None and from_films:
            parts.append(self.filmed.draw(from_films))
        return Windows(*(torch.cat(values) for values in zip(*parts, strict=True)))

    @torch.inference_mode()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """Errors on the validation windows, mm: of the films first, if there are any."""
        found: dict[str, float] = {}
        for name, drawn in self.validation.items():
            joints, aligned = [], []
            for windows in drawn:
                poses = network(windows.inputs).double().cpu().flatten(0, 1).numpy()
                true = windows.targets.double().cpu().flatten(0, 1).numpy()
                joints.append(mpjpe(poses, true).mean())
                aligned.append(pa_mpjpe(poses, true).mean())
            found[name] = 1000 * float(np.mean(joints))
            found["pa_" + name] = 1000 * float(np.mean(aligned))
        return found


def _fit_encoder(network: DGNet, data: _Data, settings: TrainSettings, session: Session) -> Fitted[nn.Module]:
    assert network.encoder is not None

    def loss(encoder: nn.Module, windows: Windows) -> Tensor:
        return pose_loss(encoder(windows.inputs), windows.targets, windows.weight, squared=settings.squared_loss)

    def keep(encoder: nn.Module, row: Mapping[str, float]) -> None:
        assert network.encoder is not None
        now = {name: value.clone() for name, value in network.encoder.state_dict().items()}
        network.encoder.load_state_dict(encoder.state_dict())
        save_weights(settings.output, network, _info(settings, row))
        network.encoder.load_state_dict(now)

    part = _Part("encoder", settings.encoder_windows, settings.plan(encoder=True))
    return _fit(network.encoder, part, data, settings, loss, keep, session)


def _fit_network(network: DGNet, data: _Data, settings: TrainSettings, spent: float, session: Session) -> Fitted[DGNet]:
    weight = settings.block_weight if network.config.loss == "total" else 0.0

    def loss(network: DGNet, windows: Windows) -> Tensor:
        output, blocks = network.forward_with_blocks(windows.inputs)
        return training_loss(output, blocks, windows.targets, windows.weight, weight, settings.squared_loss)

    def keep(average: DGNet, row: Mapping[str, float]) -> None:
        save_weights(settings.output, average, _info(settings, row))

    part = _Part("network", settings.windows, settings.plan(encoder=False, spent=spent))
    return _fit(network, part, data, settings, loss, keep, session)


@dataclass(frozen=True)
class _Part:
    """One of the two fits: its name on disk, its `windows` a step, its plan."""

    name: str
    windows: int
    plan: FitPlan


def _fit(
    network: N,
    part: _Part,
    data: _Data,
    settings: TrainSettings,
    loss: Callable[[N, Windows], Tensor],
    keep: Callable[[N, Mapping[str, float]], None],
    session: Session,
) -> Fitted[N]:
    fitted = fit(
        network,
        loss,
        lambda: data.draw(part.windows),
        part.plan,
        data.captured.generator,
        settings.state / part.name,
        data.measure,
        keep,
        settings.of_the_run(),
        settings.state / f"{part.name}-log",
        session.report,
        session.stopped,
    )
    if not fitted.progress.history:
        return fitted
    if not math.isfinite(fitted.progress.best):
        raise MotionLiftError(
            "diverged",
            "The training diverged: the errors are no numbers, so no weights were written.",
            "Begin a new run, with another --output, at a lower --learning-rate.",
        )
    if not settings.output.is_file() and (part.name == "network" or not fitted.finished):
        log.warning("The run's best weights are no longer at %s; those of its end are written", settings.output)
        keep(fitted.network, fitted.progress.history[-1])
    return fitted


def _info(settings: TrainSettings, row: Mapping[str, float]) -> dict[str, object]:
    left_out = ("data", "pairs", "start", "output", "state", "threads", "device", "minutes")
    kept = {field.name: str(getattr(settings, field.name)) for field in fields(settings) if field.name not in left_out}
    return {"settings": kept, **row}
