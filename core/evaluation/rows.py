"""What a run is given and what comes of it: one file, a row of a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..files import written_beside
from ..jobs import MotionLiftError
from ..lifting.network import DGNetConfig
from .studies import Run

FORMAT = "motionlift-row-1"


@dataclass(frozen=True)
class Budget:
    """What each run is given: the network's size, minutes or `steps` of training, `windows` a step."""

    channels: int = 64
    blocks: int = 3
    minutes: float = 10.0
    steps: int | None = None
    windows: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "auto"

    @property
    def name(self) -> str:
        """A folder's name for it: rows of different budgets do not mix."""
        amount = f"{self.steps}steps" if self.steps else f"{self.minutes:g}min"
        return f"{self.channels}x{self.blocks}_{amount}_{self.windows}w_seed{self.seed}"


FULL = Budget(channels=128, blocks=5, minutes=30.0, windows=512)
"""The paper's network, for a GPU."""


@dataclass(frozen=True)
class Result:
    """One row: `mean`, `actions` and `joints` as `scores` gives them; `noise`: the mean under noise in pixels on the
    test's 2D, for networks trained on exact 2D in the paper's form."""

    run: dict[str, Any]
    budget: dict[str, Any]
    config: dict[str, Any]
    mean: dict[str, float]
    actions: dict[str, dict[str, float]]
    joints: dict[str, float]
    noise: dict[str, dict[str, float]]
    parameters: int
    steps: int
    minutes: float
    device: str

    def value(self, name: str) -> float:
        """A metric, or a metric under noise: "P-MPJPE@5"."""
        metric, _, pixels = name.partition("@")
        return self.noise.get(pixels, {}).get(metric, float("nan")) if pixels else self.mean[metric]


def distinct(run: Run, budget: Budget) -> Run:
    """The run without settings that are the budget's own or the configuration's default: the same network, one name."""
    usual = asdict(DGNetConfig(channels=budget.channels, blocks=budget.blocks))
    return replace(run, settings=tuple((key, value) for key, value in run.settings if value != usual[key]))


def row_path(folder: Path, run: Run, budget: Budget) -> Path:
    """Where the row of a run is kept."""
    return folder / "runs" / budget.name / f"{distinct(run, budget).name}.json"


def load_row(folder: Path, run: Run, budget: Budget) -> Result | None:
    """The row of a run, None if it is not done. Raises `MotionLiftError` (`bad_row`) for a file that is none."""
    path = row_path(folder, run, budget)
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise ValueError("another format")
        return Result(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise MotionLiftError(
            "bad_row", f"{path} is no row of a table: {error}.", "Delete the file; its run is then done again."
        ) from error


def save_row(path: Path, result: Result) -> None:
    """Write the file beside `path` and rename it. Raises `MotionLiftError` when the disk refuses."""
    with written_beside(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, **asdict(result)}, indent=1), encoding="utf-8")
