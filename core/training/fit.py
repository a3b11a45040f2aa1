"""Fitting any network to windows drawn anew each step: rate, averaging, precision, resuming, logs.

Nothing here knows what is learned. The caller says how windows are drawn, what the loss of a network on them is, and
how a network is measured; the moving average of the weights is what is measured and returned.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from ..jobs import UsageError
from .logs import open_logs
from .state import CURRENT, Progress, TrainingState

log = logging.getLogger(__name__)

N = TypeVar("N", bound=nn.Module)
W = TypeVar("W")
Measure = Callable[[nn.Module], Mapping[str, float]]
Stopped = Callable[[], bool]
"""Whether somebody asked for the session to end."""


def never() -> bool:
    """Nobody asks."""
    return False


@dataclass(frozen=True)
class FitPlan:
    """How long and how to fit.

    The whole run lasts `steps` steps or, if that is 0, `planned_minutes` of computing; of that this session does
    `minutes` at most (None: all of it). Where steps are counted, sessions that go on where the last one stopped give
    the same network, bit for bit, as one long session; the clock only decides how far each of them comes.

    The learning rate rises over `warm_up` steps to `learning_rate` and falls to `final_share` of it,
    "exponential"ly as in the paper or along a "cosine". `averaging`: how much of the average a step keeps;
    `clip`: the gradient's greatest norm; `weight_decay`: AdamW's. `precision` "bfloat16" computes the forward pass so.
    Measured, logged and kept every `evaluate_every` steps and at the end of a session.
    """

    steps: int = 0
    planned_minutes: float = 0.0
    minutes: float | None = None
    learning_rate: float = 1e-3
    final_share: float = 0.02
    schedule: Literal["exponential", "cosine"] = "exponential"
    warm_up: int = 0
    averaging: float = 0.999
    clip: float = 1.0
    weight_decay: float = 0.0
    precision: Literal["exact", "bfloat16"] = "exact"
    evaluate_every: int = 500

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.planned_minutes > 0) or (self.minutes is not None and self.minutes <= 0):
            raise UsageError(
                "bad_setting",
                "A run needs a length: a number of steps, or minutes above 0.",
                "Give --minutes above 0.",
            )

    def of_the_run(self) -> dict[str, object]:
        """What must not change when a run is resumed: all but the session's time."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "minutes"}

    def share_done(self, progress: Progress) -> float:
        """How much of the run is behind, in [0, 1]."""
        if self.steps:
            return min(progress.step / self.steps, 1.0)
        return min(progress.seconds / (60 * self.planned_minutes), 1.0)

    def rate(self, progress: Progress) -> float:
        """The learning rate of the next step."""
        share = self.share_done(progress)
        if self.schedule == "cosine":
            falling = self.final_share + (1 - self.final_share) * (1 + math.cos(math.pi * share)) / 2
        else:
            falling = self.final_share**share
        return self.learning_rate * falling * min(1.0, (progress.step + 1) / max(self.warm_up, 1))


@dataclass(frozen=True)
class Fitted(Generic[N]):
    """A session's outcome: `network`, the averaged one, and whether the run is `finished`."""

    network: N
    progress: Progress
    finished: bool
    session_seconds: float

    @property
    def steps(self) -> int:
        return self.progress.step

    @property
    def seconds(self) -> float:
        return self.progress.seconds


def fit(
    network: N,
    loss: Callable[[N, W], Tensor],
    draw: Callable[[], W],
    plan: FitPlan,
    generator: torch.Generator,
    state: Path | None = None,
    measure: Measure | None = None,
    best: Callable[[N, Mapping[str, float]], None] | None = None,
    settings: Mapping[str, Any] | None = None,
    logs: Path | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stopped: Stopped = never,
) -> Fitted[N]:
    """Fit `network`, in place, until the plan or the session's time is done, or it is `stopped`, as is asked before
    each step.

    `draw()` gives windows by random numbers of `generator`, which is kept with the run; `loss(network, windows)` a
    scalar. `state`: the folder where the run is kept, and goes on from. `measure(average)` gives figures, the first of
    which is the one to make small; `best(average, row)` is called when it has become smaller. `settings` beyond the
    plan's are kept too. `logs`: a folder for `log.csv` and, where the package is installed, TensorBoard's events.
    `report` is called after each evaluation. Raises `MotionLiftError` (`bad_checkpoint`) for a state of another run.
    """
    kept = {**plan.of_the_run(), **(settings or {})}
    average = copy.deepcopy(network).requires_grad_(False).eval()
    optimiser = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad], plan.learning_rate, weight_decay=plan.weight_decay
    )
    run = TrainingState(network, average, optimiser, generator, Progress())
    # A first save that was interrupted leaves a folder in which no state counts yet: nothing to go on from.
    if state is not None and (state / CURRENT).exists():
        run.load(state, kept)
        log.info("going on at step %d after %.1f minutes", run.progress.step, run.progress.seconds / 60)
    progress = run.progress
    started, before, losses = time.monotonic(), progress.seconds, list[Tensor]()

    def evaluate(lines: Callable[[Mapping[str, float]], None]) -> None:
        row: dict[str, float] = {
            "step": float(progress.step),
            "minutes": progress.seconds / 60,
            "rate": plan.rate(progress),
            "loss": float(torch.stack(losses).mean()),
        }
        losses.clear()
        figures = dict(measure(average)) if measure is not None else {}
        progress.history.append(row | figures)
        lines(progress.history[-1])
        value = next(iter(figures.values()), None)
        if value is not None and value < progress.best:
            progress.best = value
            if best is not None:
                best(average, progress.history[-1])
        if state is not None:
            run.save(state, kept)
        report(progress)

    with open_logs(logs) as lines:
        while plan.share_done(progress) < 1.0:
            if stopped() or (plan.minutes is not None and progress.seconds - before >= 60 * plan.minutes):
                break
            losses.append(_step(run, loss, draw(), plan))
            progress.step += 1
            progress.seconds = before + time.monotonic() - started
            if progress.step % plan.evaluate_every == 0:
                evaluate(lines)
        if losses:
            evaluate(lines)
    return Fitted(average, progress, plan.share_done(progress) >= 1.0, progress.seconds - before)


def _step(run: TrainingState[N], loss: Callable[[N, W], Tensor], windows: W, plan: FitPlan) -> Tensor:
    """One update of the network and of its average; the loss."""
    for group in run.optimiser.param_groups:
        group["lr"] = plan.rate(run.progress)
    run.network.train()
    with _precision(plan, run.generator.device):
        value = loss(run.network, windows)
    run.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(value)
    # Of what is fitted: frozen parts may still hold gradients of an earlier fit.
    nn.utils.clip_grad_norm_([p for group in run.optimiser.param_groups for p in group["params"]], plan.clip)
    run.optimiser.step()
    # Early on the average follows closely, so that it forgets the random start.
    keep = min(plan.averaging, (run.progress.step + 1) / (run.progress.step + 10))
    with torch.no_grad():
        for mean, now in zip(run.average.state_dict().values(), run.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)
    return value.detach()


def _precision(plan: FitPlan, device: torch.device) -> AbstractContextManager[object]:
    return torch.autocast(device.type, torch.bfloat16) if plan.precision == "bfloat16" else nullcontext()
