"""A comparison from data to table, with tiny networks and two steps; stopped and gone on with."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionlift.core.evaluation import contestants as contestants_module
from motionlift.core.evaluation.compare import CompareSettings, compare
from motionlift.core.evaluation.comparison_table import COLUMNS, Row, comma_separated, lines, markdown
from motionlift.core.evaluation.contestants import Contestant, block_loss, centre_loss, distance_loss
from motionlift.core.jobs import MotionLiftError, UsageError
from motionlift.core.lifting.alternatives.dilated import DilatedConfig, DilatedNet
from motionlift.core.lifting.alternatives.residual_mlp import ResidualMLP, ResidualMLPConfig
from motionlift.core.lifting.checkpoint import save_weights
from motionlift.core.lifting.network import DGNet, DGNetConfig
from motionlift.core.skeleton import reference_rest, rest_points
from motionlift.core.threads import one_thread
from motionlift.core.training.mocap import QUANTUM, PackedTakes

TINY = (
    Contestant(
        "dgnet",
        lambda task: DGNet(DGNetConfig(task.joint_set, channels=8, blocks=1, cues=task.cues)),
        4, 2, 1e-3, block_loss(squared=True),
    ),
    Contestant(
        "mlp",
        lambda task: ResidualMLP(ResidualMLPConfig(task.joint_set, task.channels_in, width=16, dropout=0.0)),
        1, 4, 1e-3, distance_loss,
    ),
    Contestant(
        "dilated",
        lambda task: DilatedNet(DilatedConfig(task.joint_set, task.channels_in, channels=16, dropout=0.0)),
        27, 2, 1e-3, centre_loss, whole=True,
    ),
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes of the reference body that breathes: one to train on, two to measure."""
    body = rest_points(reference_rest()[0])
    swell = 1 + 0.1 * np.sin(np.arange(270) / 10)
    points = np.round(body * swell[:, None, None] / QUANTUM).astype(np.int16)
    takes = PackedTakes(
        points, np.array([0, 90, 180, 270]), np.full(3, 30.0), ("a", "b", "c"), ("train", "validation", "validation")
    )
    path = tmp_path_factory.mktemp("packed") / "takes.npz"
    takes.save(path)
    return path


@pytest.fixture
def settings(packed: Path, tmp_path: Path) -> CompareSettings:
    return CompareSettings(packed, tmp_path, minutes=None, steps=2, sequences=2, device="cpu", cues=("depth",))


def weights_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


def test_from_data_to_table(settings: CompareSettings, tmp_path: Path) -> None:
    seen: list[Row] = []
    rows = compare(replace(settings, seeds=2), TINY, report=seen.append)
    assert rows == seen
    assert [(row.name, row.seed) for row in rows] == [(c.name, seed) for c in TINY for seed in (0, 1)]
    for row in rows:
        assert row.steps == 2
        assert 0 < row.pa_mpjpe_mm < row.mpjpe_mm < 1e6
        assert row.mpjve_mm > 0
        assert row.parameters > 0
        assert row.macs > 0
        assert row.cpu_ms > 0
    first, second = rows[2:4]
    assert first.mpjpe_mm != second.mpjpe_mm
    assert (first.parameters, first.macs) == (second.parameters, second.macs)
    assert len(weights_of(tmp_path)) == 6


def test_what_is_done_is_not_done_again(settings: CompareSettings, tmp_path: Path) -> None:
    rows = compare(settings, TINY[1:])
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert compare(settings, TINY[1:]) == rows
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    (tmp_path / "mlp-0.json").unlink()
    again = compare(settings, TINY[1:])
    assert [row.mpjpe_mm for row in again] == [row.mpjpe_mm for row in rows]
    assert (tmp_path / "mlp-0.safetensors").stat().st_mtime_ns == before["mlp-0.safetensors"]


def test_without_time_nothing_is_trained(settings: CompareSettings, tmp_path: Path) -> None:
    assert compare(replace(settings, session_minutes=0.0), TINY) == []
    assert not weights_of(tmp_path)


def test_a_budget_by_the_clock_is_kept_over_sessions(settings: CompareSettings, tmp_path: Path) -> None:
    by_clock = replace(settings, minutes=0.02, steps=None)
    assert compare(replace(by_clock, session_minutes=0.005), TINY[1:2]) == []
    assert (tmp_path / "mlp-0.run").is_dir()
    (row,) = compare(by_clock, TINY[1:2])
    assert 0.02 <= row.minutes < 0.05
    assert row.steps > 2
    assert not (tmp_path / "mlp-0.run").exists()


def test_the_same_seed_learns_the_same(settings: CompareSettings, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first, second = (compare(replace(settings, folder=folder), TINY[1:2]) for folder in folders)
    assert first[0].mpjpe_mm == second[0].mpjpe_mm


def test_weights_from_elsewhere_are_measured_alike(settings: CompareSettings, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = DGNetConfig("body_26", channels=8, blocks=1, frame_interval_s=1 / 15)
    save_weights(tmp_path / "shipped.safetensors", DGNet(config), {})
    (row,) = compare(settings, (), [tmp_path / "shipped.safetensors"])
    assert row.name == "shipped"
    assert np.isfinite(row.mpjpe_mm)
    other = DGNet(replace(config, joint_set="human36m_17"))
    save_weights(tmp_path / "other.safetensors", other, {})
    with pytest.raises(UsageError) as caught:
        compare(settings, (), [tmp_path / "other.safetensors"])
    assert caught.value.code == "wrong_joint_set"


def test_rows_of_other_settings_are_not_mixed_in(settings: CompareSettings) -> None:
    compare(settings, TINY[1:2])
    with pytest.raises(UsageError) as caught:
        compare(replace(settings, steps=3, noise="none"), TINY[1:2])
    assert caught.value.code == "other_comparison"
    assert "noise, steps" in caught.value.message


@pytest.mark.parametrize("mistake", ["data", "part", "weights"])
def test_what_could_not_begin_holds_nobody_to_its_settings(
    settings: CompareSettings, tmp_path: Path, mistake: str
) -> None:
    given = (tmp_path / "nowhere.safetensors",) if mistake == "weights" else ()
    wrong = {"data": {"data": tmp_path}, "part": {"part": "val"}, "weights": {}}[mistake]
    with pytest.raises(MotionLiftError) as caught:
        compare(replace(settings, **wrong), TINY[1:2], given)  # type: ignore[arg-type]
    assert caught.value.code in ("no_training_data", "no_sequences", "weights_missing")
    assert list(tmp_path.iterdir()) == [], "nothing is trained before all is known to be there"
    assert len(compare(settings, TINY[1:2])) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "mlp"}'])
def test_broken_records_are_named(settings: CompareSettings, tmp_path: Path, text: str) -> None:
    (tmp_path / "mlp-0.json").write_text(text)
    with pytest.raises(MotionLiftError) as caught:
        compare(settings, TINY[1:2])
    assert caught.value.code == "bad_run"
    assert "mlp-0.json" in caught.value.message


def test_weights_of_another_network_are_named(settings: CompareSettings, tmp_path: Path) -> None:
    compare(settings, TINY[1:])
    (tmp_path / "mlp-0.json").unlink()
    (tmp_path / "mlp-0.safetensors").write_bytes((tmp_path / "dilated-0.safetensors").read_bytes())
    with pytest.raises(MotionLiftError) as caught:
        compare(settings, TINY[1:2])
    assert caught.value.code == "bad_run"


@pytest.mark.parametrize(
    "change",
    [
        {"minutes": 1.0}, {"steps": None}, {"steps": 0}, {"seeds": 0}, {"rate": 0.0}, {"sequences": 0},
        {"joint_set": "octopus"}, {"noise": "white"},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(settings: CompareSettings, change: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        replace(settings, **change)
    assert caught.value.code == "bad_setting"


ROWS = [
    Row("a", 0, 50.0, 40.0, 5.0, 1_000_000, 2_000_000, 0.5, None, 10, 1.0),
    Row("a", 1, 60.0, 42.0, 7.0, 1_000_000, 2_000_000, 0.7, None, 12, 1.0),
    Row("b", 0, 54.0, 44.0, 4.0, 500_000, 9_000_000, 0.1, 0.01, 99, 1.0),
]


def test_a_line_a_network() -> None:
    assert lines(ROWS) == [
        ("a (2 seeds)", "55.0 ± 7.1", "41.0 ± 1.4", "6.00 ± 1.41", "1.00 M", "2.0 M", "0.600", "-", "11", "1.0"),
        ("b", "54.0", "44.0", "4.00", "0.50 M", "9.0 M", "0.100", "0.0100", "99", "1.0"),
    ]


def test_the_lowest_errors_are_bold() -> None:
    text = markdown(ROWS, "Notes.").splitlines()
    assert text[0].strip("| ").split(" | ") == list(COLUMNS)
    assert "**41.0 ± 1.4**" in text[2]
    assert "**54.0**" in text[3]
    assert "**4.00**" in text[3]
    assert text[-1] == "Notes."


def test_every_run_can_be_read_back() -> None:
    found = list(csv.DictReader(comma_separated(ROWS).splitlines()))
    assert [float(row["mpjpe_mm"]) for row in found] == [50.0, 60.0, 54.0]
    assert [row["gpu_ms"] for row in found] == ["", "", "0.01"]


def test_the_command(
    packed: Path, tmp_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contestants_module, "CONTESTANTS", TINY)
    folder = tmp_path / "comparison"
    arguments = ("compare", "--data", packed, "-o", folder, "--steps", "2", "--sequences", "1", "--only", "mlp")
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "mlp" in out
    assert "MPJPE" in out
    assert (folder / "comparison.md").read_text().startswith("| network |")
    assert len((folder / "comparison.csv").read_text().splitlines()) == 2
    assert json.loads((folder / "settings.json").read_text())["steps"] == 2
    assert run(*arguments[:-1], "yolo")[0] == 2
