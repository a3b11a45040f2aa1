"""What a lift costs: processes are watched, ratios taken in pairs, and the report says it all."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from motionlift.core.evaluation import lift_cost
from motionlift.core.evaluation.lift_cost import LiftCost, Scaling, measure_lift
from motionlift.core.evaluation.lift_cost_report import markdown, write_report
from motionlift.core.evaluation.processes import Cost, run

BUSY = "import time\nwhile time.process_time() < {seconds}: pass"
LARGE = "import time\nkept = b'x' * {megabytes}_000_000\ntime.sleep(0.3)"
linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")


@linux
def test_processors_of_all_processes_are_counted() -> None:
    busy = BUSY.format(seconds=0.3)
    both = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])\n{busy}"
    alone, two = (run([sys.executable, "-c", code]).processors for code in (busy, both))
    assert 0.2 < alone < 0.5
    assert 0.45 < two < 1.0


@linux
def test_memory_is_that_of_the_largest_and_of_all() -> None:
    nested = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {LARGE.format(megabytes=150)!r}])"
    cost = run([sys.executable, "-c", nested])
    assert 150 < cost.largest_mb < 230
    assert cost.peak_mb > cost.largest_mb


def test_a_command_that_fails_is_no_figure() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_environment_is_handed_on() -> None:
    run([sys.executable, "-c", "import os; assert os.environ['BENCH'] == 'yes' and 'PATH' in os.environ"],
        {"BENCH": "yes"})  # fmt: skip


def cost(clock: float, processors: float = 1.0) -> Cost:
    return Cost(clock, processors, 900.0, 500.0)


MEASURED = LiftCost(
    clip="walk.mp4",
    frames=300,
    fps=30.0,
    size=(1920, 1080),
    people=1,
    rounds=2,
    machine={"system": "Linux", "processors": "2"},
    load=0.25,
    stages={"open": 0.1, "detect": 6.0, "lift": 0.5, "solve": 0.7, "write": 0.1, "total": 7.4},
    floor=cost(6.0, 6.0),
    lift=cost(7.5, 9.0),
    clock_ratio=1.25,
    processor_ratio=1.5,
    scaling=(Scaling(1, 4, cost(30.0, 40.0), 1.0), Scaling(2, 4, cost(16.0, 48.0), 1.875)),
    divided=(),
)


def test_the_plan_is_by_seconds_of_processors() -> None:
    # 12 seconds of processors a clip where the most processes were at work.
    assert MEASURED.planned(16) == pytest.approx(16 * 3600 / 12)
    assert MEASURED.scaling[1].clips_an_hour == pytest.approx(4 * 3600 / 16)


def test_the_report_says_what_was_measured(tmp_path: Path) -> None:
    text = markdown(MEASURED)
    assert "1920x1080" in text
    assert "| clock, s | 6.00 | 7.50 | 1.25 |" in text
    assert "Seconds of processors added: 3.00" in text
    assert "16 of them lift 4,800 clips an hour" in text
    assert "The one clip divided" not in text
    assert "The one clip divided" in markdown(replace(MEASURED, divided=MEASURED.scaling))
    written = write_report(MEASURED, tmp_path)
    assert written[0].read_text(encoding="utf-8") == text
    values = json.loads(written[1].read_text())
    assert values["clock_ratio"] == 1.25
    assert values["planned_clips_an_hour"]["64"] == pytest.approx(64 * 3600 / 12)
    assert all(path.stat().st_size > 500 for path in written)


def test_what_could_not_be_measured_is_left_empty() -> None:
    unknown = Cost(5.0, math.nan, math.nan, math.nan)
    scaling = tuple(replace(row, cost=unknown) for row in MEASURED.scaling)
    some = replace(MEASURED, floor=unknown, lift=unknown, processor_ratio=math.nan, scaling=scaling, load=None)
    assert "nan" not in markdown(some)
    values = json.loads(json.dumps(some.to_json(), allow_nan=False))
    assert values["floor"]["processors"] is None
    assert values["planned_clips_an_hour"]["16"] is None


def test_rounds_are_paired_and_alternate(sample_video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that gets slower all the time, ratios come out right all the same."""
    record = {"figures": [{"frames": 300}], "seconds": {"detect": 6.0, "total": 7.0}}
    monkeypatch.setattr(lift_cost, "_stages", lambda *_: record)
    # What is divided is measured once more.
    monkeypatch.setattr(lift_cost, "_is_long", lambda _: False)
    asked: list[str] = []

    def slower(command: list[str], environment: object = None) -> Cost:
        floor = any("detection_floor" in word for word in command)
        jobs = int(command[command.index("--jobs") + 1]) if "--jobs" in command else 1
        asked.append("floor" if floor else f"lift {jobs}" if "--jobs" in command else "lift")
        slow = 1.02 ** len(asked)
        return Cost(slow * (6.0 if floor else 8.0 / jobs), slow * (6.0 if floor else 8.0), 1.0, 1.0)

    monkeypatch.setattr(lift_cost, "_run", slower)
    found = measure_lift(sample_video, [1, 2], 3, 4, lambda text: None)
    assert asked[:2] == ["floor", "lift"]
    assert asked[8:12] == ["lift 1", "lift 2", "lift 2", "lift 1"]
    assert found.clock_ratio == pytest.approx(8 / 6, rel=0.03)
    assert found.scaling[1].ratio == pytest.approx(2, rel=0.03)
    assert found.divided == ()
    assert found.frames == 300
