"""Where the network runs."""

from __future__ import annotations

import pytest
import torch

from motionlift.core.jobs import UsageError
from motionlift.core.lifting.device import available_devices, choose_device


def test_automatic_is_the_best_there_is() -> None:
    assert choose_device("auto").type == available_devices()[0]
    assert choose_device("cpu") == torch.device("cpu")


def test_a_device_that_cannot_compute_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a build of PyTorch has no kernels for the GPU that it finds: this one has none for a Mac's."""
    if "mps" in available_devices():
        pytest.skip("mps is here")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert "mps" in available_devices()
    assert choose_device("auto").type != "mps"
    # Who asks for it gets it, and is told what is wrong with it.
    assert choose_device("mps").type == "mps"


@pytest.mark.parametrize("name", ["gpu", "", "cpu:1", "cuda:x", "mps:0:1"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_device(name)
    assert caught.value.code == "unknown_device"


@pytest.mark.parametrize("name", ["cuda", "mps", "cuda:99"])
def test_a_missing_device_is_said_to_be_missing(name: str) -> None:
    if name in available_devices():
        pytest.skip(f"{name} is here")
    with pytest.raises(UsageError) as caught:
        choose_device(name)
    assert caught.value.code == "device_missing"
    assert "cpu" in caught.value.hint
