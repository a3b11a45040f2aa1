"""Tables end to end through the real command line: made-up data, tiny networks, two steps a row."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from motionlift.bridge.bvh import save_bvh
from motionlift.core.lifting.checkpoint import load_weights
from motionlift.core.motion import Motion
from motionlift.core.training.mocap import PackedTakes

Command = Callable[..., tuple[int, str, str]]
SAMPLE = Path(__file__).parents[3] / "samples" / "walk_wave_squat.truth.motion.npz"
TINY = ("--steps", "2", "--channels", "4", "--blocks", "1", "--windows", "2", "--device", "cpu", "--threads", "1")


@pytest.fixture
def packed(takes: PackedTakes, tmp_path: Path) -> Path:
    takes.save(tmp_path / "packed.npz")
    return tmp_path / "packed.npz"


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_on_motion_capture(run: Command, packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, shown, errors = run("reproduce", "table10", "--mocap", packed, "-o", out, *TINY)
    assert code == 0, errors
    assert shown.count("P-MPJPE") == 5
    rows = _table(out / "table10.csv")
    assert [row["setting"] for row in rows] == [
        "all parts", "network loss only", "without non-local", "not balanced", "unified",
    ]  # fmt: skip
    assert all(float(row["ours"]) > 0 and float(row["paper"]) > 45 for row in rows)
    assert float(rows[0]["ours, against the first"]) == 0
    text = (out / "table10.md").read_text("utf-8")
    assert "| without non-local |" in text
    assert "error by joint" in text
    assert "2 steps of training" in text
    if (out / "table10.png").exists():
        assert (out / "table10.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((out / "runs").rglob("*.json"))) == 5
    assert not list((out / "runs").rglob("*.run")), "what a finished run needed to go on is gone"
    assert load_weights(next(out.rglob("*non_local=False.safetensors"))).config.non_local is False

    # What is done is not done again, and other tables take it over.
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.json")}
    code, shown, errors = run("reproduce", "noise", "--mocap", packed, "-o", out, *TINY)
    assert code == 0, errors
    assert before == {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.json")}
    noise = [float(row["ours"]) for row in _table(out / "noise.csv")]
    assert len(noise) == 5
    assert len(set(noise)) == 5


def test_a_session_without_time_adds_nothing(run: Command, packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, shown, errors = run("reproduce", "table8", "--mocap", packed, "-o", out, "--minutes", "0", *TINY)
    assert code == 0, errors
    assert "3 rows are still missing" in shown
    assert [row["ours"] for row in _table(out / "table8.csv")] == ["", "", ""]


def test_a_damaged_row_is_named(run: Command, packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("reproduce", "noise", "--mocap", packed, "-o", out, *TINY)
    (path,) = (out / "runs").rglob("*.json")
    values = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**values, "format": "another"}), "utf-8")
    code, _, errors = run("reproduce", "noise", "--mocap", packed, "-o", out, *TINY)
    assert code == 1
    assert "is no row of a table" in errors


def test_the_benchmarks_on_their_data(
    run: Command, human36m: Path, write_mpi_inf_3dhp: Callable[..., Path], humaneva: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for name, folder, rows, columns in (
        ("table2", human36m, 2, {"Directions", "Walking"}),
        ("table3", humaneva, 1, {"Walking", "Jog"}),
        ("table4", write_mpi_inf_3dhp(), 3, {"TS1", "TS6"}),
    ):
        code, _, errors = run("reproduce", name, "--data", folder, "-o", out, *TINY)
        assert code == 0, errors
        table = _table(out / f"{name}.csv")
        assert len(table) == rows
        assert columns <= set(table[0])
        assert all(float(row["ours"]) >= 0 for row in table)
    code, _, errors = run("reproduce", "cross_action", "--data", human36m, "-o", out, *TINY)
    assert code == 1, "the made-up data shows no one sitting"
    assert "shows Sitting" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("table1",), "Nothing to train on"),
        (("table1", "--data", "a", "--mocap", "b"), "Two things"),
        (("table99", "--mocap", "b"), "no study 'table99'"),
        (("table1", "--data", "nowhere"), "no file data_3d_h36m.npz"),
        (("table1", "--mocap", "nowhere.npz"), "There is no nowhere.npz"),
    ],
)
def test_wrong_requests(run: Command, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    code, _, errors = run("reproduce", *arguments, "-o", tmp_path / "out", *TINY)
    assert code in (1, 2)
    assert message in " ".join(errors.split())


def test_a_folder_of_motion_capture_is_enough(run: Command, tmp_path: Path) -> None:
    for subject in ("01", "02", "03", "04", "05"):
        (tmp_path / "library" / subject).mkdir(parents=True)
        save_bvh(Motion.load(SAMPLE), tmp_path / "library" / subject / f"{subject}_01.bvh")
    code, _, errors = run("reproduce", "table8", "--mocap", tmp_path / "library", "-o", tmp_path / "out", *TINY)
    assert code == 0, errors
    assert all(float(row["ours"]) > 0 for row in _table(tmp_path / "out" / "table8.csv"))


def test_a_file_in_the_place_of_the_folder(run: Command, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    for study in ("table8", "speed"):
        code, _, errors = run("reproduce", study, "--mocap", packed, "-o", tmp_path / "out", *TINY)
        assert code == 2
        assert "cannot be made" in errors


def test_rows_whose_data_are_not_there_are_left_out(
    run: Command, write_human36m: Callable[..., Path], tmp_path: Path
) -> None:
    data, out = write_human36m(), tmp_path / "out"
    (data / "data_2d_h36m_cpn_ft_h36m_dbb.npz").unlink()
    code, shown, errors = run("reproduce", "table1", "--data", data, "-o", out, *TINY)
    assert code == 0, errors
    assert "no file data_2d_h36m_cpn_ft_h36m_dbb.npz" in shown
    assert "still missing" not in shown
    detected, exact = _table(out / "table1.csv")
    assert detected["ours"] == ""
    assert float(exact["ours"]) > 0
    code, shown, errors = run("reproduce", "table5", "--data", data, "-o", out, *TINY)
    assert code == 1, "all of its rows are of detections"
    assert "no file data_2d_h36m_cpn_ft_h36m_dbb.npz" in errors
