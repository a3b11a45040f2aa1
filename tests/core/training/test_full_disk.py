"""A disk that takes no more: training says so, and what was there before still counts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from motionlift.core.evaluation.run_files import save_network
from motionlift.core.jobs import MotionLiftError
from motionlift.core.lifting.checkpoint import load_weights, save_weights
from motionlift.core.lifting.network import DGNet, DGNetConfig
from motionlift.core.training.logs import open_logs
from motionlift.core.training.state import Progress, TrainingState

resource = pytest.importorskip("resource", reason="Windows limits no files")


@contextlib.contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to make files larger, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_weights(tmp_path: Path) -> None:
    network, path = DGNet(DGNetConfig(channels=8, blocks=1)), tmp_path / "weights.safetensors"
    save_weights(path, network, {})
    for save in (save_weights, save_network):
        with _files_of_at_most(1000), pytest.raises(MotionLiftError) as caught:
            save(path, network, {})
        assert caught.value.code == "write_failed"
        assert "space" in caught.value.hint
        assert load_weights(path).config.channels == 8
        assert list(tmp_path.iterdir()) == [path]


def _state(value: float) -> TrainingState[nn.Linear]:
    network, average = nn.Linear(100, 100), nn.Linear(100, 100)
    nn.init.constant_(average.weight, value)
    optimiser = torch.optim.AdamW(network.parameters())
    return TrainingState(network, average, optimiser, torch.Generator(), Progress(step=int(value)))


def test_a_state(tmp_path: Path) -> None:
    _state(1).save(tmp_path, {})
    with _files_of_at_most(10_000), pytest.raises(MotionLiftError) as caught:
        _state(2).save(tmp_path, {})
    assert caught.value.code == "write_failed"
    assert [folder.name for folder in tmp_path.glob("step-*")] == ["step-1"], "half a state takes no room"
    found = _state(3)
    found.load(tmp_path, {})
    assert found.progress.step == 1
    assert float(found.average.weight.detach()[0, 0]) == 1


def test_a_file_in_the_place_of_the_logs(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(MotionLiftError) as caught, open_logs(tmp_path / "run" / "network-log"):
        pass
    assert caught.value.code == "write_failed"
