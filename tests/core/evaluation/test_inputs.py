"""Films told otherwise: what is exact stays, what is made up differs as it should."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.evaluation.inputs import COMPARED, altered, inputs_table, measure_inputs
from motionlift.core.jobs import MotionLiftError
from motionlift.core.lifting.checkpoint import save_weights
from motionlift.core.lifting.network import DGNet
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26, INTERPOLATED, body_from_mediapipe
from motionlift.core.training.pairs import PairClip, Pairs

DETECTED = [index for index, joint in enumerate(BODY_26.joints) if joint not in INTERPOLATED]


def depths(clip: PairClip, source: str) -> Array:
    """The depths (F, 23) that a network is told of joints that are detected."""
    world = altered(clip, "detected", source).world_landmarks  # type: ignore[arg-type]
    assert world is not None
    told: Array = (world[..., 2] @ body_from_mediapipe().T)[:, DETECTED]
    return told - told[:, :1]


def test_a_perfect_detectors_film_is_the_true_one(clip: PairClip) -> None:
    true = altered(clip, "true", "true")
    np.testing.assert_allclose(true.pixels, clip.keypoints.pixels, atol=1e-3)
    np.testing.assert_allclose(depths(clip, "true"), depths(clip, "detected"), atol=0.02)


def test_what_is_made_up_errs_and_the_seed_decides_how(clip: PairClip) -> None:
    once, again = (altered(clip, "made up", "made up", seed=3) for _ in range(2))
    np.testing.assert_array_equal(once.pixels, again.pixels)
    other = altered(clip, "made up", "made up", seed=4)
    assert np.abs(once.pixels - other.pixels).max() > 1
    # A figure of about 300 pixels errs by some, and by no more than a limb that is guessed.
    off = np.linalg.norm(once.pixels - clip.keypoints.pixels, axis=-1)
    assert 1 < np.median(off) < 30
    assert np.abs(depths(clip, "made up") - depths(clip, "true")).mean() > 0.02


def test_depths_can_be_left_out(clip: PairClip) -> None:
    blind = altered(clip, "detected", "none")
    assert blind.world_landmarks is None
    np.testing.assert_array_equal(blind.pixels, clip.keypoints.pixels)


def test_people_of_any_size_err_alike_in_the_picture(clip: PairClip) -> None:
    """Somebody half as large at half the distance is the same picture."""
    small = replace(clip, joints_camera=clip.joints_camera / 2, height=clip.height / 2)
    np.testing.assert_allclose(
        altered(small, "made up", "none").pixels, altered(clip, "made up", "none").pixels, atol=0.05
    )


def test_who_is_not_detected_stays_so(clip: PairClip, network: DGNet) -> None:
    gone = np.arange(len(clip)) < 10
    pixels = np.where(gone[:, None, None], np.nan, clip.keypoints.pixels)
    lost = replace(clip, keypoints=replace(clip.keypoints, detected=~gone, pixels=pixels))
    made = altered(lost, "made up", "made up")
    assert np.isnan(made.pixels[gone]).all()
    assert np.isfinite(made.pixels[~gone]).all()
    assert np.isfinite(measure_inputs(lost, network, device="cpu").mpjpe).all()
    nobody = replace(clip, keypoints=replace(clip.keypoints, detected=np.zeros(len(clip), bool)))
    with pytest.raises(MotionLiftError) as caught:
        measure_inputs(nobody, network)
    assert caught.value.code == "bad_pairs"


def test_the_table_has_a_row_for_each(clip: PairClip, network: DGNet) -> None:
    measured = measure_inputs(clip, network, device="cpu")
    table = inputs_table([measured, measured], "tiny")
    assert [row[:2] for row in table.rows] == list(COMPARED)
    assert table.rows[0][2] == pytest.approx(measured.mpjpe[0])
    # A network that is not told depths errs alike whatever they are.
    detected = [row[2] for row in table.rows if row[0] == "detected"]
    assert detected == pytest.approx([detected[0]] * 4)


def test_the_command(run: Callable[..., tuple[int, str, str]], clip: PairClip, network: DGNet, tmp_path: Path) -> None:
    Pairs((clip,), 0, 1.0).save(tmp_path / "pairs.npz")
    weights = tmp_path / "tiny.safetensors"
    save_weights(weights, network, {})
    code, shown, errors = run(
        "evaluate", "inputs", tmp_path / "pairs.npz", "--weights", weights, "-o", tmp_path / "t.md"
    )
    assert code == 0, errors
    assert "| made up | made up |" in shown
    assert "tiny.safetensors" in (tmp_path / "t.md").read_text("utf-8")
