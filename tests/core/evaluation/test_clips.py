"""Clips measured whole: the sample before its truth, and the table of what was found."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.evaluation import clips
from motionlift.core.evaluation.clips import PERCENT, ROWS, figures_table, lift_clip, truth_beside
from motionlift.core.evaluation.motion_figures import NAMES, MotionFigures, measure_motion
from motionlift.core.jobs import LiftSettings, MotionLiftError
from motionlift.core.motion import Motion

Run = Callable[..., tuple[int, str, str]]


def figures(value: float) -> MotionFigures:
    return MotionFigures(*(value + index for index in range(len(NAMES))))


@pytest.mark.usefixtures("weights")
def test_the_sample_is_lifted_and_measured(sample_video: Path, detections: Path) -> None:
    """Bounds that a broken part would leave, not what was reached."""
    settings = LiftSettings(end=3.0, cache_dir=str(detections))
    motion, truth, mediapipe = lift_clip(sample_video, settings)
    assert len(motion) == 90
    assert len(truth) == 300
    found = measure_motion(motion, truth, mediapipe)
    assert found.mpjpe < 120
    assert found.mpjpe < found.mpjpe_mediapipe
    assert found.pa_mpjpe < found.mpjpe
    assert found.contact_f1 > 0.5
    assert found.overlay_percent < 5
    assert found.penetration < 30
    assert found.path_percent < 30
    # Bones come from the stature that the truth tells.
    tall = [np.linalg.norm(m.rest_offsets, axis=-1).sum() for m in (motion, truth)]
    assert tall[0] == pytest.approx(tall[1], rel=0.1)
    taller, *_ = lift_clip(sample_video, replace(settings, height_m=2.0))
    assert np.linalg.norm(taller.rest_offsets, axis=-1).sum() > 1.1 * tall[0]


def test_a_clip_without_a_truth_is_refused(tmp_path: Path) -> None:
    clip = tmp_path / "walk.mp4"
    clip.write_bytes(b"")
    for ask in (truth_beside, lambda path: lift_clip(path, LiftSettings())):
        with pytest.raises(MotionLiftError, match=r"walk\.truth\.motion\.npz") as caught:
            ask(clip)
        assert caught.value.code == "no_truth"
        assert "make_evaluation" in caught.value.hint


def test_the_table_has_a_row_a_figure_a_column_a_clip_and_the_mean() -> None:
    table = figures_table({"walk": figures(1.0), "run": replace(figures(3.0), tremor=float("nan"))})
    assert table.columns == ("figure", "walk", "run", "mean")
    assert [row[0] for row in table.rows] == [ROWS[name] for name in NAMES]
    assert set(ROWS) == set(NAMES)
    assert len(set(ROWS.values())) == len(NAMES)
    for index, (name, (_, walk, _, mean)) in enumerate(zip(NAMES, table.rows, strict=True)):
        scale = PERCENT.get(name, 1)
        assert walk == scale * asdict(figures(1.0))[name] == scale * (1.0 + index)
        # The other clip has no tremor.
        assert mean == pytest.approx(scale * (1.0 + index if name == "tremor" else 2.0 + index))
    line = next(line for line in table.markdown().splitlines() if "6 Hz" in line)
    assert line.count("|") == 5
    assert "nan" not in table.markdown()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, LiftSettings]]:
    """What the command asked to be measured, in place of lifting."""
    asked: list[tuple[Path, LiftSettings]] = []

    def _measure(clip: Path, settings: LiftSettings) -> MotionFigures:
        asked.append((clip, settings))
        return figures(float(len(asked)))

    monkeypatch.setattr(clips, "measure_clip", _measure)
    return asked


@pytest.fixture
def two_clips(tmp_path: Path, make_motion: Callable[..., Motion]) -> list[Path]:
    made = [tmp_path / "läuft.mp4", tmp_path / "springt.mp4"]
    for clip in made:
        clip.write_bytes(b"")
        make_motion().save(clip.with_name(clip.stem + ".truth.motion.npz"))
    return made


@pytest.mark.parametrize("suffix", [".md", ".csv"])
def test_the_command_shows_and_writes_a_table(
    run: Run, measured: list[tuple[Path, LiftSettings]], two_clips: list[Path], tmp_path: Path, suffix: str
) -> None:
    table = tmp_path / f"table{suffix}"
    options = ("--smoothing", "0.25", "--device", "cpu", "-o", table)
    code, shown, errors = run("evaluate", "motion", *two_clips, *options)
    assert code == 0, errors
    assert "2 of 2: springt.mp4" in errors
    assert all(words in shown for words in ("| figure | läuft | springt | mean |", ROWS["skate"], ROWS["hand_lag"]))
    text = table.read_text("utf-8")
    if suffix == ".csv":
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[0] == ["figure", "läuft", "springt", "mean"]
        assert [float(cell) for cell in rows[1][1:]] == [1.0, 2.0, 1.5]
        assert len(rows) == 1 + len(NAMES)
    else:
        assert text.startswith("# Lifted motions against the truth")
    assert [clip for clip, _ in measured] == two_clips
    assert all(s.smoothing == 0.25 and s.device == "cpu" and s.weights is None for _, s in measured)
    # What is there is kept, unless it is asked for.
    assert run("evaluate", "motion", *two_clips, "-o", table)[0] == 2
    assert len(measured) == 2
    assert run("evaluate", "motion", *two_clips, "-o", table, "--overwrite")[0] == 0


def test_clips_of_one_name_are_two(
    run: Run, measured: list[tuple[Path, LiftSettings]], two_clips: list[Path], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in (two_clips[0], truth_beside(two_clips[0])):
        shutil.copy(path, other / path.name)
    code, shown, errors = run("evaluate", "motion", two_clips[0], other / two_clips[0].name)
    assert code == 0, errors
    assert len(measured) == 2
    assert "| mean |" in shown
    assert next(line for line in shown.splitlines() if ROWS["mpjpe_mediapipe"] in line).endswith("| 1.0 | 2.0 | 1.5 |")


def test_nothing_is_lifted_before_every_truth_is_found(
    run: Run, measured: list[tuple[Path, LiftSettings]], two_clips: list[Path], tmp_path: Path
) -> None:
    truth_beside(two_clips[1]).unlink()
    table = tmp_path / "table.md"
    code, _, errors = run("evaluate", "motion", *two_clips, "-o", table)
    assert code == 1
    assert "springt.truth.motion.npz" in errors
    assert not measured
    assert not table.exists()


def test_a_clip_has_to_be_named(run: Run) -> None:
    assert run("evaluate", "motion")[0] == 2
