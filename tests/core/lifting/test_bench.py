"""Measurements of speed: that they measure what they say, not what they find."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import repeat

import pytest
import torch

from motionlift.core.jobs import MotionLiftError
from motionlift.core.lifting.bench import Bench, ready, size
from motionlift.core.lifting.network import DGNet, DGNetConfig

TINY = DGNetConfig("body_26", channels=4, blocks=1, balanced=False, cues=("depth",))
CPU = torch.device("cpu")


def test_a_network_is_timed_on_about_the_frames_asked_for() -> None:
    timing = Bench(CPU, repeats=1).network("tiny", TINY, 4, 300)
    assert timing.milliseconds > 0
    assert (timing.length, timing.device, timing.compiled) == (4, "cpu", False)
    assert abs(timing.frames - 300) <= 64
    assert timing.parameters == size(DGNet(TINY, block_heads=False))
    assert Bench(CPU, repeats=1).network("tiny", TINY, 300, 300).frames == 300


def test_a_network_with_an_encoder_keeps_its_own_length() -> None:
    config = DGNetConfig("body_26", channels=4, blocks=1, frames=5, encoder_width=8)
    assert Bench(CPU, repeats=1).network("tiny", config, 4, 20).length == 5


def test_lifting_and_training_are_timed() -> None:
    assert Bench(CPU, repeats=1).lifting(TINY, 20, 30.0, True, 1) > 0
    assert Bench(CPU, "bfloat16", repeats=1).training(TINY, 2) > 0


def measured(monkeypatch: pytest.MonkeyPatch, durations: Iterable[float], step: float, repeats: int) -> float:
    """What is measured of work that takes so long, one time after the other, by a clock with such steps."""
    taken, left = [0.0], iter(durations)
    monkeypatch.setattr(time, "process_time", lambda: sum(taken) // step * step)
    seconds = Bench(CPU, repeats=repeats).seconds(lambda: taken.append(next(left)))
    return seconds * torch.get_num_threads()


def test_the_best_of_several_counts_and_the_first_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, (0.1, 0.4, 0.3, 0.5, 0.2), 1e-9, 3) == pytest.approx(0.3)


@pytest.mark.parametrize("duration", [0.0002, 0.003, 0.05])
def test_what_is_short_is_done_until_a_coarse_clock_tells(monkeypatch: pytest.MonkeyPatch, duration: float) -> None:
    assert measured(monkeypatch, repeat(duration), 1 / 64, 1) == pytest.approx(duration, rel=0.2)


def test_random_networks_are_the_same_every_time_and_finite() -> None:
    x = torch.randn(2, 4, 26, 3)
    assert torch.equal(ready(TINY)(x), ready(TINY)(x))
    assert bool(ready(TINY)(x).isfinite().all())


def test_what_cannot_be_compiled_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_nothing(network: DGNet) -> Callable[[torch.Tensor], torch.Tensor]:
        def run(inputs: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no compiler\nand much more")

        return run

    monkeypatch.setattr(torch, "compile", compile_nothing)
    with pytest.raises(MotionLiftError) as caught:
        Bench(CPU, compiled=True, repeats=1).network("tiny", TINY, 4, 20)
    assert caught.value.code == "compile_failed"
    assert "no compiler" in caught.value.message
    assert "much more" not in caught.value.message
