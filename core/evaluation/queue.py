"""A resumable queue of runs: each is trained for its budget, measured, and written as a row beside its weights.

Whatever stands in the folder is not done again, and a run that a session could not finish goes on in the next, so any
number of sessions, long or short, adds up to the same rows.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from ..jobs import MotionLiftError
from ..lifting.checkpoint import save_weights
from ..lifting.device import choose_device
from ..lifting.network import DGNet, DGNetConfig
from ..training.fit import FitPlan, Stopped, fit, never
from .datasets.mpi_inf_3dhp import SCORED
from .datasets.recording import PoseData
from .protocol import RecordingWindows, predict, protocol_loss
from .rows import Budget, Result, distinct, load_row, row_path, save_row
from .scores import AVERAGES, Score, by_action, by_joint, score
from .studies import NOISE_PX, Run

log = logging.getLogger(__name__)

TEST_SEED = 20
"""Of the noise in tests: the same for every run."""


def work(
    runs: Sequence[Run],
    load: Callable[[Run], PoseData],
    folder: Path,
    budget: Budget,
    deadline: float | None = None,
    report: Callable[[str], None] = log.info,
    stopped: Stopped = never,
) -> int:
    """Do what is missing of `runs`, one after another, until `time.monotonic()` reaches the `deadline` or it is
    `stopped`; returns how many rows are still missing. Only training is cut short: a network that is done is measured
    even if that takes longer. `load` gives a run's data; `report` gets a line for each row.

    Runs whose data set is not there are left out, and told, as long as there is another. Raises `MotionLiftError`
    (`no_data_set`) where there is none."""
    missing = [run for run in dict.fromkeys(distinct(r, budget) for r in runs) if not load_row(folder, run, budget)]
    sources, absent = {(run.data, run.detector) for run in runs}, set[tuple[str, str]]()
    for done, run in enumerate(missing):
        left = None if deadline is None else (deadline - time.monotonic()) / 60
        if stopped() or (left is not None and left <= 0):
            return len(missing) - done
        try:
            data = load(run)
        except MotionLiftError as error:
            absent.add((run.data, run.detector))
            if error.code != "no_data_set" or absent == sources:
                raise
            report(f"{run.name}: left out. {error.message}")
            continue
        result = _do(run, data, row_path(folder, run, budget), budget, left, stopped)
        if result is None:
            report(f"{run.name}: to be continued")
            return len(missing) - done
        report(f"{run.name}: MPJPE {result.mean['MPJPE']:.1f} mm, P-MPJPE {result.mean['P-MPJPE']:.1f} mm")
    return 0


def _do(
    run: Run, data: PoseData, path: Path, budget: Budget, minutes_left: float | None, stopped: Stopped
) -> Result | None:
    """Train, measure and write; None where the session's time ends the training first."""
    device = str(choose_device(budget.device))
    config = configuration(run, data, budget)
    if run.actions:
        data = data.of_actions(run.actions)
        if not data.train:
            raise MotionLiftError(
                "no_training_data", f"Nothing to train on shows {', '.join(run.actions)}.", "Give the table of actions."
            )
    torch.manual_seed(budget.seed)
    network = DGNet(config).to(device)
    windows = RecordingWindows(data.train, data.joints, config.frames, budget.seed, device, run.noise)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = path.with_suffix(".run")
    plan = FitPlan(
        steps=budget.steps or 0,
        planned_minutes=0.0 if budget.steps else budget.minutes,
        minutes=minutes_left,
        learning_rate=budget.learning_rate,
    )
    fitted = fit(
        network, protocol_loss, lambda: windows.draw(budget.windows), plan, windows.generator, state,
        settings={"seed": budget.seed}, stopped=stopped,
    )  # fmt: skip
    if not fitted.finished:
        return None
    scores = measure(fitted.network, data, device, run.noise)
    average = AVERAGES[data.average]
    on_noise = not run.settings and not run.actions and not run.noise and run.detector == "gt"
    result = Result(
        run=asdict(run),
        budget=asdict(budget),
        config=config.to_json(),
        mean=average(scores),
        actions=by_action(scores),
        joints=by_joint(scores, data.joints),
        noise={
            f"{pixels:g}": average(measure(fitted.network, data, device, pixels) if pixels else scores)
            for pixels in (NOISE_PX if on_noise else ())
        },
        parameters=sum(p.numel() for n, p in network.named_parameters() if not n.startswith("block_heads.")),
        steps=fitted.steps,
        minutes=fitted.seconds / 60,
        device=device,
    )
    info = {"run": run.name, "budget": budget.name, "steps": fitted.steps, **result.mean}
    save_weights(path.with_suffix(".safetensors"), fitted.network, info)
    save_row(path, result)
    shutil.rmtree(state, ignore_errors=True)
    return result


def configuration(run: Run, data: PoseData, budget: Budget) -> DGNetConfig:
    """The network of a run. Raises `UsageError` (`bad_network`) for settings that make none."""
    config = DGNetConfig(
        joint_set=data.joint_set,
        channels=budget.channels,
        blocks=budget.blocks,
        frame_interval_s=1 / data.fps,
    )
    settings: Mapping[str, Any] = dict(run.settings)
    return replace(config, **settings)


def measure(network: torch.nn.Module, data: PoseData, device: str, noise: float = 0.0) -> list[Score]:
    """Every test recording's score, with `noise` pixels on its 2D."""
    assert isinstance(network, DGNet)
    fast = network.folded().to(device)
    counted = SCORED if data.joint_set == "human36m_17" else None
    scores = []
    for index, recording in enumerate(data.test):
        seen = recording.disturbed(noise, TEST_SEED + index) if noise else recording
        found = predict(fast, seen, device)
        scores.append(score(found, recording.joints_camera, recording.valid, recording.action, data.joints, counted))
    return scores
