"""The table of a comparison: a line a network, Markdown for people, CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import mean, stdev


@dataclass(frozen=True)
class Row:
    """A run measured. Errors in mm, root-relative, means over all frames of all sequences; `mpjve_mm`: of velocity, a
    frame, as papers report it. Costs as in `cost.Cost`. `steps`, `minutes`: how long it trained; 0 if that is not
    known."""

    name: str
    seed: int
    mpjpe_mm: float
    pa_mpjpe_mm: float
    mpjve_mm: float
    parameters: int
    macs: int
    cpu_ms: float
    gpu_ms: float | None
    steps: int
    minutes: float


COLUMNS = ("network", "MPJPE", "P-MPJPE", "MPJVE", "parameters", "MACs/frame", "CPU ms/frame", "GPU ms/frame", "steps",
           "minutes")  # fmt: skip


def lines(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """A line a network, in the order of their first rows, cells as `COLUMNS`: means over its seeds, with the standard
    deviation where there are several."""
    names = list(dict.fromkeys(row.name for row in rows))
    return [_line(name, [row for row in rows if row.name == name]) for name in names]


def markdown(rows: Sequence[Row], notes: str) -> str:
    """The table, the lowest error of each kind in bold, and below it `notes`."""
    table = [list(line) for line in lines(rows)]
    for column in (1, 2, 3):
        best = min((float(line[column].split()[0]) for line in table), default=0.0)
        for line in table:
            if float(line[column].split()[0]) == best:
                line[column] = f"**{line[column]}**"
    rule = ["---", *["---:"] * (len(COLUMNS) - 1)]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in (COLUMNS, rule, *table))
    return f"{text}\n\n{notes}\n"


def comma_separated(rows: Sequence[Row]) -> str:
    """A line a run, the fields of `Row`."""
    file = io.StringIO()
    names = [field.name for field in fields(Row)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(row, name) for name in names] for row in rows)
    return file.getvalue()


def _line(name: str, runs: Sequence[Row]) -> tuple[str, ...]:
    gpu = [run.gpu_ms for run in runs if run.gpu_ms is not None]
    label = name if len(runs) == 1 else f"{name} ({len(runs)} seeds)"
    return (
        label,
        _spread([run.mpjpe_mm for run in runs], 1),
        _spread([run.pa_mpjpe_mm for run in runs], 1),
        _spread([run.mpjve_mm for run in runs], 2),
        f"{runs[0].parameters / 1e6:.2f} M",
        f"{runs[0].macs / 1e6:.1f} M",
        f"{mean(run.cpu_ms for run in runs):.3f}",
        f"{mean(gpu):.4f}" if gpu else "-",
        f"{mean(run.steps for run in runs):.0f}",
        f"{mean(run.minutes for run in runs):.1f}",
    )


def _spread(values: Sequence[float], digits: int) -> str:
    text = f"{mean(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {stdev(values):.{digits}f}"
