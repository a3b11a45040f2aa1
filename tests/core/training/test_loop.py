"""Training for real, for seconds: it learns, it resumes, it refuses what does not belong together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.core.camera import intrinsics, project
from motionlift.core.jobs import MotionLiftError, UsageError
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.lifting.checkpoint import load_weights
from motionlift.core.skeleton import MEDIAPIPE_33, REFERENCE_HEIGHT
from motionlift.core.training.loop import Session, _start, is_validation, train
from motionlift.core.training.mocap import QUANTUM, PackedTakes, pack_folder
from motionlift.core.training.pairs import PairClip, Pairs
from motionlift.core.training.settings import TrainSettings


def settings(folder: Path, minutes: float, channels: int = 8) -> TrainSettings:
    return TrainSettings(
        data=(folder / "set.npz",),
        output=folder / "weights.safetensors",
        state=folder / "run",
        minutes=minutes,
        planned_minutes=1,
        channels=channels,
        blocks=1,
        windows=16,
        evaluate_every=5,
        threads=1,
        device="cpu",
    )


def test_it_learns_resumes_and_keeps_the_best(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    first = train(settings(tmp_path, 0.04))
    assert first.history[-1]["mpjpe_mm"] < first.history[0]["mpjpe_mm"]
    second = train(settings(tmp_path, 0.02))
    assert second.step > first.step
    assert second.seconds > first.seconds
    assert second.history[: len(first.history)] == first.history
    assert second.best == pytest.approx(min(row["mpjpe_mm"] for row in second.history))
    assert load_weights(tmp_path / "weights.safetensors", "cpu").config.channels == 8
    with pytest.raises(MotionLiftError, match="another channels") as caught:
        train(settings(tmp_path, 0.01, channels=16))
    assert caught.value.code == "bad_checkpoint"


@pytest.mark.parametrize("encoder", [0, 16])
def test_a_session_that_is_stopped_at_once_leaves_nothing(takes: PackedTakes, tmp_path: Path, encoder: int) -> None:
    takes.save(tmp_path / "set.npz")
    plan = replace(settings(tmp_path, 1), encoder_width=encoder, frames=4)
    assert not train(plan, Session(stopped=lambda: True)).history
    assert not plan.output.exists()
    assert train(replace(plan, minutes=0.02)).history


def test_a_state_of_something_else_is_refused(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    (tmp_path / "run" / "network").mkdir(parents=True)
    (tmp_path / "run" / "network" / "current.json").write_bytes(b"not a state")
    with pytest.raises(MotionLiftError) as caught:
        train(settings(tmp_path, 0.01))
    assert caught.value.code == "bad_checkpoint"


def test_no_time_and_no_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        train(settings(tmp_path, 0))
    with pytest.raises(MotionLiftError) as caught:
        pack_folder(tmp_path)
    assert caught.value.code == "no_training_data"
    (tmp_path / "set.npz").write_bytes(b"x")
    with pytest.raises(MotionLiftError) as caught:
        train(settings(tmp_path, 0.01))
    assert caught.value.code == "bad_training_data"


def test_a_training_that_diverged_says_so(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    with pytest.raises(MotionLiftError) as caught:
        train(replace(settings(tmp_path, 1), planned_minutes=0, steps=3, learning_rate=1e12))
    assert caught.value.code == "diverged"
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.parametrize("encoder", [0, 16])
def test_a_run_that_is_done_writes_its_weights_where_they_are_asked_for(
    takes: PackedTakes, tmp_path: Path, encoder: int
) -> None:
    takes.save(tmp_path / "set.npz")
    plan = replace(settings(tmp_path, 1), planned_minutes=0, steps=4, encoder_steps=4, encoder_width=encoder,
                   encoder_blocks=1, encoder_windows=16)  # fmt: skip
    train(plan)
    train(replace(plan, output=tmp_path / "elsewhere.safetensors"))
    first, second = (load_weights(tmp_path / f"{name}.safetensors").state_dict() for name in ("weights", "elsewhere"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_takes_that_are_all_for_testing_are_refused(takes: PackedTakes, tmp_path: Path) -> None:
    replace(takes, parts=("test",) * 4).save(tmp_path / "set.npz")
    with pytest.raises(MotionLiftError) as caught:
        train(settings(tmp_path, 0.01))
    assert caught.value.code == "no_training_data"


def test_the_encoder_learns_alone_then_with_the_graph(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    plan = replace(
        settings(tmp_path, 0.02), planned_minutes=0.04, depth=True, encoder_width=32, encoder_blocks=1,
        encoder_share=0.5, encoder_windows=32,
    )  # fmt: skip
    alone = train(plan)
    network = load_weights(tmp_path / "weights.safetensors")
    assert network.config.cues == ("depth",)
    inputs = torch.randn(2, 4, 26, 3, generator=torch.Generator().manual_seed(0))
    assert network.encoder is not None
    # The graph has not learned yet: what comes out is the guess.
    assert torch.allclose(network(inputs), network.encoder(inputs))
    together = train(plan)
    assert together.history != alone.history
    assert together.history[-1]["mpjpe_mm"] < alone.history[0]["mpjpe_mm"]


def test_sessions_add_up_to_one_long_run(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    plan = replace(
        settings(tmp_path, 1), planned_minutes=0, steps=6, encoder_steps=6, depth=True, encoder_width=16,
        encoder_blocks=1, encoder_windows=16, evaluate_every=1, output=tmp_path / "whole.safetensors",
        state=tmp_path / "whole",
    )  # fmt: skip
    whole = train(plan)
    parts = replace(plan, output=tmp_path / "parts.safetensors", state=tmp_path / "parts", minutes=1e-6)
    sessions = 0
    while (found := train(parts)).step < 6 or sessions < 7:
        sessions += 1
        assert sessions < 20
    assert sessions > 10
    ours, theirs = (load_weights(path).state_dict() for path in (parts.output, plan.output))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert found.history[-1]["mpjpe_mm"] == whole.history[-1]["mpjpe_mm"]


def test_a_run_begins_with_given_weights(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    first = train(replace(settings(tmp_path, 1), planned_minutes=0, steps=30))
    again = replace(
        settings(tmp_path, 1), planned_minutes=0, steps=5, start=tmp_path / "weights.safetensors",
        state=tmp_path / "second", output=tmp_path / "second.safetensors", learning_rate=1e-6,
    )  # fmt: skip
    assert train(again).history[0]["mpjpe_mm"] < (first.best + first.history[0]["mpjpe_mm"]) / 2
    with pytest.raises(UsageError) as caught:
        train(replace(again, channels=16, state=tmp_path / "third"))
    assert caught.value.code == "other_network"


def test_cues_may_be_added_to_given_weights(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    plan = replace(
        settings(tmp_path, 1),
        planned_minutes=0,
        steps=2,
        encoder_steps=2,
        depth=True,
        encoder_width=16,
        encoder_blocks=1,
    )
    train(plan)
    more = replace(plan, confidence=True, start=plan.output)
    before, after = load_weights(plan.output), _start(more).eval()
    inputs = torch.randn(2, 4, 26, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(before(inputs[..., :3]), after(inputs), atol=1e-5)


def test_films_are_learned_from_and_measured_on(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    clips = tuple(_film(takes, f"{number:02d}.bvh") for number in range(30))
    held = [clip.name for clip in clips if is_validation(clip)]
    assert 0 < len(held) < 10
    Pairs(clips, 0, 3.0).save(tmp_path / "pairs.npz")
    plan = replace(
        settings(tmp_path, 1), planned_minutes=0, steps=10, depth=True, confidence=True,
        pairs=(tmp_path / "pairs.npz",), pairs_share=0.5,
    )  # fmt: skip
    first, last = train(plan).history
    assert list(first)[4] == "filmed_mm"
    assert last["filmed_mm"] < first["filmed_mm"]


def _film(takes: PackedTakes, name: str) -> PairClip:
    joints = QUANTUM * takes.points[:60].astype(float) @ np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
    joints[..., 2] += 5.0
    K = intrinsics((640, 480), 55.0)
    keypoints = Keypoints2D(
        np.arange(60) / 30, project(joints, K), np.ones((60, 26)), np.ones(60, bool), (640, 480),
        np.zeros((60, len(MEDIAPIPE_33), 3)),
    )  # fmt: skip
    return PairClip(keypoints, joints, K, REFERENCE_HEIGHT, name)


def test_logs_hold_every_evaluation(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    plan = replace(settings(tmp_path, 1), planned_minutes=0, steps=10)
    history = train(plan).history
    header, *rows = (tmp_path / "run" / "network-log" / "log.csv").read_text().splitlines()
    assert header.split(",")[:4] == ["step", "minutes", "rate", "loss"]
    assert [float(row.split(",")[0]) for row in rows] == [row["step"] for row in history] == [5, 10]


def test_no_file_of_a_run_is_large(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    train(replace(settings(tmp_path, 1), planned_minutes=0, steps=1, encoder_steps=1, encoder_width=1500))
    sizes = [path.stat().st_size for path in (tmp_path / "run").rglob("*.safetensors")]
    assert sum(sizes) > 2 * 16 * 2**20
    assert max(sizes) < 16 * 2**20
