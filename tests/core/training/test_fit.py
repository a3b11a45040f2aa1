"""Fitting: the rate's course, resuming, averaging, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from motionlift.core.jobs import MotionLiftError, UsageError
from motionlift.core.training.fit import FitPlan, Fitted, fit, never
from motionlift.core.training.logs import open_logs
from motionlift.core.training.state import Progress


def line(
    plan: FitPlan, state: Path | None = None, seed: int = 0, stopped: Callable[[], bool] = never
) -> Fitted[nn.Linear]:
    """Fits y = 2 x - 1 to noisy samples."""
    torch.manual_seed(seed)
    network, generator = nn.Linear(1, 1), torch.Generator().manual_seed(seed)

    def draw() -> tuple[Tensor, Tensor]:
        x = torch.randn(32, 1, generator=generator)
        return x, 2 * x - 1 + 0.1 * torch.randn(32, 1, generator=generator)

    def loss(network: nn.Linear, windows: tuple[Tensor, Tensor]) -> Tensor:
        result: Tensor = (network(windows[0]) - windows[1]).square().mean()
        return result

    def measure(network: nn.Module) -> dict[str, float]:
        assert isinstance(network, nn.Linear)
        return {"off": abs(float(network.weight.detach()) - 2) + abs(float(network.bias.detach()) + 1)}

    return fit(network, loss, draw, plan, generator, state, measure, stopped=stopped)


@pytest.mark.parametrize("precision", ["exact", "bfloat16"])
def test_it_finds_a_line(precision: str) -> None:
    plan = FitPlan(steps=400, learning_rate=0.05, averaging=0.9, precision=precision)  # type: ignore[arg-type]
    found = line(plan)
    assert found.finished
    assert found.progress.best < 0.05


@pytest.mark.parametrize("schedule", ["exponential", "cosine"])
def test_the_rate_rises_then_falls_to_its_last_share(schedule: str) -> None:
    plan = FitPlan(steps=100, learning_rate=1.0, final_share=0.1, warm_up=10, schedule=schedule)  # type: ignore[arg-type]
    rates = [plan.rate(Progress(step=step)) for step in range(101)]
    assert rates[0] == pytest.approx(0.1, rel=0.05)
    assert max(rates) == max(rates[8:12])
    assert rates[-1] == pytest.approx(0.1)
    assert rates[15:] == sorted(rates[15:], reverse=True)


def test_time_counts_where_steps_do_not() -> None:
    plan = FitPlan(planned_minutes=2.0, learning_rate=1.0, final_share=0.01)
    assert plan.rate(Progress(seconds=60)) == pytest.approx(0.1)
    assert plan.share_done(Progress(seconds=600)) == 1.0


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = line(FitPlan(steps=60, evaluate_every=7))
    sessions = 0
    while not (part := line(FitPlan(steps=60, evaluate_every=7, minutes=1e-9), tmp_path / "run")).finished:
        sessions += 1
    assert sessions == 59
    assert torch.equal(part.network.weight, whole.network.weight)
    assert torch.equal(part.network.bias, whole.network.bias)
    # A run that is done stays as it is.
    again = line(FitPlan(steps=60, evaluate_every=7), tmp_path / "run")
    assert torch.equal(again.network.weight, whole.network.weight)


def test_whoever_stops_a_session_loses_no_step_of_it(tmp_path: Path) -> None:
    whole = line(FitPlan(steps=60))
    asked = iter([False] * 23 + [True])
    first = line(FitPlan(steps=60), tmp_path / "run", stopped=lambda: next(asked))
    assert (first.steps, first.finished, first.progress.history[-1]["step"]) == (23, False, 23)
    second = line(FitPlan(steps=60), tmp_path / "run")
    assert torch.equal(second.network.weight, whole.network.weight)


def test_a_save_that_was_interrupted_leaves_the_one_before(tmp_path: Path) -> None:
    first = line(FitPlan(steps=10, minutes=1e-9), tmp_path / "run")
    (tmp_path / "run" / "step-7").mkdir()
    (tmp_path / "run" / "step-7" / "000.safetensors").write_bytes(b"half")
    second = line(FitPlan(steps=10, minutes=1e-9), tmp_path / "run")
    assert second.steps == first.steps + 1


def test_a_first_save_that_was_interrupted_is_no_obstacle(tmp_path: Path) -> None:
    half = tmp_path / "state" / "step-40"
    half.mkdir(parents=True)
    (half / "000.safetensors").write_bytes(b"half a fi")
    found = line(FitPlan(steps=40), tmp_path / "state")
    assert found.finished
    assert line(FitPlan(steps=40), tmp_path / "state").steps == 40


def test_another_run_and_no_length_are_refused(tmp_path: Path) -> None:
    line(FitPlan(steps=3), tmp_path / "run")
    with pytest.raises(MotionLiftError, match="another steps") as caught:
        line(FitPlan(steps=4), tmp_path / "run")
    assert caught.value.code == "bad_checkpoint"
    for lengths in ({}, {"steps": 1, "planned_minutes": 1.0}, {"steps": 1, "minutes": 0.0}):
        with pytest.raises(UsageError):
            FitPlan(**lengths)  # type: ignore[arg-type]


def test_figures_go_to_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with open_logs(tmp_path) as write:
        for step in (5, 10):
            write({"step": step, "loss": 1 / step})
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (5, pytest.approx(0.2)),
        (10, pytest.approx(0.1)),
    ]
    assert events.Tags()["scalars"] == ["loss"]
