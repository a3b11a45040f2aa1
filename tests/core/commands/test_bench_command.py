"""`motionlift bench lifting`: its tables, and what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from motionlift.core.lifting import bench, checkpoint
from motionlift.core.lifting.network import DGNetConfig

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that take no time, and no weights that come along."""
    config = DGNetConfig("body_26", channels=4, blocks=1, balanced=False)
    without = dataclasses.replace(config, knn=False)
    names = bench.CONFIGURATIONS
    monkeypatch.setattr(bench, "CONFIGURATIONS", {k: without if "no KNN" in k else config for k in names})
    monkeypatch.setattr(bench, "COMPACT", config)
    monkeypatch.setattr(checkpoint, "default_weights", lambda: Path("there-are-none.safetensors"))


def test_the_tables(run: Run) -> None:
    code, out, err = run("bench", "lifting", "--device", "cpu", "--frames", "20", "--repeats", "1", "--training",
                         "--length", "1", "--length", "5")  # fmt: skip
    assert code == 0, err
    assert all(words in out for words in ("T = 1", "T = 5", "What KNN costs", "Lifting 20 frames", "Forward and"))
    assert "1.24" in out


@pytest.mark.parametrize(
    "options", [["--precision", "double"], ["--length", "0"], ["--device", "abacus"], ["--threads", "0"]]
)
def test_wrong_usage(run: Run, options: list[str]) -> None:
    code, _, err = run("bench", "lifting", "--frames", "5", "--repeats", "1", *options)
    assert code == 2
    assert err


def test_alone_it_says_what_can_be_measured(run: Run) -> None:
    _, out, err = run("bench")
    assert "lifting" in out + err
