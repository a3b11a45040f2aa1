"""Tables and pictures of rows that are there and of rows that are not yet."""

import csv
import io
from pathlib import Path

import pytest

from motionlift.core.evaluation.report import Table, joint_table, table_of, write_report
from motionlift.core.evaluation.rows import Result
from motionlift.core.evaluation.speed import PAPER_MS, Speed, speed_table
from motionlift.core.evaluation.studies import MOCAP_SOURCE, STUDIES, Run, study


def _result(run: Run) -> Result | None:
    """Made-up figures; none for the last settings of each table."""
    error = 50.0 + len(run.name)
    if "unified" in run.name or "factorised" in run.name or "K = 7" in run.name:
        return None
    metrics = {"MPJPE": error, "P-MPJPE": error - 10, "PCK": 80.0, "AUC": 50.0}
    noise = {f"{px}": {"P-MPJPE": error + px} for px in (0, 5, 10, 15, 20)}
    actions = {"walking": metrics, "dance": {**metrics, "MPJPE": error + 20}}
    joints = {"pelvis": 0.0, "left_wrist": 2 * error}
    return Result({}, {}, {}, metrics, actions, joints, noise, 1000, 20, 1.5, "cpu")


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_a_table_and_a_picture(name: str, tmp_path: Path) -> None:
    one = study(name, MOCAP_SOURCE)
    files = write_report(one, _result, tmp_path, "Each row: 10 minutes.")
    assert {path.name for path in files} >= {f"{name}.md", f"{name}.csv", f"{name}_joints.csv"}
    assert all(path.is_file() for path in files)
    if files[-1].suffix == ".png":
        assert files[-1].stat().st_size > 5000
    text = (tmp_path / f"{name}.md").read_text("utf-8")
    assert all(row.label in text for row in one.rows)
    assert "Each row: 10 minutes." in text


def test_what_is_not_done_yet_is_left_empty() -> None:
    one = study("table10", MOCAP_SOURCE)
    table = table_of(one, _result)
    missing = table.rows[-1]
    assert missing[:4] == ("unified", None, 48.9, None)
    assert missing[4] == pytest.approx(3.6)
    assert table_of(one, lambda run: None).rows[0][1] is None
    assert not joint_table(one, lambda run: None).rows


def test_differences_are_to_the_first_row() -> None:
    table = table_of(study("table6", MOCAP_SOURCE), _result)
    ours = {row[0]: row[1] for row in table.rows}
    against = {row[0]: row[3] for row in table.rows}
    first = ours["dynamical, FC"]
    assert isinstance(first, float)
    for label, value in ours.items():
        assert isinstance(value, float)
        assert against[label] == pytest.approx(value - first)


def test_columns_by_action() -> None:
    table = table_of(study("cross_action", MOCAP_SOURCE), _result)
    assert table.columns[3:5] == ("dance", "walking")
    for row in table.rows:
        dance, walking = row[3:5]
        assert isinstance(dance, float)
        assert isinstance(walking, float)
        assert dance == pytest.approx(walking + 20)


def test_markdown_and_csv_hold_the_same() -> None:
    table = Table(
        "A title", ("setting", "ours"), (("one", 1.26), ("two, or three", None), ("four", float("nan"))), "Why."
    )
    lines = table.markdown().splitlines()
    assert lines[:3] == ["# A title", "", "Why."]
    assert lines[-3:] == ["| one | 1.3 |", "| two, or three |  |", "| four |  |"]
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows == [["setting", "ours"], ["one", "1.26"], ["two, or three", ""], ["four", "nan"]]


def test_speed_is_shown_as_ratios() -> None:
    speeds = [Speed(name, ms, None) for name, ms in zip(PAPER_MS, (0.8, 0.6, 4.0), strict=True)]
    table = speed_table(speeds)
    assert [row[2] for row in table.rows] == ["1.00", "0.75", "5.00"]
    assert [row[-1] for row in table.rows] == ["1.00", "0.80", "4.57"]
    assert all(row[3] == "" for row in table.rows)
