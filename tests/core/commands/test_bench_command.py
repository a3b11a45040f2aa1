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


def test_a_whole_lift_is_reported(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motionlift.core.evaluation import lift_cost
    from motionlift.tests.core.evaluation.test_lift_cost import MEASURED

    asked: list[tuple[object, ...]] = []

    def measured(*arguments: object) -> lift_cost.LiftCost:
        asked.append(arguments)
        return MEASURED

    monkeypatch.setattr(lift_cost, "measure_lift", measured)
    code, out, err = run("bench", "lift", "-o", tmp_path / "new", "--jobs", "4,1", "--stride", "2", "--rounds", "1")
    assert code == 0, err
    clip, jobs, clips, rounds, _, options = asked[0]
    assert Path(str(clip)).name == "walk_wave_squat.mp4"
    assert (jobs, clips, rounds, options) == ([1, 4], 8, 1, ["--stride", "2"])
    assert "Seconds of processors added" in out
    assert {"bench.md", "bench.json"} <= {path.name for path in (tmp_path / "new").iterdir()}
    code, _, err = run("bench", "lift", "-o", tmp_path / "new")
    assert (code, len(asked)) == (2, 1)
    assert "exists" in err


@pytest.mark.parametrize("options", [["--jobs", "two"], ["--jobs", "0"], ["none.mp4"]])
def test_a_whole_lift_refuses(run: Run, tmp_path: Path, options: list[str]) -> None:
    code, _, err = run("bench", "lift", "-o", tmp_path, *options)
    assert code == 2
    assert err
