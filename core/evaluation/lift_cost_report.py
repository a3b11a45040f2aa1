"""What a lift costs, written down: Markdown, JSON, and a picture where matplotlib is installed."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import written_beside
from .lift_cost import CORES, LiftCost, Scaling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger(__name__)

NAME = "bench"
STAGES = ("open", "detect", "lift", "solve", "write")
_COLOURS = ("#9aa5b1", "#1f6feb", "#3fb6a8", "#e0813a", "#8957e5")


def write_report(cost: LiftCost, folder: Path) -> list[Path]:
    """`bench.md`, `bench.json` and, where matplotlib is installed, `bench.png` in `folder`; the files."""
    texts = {f"{NAME}.md": markdown(cost), f"{NAME}.json": json.dumps(cost.to_json(), indent=1) + "\n"}
    for name, text in texts.items():
        with written_beside(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    written = [folder / name for name in texts]
    picture = folder / f"{NAME}.png"
    return [*written, picture] if _drawn(cost, picture) else written


def markdown(cost: LiftCost) -> str:
    """The figures as tables."""
    seconds = cost.frames / cost.fps
    added = cost.lift.processors - cost.floor.processors
    load = "" if cost.load is None else f"; load before it began {cost.load:.2f}"
    lines = [
        f"# What lifting {cost.clip} costs",
        "",
        f"{cost.frames} frames, {seconds:.1f} s at {cost.fps:.5g} a second, {cost.size[0]}x{cost.size[1]}, people "
        f"lifted: {cost.people}. Medians of {cost.rounds} rounds, everything in fresh processes, caches off.",
        "",
        ", ".join(f"{name} {value}" for name, value in cost.machine.items()) + load + ".",
        "",
        "## A whole lift beside decoding and MediaPipe alone",
        "",
        *_table(
            ("", "decoding and MediaPipe", "whole lift", "ratio"),
            ("clock, s", cost.floor.clock, cost.lift.clock, cost.clock_ratio),
            ("processors, s", cost.floor.processors, cost.lift.processors, cost.processor_ratio),
            ("processors a frame, ms", *(1000 * c.processors / cost.frames for c in (cost.floor, cost.lift)), None),
            ("memory of all processes, MB", cost.floor.peak_mb, cost.lift.peak_mb, None),
            ("memory of the largest, MB", cost.floor.largest_mb, cost.lift.largest_mb, None),
        ),
        "",
        *([f"Seconds of processors added: {added:.2f}.", ""] if math.isfinite(added) else []),
        "## Stages, seconds by the clock within a running process",
        "",
        *_table(
            tuple(stage for stage in (*STAGES, "total") if stage in cost.stages),
            tuple(cost.stages[stage] for stage in (*STAGES, "total") if stage in cost.stages),
        ),
        "",
        f"## {cost.scaling[0].clips} clips at once",
        "",
        *_scaling_table(cost.scaling),
        "",
    ]
    if math.isfinite(cost.planned(CORES[0])):
        planned = ", ".join(f"{cores} of them lift {cost.planned(cores):,.0f} clips an hour" for cores in CORES)
        lines += [f"Were all processors kept busy, by the seconds of processors a clip: {planned}.", ""]
    if cost.divided:
        lines += ["## The one clip divided", "", *_scaling_table(cost.divided), ""]
    return "\n".join(lines)


def _scaling_table(rows: Sequence[Scaling]) -> list[str]:
    return _table(
        ("processes", "clock, s", "clips an hour", "ratio", "processors a clip, s", "processors busy", "memory, MB",
         "largest process, MB"),
        *(
            (str(row.jobs), row.cost.clock, f"{row.clips_an_hour:.0f}", row.ratio, row.cost.processors / row.clips,
             row.cost.processors / row.cost.clock, row.cost.peak_mb, row.cost.largest_mb)
            for row in rows
        ),
    )  # fmt: skip


def _table(head: Sequence[str], *rows: Sequence[str | float | None]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(_text(cell) for cell in row) + " |" for row in rows),
    ]


def _text(cell: str | float | None) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return cell if isinstance(cell, str) else f"{cell:.0f}" if cell >= 100 else f"{cell:.2f}"


def _drawn(cost: LiftCost, path: Path) -> bool:
    """Draw it; False, and a line in the log, where that cannot be."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        log.warning("No picture without matplotlib: pip install 'motionlift[train]'.")
        return False
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    stages, beside, processes = figure.subplots(1, 3, width_ratios=(1.5, 1.2, 1))
    _draw_stages(stages, cost)
    _draw_beside(beside, cost)
    _draw_scaling(processes, cost)
    figure.suptitle(f"{cost.clip}: {cost.frames} frames, {cost.size[0]}x{cost.size[1]}", fontsize=11)
    with written_beside(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    return True


def _draw_stages(axes: Axes, cost: LiftCost) -> None:
    names = [stage for stage in STAGES if stage in cost.stages]
    values = [cost.stages[name] for name in names]
    bars = axes.barh(names, values, color=[_COLOURS[STAGES.index(name)] for name in names])
    axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("seconds by the clock")
    axes.set_title("Stages of one lift", fontsize=10)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_beside(axes: Axes, cost: LiftCost) -> None:
    for offset, found, colour, label in (
        (-0.2, cost.floor, _COLOURS[0], "decoding and MediaPipe"),
        (0.2, cost.lift, _COLOURS[1], "whole lift"),
    ):
        values = [found.clock, found.processors]
        bars = axes.bar([place + offset for place in range(2)], values, 0.38, color=colour, label=label)
        axes.bar_label(bars, ["" if math.isnan(value) else f"{value:.1f}" for value in values], padding=2, fontsize=8)
    ratios = (cost.clock_ratio, cost.processor_ratio)
    names = [f"{name}\n(x {ratio:.2f})" for name, ratio in zip(("clock", "processors"), ratios, strict=True)]
    axes.set_xticks(range(2), names)
    axes.set_ylabel("seconds")
    axes.set_title("Beside its floor", fontsize=10)
    axes.margins(y=0.35)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_scaling(axes: Axes, cost: LiftCost) -> None:
    for rows, colour, label in ((cost.scaling, _COLOURS[1], "many clips"), (cost.divided, _COLOURS[3], "one clip")):
        if rows:
            axes.plot([row.jobs for row in rows], [row.ratio for row in rows], "o-", color=colour, label=label)
    jobs = [row.jobs for row in cost.scaling]
    axes.plot(jobs, [count / jobs[0] for count in jobs], ":", color="#777777", label="ideal")
    axes.set_xticks(jobs)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("processes")
    axes.set_ylabel("times as fast")
    axes.set_title("Several processes", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
