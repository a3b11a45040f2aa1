"""A study's rows as a table in Markdown and CSV, and as a picture: ours beside the paper's."""

from __future__ import annotations

import csv
import io
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import written_beside
from .rows import Result
from .studies import Row, Run, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger(__name__)

Cell = str | float | None
OURS, THEIRS = "#2a6fbb", "#c9c9c9"


@dataclass(frozen=True)
class Table:
    """Named columns and rows of text, numbers, or nothing where there is no figure yet."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        """As GitHub shows it; numbers to a tenth."""
        lines = [f"# {self.title}", ""]
        lines += [self.note, ""] if self.note else []
        lines += [_line(self.columns), _line(["---", *["---:"] * (len(self.columns) - 1)])]
        lines += [_line([_text(cell) for cell in row]) for row in self.rows]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """Comma-separated, numbers as they are."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([["" if cell is None else cell for cell in row] for row in self.rows])
        return stream.getvalue()


def table_of(study: Study, result: Callable[[Run], Result | None], caption: str = "") -> Table:
    """The study as far as its runs are done; `caption` says what was run with."""
    results = [result(row.run) for row in study.rows]
    ours = [None if r is None else r.value(row.value) for row, r in zip(study.rows, results, strict=True)]
    columns = ["setting", "ours", "paper"]
    rows: list[list[Cell]] = [[row.label, value, row.paper] for row, value in zip(study.rows, ours, strict=True)]
    if study.compared:
        columns += ["ours, against the first", "paper, against the first"]
        for line, row, value in zip(rows, study.rows, ours, strict=True):
            line += [_difference(value, ours[0]), _difference(row.paper, study.rows[0].paper)]
    if study.by == "action":
        actions = sorted({action for r in results if r is not None for action in r.actions})
        columns += actions
        for line, row, found in zip(rows, study.rows, results, strict=True):
            line += [None if found is None else found.actions.get(a, {}).get(row.value) for a in actions]
    columns += ["parameters", "steps", "minutes"]
    for line, found in zip(rows, results, strict=True):
        line += [None, None, None] if found is None else [f"{found.parameters:,}", f"{found.steps:,}", found.minutes]
    return Table(study.title, tuple(columns), tuple(map(tuple, rows)), " ".join(filter(None, (study.note, caption))))


def joint_table(study: Study, result: Callable[[Run], Result | None]) -> Table:
    """Each joint's mean error in mm, a column a joint, of the runs that are done."""
    labels: dict[Run, str] = {}
    for row in study.rows:
        labels.setdefault(row.run, row.label)
    done = {label: found for run, label in labels.items() if (found := result(run)) is not None}
    joints = list(dict.fromkeys(joint for found in done.values() for joint in found.joints))
    rows = tuple((label, *(found.joints.get(joint) for joint in joints)) for label, found in done.items())
    return Table(f"{study.title}: error by joint, mm", ("setting", *joints), rows)


def write_report(study: Study, result: Callable[[Run], Result | None], folder: Path, caption: str = "") -> list[Path]:
    """`<study>.md`, `<study>.csv`, `<study>_joints.csv` and, where matplotlib is installed, `<study>.png` in `folder`;
    returns the files."""
    table, joints = table_of(study, result, caption), joint_table(study, result)
    texts = {
        f"{study.name}.md": table.markdown() + ("\n" + joints.markdown() if joints.rows else ""),
        f"{study.name}.csv": table.csv(),
        f"{study.name}_joints.csv": joints.csv(),
    }
    written = []
    for name, text in texts.items():
        with written_beside(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        written.append(folder / name)
    picture = folder / f"{study.name}.png"
    return [*written, picture] if _drawn(study, table, picture) else written


def _drawn(study: Study, table: Table, path: Path) -> bool:
    """Draw what is done; False, and a line in the log, where that cannot be."""
    rows = [row for row in table.rows if row[1] is not None]
    if not rows:
        return False
    try:
        from matplotlib.figure import Figure
    except ImportError:
        log.warning("No picture without matplotlib: pip install 'motionlift[train]'.")
        return False
    height = 1.6 + 0.38 * len(rows) if study.plot == "bars" else 4.8
    figure = Figure(figsize=(7.5, height), layout="constrained")
    axes = figure.add_subplot()
    _PLOTS[study.plot](axes, study, table, rows)
    axes.set_title(study.title, fontsize=11)
    with written_beside(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    return True


def _bars(axes: Axes, study: Study, table: Table, rows: Sequence[tuple[Cell, ...]]) -> None:
    places = range(len(rows))
    for offset, column, colour, label in ((-0.2, 1, OURS, "ours"), (0.2, 2, THEIRS, "paper")):
        values = [_number(row[column]) for row in rows]
        if any(map(math.isfinite, values)):
            bars = axes.barh([p + offset for p in places], values, 0.38, color=colour, label=label)
            axes.bar_label(bars, ["" if math.isnan(v) else f"{v:.1f}" for v in values], padding=3, fontsize=8)
    axes.set_yticks(list(places), [str(row[0]) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(_unit(study.rows))
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    # Beside the bars: every corner may hold one.
    axes.legend(loc="lower left", bbox_to_anchor=(1.0, 0.0), frameon=False)


def _line_plot(axes: Axes, study: Study, table: Table, rows: Sequence[tuple[Cell, ...]]) -> None:
    labels = [str(row[0]) for row in rows]
    for column, colour, label in ((1, OURS, "ours"), (2, "#777777", "paper")):
        values = [_number(row[column]) for row in rows]
        if any(map(math.isfinite, values)):
            axes.plot(labels, values, "o-", color=colour, label=label)
    axes.set_ylabel(_unit(study.rows))
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def _matrix(axes: Axes, study: Study, table: Table, rows: Sequence[tuple[Cell, ...]]) -> None:
    first, last = 3, table.columns.index("parameters")
    values = [[_number(cell) for cell in row[first:last]] for row in rows]
    axes.imshow(values, cmap="Blues", aspect="auto")
    middle = (max(map(max, values)) + min(map(min, values))) / 2
    for i, line in enumerate(values):
        for j, value in enumerate(line):
            axes.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=8, color="w" if value > middle else "k")
    axes.set_xticks(range(last - first), table.columns[first:last], rotation=30, ha="right")
    axes.set_yticks(range(len(rows)), [str(row[0]) for row in rows])
    axes.set_xlabel(f"tested on; {_unit(study.rows)}")


_PLOTS: dict[str, Callable[[Axes, Study, Table, Sequence[tuple[Cell, ...]]], Any]] = {
    "bars": _bars,
    "line": _line_plot,
    "matrix": _matrix,
}


def _unit(rows: Sequence[Row]) -> str:
    metrics = {row.value.split("@")[0] for row in rows}
    name = ", ".join(sorted(metrics))
    return f"{name}, percent" if metrics <= {"PCK", "AUC"} else f"{name}, mm" if len(metrics) == 1 else name


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _number(cell: Cell) -> float:
    return cell if isinstance(cell, float | int) else float("nan")


def _text(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
