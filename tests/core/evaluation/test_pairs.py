"""Clips with a truth measured: what is compared, and what the table says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.evaluation.pairs import JOINTS, measure_clip, pairs_table
from motionlift.core.jobs import MotionLiftError
from motionlift.core.lifting.checkpoint import save_weights
from motionlift.core.lifting.network import DGNet
from motionlift.core.rotation import to_matrix
from motionlift.core.skeleton import BODY_26
from motionlift.core.training.detector_errors import DetectorErrors
from motionlift.core.training.pairs import PairClip, Pairs


def test_only_what_the_detector_reports_is_compared() -> None:
    assert len(JOINTS) == 23
    assert {BODY_26.joints[j] for j in range(26) if j not in JOINTS} == {"pelvis", "spine", "neck"}


def test_an_exact_detector_has_no_error(clip: PairClip, network: DGNet) -> None:
    errors = measure_clip(clip, network, solve=False)
    assert errors.frames == 30
    assert errors.mpjpe["mediapipe"] == pytest.approx(0, abs=1e-6)
    assert errors.mpjpe["lifted"] > errors.pa_mpjpe["lifted"] > 0
    assert np.isnan(errors.mpjpe["solved"])


def test_a_turned_and_larger_body_is_wrong_until_it_is_aligned(clip: PairClip, network: DGNet) -> None:
    own = clip.keypoints.world_landmarks
    assert own is not None
    turn = to_matrix(np.array([0.9, 0.1, 0.4, np.sqrt(1 - 0.98)]))
    turned = replace(clip, keypoints=replace(clip.keypoints, world_landmarks=1.3 * own @ turn.T + 4))
    errors = measure_clip(turned, network, solve=False)
    assert errors.mpjpe["mediapipe"] > 100
    assert errors.pa_mpjpe["mediapipe"] == pytest.approx(0, abs=1e-6)


def test_frames_without_a_detection_do_not_count(clip: PairClip, network: DGNet) -> None:
    detected = np.arange(30) % 10 != 4
    pixels = np.where(detected[:, None, None], clip.keypoints.pixels, np.nan)
    keypoints = replace(clip.keypoints, detected=detected, pixels=pixels)
    errors = measure_clip(replace(clip, keypoints=keypoints), network, solve=False)
    assert errors.frames == 27
    assert np.isfinite(errors.mpjpe["lifted"])
    none = replace(clip.keypoints, detected=np.zeros(30, bool), pixels=np.full((30, 26, 2), np.nan))
    for unusable in (none, replace(clip.keypoints, world_landmarks=None)):
        with pytest.raises(MotionLiftError, match="a walk shows no one") as caught:
            measure_clip(replace(clip, keypoints=unusable), network)
        assert caught.value.code == "bad_pairs"


def test_the_solve_is_measured_too(clip: PairClip, network: DGNet) -> None:
    errors = measure_clip(clip, network)
    assert 0 < errors.pa_mpjpe["solved"] < 1000
    brief = np.arange(30) < 2
    pixels = np.where(brief[:, None, None], clip.keypoints.pixels, np.nan)
    two = replace(clip, keypoints=replace(clip.keypoints, detected=brief, pixels=pixels))
    assert np.isnan(measure_clip(two, network).mpjpe["solved"]), "too short to solve, yet lifted"


def test_the_mean_counts_clips_alike(clip: PairClip, network: DGNet) -> None:
    long, short = measure_clip(clip, network, False), replace(measure_clip(clip, network, False), frames=1)
    short = replace(short, pa_mpjpe={**short.pa_mpjpe, "lifted": 0.0, "mediapipe": 10.0})
    table = pairs_table([long, short], "ours")
    assert table.columns == (
        "clip", "frames", "mediapipe MPJPE", "lifted MPJPE", "mediapipe PA-MPJPE", "lifted PA-MPJPE", "PA ratio",
    )  # fmt: skip
    mean = dict(zip(table.columns, table.rows[-1], strict=True))
    assert mean["clip"] == "mean"
    assert mean["lifted PA-MPJPE"] == pytest.approx(long.pa_mpjpe["lifted"] / 2)
    assert mean["mediapipe PA-MPJPE"] == pytest.approx(5.0, abs=1e-6)


def test_the_command(run: Callable[..., tuple[int, str, str]], clip: PairClip, network: DGNet, tmp_path: Path) -> None:
    Pairs((clip, replace(clip, name="a dance")), 0, 1.0).save(tmp_path / "pairs.npz")
    weights = tmp_path / "tiny.safetensors"
    save_weights(weights, network, {})
    table = tmp_path / "table.csv"
    code, shown, errors = run(
        "evaluate", "pairs", tmp_path / "pairs.npz", "--weights", weights, "--no-solve", "-o", table
    )
    assert code == 0, errors
    assert "| a dance | 30 |" in shown
    assert "tiny.safetensors" in shown
    assert table.read_text("utf-8").count("\n") == 4
    empty = replace(
        clip.keypoints, detected=np.zeros(30, bool), pixels=np.full((30, 26, 2), np.nan), world_landmarks=None
    )
    Pairs((replace(clip, keypoints=empty, name="an empty room"), clip), 0, 1.0).save(tmp_path / "some.npz")
    for what, counted in ((("pairs", "--no-solve"), "| mean | 30 |"), (("inputs",), "mean over 1 films")):
        code, shown, errors = run("evaluate", *what, tmp_path / "some.npz", "--weights", weights)
        assert code == 0, errors
        assert "an empty room shows no one" in errors
        assert counted in shown
    Pairs((replace(clip, keypoints=empty),), 0, 1.0).save(tmp_path / "none.npz")
    code, _, errors = run("evaluate", "pairs", tmp_path / "none.npz", "--weights", weights)
    assert code == 1
    assert "shows no one" in errors
    code, _, errors = run("evaluate", "pairs", weights)
    assert code == 1
    assert "does not hold pairs" in errors


def test_the_detectors_errors_are_shown_and_written(
    run: Callable[..., tuple[int, str, str]], clip: PairClip, tmp_path: Path
) -> None:
    Pairs((clip,), 0, 1.0).save(tmp_path / "pairs.npz")
    errors_file = tmp_path / "errors.json"
    code, shown, errors = run("evaluate", "noise", tmp_path / "pairs.npz", "-o", errors_file)
    assert code == 0, errors
    assert "1 films, 30 frames" in shown
    assert DetectorErrors.load(errors_file).frames == 30
    assert run("evaluate", "noise", tmp_path / "pairs.npz", "-o", errors_file)[0] == 2


@pytest.mark.parametrize("what", ["pairs", "inputs", "motion"])
def test_a_table_that_no_program_could_read_is_refused_first(
    what: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, _, errors = run("evaluate", what, tmp_path / "none.npz", "-o", tmp_path / "table.xlsx")
    assert code == 2
    assert "table.xlsx does not end in .md or .csv" in " ".join(errors.split())
